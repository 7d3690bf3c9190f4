using System.Net;
using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard.Service.Intercept;

/// <summary>
/// Sockets of the system for virtual connections. A program's connection is to reach nobody until the virtual one has come about: it goes to a port
/// where nobody accepts and there is no more room to wait, so that it is ignored and stays in SYN-SENT; and is then met by a connection from that very
/// port to the program's (simultaneous open, RFC 9293 section 3.5). So waiting, polling, time-outs and errors are the system's own.
/// </summary>
internal sealed class LoopbackSockets : IDisposable
{
    private const int SoReuseAddress = 2;
    private const int SoReusePort = 15;
    private const int SoBindToDevice = 25;

    private readonly Socket _silent = Create();
    private readonly Socket _waiting = Create();

    public LoopbackSockets()
    {
        _silent.Bind(new IPEndPoint(IPAddress.Any, 0));
        _silent.Listen(0);
        SilentPort = (ushort)((IPEndPoint)_silent.LocalEndPoint!).Port;
        // The one that has room.
        _waiting.Connect(new IPEndPoint(IPAddress.Loopback, SilentPort));
    }

    /// <summary>The port, of every loopback address, where connections wait.</summary>
    public ushort SilentPort { get; }

    /// <summary>A TCP socket bound to a loopback address; port 0 leaves that to the system. Closing it resets its connection.</summary>
    public static Socket Bound(InetAddress address, ushort port)
    {
        var socket = Create();
        try
        {
            socket.NoDelay = true;
            // If this process dies, programs see a reset, and do not take it for the end of what they are sent.
            socket.LingerState = new LingerOption(true, 0);
            socket.Bind(new IPEndPoint(address.ToIPAddress(), port));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Whether a socket of some program is bound to an address that stands for its end.</summary>
    public static unsafe bool IsBound(InetEndpoint near, InterceptSocketType type)
    {
        // One that shares no address with anybody (SO_REUSEADDR), whatever the other would share.
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
        _silent.Dispose();
        _waiting.Dispose();
    }

    private static Socket Create()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.SetRawSocketOption(Libc.SolSocket, SoReuseAddress, [1, 0, 0, 0]);
            socket.SetRawSocketOption(Libc.SolSocket, SoReusePort, [1, 0, 0, 0]);
            socket.SetRawSocketOption(Libc.SolSocket, SoBindToDevice, "lo\0"u8);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
