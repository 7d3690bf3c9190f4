namespace Lanyard.NetStack;

/// <summary>The reason why an operation failed or a connection ended.</summary>
public enum NetError : byte
{
    /// <summary>Success, or a connection that both ends closed in order.</summary>
    None = 0,

    /// <summary>No address of this host can be the source for the destination, or there is no route to it.</summary>
    NoRoute,

    /// <summary>The local address is not one of this host's.</summary>
    AddressNotAvailable,

    /// <summary>The local port is in use.</summary>
    AddressInUse,

    /// <summary>No free ephemeral port towards this destination.</summary>
    NoPorts,

    /// <summary>A limit of the host (connections, sockets, memory) is reached; see <see cref="HostLimits"/>.</summary>
    LimitReached,

    /// <summary>The datagram is longer than can be sent: 65,507 bytes over IPv4, 65,487 over IPv6, or more than the MTU with "don't
    /// fragment".</summary>
    MessageTooLong,

    /// <summary>The socket is not connected and no destination was given.</summary>
    NotConnected,

    /// <summary>The destination is a broadcast address and the socket does not allow broadcast.</summary>
    BroadcastNotAllowed,

    /// <summary>The peer refused: reset in answer to SYN, or ICMP port unreachable.</summary>
    ConnectionRefused,

    /// <summary>The peer reset the connection.</summary>
    ConnectionReset,

    /// <summary>This end aborted the connection.</summary>
    ConnectionAborted,

    /// <summary>The peer did not answer in time: retransmissions, keepalive probes or the user timeout ran out.</summary>
    TimedOut,

    /// <summary>An ICMP error said that the host, or the neighbor that leads to it, cannot be reached; or the neighbor did not
    /// answer.</summary>
    HostUnreachable,

    /// <summary>An ICMP error said that the network cannot be reached.</summary>
    NetworkUnreachable,

    /// <summary>An ICMP error said that the destination does not speak the protocol.</summary>
    ProtocolUnreachable,

    /// <summary>An ICMP error said that communication is prohibited.</summary>
    Prohibited,

    /// <summary>An ICMP error said that the hop limit was exceeded on the way, or that reassembly timed out.</summary>
    TimeExceeded,

    /// <summary>The local address of the socket was removed from the host, or the host was shut down.</summary>
    AddressRemoved,

    /// <summary>The socket is closed.</summary>
    Closed,
}
