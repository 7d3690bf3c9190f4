using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>The events of a <see cref="UdpSocket"/>. The rules of <see cref="ITcpEvents"/> apply.</summary>
public interface IUdpEvents
{
    /// <summary>Raised when a datagram has arrived. Call <see cref="UdpSocket.TryReceive"/> until it returns false.</summary>
    /// <param name="socket">The socket.</param>
    void OnReadable(UdpSocket socket);

    /// <summary>Raised when an ICMP error about a datagram of this socket has arrived, or its neighbor did not answer, if the socket is connected or has
    /// <see cref="UdpOptions.ReceiveErrors"/>.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="error">The error.</param>
    void OnError(UdpSocket socket, NetError error);
}

/// <summary>The settings of a UDP socket. Immutable.</summary>
public sealed record UdpOptions
{
    /// <summary>The capacity of the receive queue in bytes; each datagram counts its payload and 256 bytes. Further datagrams are dropped. Default
    /// 1 MiB.</summary>
    public int ReceiveBufferBytes { get; init; } = 1 << 20;

    /// <summary>Whether broadcast destinations are allowed. Default false.</summary>
    public bool Broadcast { get; init; }

    /// <summary>Whether several sockets may have the port. Each receives multicast and broadcast datagrams, the newest receives unicast datagrams.
    /// Default false.</summary>
    public bool ReuseAddress { get; init; }

    /// <summary>Whether several sockets with this option may have the port, and share its unicast datagrams: all datagrams of one sender go to the same
    /// socket (<c>SO_REUSEPORT</c>). Default false.</summary>
    public bool ReusePort { get; init; }

    /// <summary>Whether to forbid fragmentation: sending a datagram that is longer than the path MTU fails. Default false.</summary>
    public bool DontFragment { get; init; }

    /// <summary>
    /// Whether to queue delivery errors for <see cref="UdpSocket.TryTakeError"/>, also on an unconnected socket: ICMP errors, and neighbors that do not
    /// answer. Default false.
    /// </summary>
    public bool ReceiveErrors { get; init; }

    /// <summary>The type of service (IPv4) or traffic class (IPv6) of packets: six bits of DSCP and two of ECN. Default 0.</summary>
    public byte TrafficClass { get; init; }

    /// <summary>The hop limit (TTL) of unicast packets. Default 64.</summary>
    public byte HopLimit { get; init; } = 64;

    /// <summary>The hop limit (TTL) of multicast packets. Default 1.</summary>
    public byte MulticastHopLimit { get; init; } = 1;

    /// <summary>Whether sockets of this host receive what this socket sends to groups that they have joined. Default true.</summary>
    public bool MulticastLoopback { get; init; } = true;
}

/// <summary>The endpoints and header fields of a received datagram.</summary>
/// <param name="Remote">The sender.</param>
/// <param name="Local">The destination; may be multicast or broadcast.</param>
/// <param name="Length">The length of the payload in bytes. If the buffer was shorter, the rest is lost.</param>
/// <param name="HopLimit">The hop limit (TTL) on arrival.</param>
/// <param name="TrafficClass">The type of service (IPv4) or traffic class (IPv6).</param>
/// <param name="RemoteMac">The Ethernet source. On a network that authenticates the source of frames, this address identifies the sender. The IP address does
/// not.</param>
public readonly record struct UdpReceiveInfo(
    InetEndpoint Remote, InetEndpoint Local, int Length, byte HopLimit = 0, byte TrafficClass = 0, MacAddress RemoteMac = default);

/// <summary>A delivery error of a sent datagram.</summary>
/// <param name="Remote">The destination.</param>
/// <param name="Error">The reason.</param>
/// <param name="From">The reporting host; this host itself if a neighbor did not answer.</param>
/// <param name="Mtu">The path MTU in bytes if the datagram was too long; otherwise 0.</param>
public readonly record struct UdpError(InetEndpoint Remote, NetError Error, InetAddress From, int Mtu);
