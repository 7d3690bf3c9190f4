using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Lanyard.Proxies;

namespace Lanyard.Service;

/// <summary>
/// Connects to the API of a folder's service, Lanyard's or an existing node's, and checks the listener before a token is sent. The listener must belong to the
/// superuser, to this user, or to the owner of the folder or its token, who can all read the token. A port file may be left over, and any user may listen on
/// its port by now.
/// </summary>
/// <remarks>Only Linux reports the listener's user. On other systems every listener is trusted.</remarks>
public static class ApiConnection
{
    /// <summary>The name of the file in the folder with the service's TCP port.</summary>
    public const string PortFileName = StateFiles.Port;

    /// <summary>The name of the file in the folder with the token that the API demands (header <c>X-ZT1-Auth</c>).</summary>
    public const string TokenFileName = ApiToken.FileName;

    /// <summary>Connects to the API, and checks the listener.</summary>
    /// <param name="home">The service's folder.</param>
    /// <param name="port">The service's TCP port on 127.0.0.1.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The connection.</returns>
    /// <exception cref="SocketException">No program listens on the port.</exception>
    /// <exception cref="UntrustedListenerException">Another user's program listens on the port, or its user is unknown.</exception>
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
            $"Cannot read /proc/net/tcp, so the user of the program on TCP port {far.Port} is unknown. The token was not sent."));
        if (users.Count == 0)
            throw new UntrustedListenerException(string.Create(CultureInfo.InvariantCulture,
                $"The kernel does not report the user of the program on TCP port {far.Port}. The token of '{home}' was not sent."));
        foreach (var user in users)
        {
            if (!trusted.Contains(user))
                throw new UntrustedListenerException(string.Create(CultureInfo.InvariantCulture,
                    $"A program of user {user}, not the service of '{home}', listens on TCP port {far.Port}. The token was not sent. If the service has ended, "
                    + $"remove '{Path.Combine(home, PortFileName)}'."));
        }
    }
}

/// <summary>Thrown when the listener on a service's port is not trusted.</summary>
/// <param name="message">The reason and a remedy.</param>
public sealed class UntrustedListenerException(string message) : LanyardException(message);
