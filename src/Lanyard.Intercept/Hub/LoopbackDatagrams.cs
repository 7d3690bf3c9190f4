using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>
/// The service's UDP socket for all datagrams to and from programs. It is on every loopback address, so that each address can represent another sender or receiver
/// (<c>ip(7)</c>, <c>IP_PKTINFO</c>). Datagrams carry tokens as IP options (<see cref="SocketTokens"/>). No other socket can bind the port, even on another address or
/// interface.
/// </summary>
internal sealed unsafe class LoopbackDatagrams : IDisposable
{
    public const int MaxDatagram = 65_507;

    private const string Interface = "lo";
    private const int IpProtocol = 0;
    private const int IpReceiveOptions = 6; // IP_RECVOPTS
    private const int IpSendOptions = 7; // IP_RETOPTS
    private const int IpPacketInfo = 8;
    private const int BufferBytes = 4 << 20;

    // struct cmsghdr, followed by struct in_pktinfo with a received datagram's destination or a sent datagram's source, or by IP options of up to 40 bytes.
    private const int HeaderBytes = 16;
    private const int PacketInfoBytes = 12;
    private const int PacketInfoRoom = 32;
    private const int SendControlBytes = PacketInfoRoom + HeaderBytes + SocketTokens.OptionsBytes;
    private const int ReceiveControlBytes = PacketInfoRoom + HeaderBytes + 40;
    private const int NameBytes = 16;

    private readonly Socket _socket;
    private readonly Receiver _receive;
    private readonly Thread _thread;
    private volatile bool _isDisposed;

    /// <param name="receive">The receiver of programs' datagrams.</param>
    /// <param name="port">
    /// The port of the previous service process, which sockets are connected to; 0 for none. If the port is in use, the service uses another port.
    /// </param>
    public LoopbackDatagrams(Receiver receive, ushort port)
    {
        _receive = receive;
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        // Not SO_BINDTODEVICE: then sockets on another interface could bind the port and send over this interface.
        if (SocketFilter.Attach((int)_socket.Handle, SocketFilter.OfInterface((int)Libc.InterfaceIndex(Interface))) is var error and not 0)
            throw new IOException(string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"The kernel refuses a filter on the service's UDP socket (error {error}), without which other users could send datagrams as programs."));
        _socket.SetRawSocketOption(IpProtocol, IpPacketInfo, [1, 0, 0, 0]);
        _socket.SetRawSocketOption(IpProtocol, IpReceiveOptions, [1, 0, 0, 0]);
        _socket.ReceiveBufferSize = BufferBytes;
        _socket.SendBufferSize = BufferBytes;
        try
        {
            _socket.Bind(new IPEndPoint(IPAddress.Any, port));
        }
        catch (SocketException) when (port != 0)
        {
            _socket.Bind(new IPEndPoint(IPAddress.Any, 0));
        }

        Port = (ushort)((IPEndPoint)_socket.LocalEndPoint!).Port;
        _thread = new Thread(Receive) { IsBackground = true, Name = "Lanyard programs' datagrams" };
        _thread.Start();
    }

    /// <summary>Receives a program's datagram. Must not block or keep the bytes.</summary>
    /// <param name="near">The source address and port.</param>
    /// <param name="far">The destination address.</param>
    /// <param name="options">The IP options.</param>
    /// <param name="payload">The payload.</param>
    public delegate void Receiver(InetEndpoint near, InetAddress far, ReadOnlySpan<byte> options, ReadOnlySpan<byte> payload);

    /// <summary>The port, on every loopback address.</summary>
    public ushort Port { get; }

    /// <summary>Sends a datagram to a program's socket. Drops it if the socket's buffer is full.</summary>
    public void Send(InetAddress far, InetEndpoint near, ReadOnlySpan<byte> options, ReadOnlySpan<byte> payload)
    {
        var name = stackalloc byte[NameBytes];
        new Span<byte>(name, NameBytes).Clear();
        *(ushort*)name = (ushort)AddressFamily.InterNetwork;
        BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(name + 2, 2), near.Port);
        near.Address.Write(new Span<byte>(name + 4, 4));
        var control = stackalloc byte[SendControlBytes];
        new Span<byte>(control, SendControlBytes).Clear();
        WriteHead(control, IpPacketInfo, PacketInfoBytes);
        far.Write(new Span<byte>(control + HeaderBytes + 4, 4));
        WriteHead(control + PacketInfoRoom, IpSendOptions, options.Length);
        options.CopyTo(new Span<byte>(control + PacketInfoRoom + HeaderBytes, SocketTokens.OptionsBytes));
        fixed (byte* bytes = payload)
        {
            var vector = new Libc.IoVector { Base = (nuint)bytes, Length = (nuint)payload.Length };
            var message = Describe(name, &vector, control, SendControlBytes);
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
            // Fails with ENOTCONN, but wakes the thread.
        }

        _thread.Join();
        _socket.Dispose();
    }

    private static void WriteHead(byte* control, int type, int count)
    {
        *(nuint*)control = (nuint)(HeaderBytes + count);
        *(int*)(control + 8) = IpProtocol;
        *(int*)(control + 12) = type;
    }

    // Returns the control message of a type; an empty span if there is none.
    private static ReadOnlySpan<byte> Find(byte* control, nuint length, int type)
    {
        for (nuint at = 0; at + HeaderBytes <= length;)
        {
            var size = *(nuint*)(control + at);
            if (size < HeaderBytes || size > length - at)
                break;
            if (*(int*)(control + at + 8) == IpProtocol && *(int*)(control + at + 12) == type)
                return new ReadOnlySpan<byte>(control + at + HeaderBytes, (int)size - HeaderBytes);
            at += (size + 7) & ~(nuint)7;
        }

        return default;
    }

    private static Libc.Message Describe(byte* name, Libc.IoVector* vector, byte* control, int controlBytes) => new()
    {
        Name = (nuint)name,
        NameLength = NameBytes,
        IoVectors = (nuint)vector,
        IoVectorCount = 1,
        Control = (nuint)control,
        ControlLength = (nuint)controlBytes,
    };

    private void Receive()
    {
        var buffer = new byte[MaxDatagram + 1];
        var name = stackalloc byte[NameBytes];
        var control = stackalloc byte[ReceiveControlBytes];
        fixed (byte* bytes = buffer)
        {
            while (!_isDisposed)
            {
                var vector = new Libc.IoVector { Base = (nuint)bytes, Length = (nuint)buffer.Length };
                var message = Describe(name, &vector, control, ReceiveControlBytes);
                var count = Libc.ReceiveMessage(_socket.SafeHandle, &message, 0);
                if (count < 0 || Find(control, message.ControlLength, IpPacketInfo) is not { Length: PacketInfoBytes } info)
                    continue;
                var near = new InetEndpoint(InetAddress.FromBytes(new ReadOnlySpan<byte>(name + 4, 4)), BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(name + 2, 2)));
                // The destination follows the interface index and the local address.
                var far = InetAddress.FromBytes(info.Slice(8, 4));
                _receive(near, far, Find(control, message.ControlLength, IpReceiveOptions), new ReadOnlySpan<byte>(bytes, (int)count));
            }
        }
    }
}
