using System.Net;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>
/// A UDP socket on a virtual network. Only one receive may be pending at a time. Sending never waits. Awaiting allocates nothing.
/// </summary>
public sealed class LanyardUdpSocket : IDisposable
{
    private readonly UdpChannel _channel;

    internal LanyardUdpSocket(UdpChannel channel) => _channel = channel;

    /// <summary>The network.</summary>
    public LanyardNetwork Network => _channel.Port.Owner;

    /// <summary>The local endpoint; its address is the wildcard address if the socket is bound to all addresses.</summary>
    public IPEndPoint LocalEndPoint => _channel.LocalEndpoint.IsNone
        ? new IPEndPoint(IPAddress.IPv6Any, _channel.LocalEndpoint.Port)
        : _channel.LocalEndpoint.ToIPEndPoint();

    /// <summary>The peer of a connected socket; null if it is not connected.</summary>
    public IPEndPoint? RemoteEndPoint
    {
        get
        {
            var remote = _channel.RemoteEndpoint;
            return remote.IsNone ? null : remote.ToIPEndPoint();
        }
    }

    /// <summary>The settings; may be replaced at any time.</summary>
    public UdpOptions Options
    {
        get => _channel.Options;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            _channel.Options = value;
        }
    }

    /// <summary>The hop limit (TTL) of unicast datagrams. Default 64.</summary>
    public byte HopLimit
    {
        get => Options.HopLimit;
        set => _channel.Change(static (options, limit) => options with { HopLimit = limit }, value);
    }

    /// <summary>The type of service (IPv4) or traffic class (IPv6): six bits of DSCP and two of ECN. Default 0.</summary>
    public byte TrafficClass
    {
        get => Options.TrafficClass;
        set => _channel.Change(static (options, traffic) => options with { TrafficClass = traffic }, value);
    }

    /// <summary>The hop limit (TTL) of multicast datagrams. Default 1.</summary>
    public byte MulticastHopLimit
    {
        get => Options.MulticastHopLimit;
        set => _channel.Change(static (options, limit) => options with { MulticastHopLimit = limit }, value);
    }

    /// <summary>Whether sockets of this node receive what this socket sends to groups that they have joined. Default true.</summary>
    public bool MulticastLoopback
    {
        get => Options.MulticastLoopback;
        set => _channel.Change(static (options, isOn) => options with { MulticastLoopback = isOn }, value);
    }

    /// <summary>Whether broadcast destinations are allowed. Default false.</summary>
    public bool EnableBroadcast
    {
        get => Options.Broadcast;
        set => _channel.Change(static (options, isOn) => options with { Broadcast = isOn }, value);
    }

    /// <summary>Whether to forbid fragmentation: sending a datagram that is longer than the path MTU fails. Default false.</summary>
    public bool DontFragment
    {
        get => Options.DontFragment;
        set => _channel.Change(static (options, isOn) => options with { DontFragment = isOn }, value);
    }

    /// <summary>The capacity of the receive queue in bytes; each datagram counts its payload and 256 bytes. Further datagrams are dropped. Default 1 MiB. There
    /// is no send buffer, because datagrams leave at once.</summary>
    public int ReceiveBufferBytes
    {
        get => Options.ReceiveBufferBytes;
        set => _channel.Change(static (options, bytes) => options with { ReceiveBufferBytes = bytes }, value);
    }

    /// <summary>Whether other sockets that set this option may bind the same port later. Default false.</summary>
    public bool ReuseAddress
    {
        get => Options.ReuseAddress;
        set => _channel.Change(static (options, isOn) => options with { ReuseAddress = isOn }, value);
    }

    /// <summary>Whether other sockets that set this option may bind the same port later. The sockets then divide the senders among them. Default false.</summary>
    public bool ReusePort
    {
        get => Options.ReusePort;
        set => _channel.Change(static (options, isOn) => options with { ReusePort = isOn }, value);
    }

    /// <summary>Whether to queue delivery errors for <see cref="TryTakeError"/>, also on an unconnected socket. Default false.</summary>
    public bool ReceiveErrors
    {
        get => Options.ReceiveErrors;
        set => _channel.Change(static (options, isOn) => options with { ReceiveErrors = isOn }, value);
    }

    /// <summary>Receives the oldest pending delivery error: an ICMP error, or a neighbor that does not answer. Requires <see cref="ReceiveErrors"/>. At most 64
    /// errors are pending; further errors are lost.</summary>
    /// <param name="error">The error.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryTakeError(out LanyardUdpError error) => _channel.TryTakeError(out error);

    /// <summary>Connects the socket to a peer: it then receives only the peer's datagrams. <see langword="default"/> disconnects.</summary>
    /// <exception cref="LanyardSocketException">No route leads to the peer.</exception>
    public void Connect(InetEndpoint remote) => _channel.Connect(remote);

    /// <summary>Sends a datagram to the peer of a connected socket. Delivery is not guaranteed.</summary>
    /// <param name="payload">The payload, up to 65,507 bytes over IPv4 or 65,487 over IPv6. A datagram longer than the MTU is fragmented.</param>
    /// <exception cref="LanyardSocketException">The datagram cannot be sent, or the peer refused an earlier datagram.</exception>
    public void Send(ReadOnlySpan<byte> payload) => _channel.Send(payload, default);

    /// <summary>Sends a datagram. Delivery is not guaranteed.</summary>
    /// <param name="payload">The payload, as for <see cref="Send"/>.</param>
    /// <param name="remote">The destination; a broadcast address requires <see cref="UdpOptions.Broadcast"/>.</param>
    /// <exception cref="LanyardSocketException">The datagram cannot be sent.</exception>
    public void SendTo(ReadOnlySpan<byte> payload, InetEndpoint remote) => _channel.Send(payload, remote);

    /// <summary>Sends a datagram from one of this node's addresses. Delivery is not guaranteed.</summary>
    /// <param name="payload">The payload, as for <see cref="Send"/>.</param>
    /// <param name="remote">The destination, as for <see cref="SendTo(ReadOnlySpan{byte}, InetEndpoint)"/>.</param>
    /// <param name="source">The source address, if the socket is bound to the wildcard address. The default, or an address of another family, selects a source
    /// automatically.</param>
    /// <exception cref="LanyardSocketException">The datagram cannot be sent.</exception>
    public void SendTo(ReadOnlySpan<byte> payload, InetEndpoint remote, InetAddress source) => _channel.Send(payload, remote, source);

    /// <summary>Sends a datagram like <see cref="Send"/>. Completes at once.</summary>
    /// <exception cref="LanyardSocketException">The datagram cannot be sent, or the peer refused an earlier datagram.</exception>
    public ValueTask SendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken = default) =>
        SendToAsync(payload, default(InetEndpoint), cancellationToken);

    /// <summary>Sends a datagram like <see cref="SendTo(ReadOnlySpan{byte}, InetEndpoint)"/>. Completes at once.</summary>
    /// <exception cref="LanyardSocketException">The datagram cannot be sent.</exception>
    public ValueTask SendToAsync(ReadOnlyMemory<byte> payload, InetEndpoint remote, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _channel.Send(payload.Span, remote);
        return default;
    }

    /// <summary>Sends a datagram like <see cref="SendTo(ReadOnlySpan{byte}, InetEndpoint)"/>. Completes at once.</summary>
    /// <exception cref="LanyardSocketException">The datagram cannot be sent.</exception>
    public ValueTask SendToAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default) =>
        SendToAsync(payload, InetEndpoint.FromIPEndPoint(remote), cancellationToken);

    /// <summary>Receives a datagram.</summary>
    /// <param name="buffer">The buffer for the payload. Bytes that do not fit are lost.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="LanyardSocketException">The connected peer refused a datagram.</exception>
    /// <exception cref="LanyardNetworkException">The node has left the network, or has stopped.</exception>
    /// <exception cref="ObjectDisposedException">The socket is disposed.</exception>
    public ValueTask<LanyardDatagram> ReceiveFromAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _channel.ReceiveAsync(buffer, cancellationToken);

    /// <summary>The joined multicast groups.</summary>
    public IReadOnlyList<InetAddress> Groups => _channel.Groups;

    /// <summary>Joins a multicast group, so that the socket receives the datagrams to the group and its port.</summary>
    /// <returns>Whether the socket has joined now; false if it had joined before, or has joined 64 groups.</returns>
    /// <exception cref="ArgumentException">The address is not multicast.</exception>
    public bool JoinGroup(InetAddress group) => _channel.JoinGroup(group);

    /// <summary>Leaves a multicast group.</summary>
    /// <returns>Whether the socket was a member.</returns>
    public bool LeaveGroup(InetAddress group) => _channel.LeaveGroup(group);

    /// <summary>Closes the socket. Datagrams not received are lost.</summary>
    public void Dispose() => _channel.Dispose();
}

/// <summary>A received datagram.</summary>
/// <param name="Length">The bytes of the payload in the buffer.</param>
/// <param name="IsTruncated">Whether the payload was longer than the buffer.</param>
/// <param name="Remote">The sender.</param>
/// <param name="Local">The destination; may be multicast or broadcast.</param>
/// <param name="HopLimit">The hop limit (TTL) on arrival.</param>
/// <param name="TrafficClass">The type of service (IPv4) or traffic class (IPv6).</param>
/// <param name="RemoteNode">The sender's node, authenticated by the protocol; none if the sender is behind a bridge. <paramref name="Remote"/> alone proves
/// nothing, because any member can send datagrams from any IP address.</param>
public readonly record struct LanyardDatagram(
    int Length, bool IsTruncated, InetEndpoint Remote, InetEndpoint Local, byte HopLimit = 0, byte TrafficClass = 0, NodeAddress RemoteNode = default);
