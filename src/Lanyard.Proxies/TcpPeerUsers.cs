using System.Net;
using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>Finds the users whose programs may be at the other end of a loopback TCP connection of this machine, on Linux (<c>proc_net_tcp(5)</c>).</summary>
public static class TcpPeerUsers
{
    /// <summary>
    /// Finds the users. A connection is accepted, and then its socket is the program's that did; or it is not yet, and then its listener still listens, as it would have
    /// been reset with it. So the listeners are looked for first, and the accepted socket after that: whoever hides from one is seen by the other.
    /// </summary>
    /// <param name="local">This end of the connection, which this process opened.</param>
    /// <param name="remote">The other end, on a loopback address.</param>
    /// <returns>The user IDs of all listeners on the port and of the accepted socket; empty if the system knows none; null if it does not report sockets, as beside Linux.</returns>
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
