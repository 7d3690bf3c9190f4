using System.Net;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>
/// A UDP socket on a virtual network. One receive may be under way at a time; sending never waits. Awaiting allocates nothing.
/// </summary>
public sealed class LanyardUdpSocket : IDisposable
{
    private readonly UdpChannel _channel;

    internal LanyardUdpSocket(UdpChannel channel) => _channel = channel;

    /// <summary>The network.</summary>
    public LanyardNetwork Network => _channel.Port.Owner;

    /// <summary>This end: the address is unspecified where it is bound to all.</summary>
    public IPEndPoint LocalEndPoint => _channel.LocalEndpoint.IsNone
        ? new IPEndPoint(IPAddress.IPv6Any, _channel.LocalEndpoint.Port)
        : _channel.LocalEndpoint.ToIPEndPoint();

    /// <summary>The other end of a connected socket; null if it is not connected.</summary>
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

    /// <summary>Whether this node's own sockets hear what this one sends to groups that they joined. Default true.</summary>
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

    /// <summary>Whether datagrams longer than the path carries are refused rather than sent in fragments. Default false.</summary>
    public bool DontFragment
    {
        get => Options.DontFragment;
        set => _channel.Change(static (options, isOn) => options with { DontFragment = isOn }, value);
    }

    /// <summary>How many payload bytes wait to be received at most before datagrams are dropped (each counts 256 bytes more). Default 1
    /// MiB. There is no send buffer: what is sent leaves at once.</summary>
    public int ReceiveBufferBytes
    {
        get => Options.ReceiveBufferBytes;
        set => _channel.Change(static (options, bytes) => options with { ReceiveBufferBytes = bytes }, value);
    }

    /// <summary>Whether sockets opened later may have the port too, if they want it likewise. Default false.</summary>
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

    /// <summary>Whether what became of datagrams is kept for <see cref="TryTakeError"/>, of an unconnected socket too. Default
    /// false.</summary>
    public bool ReceiveErrors
    {
        get => Options.ReceiveErrors;
        set => _channel.Change(static (options, isOn) => options with { ReceiveErrors = isOn }, value);
    }

    /// <summary>Takes the oldest of what ICMP errors, and neighbors that do not answer, mean for datagrams that were sent; needs
    /// <see cref="ReceiveErrors"/>. At most 64 wait.</summary>
    /// <returns>Whether there was one.</returns>
    public bool TryTakeError(out LanyardUdpError error) => _channel.TryTakeError(out error);

    /// <summary>Connects the socket to a peer: it then receives only the peer's datagrams. <see langword="default"/> disconnects.</summary>
    /// <exception cref="LanyardSocketException">No route leads to the peer.</exception>
    public void Connect(InetEndpoint remote) => _channel.Connect(remote);

    /// <summary>Sends a datagram to the connected end. It may get lost.</summary>
    /// <param name="payload">Up to 65,507 bytes over IPv4 or 65,487 over IPv6; more than the MTU carries goes in fragments.</param>
    /// <exception cref="LanyardSocketException">It cannot be sent, or the other end refused an earlier one.</exception>
    public void Send(ReadOnlySpan<byte> payload) => _channel.Send(payload, default);

    /// <summary>Sends a datagram. It may get lost.</summary>
    /// <param name="payload">As for <see cref="Send"/>.</param>
    /// <param name="remote">Where to; a broadcast address only with <see cref="UdpOptions.Broadcast"/>.</param>
    /// <exception cref="LanyardSocketException">It cannot be sent.</exception>
    public void SendTo(ReadOnlySpan<byte> payload, InetEndpoint remote) => _channel.Send(payload, remote);

    /// <summary>Sends a datagram from one of this node's addresses. Delivery is not guaranteed.</summary>
    /// <param name="payload">The payload, as for <see cref="Send"/>.</param>
    /// <param name="remote">The destination, as for <see cref="SendTo(ReadOnlySpan{byte}, InetEndpoint)"/>.</param>
    /// <param name="source">The source address, if the socket is bound to the wildcard address. The default, or an address of another family, selects a source
    /// automatically.</param>
    /// <exception cref="LanyardSocketException">The datagram cannot be sent.</exception>
    public void SendTo(ReadOnlySpan<byte> payload, InetEndpoint remote, InetAddress source) => _channel.Send(payload, remote, source);

    /// <summary>As <see cref="Send"/>: done when it returns.</summary>
    /// <exception cref="LanyardSocketException">It cannot be sent, or the other end refused an earlier one.</exception>
    public ValueTask SendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken = default) =>
        SendToAsync(payload, default(InetEndpoint), cancellationToken);

    /// <summary>As <see cref="SendTo(ReadOnlySpan{byte}, InetEndpoint)"/>: done when it returns.</summary>
    /// <exception cref="LanyardSocketException">It cannot be sent.</exception>
    public ValueTask SendToAsync(ReadOnlyMemory<byte> payload, InetEndpoint remote, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _channel.Send(payload.Span, remote);
        return default;
    }

    /// <summary>As <see cref="SendTo(ReadOnlySpan{byte}, InetEndpoint)"/>: done when it returns.</summary>
    /// <exception cref="LanyardSocketException">It cannot be sent.</exception>
    public ValueTask SendToAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default) =>
        SendToAsync(payload, InetEndpoint.FromIPEndPoint(remote), cancellationToken);

    /// <summary>Waits for a datagram.</summary>
    /// <param name="buffer">Where its payload goes; what does not fit is cut off.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="LanyardSocketException">The connected end refused a datagram.</exception>
    /// <exception cref="LanyardNetworkException">The network was left, or its node ended.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of, before or meanwhile.</exception>
    public ValueTask<LanyardDatagram> ReceiveFromAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _channel.ReceiveAsync(buffer, cancellationToken);

    /// <summary>The joined multicast groups.</summary>
    public IReadOnlyList<InetAddress> Groups => _channel.Groups;

    /// <summary>Joins a multicast group: its datagrams to this port are received.</summary>
    /// <returns>Whether it was joined now; false if it was before, or there are 64 already.</returns>
    /// <exception cref="ArgumentException">The address is not multicast.</exception>
    public bool JoinGroup(InetAddress group) => _channel.JoinGroup(group);

    /// <summary>Leaves a multicast group.</summary>
    /// <returns>Whether it had been joined.</returns>
    public bool LeaveGroup(InetAddress group) => _channel.LeaveGroup(group);

    /// <summary>Closes the socket; datagrams that wait are lost.</summary>
    public void Dispose() => _channel.Dispose();
}

/// <summary>A datagram that was received.</summary>
/// <param name="Length">How many bytes of it are in the buffer.</param>
/// <param name="IsTruncated">Whether it was longer than the buffer.</param>
/// <param name="Remote">Who sent it.</param>
/// <param name="Local">The address and port that it was sent to: may be multicast or broadcast.</param>
/// <param name="HopLimit">Its hop limit (TTL) on arrival.</param>
/// <param name="TrafficClass">Its type of service (IPv4) or traffic class (IPv6).</param>
/// <param name="RemoteNode">The node that sent it, authenticated by the protocol; none if it comes from behind a bridge. <paramref name="Remote"/> alone proves nothing:
/// any member can send datagrams from any IP address.</param>
public readonly record struct LanyardDatagram(
    int Length, bool IsTruncated, InetEndpoint Remote, InetEndpoint Local, byte HopLimit = 0, byte TrafficClass = 0, NodeAddress RemoteNode = default);
