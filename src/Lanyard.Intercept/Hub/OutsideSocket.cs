using System.Net;
using System.Net.Sockets;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Lanyard.Intercept.Hub;

/// <summary>
/// A socket on the system's network for a program's socket on a loopback alias address, from which the kernel sends nothing to that network. It carries the program's
/// datagrams and the replies. The program creates it and hands it to the service, so the system counts it as a socket of the program's user.
/// </summary>
/// <remarks>The program may keep a duplicate and make the socket blocking at any time, so no call on it may block.</remarks>
internal sealed unsafe class OutsideSocket : IDisposable
{
    // The maximum number of accepted senders for each socket. Beyond it, the oldest makes room.
    private const int MaxAcceptedSenders = 4_096;

    // The maximum number of datagrams in one turn, so that other sockets get a turn.
    private const int MaxDatagramsInTurn = 64;

    private const ushort FirstUnprivilegedPort = 1_024;

    private readonly Datagrams _datagrams;
    private readonly ProgramSocket _program;
    private readonly SafeFileHandle _socket;
    private readonly int _domain;
    private readonly ushort _port;
    private readonly Lock _lock = new();
    private readonly HashSet<InetAddress> _acceptedSenders = [];
    private readonly Queue<InetAddress> _sendersInOrder = new();
    private bool _acceptsAllSenders;

    private OutsideSocket(Datagrams datagrams, ProgramSocket program, SocketDescriptor socket, ushort port)
    {
        _datagrams = datagrams;
        _program = program;
        _domain = socket.Domain;
        _port = port;
        _acceptsAllSenders = socket.Broadcasts;
        Number = socket.Release();
        _socket = new SafeFileHandle(Number, ownsHandle: true);
    }

    /// <summary>The file descriptor.</summary>
    public int Number { get; }

    /// <summary>Takes over a program's socket; returns null if the socket cannot carry datagrams.</summary>
    /// <param name="datagrams">The receiver of datagrams.</param>
    /// <param name="program">The program's socket on the virtual networks.</param>
    /// <param name="descriptor">The socket on the system's network. On success, the new object owns it.</param>
    public static OutsideSocket? TryCreate(Datagrams datagrams, ProgramSocket program, SocketDescriptor descriptor)
    {
        if (descriptor.Type != InterceptSocketType.Datagram || !descriptor.TryGetNear(out var near) || near.Port != 0 || descriptor.User != program.User)
            return null;

        // Prefer the program's virtual port if it is free on the system's network. The service binds no privileged port for a program.
        // A dual-stack socket gets addresses of both families.
        var port = program.Local.Port >= FirstUnprivilegedPort ? program.Local.Port : (ushort)0;
        if ((port == 0 || descriptor.BindToSystem(port) != 0) && descriptor.BindToSystem(0) != 0)
            return null;
        if (!descriptor.TryGetNear(out near))
            return null;
        return new OutsideSocket(datagrams, program, descriptor, near.Port);
    }

    /// <summary>Sends a datagram. Drops it if it cannot be sent.</summary>
    public void Send(InetEndpoint remote, ReadOnlySpan<byte> payload)
    {
        AcceptSender(remote.Address);
        var name = stackalloc byte[SocketName.MaxBytes];
        var nameLength = SocketName.Write(remote, _domain, new Span<byte>(name, SocketName.MaxBytes));
        fixed (byte* bytes = payload)
        {
            var vector = new Libc.IoVector { Base = (nuint)bytes, Length = (nuint)payload.Length };
            var message = new Libc.Message { Name = (nuint)name, NameLength = nameLength, IoVectors = (nuint)(&vector), IoVectorCount = 1 };
            try
            {
                _ = Libc.SendMessage(_socket, &message, Libc.DoNotWait | Libc.NoSignal);
            }
            catch (ObjectDisposedException)
            {
                // The program's socket is closed.
            }
        }
    }

    /// <summary>Receives the queued datagrams, up to the limit of one turn.</summary>
    /// <param name="buffer">A buffer that is larger than the longest datagram.</param>
    /// <exception cref="ObjectDisposedException">The program's socket is closed.</exception>
    public void Receive(byte[] buffer)
    {
        var name = stackalloc byte[SocketName.MaxBytes];
        fixed (byte* bytes = buffer)
        {
            for (var i = 0; i < MaxDatagramsInTurn; i++)
            {
                var vector = new Libc.IoVector { Base = (nuint)bytes, Length = (nuint)buffer.Length };
                var message = new Libc.Message { Name = (nuint)name, NameLength = SocketName.MaxBytes, IoVectors = (nuint)(&vector), IoVectorCount = 1 };
                var count = Libc.ReceiveMessage(_socket, &message, Libc.DoNotWait);
                if (count < 0)
                    return;
                if (SocketName.TryRead(new ReadOnlySpan<byte>(name, Math.Min(message.NameLength, SocketName.MaxBytes)), out var remote) && IsAcceptedSender(remote.Address))
                    _datagrams.ReceiveFromSystem(_program, remote, new ReadOnlySpan<byte>(bytes, (int)count));
            }
        }
    }

    /// <summary>Returns the local address and port that a destination sees; none if no route leads to it.</summary>
    public InetEndpoint LocalFor(InetEndpoint remote)
    {
        try
        {
            using var probe = new Socket(remote.Address.IsV4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
            probe.Connect(remote.ToIPEndPoint());
            return new InetEndpoint(InetAddress.FromIPAddress(((IPEndPoint)probe.LocalEndPoint!).Address), _port);
        }
        catch (SocketException)
        {
            return default;
        }
    }

    public void Dispose() => _socket.Dispose();

    // Accepts replies from an address. Any host may answer a group or a broadcast.
    private void AcceptSender(InetAddress address)
    {
        lock (_lock)
        {
            if (_acceptsAllSenders || _acceptedSenders.Contains(address))
                return;
            if (address.IsMulticast)
            {
                _acceptsAllSenders = true;
                return;
            }

            if (_acceptedSenders.Count >= MaxAcceptedSenders)
                _acceptedSenders.Remove(_sendersInOrder.Dequeue());
            _acceptedSenders.Add(address);
            _sendersInOrder.Enqueue(address);
        }
    }

    private bool IsAcceptedSender(InetAddress address)
    {
        lock (_lock)
            return _acceptsAllSenders || _acceptedSenders.Contains(address);
    }
}
