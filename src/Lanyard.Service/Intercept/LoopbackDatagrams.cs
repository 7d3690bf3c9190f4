using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard.Service.Intercept;

/// <summary>
/// The one UDP socket that all datagrams of programs come to and leave from: on every loopback address, so that each address can stand for another
/// sender or receiver (<c>ip(7)</c>, <c>IP_PKTINFO</c>).
/// </summary>
internal sealed unsafe class LoopbackDatagrams : IDisposable
{
    public const int MaxDatagram = 65_507;

    private const int SoBindToDevice = 25;
    private const int IpProtocol = 0;
    private const int IpPacketInfo = 8;
    private const int BufferBytes = 4 << 20;

    // struct cmsghdr and struct in_pktinfo: where a datagram came to, or is to come from.
    private const int ControlBytes = 32;
    private const int ControlLength = 28;
    private const int HeaderBytes = 16;
    private const int NameBytes = 16;

    private readonly Socket _socket;
    private readonly Receiver _receive;
    private readonly Thread _thread;
    private volatile bool _isDisposed;

    public LoopbackDatagrams(Receiver receive)
    {
        _receive = receive;
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        _socket.SetRawSocketOption(Libc.SolSocket, SoBindToDevice, "lo\0"u8);
        _socket.SetRawSocketOption(IpProtocol, IpPacketInfo, [1, 0, 0, 0]);
        _socket.ReceiveBufferSize = BufferBytes;
        _socket.SendBufferSize = BufferBytes;
        _socket.Bind(new IPEndPoint(IPAddress.Any, 0));
        Port = (ushort)((IPEndPoint)_socket.LocalEndPoint!).Port;
        _thread = new Thread(Receive) { IsBackground = true, Name = "Lanyard programs' datagrams" };
        _thread.Start();
    }

    /// <summary>Takes a datagram of a program. It must be quick, and must not keep the bytes.</summary>
    public delegate void Receiver(InetEndpoint near, InetAddress far, ReadOnlySpan<byte> payload);

    /// <summary>The port, of every loopback address.</summary>
    public ushort Port { get; }

    /// <summary>Sends a datagram to a program's socket. What it has no room for is dropped, as datagrams are.</summary>
    public void Send(InetAddress far, InetEndpoint near, ReadOnlySpan<byte> payload)
    {
        var name = stackalloc byte[NameBytes];
        new Span<byte>(name, NameBytes).Clear();
        *(ushort*)name = (ushort)AddressFamily.InterNetwork;
        BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(name + 2, 2), near.Port);
        near.Address.Write(new Span<byte>(name + 4, 4));
        var control = stackalloc byte[ControlBytes];
        new Span<byte>(control, ControlBytes).Clear();
        *(nuint*)control = ControlLength;
        *(int*)(control + 8) = IpProtocol;
        *(int*)(control + 12) = IpPacketInfo;
        far.Write(new Span<byte>(control + HeaderBytes + 4, 4));
        fixed (byte* bytes = payload)
        {
            var extent = new Libc.Extent { Base = (nuint)bytes, Length = (nuint)payload.Length };
            var message = Describe(name, &extent, control);
            _ = Libc.SendMessage(_socket.SafeHandle, &message, 0);
        }
    }

    public void Dispose()
    {
        _isDisposed = true;
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // It says that it is not connected, and wakes the thread all the same.
        }

        _thread.Join();
        _socket.Dispose();
    }

    private static Libc.Message Describe(byte* name, Libc.Extent* extent, byte* control) => new()
    {
        Name = (nuint)name,
        NameLength = NameBytes,
        Extents = (nuint)extent,
        ExtentCount = 1,
        Control = (nuint)control,
        ControlLength = ControlBytes,
    };

    private void Receive()
    {
        var buffer = new byte[MaxDatagram + 1];
        var name = stackalloc byte[NameBytes];
        var control = stackalloc byte[ControlBytes];
        fixed (byte* bytes = buffer)
        {
            while (!_isDisposed)
            {
                var extent = new Libc.Extent { Base = (nuint)bytes, Length = (nuint)buffer.Length };
                var message = Describe(name, &extent, control);
                var count = Libc.ReceiveMessage(_socket.SafeHandle, &message, 0);
                if (count < 0 || message.ControlLength < ControlLength || *(int*)(control + 12) != IpPacketInfo)
                    continue;
                var near = new InetEndpoint(InetAddress.FromBytes(new ReadOnlySpan<byte>(name + 4, 4)), BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(name + 2, 2)));
                // Behind the interface's number and the local address, the address in the header.
                var far = InetAddress.FromBytes(new ReadOnlySpan<byte>(control + HeaderBytes + 8, 4));
                _receive(near, far, new ReadOnlySpan<byte>(bytes, (int)count));
            }
        }
    }
}
