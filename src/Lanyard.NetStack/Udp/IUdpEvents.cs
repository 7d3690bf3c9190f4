using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>The events of a <see cref="UdpSocket"/>. The rules of <see cref="ITcpEvents"/> hold.</summary>
public interface IUdpEvents
{
    /// <summary>A datagram arrived: call <see cref="UdpSocket.TryReceive"/> until it says no.</summary>
    /// <param name="socket">The socket.</param>
    void OnReadable(UdpSocket socket);

    /// <summary>An ICMP error came back for a datagram that this socket sent, or the neighbor did not answer; the socket is connected,
    /// or has <see cref="UdpOptions.ReceiveErrors"/>.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="error">What it said.</param>
    void OnError(UdpSocket socket, NetError error);
}

/// <summary>The settings of a UDP socket. Immutable.</summary>
public sealed record UdpOptions
{
    /// <summary>Payload bytes that the receive queue holds before datagrams are dropped (each counts 256 bytes more). Default 1
    /// MiB.</summary>
    public int ReceiveBufferBytes { get; init; } = 1 << 20;

    /// <summary>Whether broadcast destinations are allowed. Default false.</summary>
    public bool Broadcast { get; init; }

    /// <summary>Whether several sockets may have the port; each gets a copy of multicast and broadcast, the newest gets the rest.
    /// Default false.</summary>
    public bool ReuseAddress { get; init; }

    /// <summary>Whether several sockets may have the port, as with <see cref="ReuseAddress"/>, and unicast datagrams are distributed among those that
    /// fit equally well and have this set: all of one sender to the same socket (<c>SO_REUSEPORT</c>). Default false.</summary>
    public bool ReusePort { get; init; }

    /// <summary>Sets "don't fragment": longer datagrams than the path carries are refused. Default false.</summary>
    public bool DontFragment { get; init; }

    /// <summary>
    /// Queues what ICMP errors and neighbors that do not answer mean for datagrams sent, for <see cref="UdpSocket.TryTakeError"/>, and of
    /// an unconnected socket too. Default false.
    /// </summary>
    public bool ReceiveErrors { get; init; }

    /// <summary>The type of service (IPv4) or traffic class (IPv6) of packets: six bits of DSCP and two of ECN. Default 0.</summary>
    public byte TrafficClass { get; init; }

    /// <summary>The hop limit (TTL) of unicast packets. Default 64.</summary>
    public byte HopLimit { get; init; } = 64;

    /// <summary>The hop limit (TTL) of multicast packets. Default 1.</summary>
    public byte MulticastHopLimit { get; init; } = 1;

    /// <summary>Whether sockets of this host that joined a group hear what this socket sends to it. Default true.</summary>
    public bool MulticastLoopback { get; init; } = true;
}

/// <summary>The endpoints and header fields of a received datagram.</summary>
/// <param name="Remote">The sender.</param>
/// <param name="Local">The address and port it was sent to; may be multicast or broadcast.</param>
/// <param name="Length">The datagram's payload in bytes; more than the buffer given means that the rest was cut off.</param>
/// <param name="HopLimit">Its hop limit (TTL) on arrival.</param>
/// <param name="TrafficClass">Its type of service (IPv4) or traffic class (IPv6).</param>
/// <param name="RemoteMac">The Ethernet address that it came from. On a network where the source of a frame is authenticated, it says whose the datagram is; the IP
/// address does not.</param>
public readonly record struct UdpReceiveInfo(
    InetEndpoint Remote, InetEndpoint Local, int Length, byte HopLimit = 0, byte TrafficClass = 0, MacAddress RemoteMac = default);

/// <summary>A delivery error of a sent datagram.</summary>
/// <param name="Remote">The destination.</param>
/// <param name="Error">The reason.</param>
/// <param name="From">The reporting host; this host itself if a neighbor did not answer.</param>
/// <param name="Mtu">The path MTU in bytes if the datagram was too long; otherwise 0.</param>
public readonly record struct UdpError(InetEndpoint Remote, NetError Error, InetAddress From, int Mtu);
