using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>A UDP socket (RFC 768). Created by <see cref="NetworkHost.OpenUdp"/>.</summary>
public sealed class UdpSocket
{
    private const int MaxGroups = 64;

    // The latest destinations. Errors about other destinations are ignored, because they may be forged.
    private const int RememberedDestinations = 16;
    private const int MaxErrors = 64;

    private readonly NetworkHost _host;
    private readonly ReceiveQueue<UdpReceiveInfo> _queue;
    private readonly List<InetAddress> _groups = [];
    private InetAddress[] _sentTo = [];
    private int _nextSentTo;
    private Queue<UdpError>? _errors;
    private NetError _error;
    private bool _closed;

    // The route to the last destination, valid while addresses and routes do not change.
    private InetAddress _routeDestination;
    private InetAddress _routeSource;
    private InetAddress _routeRequestedSource;
    private Hop _nextHop;
    private int _routeGeneration;

    internal UdpSocket(NetworkHost host, InetEndpoint local, IUdpEvents? events, UdpOptions options)
    {
        _host = host;
        _queue = new ReceiveQueue<UdpReceiveInfo>(host, HostCounter.UdpQueueFull);
        LocalEndpoint = local;
        Events = events;
        Options = options;
    }

    /// <summary>The handler of events.</summary>
    public IUdpEvents? Events { get; set; }

    /// <summary>The local endpoint; its address is unspecified or none if the socket is bound to all addresses.</summary>
    public InetEndpoint LocalEndpoint { get; }

    /// <summary>The peer of a connected socket; <see langword="default"/> if it is not connected.</summary>
    public InetEndpoint RemoteEndpoint { get; private set; }

    /// <summary>The settings; may be replaced at any time.</summary>
    public UdpOptions Options { get; set; }

    /// <summary>The number of datagrams to receive.</summary>
    public int Pending => _queue.Count;

    /// <summary>The payload of the oldest datagram to receive, in bytes; 0 if there is none.</summary>
    public int NextLength => _queue.NextLength;

    private bool IsBoundToAll => LocalEndpoint.Address.Family == InetFamily.None || LocalEndpoint.Address.IsUnspecified;

    /// <summary>Sets the peer. The socket then receives only the peer's datagrams, and reports ICMP errors.</summary>
    /// <param name="remote">The remote endpoint; <see langword="default"/> disconnects the socket.</param>
    /// <returns><see cref="NetError.None"/>, or the reason of the failure.</returns>
    public NetError Connect(InetEndpoint remote)
    {
        if (_closed)
            return NetError.Closed;
        if (!remote.IsNone)
        {
            if (!MatchesFamily(remote.Address))
                return NetError.AddressNotAvailable;
            if (_host.AddressTable.IsBroadcast(remote.Address) && !Options.Broadcast)
                return NetError.BroadcastNotAllowed;
            if (!_host.Routing.TrySelectSource(remote.Address, out _))
                return NetError.NoRoute;
        }

        RemoteEndpoint = remote;
        return NetError.None;
    }

    /// <summary>Sends a datagram to the peer of a connected socket.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="payload">The payload, up to 65,507 bytes (IPv4) or 65,487 (IPv6); more than the MTU carries is sent in
    /// fragments.</param>
    /// <returns><see cref="NetError.None"/> if the datagram was sent, or queued until the neighbor is resolved.</returns>
    public NetError Send(long now, ReadOnlySpan<byte> payload) =>
        RemoteEndpoint.IsNone ? NetError.NotConnected : SendTo(now, RemoteEndpoint, payload);

    /// <summary>Sends a datagram.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="remote">The destination; may be multicast, or broadcast if <see cref="UdpOptions.Broadcast"/> allows it.</param>
    /// <param name="payload">The payload, as for <see cref="Send"/>.</param>
    /// <param name="source">The source address, one of this host's. <see langword="default"/> uses the socket's local address, or selects one if that is the
    /// wildcard address (RFC 6724).</param>
    /// <returns><see cref="NetError.None"/> if the datagram was sent, or queued until the neighbor is resolved.</returns>
    public NetError SendTo(long now, InetEndpoint remote, ReadOnlySpan<byte> payload, InetAddress source = default)
    {
        if (_closed)
            return NetError.Closed;
        if (!MatchesFamily(remote.Address) || remote.Port == 0)
            return NetError.NoRoute;
        _host.BeginBatch(now);
        try
        {
            return Transmit(remote, payload, source);
        }
        finally
        {
            _host.EndBatch(now);
        }
    }

    /// <summary>Receives the oldest pending datagram.</summary>
    /// <param name="destination">The buffer for the payload. Bytes that do not fit are lost.</param>
    /// <param name="info">The datagram's endpoints, header fields and full length.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryReceive(Span<byte> destination, out UdpReceiveInfo info) => _queue.TryTake(destination, out info);

    /// <summary>Returns the last ICMP error of a connected socket, if any, and clears it.</summary>
    public NetError TakeError()
    {
        var error = _error;
        _error = NetError.None;
        return error;
    }

    /// <summary>Receives the oldest pending error: see <see cref="UdpOptions.ReceiveErrors"/>. At most 64 errors are pending; further errors are
    /// lost.</summary>
    /// <param name="error">The error.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryTakeError(out UdpError error)
    {
        error = default;
        return _errors is not null && _errors.TryDequeue(out error);
    }

    /// <summary>The multicast groups that the socket has joined.</summary>
    public IReadOnlyList<InetAddress> Groups => _groups;

    /// <summary>Joins a multicast group, so that the socket receives the datagrams to the group and its port, and reports it to multicast routers.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="group">An IPv4 or IPv6 multicast address.</param>
    /// <returns>Whether the socket has joined now; false if it had joined before, or the limit of 64 groups for a socket or
    /// <see cref="HostLimits.MulticastGroups"/> is reached.</returns>
    /// <exception cref="ArgumentException">The address is not multicast.</exception>
    public bool JoinGroup(long now, InetAddress group)
    {
        if (!group.IsMulticast)
            throw new ArgumentException($"{group} is not a multicast address.", nameof(group));
        if (_closed || _groups.Count >= MaxGroups || _groups.Contains(group)
            || _host.AddressTable.IpGroupCount >= _host.Options.Limits.MulticastGroups)
            return false;
        _groups.Add(group);
        _host.BeginBatch(now);
        _host.AddressTable.Join(group);
        _host.EndBatch(now);
        return true;
    }

    /// <summary>Leaves a multicast group.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="group">The group.</param>
    /// <returns>Whether the socket was a member.</returns>
    public bool LeaveGroup(long now, InetAddress group)
    {
        if (!_groups.Remove(group))
            return false;
        _host.BeginBatch(now);
        _host.AddressTable.Leave(group);
        _host.EndBatch(now);
        return true;
    }

    /// <summary>Closes the socket and leaves its groups. Pending datagrams are lost.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void Close(long now)
    {
        if (_closed)
            return;
        _closed = true;
        _host.BeginBatch(now);
        foreach (var group in _groups)
            _host.AddressTable.Leave(group);
        _groups.Clear();
        _queue.Clear();
        _host.Udp.Close(this);
        _host.EndBatch(now);
    }

    /// <summary>Returns how well a datagram fits this socket; 0 if it is for another socket.</summary>
    internal int Score(InetEndpoint local, InetEndpoint remote, bool toGroup)
    {
        var score = 1;
        if (!IsBoundToAll)
        {
            // A socket bound to a unicast address receives its groups too. A socket bound to a group receives only that group.
            if (LocalEndpoint.Address != local.Address && (!toGroup || LocalEndpoint.Address.IsMulticast))
                return 0;
            score += 2;
        }
        else if (LocalEndpoint.Address.Family != InetFamily.None && LocalEndpoint.Address.Family != local.Address.Family)
        {
            return 0;
        }

        if (toGroup && local.Address.IsMulticast && LocalEndpoint.Address != local.Address && !_groups.Contains(local.Address))
            return 0;
        if (!RemoteEndpoint.IsNone)
        {
            if (RemoteEndpoint != remote)
                return 0;
            score += 4;
        }

        return score;
    }

    /// <summary>Whether a second socket bound to an address would compete with this one.</summary>
    internal bool ConflictsWith(InetAddress address)
    {
        var mine = LocalEndpoint.Address;
        if (mine.Family == InetFamily.None || address.Family == InetFamily.None)
            return true;
        return mine.Family == address.Family && (mine == address || mine.IsUnspecified || address.IsUnspecified);
    }

    internal void Deliver(in InboundPacket packet, ReadOnlySpan<byte> payload, InetEndpoint remote, InetEndpoint local)
    {
        var info = new UdpReceiveInfo(remote, local, payload.Length, packet.HopLimit, packet.TrafficClass, packet.FrameSource);
        if (_queue.TryAdd(payload, info, Options.ReceiveBufferBytes))
            _host.Settling.Add(this);
    }

    /// <summary>Whether this socket may have sent a datagram with these endpoints.</summary>
    internal bool MayHaveSent(InetEndpoint local, InetEndpoint remote)
    {
        if (!RemoteEndpoint.IsNone && RemoteEndpoint != remote)
            return false;
        if (!IsBoundToAll && !LocalEndpoint.Address.IsMulticast && LocalEndpoint.Address != local.Address)
            return false;
        return Array.IndexOf(_sentTo, remote.Address) >= 0;
    }

    /// <summary>Handles an ICMP error about a datagram of this socket.</summary>
    internal void OnError(UdpError error)
    {
        var isOfPeer = !RemoteEndpoint.IsNone && error.Error != NetError.MessageTooLong;
        var raisesEvent = isOfPeer;
        if (Options.ReceiveErrors)
        {
            _errors ??= new Queue<UdpError>();
            raisesEvent = _errors.Count < MaxErrors;
            if (raisesEvent)
                _errors.Enqueue(error);
        }

        if (isOfPeer)
            _error = error.Error;
        if (raisesEvent)
            Events?.OnError(this, error.Error);
    }

    internal void Fail(NetError error)
    {
        _error = error;
        Events?.OnError(this, error);
    }

    /// <summary>Whether it is in the host's queue of sockets to settle.</summary>
    internal bool IsMarkedReadable { get; set; }

    internal void RaiseReadable()
    {
        IsMarkedReadable = false;
        if (!_closed && _queue.Count > 0)
            Events?.OnReadable(this);
    }

    private NetError Transmit(InetEndpoint remote, ReadOnlySpan<byte> payload, InetAddress source)
    {
        var toBroadcast = _host.AddressTable.IsBroadcast(remote.Address);
        if (toBroadcast && !Options.Broadcast)
            return NetError.BroadcastNotAllowed;
        if (!TryFindRoute(remote.Address, source))
        {
            _host.Count(HostCounter.NoRoute);
            return NetError.NoRoute;
        }

        if (payload.Length > (_routeSource.IsV4 ? Ipv4Packet.MaxPayloadBytes : Ipv6Packet.MaxPayloadBytes) - UdpDatagram.HeaderBytes)
            return NetError.MessageTooLong;
        Span<byte> header = stackalloc byte[UdpDatagram.HeaderBytes];
        var length = UdpDatagram.HeaderBytes + payload.Length;
        UdpDatagram.WriteHeader(header, LocalEndpoint.Port, remote.Port, payload.Length,
            InternetChecksum.PseudoHeader(_routeSource, remote.Address, IpProtocol.Udp, length) + InternetChecksum.Sum(payload));
        var toGroup = toBroadcast || remote.Address.IsMulticast;
        var hopLimit = remote.Address.IsMulticast ? Options.MulticastHopLimit : Options.HopLimit;
        var error = _host.Ip.SendDatagram(_nextHop, _routeSource, remote.Address, IpProtocol.Udp, hopLimit, Options.DontFragment, header,
            payload, Options.TrafficClass);
        if (error == NetError.None)
            _host.Count(HostCounter.UdpSent);
        if (toGroup && Options.MulticastLoopback && _host.Udp.HasPort(remote.Port)
            && (toBroadcast || _host.AddressTable.IsJoined(remote.Address)))
            _host.Ip.SendDatagram(Hop.ToSelf, _routeSource, remote.Address, IpProtocol.Udp, hopLimit, Options.DontFragment, header, payload,
                Options.TrafficClass);
        return error;
    }

    private bool TryFindRoute(InetAddress destination, InetAddress source)
    {
        if (_routeDestination == destination && _routeRequestedSource == source && _routeGeneration == _host.Routing.Generation && _nextHop.IsCurrent)
            return true;
        _routeDestination = default;
        if (!IsBoundToAll && !LocalEndpoint.Address.IsMulticast)
        {
            if (!_host.AddressTable.IsLocal(LocalEndpoint.Address))
                return false;
            _routeSource = LocalEndpoint.Address;
        }
        else if (source.Family == destination.Family && !source.IsUnspecified && !source.IsMulticast)
        {
            if (!_host.AddressTable.IsLocal(source))
                return false;
            _routeSource = source;
        }
        else if (!_host.Routing.TrySelectSource(destination, out _routeSource))
        {
            return false;
        }

        _nextHop = _host.Routing.Route(destination);
        if (_nextHop.Kind == HopKind.None)
            return false;
        _routeDestination = destination;
        _routeRequestedSource = source;
        _routeGeneration = _host.Routing.Generation;
        Remember(destination);
        return true;
    }

    private void Remember(InetAddress destination)
    {
        if (Array.IndexOf(_sentTo, destination) >= 0)
            return;
        if (_nextSentTo == _sentTo.Length && _sentTo.Length < RememberedDestinations)
            Array.Resize(ref _sentTo, Math.Max(1, _sentTo.Length * 2));
        _nextSentTo %= _sentTo.Length;
        _sentTo[_nextSentTo++] = destination;
    }

    private bool MatchesFamily(InetAddress address) => address.Family != InetFamily.None
        && (LocalEndpoint.Address.Family == InetFamily.None || LocalEndpoint.Address.Family == address.Family);
}
