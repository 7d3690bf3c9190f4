using Lanyard.Intercept.Linux;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>
/// A socket of the service that shares the loopback alias address of a program's UDP socket. After the program closes its socket, the guard keeps the address bound
/// until the service removes the socket, so no other program can bind the address and receive late datagrams. The kernel prefers the program's socket, which is
/// bound later. A filter drops the datagrams that reach the guard.
/// </summary>
internal sealed class AliasGuard : IDisposable
{
    private static readonly FilterStep[] s_nothing = [FilterStep.Do(FilterStep.Return, 0)];

    private readonly SocketDescriptor _socket;

    private AliasGuard(SocketDescriptor socket, ulong cookie)
    {
        _socket = socket;
        Cookie = cookie;
    }

    /// <summary>The kernel's cookie of the guard socket (<c>SO_COOKIE</c>).</summary>
    public ulong Cookie { get; }

    /// <summary>Binds a program's UDP socket together with a guard. Returns 0 or an errno.</summary>
    /// <param name="program">The program's socket.</param>
    /// <param name="near">The loopback alias address and port.</param>
    /// <param name="guard">The guard; null if binding failed.</param>
    public static int Bind(SocketDescriptor program, InetEndpoint near, out AliasGuard? guard)
    {
        guard = null;
        // The guard has the family of the program's socket: the kernel prefers an IPv4 socket to an IPv6 socket.
        var descriptor = Libc.Socket(program.Domain, Libc.DatagramType | Libc.CloseOnExec, 0);
        if (descriptor < 0)
            return Libc.Error;
        var socket = new SocketDescriptor(descriptor);
        // Bind the guard exclusively first, so that no other socket is at the port. While both sockets allow sharing, no other program knows the port.
        var error = SocketFilter.Attach(descriptor, s_nothing);
        if (error == 0)
            error = socket.Bind(near);
        if (error == 0)
        {
            socket.IsReusing = true;
            error = program.Bind(near, isSharing: true);
            socket.IsReusing = false;
        }

        if (error != 0)
            socket.Dispose();
        else
            guard = new AliasGuard(socket, socket.Cookie);
        return error;
    }

    public void Dispose() => _socket.Dispose();
}
