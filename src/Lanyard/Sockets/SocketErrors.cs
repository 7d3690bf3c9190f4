using System.Globalization;
using System.Net.Sockets;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>Converts the errors of the TCP/IP stack to <see cref="SocketError"/> and to messages.</summary>
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

    /// <summary>Returns the error of a connection that failed to open.</summary>
    public static LanyardSocketException Connect(NetError error, InetEndpoint remote, NetworkPort port) =>
        new(error, remote, $"Cannot connect to {remote} on network {port.Engine.Id}: {Reason(error, remote, port)}");

    /// <summary>Returns the error of a connection that has ended.</summary>
    public static LanyardSocketException Stream(NetError error, InetEndpoint remote, NetworkPort port)
    {
        var reason = error switch
        {
            NetError.Closed => "this end has finished sending, so it cannot write.",
            NetError.ConnectionReset => "the peer reset it. Its application ended, or closed the connection without reading everything.",
            NetError.ConnectionAborted => "this end aborted it.",
            NetError.TimedOut => "the peer does not answer. It may be offline.",
            _ => Reason(error, remote, port),
        };
        return new LanyardSocketException(error, remote, $"The connection to {remote} on network {port.Engine.Id} has ended: {reason}");
    }

    /// <summary>Returns the error of a synchronous read or write that exceeded the stream's timeout.</summary>
    public static LanyardSocketException Timeout(InetEndpoint remote, int timeoutMs) =>
        new(NetError.TimedOut, remote, $"The connection to {remote} made no progress for "
            + $"{timeoutMs.ToString(CultureInfo.InvariantCulture)} ms, the timeout of the stream.");

    /// <summary>Returns the error of a datagram that was not delivered.</summary>
    public static LanyardSocketException Datagram(NetError error, InetEndpoint remote, NetworkPort port) =>
        new(error, remote, $"The datagram to {remote} on network {port.Engine.Id} was not delivered: {Reason(error, remote, port)}");

    /// <summary>Returns the error of a socket for Ethernet frames.</summary>
    public static LanyardSocketException Frames(NetError error, NetworkPort port) =>
        new(error, default, $"Cannot send or receive Ethernet frames on network {port.Engine.Id}: {Reason(error, default, port)}");

    /// <summary>Returns the error of a port that cannot be opened.</summary>
    public static LanyardSocketException Bind(NetError error, InetEndpoint local, NetworkPort port) =>
        new(error, default, $"Cannot open port {local.Port}{(local.Address.IsUnspecified || local.IsNone ? "" : $" of {local.Address}")} on "
            + $"network {port.Engine.Id}: {Reason(error, local, port)}");

    /// <summary>Returns the error of a socket whose address was removed.</summary>
    public static LanyardSocketException AddressGone(InetEndpoint local, NetworkPort port) => new(NetError.AddressRemoved, default,
        $"The socket of {local} on network {port.Engine.Id} is closed: the network's configuration took the address away. Open another socket.");

    private static string Reason(NetError error, InetEndpoint remote, NetworkPort port) => error switch
    {
        NetError.NoRoute => port.Snapshot.Addresses.Count == 0
            ? "this node has no address on it yet. Wait for LanyardNetwork.WaitUntilReadyAsync first."
            : $"no route leads to the address. This node has the addresses {string.Join(", ", port.Snapshot.Addresses)}. Use an address of the network, or "
                + "add a route to it.",
        NetError.AddressNotAvailable => "the local address is not one of this node's.",
        NetError.AddressInUse => "the port is in use. Close its other user, or choose another port.",
        NetError.NoPorts => "all local ports for this destination are in use.",
        NetError.LimitReached => "a limit of LanyardOptions.NetworkLimits is reached. Close sockets, or raise the limit.",
        NetError.MessageTooLong => "it is longer than 65,507 bytes over IPv4 or 65,487 over IPv6, or longer than the MTU with DontFragment "
            + "set.",
        NetError.NotConnected => "the socket is not connected, and no destination was given.",
        NetError.BroadcastNotAllowed => "it is a broadcast address; allow these with UdpOptions.Broadcast.",
        NetError.ConnectionRefused => $"it refused: nothing there listens on port {remote.Port}.",
        NetError.ConnectionReset => "the other end reset the connection.",
        NetError.ConnectionAborted => "this end aborted the connection.",
        NetError.TimedOut => "there was no answer in time. The peer may be offline, or a firewall or the network's rules may drop the "
            + "packets.",
        NetError.HostUnreachable => "no member has the address. The peer may be offline, not a member, or not authorized.",
        NetError.NetworkUnreachable or NetError.ProtocolUnreachable or NetError.TimeExceeded => "a gateway on the path reports that it cannot "
            + "reach the destination.",
        NetError.Prohibited => "a firewall on the path prohibits it.",
        NetError.AddressRemoved or NetError.Closed => "the node has left the network or has stopped, or the network's configuration took the address away.",
        _ => error.ToString(),
    };
}
