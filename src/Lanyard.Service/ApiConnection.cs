using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Lanyard.Proxies;

namespace Lanyard.Service;

/// <summary>
/// Connects to the API of the service of a folder, ours or an existing node's, before a token is sent: only to a program of the superuser's, of this user's or of the
/// owner's of the folder or of its token, all of whom may read the token. A file that a service left behind names a port that any user may listen on by now.
/// </summary>
/// <remarks>On Linux. Elsewhere the system is not asked whose a program is, and whoever listens on the port gets the token.</remarks>
public static class ApiConnection
{
    /// <summary>The name of the file in the folder with the service's TCP port.</summary>
    public const string PortFileName = StateFiles.Port;

    /// <summary>The name of the file in the folder with the token that the API demands (header <c>X-ZT1-Auth</c>).</summary>
    public const string TokenFileName = ApiToken.FileName;

    /// <summary>Connects.</summary>
    /// <param name="home">The service's folder.</param>
    /// <param name="port">Its TCP port on 127.0.0.1.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The connection.</returns>
    /// <exception cref="SocketException">Nothing listens there.</exception>
    /// <exception cref="UntrustedListenerException">Another user's program does, or the system does not say whose it is.</exception>
    public static async ValueTask<Stream> ConnectAsync(string home, int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), cancellationToken).ConfigureAwait(false);
            if (OperatingSystem.IsLinux())
                RequireTrusted(home, (IPEndPoint)socket.LocalEndPoint!, (IPEndPoint)socket.RemoteEndPoint!);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void RequireTrusted(string home, IPEndPoint near, IPEndPoint far)
    {
        var trusted = new HashSet<uint> { SystemAccounts.Superuser, SystemAccounts.Own };
        foreach (var path in new[] { home, Path.Combine(home, ApiToken.FileName) })
        {
            if (StateFile.OwnerOf(path) is { } owner)
                trusted.Add(owner);
        }

        var users = TcpPeerUsers.Find(near, far) ?? throw new UntrustedListenerException(string.Create(CultureInfo.InvariantCulture,
            $"/proc/net/tcp cannot be read, so it is not known whose program listens on TCP port {far.Port}, and the token was not sent to it."));
        if (users.Count == 0)
            throw new UntrustedListenerException(string.Create(CultureInfo.InvariantCulture,
                $"The system does not say whose program listens on TCP port {far.Port}, so the token of '{home}' was not sent to it."));
        foreach (var user in users)
        {
            if (!trusted.Contains(user))
                throw new UntrustedListenerException(string.Create(CultureInfo.InvariantCulture,
                    $"A program of user {user} listens on TCP port {far.Port}, where the service of '{home}' should, so the token was not sent to it. If the service has ended, "
                    + $"remove '{Path.Combine(home, PortFileName)}'."));
        }
    }
}

/// <summary>Thrown when the listener on a service's port is not trusted.</summary>
/// <param name="message">What was found, and what to do.</param>
public sealed class UntrustedListenerException(string message) : LanyardException(message);
