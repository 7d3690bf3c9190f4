using System.Net;
using System.Net.Sockets;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>
/// The service's TCP sockets for virtual connections. A program's loopback connection must stay pending until the virtual connection is open: it goes to a port
/// whose accept queue is full, so the kernel drops the SYN and the program's socket stays in SYN-SENT. A connection from that
/// port to the program's socket then completes it (simultaneous open, RFC 9293 section 3.5). So the kernel handles waiting, polling, timeouts and errors.
/// </summary>
internal sealed class LoopbackSockets : IDisposable
{
    private const int SoReusePort = 15;
    private const int SoBindToDevice = 25;
    private const int ProtocolIp = 0;
    private const int IpMinTtl = 21;

    private readonly Socket _blackHole;
    private readonly Socket _waiting;

    public LoopbackSockets()
    {
        _blackHole = Create(new InetEndpoint(InetAddress.AnyV4, 0), isShared: true, out var bound);
        _blackHole.Listen(0);
        BlackHolePort = bound.Port;
        // The only connection that the accept queue holds.
        _waiting = Create(new InetEndpoint(InetAddress.FromV4(0x7f000001), 0), isShared: false, out _);
        _waiting.Connect(new IPEndPoint(IPAddress.Loopback, BlackHolePort));
    }

    /// <summary>The black-hole port, on every loopback address, for pending connections.</summary>
    public ushort BlackHolePort { get; }

    /// <summary>Creates a TCP socket at a loopback alias address, on a port that no other socket of the machine can bind. Closing it resets its connection.</summary>
    public static Socket CreateExclusive(InetAddress far, out ushort port)
    {
        var socket = CreateFor(new InetEndpoint(far, 0), isShared: false, out var bound);
        port = bound.Port;
        return socket;
    }

    /// <summary>Creates a TCP socket at a loopback alias address, on the black-hole port, which only sockets of this user can bind.</summary>
    public Socket CreateWaiting(InetAddress far) => CreateFor(new InetEndpoint(far, BlackHolePort), isShared: true, out _);

    /// <summary>
    /// Sets whether the kernel drops all segments to a socket of the service. Loopback segments never have the minimum TTL that the option then demands.
    /// </summary>
    public static void SetBlackHole(Socket socket, bool isBlackHole) => socket.SetRawSocketOption(ProtocolIp, IpMinTtl, [(byte)(isBlackHole ? byte.MaxValue : 0), 0, 0, 0]);

    /// <summary>
    /// Fails a connection that is pending at the black-hole port, without ever opening it. A SYN takes the program's socket to SYN-RECEIVED, in which it is not
    /// writable; the kernel drops the socket's SYN-ACK. A second SYN, from another socket with the same port, draws an ACK with the number of the first connection (RFC
    /// 5961 section 4). The kernel answers that ACK with a reset.
    /// </summary>
    public unsafe void Refuse(InetAddress far, InetEndpoint near)
    {
        var name = stackalloc byte[SocketName.MaxBytes];
        var length = SocketName.Write(near, Libc.DomainV4, new Span<byte>(name, SocketName.MaxBytes));
        try
        {
            for (var i = 0; i < 2; i++)
            {
                using var socket = CreateWaiting(far);
                socket.Blocking = false;
                if (i == 0)
                    SetBlackHole(socket, true);
                // Fails if the program's socket is closed.
                _ = Libc.Connect((int)socket.Handle, name, length);
            }
        }
        catch (SocketException)
        {
            // No descriptor is available. The connection attempt times out in the program's kernel.
        }
    }

    /// <summary>Returns whether a socket is bound to a near end.</summary>
    public static unsafe bool IsBound(InetEndpoint near, InterceptSocketType type)
    {
        // A socket without SO_REUSEADDR fails to bind even if the other socket allows sharing.
        var descriptor = Libc.Socket(Libc.DomainV4, (type == InterceptSocketType.Stream ? Libc.StreamType : Libc.DatagramType) | Libc.CloseOnExec, 0);
        if (descriptor < 0)
            return true;
        var name = stackalloc byte[SocketName.MaxBytes];
        var length = SocketName.Write(near, Libc.DomainV4, new Span<byte>(name, SocketName.MaxBytes));
        var isBound = Libc.Bind(descriptor, name, length) != 0 && Libc.Error == Errno.AddressInUse;
        _ = Libc.Close(descriptor);
        return isBound;
    }

    public void Dispose()
    {
        _blackHole.Dispose();
        _waiting.Dispose();
    }

    private static Socket CreateFor(InetEndpoint far, bool isShared, out InetEndpoint bound)
    {
        var socket = Create(far, isShared, out bound);
        try
        {
            socket.NoDelay = true;
            // Virtual connections carry no urgent data. Urgent data that a program sends past the interposed calls becomes ordinary data.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.OutOfBandInline, true);
            // If this process dies, programs see a reset instead of a normal end of data.
            socket.LingerState = new LingerOption(true, 0);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // Binds with libc, because .NET would allow other users' sockets to share the port (SO_REUSEADDR). SO_REUSEPORT shares among sockets of one user only. A socket
    // that is bound to no interface blocks its port on every interface.
    private static unsafe Socket Create(InetEndpoint endpoint, bool isShared, out InetEndpoint bound)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (isShared)
            {
                socket.SetRawSocketOption(Libc.SolSocket, SoReusePort, [1, 0, 0, 0]);
                socket.SetRawSocketOption(Libc.SolSocket, SoBindToDevice, "lo\0"u8);
            }

            var descriptor = (int)socket.Handle;
            var name = stackalloc byte[SocketName.MaxBytes];
            var length = SocketName.Write(endpoint, Libc.DomainV4, new Span<byte>(name, SocketName.MaxBytes));
            if (Libc.Bind(descriptor, name, length) != 0 || Libc.GetSocketName(descriptor, name, &length) != 0)
                throw new SocketException(Libc.Error == Errno.AddressInUse ? (int)SocketError.AddressAlreadyInUse : (int)SocketError.SocketError);
            _ = SocketName.TryRead(new ReadOnlySpan<byte>(name, length), out bound);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
