using System.Net;
using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>Finds the users whose programs may be at the other end of a loopback TCP connection of this machine, on Linux (<c>proc_net_tcp(5)</c>).</summary>
public static class TcpPeerUsers
{
    /// <summary>
    /// Finds the users. If the connection is accepted, its socket belongs to the accepting program. If it is not yet accepted, its listener still listens, because closing the
    /// listener would reset the connection. So this method looks for listeners first and for the accepted socket second: a program that the first look misses is found by the
    /// second.
    /// </summary>
    /// <param name="local">This end of the connection, which this process opened.</param>
    /// <param name="remote">The other end, on a loopback address.</param>
    /// <returns>The user IDs of all listeners on the port and of the accepted socket; empty if the system knows none; null if it does not report sockets, as on systems other than Linux.</returns>
    public static IReadOnlyCollection<uint>? Find(IPEndPoint local, IPEndPoint remote)
    {
        var (near, far) = (InetEndpoint.FromIPEndPoint(local), InetEndpoint.FromIPEndPoint(remote));
        if (HostSocketOwners.TryReadTcp() is not { } before)
            return null;
        var users = new HashSet<uint>(before.Sockets
            .Where(socket => socket.State == HostSocketOwners.Listening && socket.Local.Port == far.Port && (socket.Local.Address == far.Address || socket.Local.Address.IsUnspecified))
            .Select(listener => listener.User));
        if (HostSocketOwners.TryReadTcp() is not { } after)
            return null;
        if (after.FindUser(far, near) is { } user)
            users.Add(user);
        return users;
    }
}
