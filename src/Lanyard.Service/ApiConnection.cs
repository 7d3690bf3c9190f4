using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard.Service;

/// <summary>
/// Connects to the API of the service of a folder, ours or an existing node's, before a token is sent: only to a program of the superuser's, of this user's or of the
/// owner's of the folder or of its token, all of whom may read the token. A file that a service left behind names a port that any user may listen on by now.
/// </summary>
/// <remarks>On Linux. Elsewhere the system is not asked whose a program is, and whoever listens on the port gets the token.</remarks>
internal static class ApiConnection
{
    /// <summary>Connects.</summary>
    /// <param name="home">The service's folder.</param>
    /// <param name="port">Its TCP port on 127.0.0.1.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SocketException">Nothing listens there.</exception>
    /// <exception cref="UntrustedListenerException">Another user's program does, or the system does not say whose it is.</exception>
    public static async ValueTask<Stream> ConnectAsync(string home, int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), cancellationToken).ConfigureAwait(false);
            if (OperatingSystem.IsLinux())
                RequireTrusted(home, InetEndpoint.FromIPEndPoint((IPEndPoint)socket.LocalEndPoint!), InetEndpoint.FromIPEndPoint((IPEndPoint)socket.RemoteEndPoint!));
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Looks whose the other end is. A connection is accepted, and then its socket is the program's that did; or it is not yet, and then its listener still listens, as it
    /// would have been reset with it. So the listener is looked for first, and the accepted socket after that: whoever hides from one is seen by the other.
    /// </summary>
    private static void RequireTrusted(string home, InetEndpoint near, InetEndpoint far)
    {
        var trusted = new HashSet<uint> { SystemAccounts.Superuser, SystemAccounts.Own };
        foreach (var path in new[] { home, Path.Combine(home, AuthToken.FileName) })
        {
            if (UnixFiles.TryGetStatus(path, follow: true) is { } status)
                trusted.Add(status.User);
        }

        var hasListener = false;
        foreach (var listener in Read(far).Sockets.Where(socket => socket.State == HostSocketOwners.Listening && socket.Local.Port == far.Port
            && (socket.Local.Address == far.Address || socket.Local.Address.IsUnspecified)))
        {
            Require(listener.User);
            hasListener = true;
        }

        if (Read(far).FindUser(far, near) is { } user)
            Require(user);
        else if (!hasListener)
            throw new UntrustedListenerException(string.Create(CultureInfo.InvariantCulture,
                $"The system does not say whose program listens on TCP port {far.Port}, so the token of '{home}' was not sent to it."));

        void Require(uint user)
        {
            if (!trusted.Contains(user))
                throw new UntrustedListenerException(string.Create(CultureInfo.InvariantCulture,
                    $"A program of user {user} listens on TCP port {far.Port}, where the service of '{home}' should, so the token was not sent to it. If the service has ended, "
                    + $"remove '{Path.Combine(home, StateFiles.Port)}'."));
        }
    }

    private static HostSocketOwners Read(InetEndpoint far) => HostSocketOwners.TryReadTcp() ?? throw new UntrustedListenerException(string.Create(CultureInfo.InvariantCulture,
        $"/proc/net/tcp cannot be read, so it is not known whose program listens on TCP port {far.Port}, and the token was not sent to it."));
}

/// <summary>Thrown when the listener on a service's port is not trusted.</summary>
internal sealed class UntrustedListenerException(string message) : LanyardException(message);
