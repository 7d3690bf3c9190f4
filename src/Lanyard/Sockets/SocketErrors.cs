using System.Globalization;
using System.Net.Sockets;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>The stack's errors in the system's terms, and in words.</summary>
internal static class SocketErrors
{
    public static SocketError Of(NetError error) => error switch
    {
        NetError.None => SocketError.Success,
        NetError.NoRoute or NetError.NetworkUnreachable => SocketError.NetworkUnreachable,
        NetError.AddressNotAvailable or NetError.NoPorts => SocketError.AddressNotAvailable,
        NetError.AddressInUse => SocketError.AddressAlreadyInUse,
        NetError.LimitReached => SocketError.NoBufferSpaceAvailable,
        NetError.MessageTooLong => SocketError.MessageSize,
        NetError.NotConnected => SocketError.NotConnected,
        NetError.BroadcastNotAllowed or NetError.Prohibited => SocketError.AccessDenied,
        NetError.ConnectionRefused => SocketError.ConnectionRefused,
        NetError.ConnectionReset => SocketError.ConnectionReset,
        NetError.ConnectionAborted => SocketError.ConnectionAborted,
        NetError.TimedOut => SocketError.TimedOut,
        NetError.HostUnreachable or NetError.TimeExceeded => SocketError.HostUnreachable,
        NetError.ProtocolUnreachable => SocketError.ProtocolNotSupported,
        NetError.AddressRemoved => SocketError.NetworkDown,
        NetError.Closed => SocketError.Shutdown,
        _ => SocketError.SocketError,
    };

    /// <summary>Why there is no connection.</summary>
    public static LanyardSocketException Connect(NetError error, InetEndpoint remote, NetworkPort port) =>
        new(error, remote, $"There is no connection to {remote} on network {port.Engine.Id}: {Reason(error, remote, port)}");

    /// <summary>Why a connection ended.</summary>
    public static LanyardSocketException Stream(NetError error, InetEndpoint remote, NetworkPort port)
    {
        var reason = error switch
        {
            NetError.Closed => "sending was finished, so nothing more can be written.",
            NetError.ConnectionReset => "the other end reset it: its app ended, or closed it without reading everything.",
            NetError.ConnectionAborted => "this end aborted it.",
            NetError.TimedOut => "the other end stopped answering. It may be offline.",
            _ => Reason(error, remote, port),
        };
        return new LanyardSocketException(error, remote, $"The connection to {remote} on network {port.Engine.Id} is over: {reason}");
    }

    /// <summary>A synchronous read or write waited for too long.</summary>
    public static LanyardSocketException Timeout(InetEndpoint remote, int timeoutMs) =>
        new(NetError.TimedOut, remote, $"The connection to {remote} made no progress for "
            + $"{timeoutMs.ToString(CultureInfo.InvariantCulture)} ms, as long as the stream's timeout allows.");

    /// <summary>Why a datagram was not sent.</summary>
    public static LanyardSocketException Datagram(NetError error, InetEndpoint remote, NetworkPort port) =>
        new(error, remote, $"The datagram to {remote} on network {port.Engine.Id} was not delivered: {Reason(error, remote, port)}");

    /// <summary>Why frames cannot be sent or received.</summary>
    public static LanyardSocketException Frames(NetError error, NetworkPort port) =>
        new(error, default, $"Ethernet frames on network {port.Engine.Id}: {Reason(error, default, port)}");

    /// <summary>Why a port cannot be opened.</summary>
    public static LanyardSocketException Bind(NetError error, InetEndpoint local, NetworkPort port) =>
        new(error, default, $"Port {local.Port}{(local.Address.IsUnspecified || local.IsNone ? "" : $" of {local.Address}")} cannot be "
            + $"opened on network {port.Engine.Id}: {Reason(error, local, port)}");

    /// <summary>Returns the error of a socket whose address was removed.</summary>
    public static LanyardSocketException AddressGone(InetEndpoint local, NetworkPort port) => new(NetError.AddressRemoved, default,
        $"The socket of {local} on network {port.Engine.Id} is closed: the network's configuration took the address away. Open another.");

    private static string Reason(NetError error, InetEndpoint remote, NetworkPort port) => error switch
    {
        NetError.NoRoute => port.Snapshot.Addresses.Count == 0
            ? "this node has no address on it yet. Wait for LanyardNetwork.WaitUntilReadyAsync first."
            : $"it lies in none of the network's address ranges; this node has {string.Join(", ", port.Snapshot.Addresses)}, and no route "
                + "leads there.",
        NetError.AddressNotAvailable => "the local address is not one of this node's.",
        NetError.AddressInUse => "the port is taken.",
        NetError.NoPorts => "all local ports towards it are in use.",
        NetError.LimitReached => "a limit of LanyardOptions.NetworkLimits is reached.",
        NetError.MessageTooLong => "it is too long: 65,507 bytes over IPv4 and 65,487 over IPv6 at most, or the MTU where it may not go "
            + "in fragments.",
        NetError.NotConnected => "the socket is not connected, and no destination was given.",
        NetError.BroadcastNotAllowed => "it is a broadcast address; allow these with UdpOptions.Broadcast.",
        NetError.ConnectionRefused => $"it refused: nothing there listens on port {remote.Port}.",
        NetError.ConnectionReset => "the other end reset the connection.",
        NetError.ConnectionAborted => "this end gave up.",
        NetError.TimedOut => "there was no answer in time. The peer may be offline, or a firewall or the network's rules may drop the "
            + "packets.",
        NetError.HostUnreachable => "no member answers for the address. The peer may be offline, not a member, or not authorized.",
        NetError.NetworkUnreachable or NetError.ProtocolUnreachable or NetError.TimeExceeded => "a gateway on the way says that it cannot "
            + "be reached.",
        NetError.Prohibited => "a firewall on the way prohibits it.",
        NetError.AddressRemoved or NetError.Closed => "the network was left, its configuration took the address away, or the node ended.",
        _ => error.ToString(),
    };
}
