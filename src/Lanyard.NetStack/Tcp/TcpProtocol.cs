using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Holds the TCP connections and listeners, and finds the one that a segment is for (RFC 9293 section 3.10).</summary>
internal sealed class TcpProtocol(NetworkHost host)
{
    // With timestamps, a connection opened by this host may replace one that is in TIME-WAIT for at least this long (RFC 6191).
    private const long ReuseAfter = Microseconds.PerSecond;

    private readonly Dictionary<ConnectionKey, TcpConnection> _connections = new(new ConnectionKey.Comparer(host.Secrets));
    private readonly Dictionary<ushort, List<TcpListenSocket>> _listeners = [];
    private readonly ConnectionList _waiting = new();
    private RateLimiter _resets = new(host.Options.Limits.RepliesPerSecond);
    private readonly CookieLimits _cookieLimits = new(host.Secrets, host.Options.Limits.CookiesPerNeighborAndSecond);
    private TcpConnection? _lastFound;

    // Until this time an acknowledgment may return a cookie.
    private long _cookiesUntil;

    /// <summary>The number of connections in any state.</summary>
    public int Count => _connections.Count;

    public int TimeWaitCount => _waiting.Count;

    public void Receive(in InboundPacket packet)
    {
        host.Count(HostCounter.TcpSegmentsReceived);
        var bytes = packet.Payload;
        if (!TcpSegment.TryParse(bytes, out var segment) || packet.ToGroup || segment.SourcePort == 0)
        {
            host.Count(HostCounter.TcpMalformed);
            return;
        }

        var sum = InternetChecksum.PseudoHeader(packet.Source, packet.Destination, IpProtocol.Tcp, bytes.Length)
            + InternetChecksum.Sum(bytes);
        if (!InternetChecksum.IsValid(sum))
        {
            host.Count(HostCounter.TcpBadChecksum);
            return;
        }

        var local = new InetEndpoint(packet.Destination, segment.DestinationPort);
        var remote = new InetEndpoint(packet.Source, segment.SourcePort);
        if (Find(local, remote) is { } connection)
        {
            if (connection.State != TcpState.TimeWait || !connection.AdmitsNewIncarnation(segment))
            {
                // A member of the network can forge IP addresses and ports, but not the source of a frame.
                if (connection.Admits(packet.FrameSource, segment))
                    connection.Receive(host.Now, packet.FrameSource, segment, packet.IsMarkedForCongestion);
                else
                    host.Count(HostCounter.TcpForeignSender);
                return;
            }

            host.Count(HostCounter.TcpTimeWaitReused);
            connection.EndTimeWait();
        }

        // A listener accepts only a plain SYN (section 3.10.7.2).
        if ((segment.Flags & (TcpFlags.Syn | TcpFlags.Ack | TcpFlags.Rst)) == TcpFlags.Syn && FindListener(local) is { } listener)
        {
            if (host.IsForged(packet.Source, packet.FrameSource))
                host.Count(HostCounter.TcpForgedSource);
            else
                listener.Receive(host.Now, packet, segment);
            return;
        }

        if (_cookiesUntil > host.Now && (segment.Flags & (TcpFlags.Syn | TcpFlags.Ack | TcpFlags.Rst)) == TcpFlags.Ack
            && FindListener(local) is { } answered && answered.ReceiveCookie(host.Now, packet, segment))
            return;

        host.Count(HostCounter.TcpNoPort);
        SendReset(local, remote, segment);
    }

    /// <summary>Answers a segment that belongs to no connection (section 3.10.7.1).</summary>
    public void SendReset(InetEndpoint local, InetEndpoint remote, in TcpSegment segment)
    {
        if (segment.Has(TcpFlags.Rst))
            return;
        if (!_resets.TryTake(host.Now))
        {
            host.Count(HostCounter.TcpResetsLimited);
            return;
        }

        var hop = host.Routing.Route(remote.Address);
        var reset = host.Ip.Begin(hop, local.Address, remote.Address, IpProtocol.Tcp, 64, TcpSegment.HeaderBytes);
        if (reset.IsEmpty)
            return;
        if (segment.Has(TcpFlags.Ack))
        {
            TcpSegment.WriteHeader(reset, local.Port, remote.Port, segment.Acknowledgment, 0, TcpFlags.Rst, 0, 0);
        }
        else
        {
            TcpSegment.WriteHeader(reset, local.Port, remote.Port, 0, segment.Sequence + (uint)segment.SequenceLength,
                TcpFlags.Rst | TcpFlags.Ack, 0, 0);
        }

        TcpSegment.WriteChecksum(reset, InternetChecksum.PseudoHeader(local.Address, remote.Address, IpProtocol.Tcp,
            TcpSegment.HeaderBytes));
        host.Count(HostCounter.TcpResetsSent);
        host.Ip.Commit(local.Address, TcpSegment.HeaderBytes);
    }

    public NetError Connect(InetEndpoint remote, InetEndpoint local, ITcpEvents events, TcpOptions? options, out TcpConnection? connection)
    {
        connection = null;
        if (remote.Port == 0 || remote.Address.IsMulticast || host.AddressTable.IsBroadcast(remote.Address)
            || !host.Routing.TrySelectSource(remote.Address, out var source))
            return NetError.NoRoute;
        if (local.Address.Family != InetFamily.None && !local.Address.IsUnspecified)
        {
            if (!host.AddressTable.IsLocal(local.Address) || local.Address.Family != remote.Address.Family)
                return NetError.AddressNotAvailable;
            source = local.Address;
        }

        if (_connections.Count - _waiting.Count >= host.Options.Limits.TcpConnections)
        {
            host.Count(HostCounter.TcpConnectionLimit);
            return NetError.LimitReached;
        }

        var port = local.Port;
        if (port == 0 ? !TryChoosePort(source, remote, out port) : !TryFreePort(new InetEndpoint(source, port), remote))
            return local.Port == 0 ? NetError.NoPorts : NetError.AddressInUse;
        connection = new TcpConnection(host, new InetEndpoint(source, port), remote, options ?? host.Options.Tcp, null) { Events = events };
        _connections.Add(new ConnectionKey(connection.LocalEndpoint, remote), connection);
        connection.Open(host.Now);
        return NetError.None;
    }

    public NetError Listen(InetEndpoint local, ITcpListenEvents? events, int backlog, TcpOptions? options, out TcpListenSocket? listener)
    {
        listener = null;
        var address = local.Address;
        if (address.Family != InetFamily.None && !address.IsUnspecified && !host.AddressTable.IsLocal(address))
            return NetError.AddressNotAvailable;
        var port = local.Port;
        if (port == 0 && !TryChooseListenPort(out port))
            return NetError.NoPorts;
        if (!_listeners.TryGetValue(port, out var listeners))
            _listeners.Add(port, listeners = new List<TcpListenSocket>(1));
        foreach (var other in listeners)
        {
            if (other.LocalEndpoint.Address == address)
                return NetError.AddressInUse;
        }

        listener = new TcpListenSocket(host, new InetEndpoint(address, port), events, backlog, options ?? host.Options.Tcp);
        listeners.Add(listener);
        return NetError.None;
    }

    /// <summary>Adds a connection of a listener. Returns false at the limit.</summary>
    public bool TryAdd(TcpConnection connection)
    {
        if (_connections.Count - _waiting.Count < host.Options.Limits.TcpConnections)
            return _connections.TryAdd(new ConnectionKey(connection.LocalEndpoint, connection.RemoteEndpoint), connection);
        host.Count(HostCounter.TcpConnectionLimit);
        return false;
    }

    /// <summary>Answers a SYN with a cookie, which holds no memory (<see cref="SynCookies"/>), unless the neighbor got too many. The answer goes to the
    /// Ethernet source of the SYN, so that forged IP addresses cost no neighbor entries either.</summary>
    public void SendCookie(in InboundPacket packet, in TcpSegment syn, TcpOptions options)
    {
        if (!_cookieLimits.TryTake(host.Now, packet.FrameSource))
        {
            host.Count(HostCounter.TcpCookiesLimited);
            return;
        }

        var local = new InetEndpoint(packet.Destination, syn.DestinationPort);
        var remote = new InetEndpoint(packet.Source, syn.SourcePort);
        var offer = SynOffer.From(syn);
        // Without timestamps a cookie has room for the segment size only.
        var timestamps = options.Timestamps && offer.HasTimestamp;
        offer = offer with
        {
            HasTimestamp = timestamps,
            SackPermitted = timestamps && options.SelectiveAcknowledgments && offer.SackPermitted,
            WindowShift = timestamps && options.WindowScaling ? offer.WindowShift : -1,
            Ecn = timestamps && options.Ecn != EcnMode.Off && offer.Ecn,
        };
        var timestamp = TcpTimestamps.OffsetOf(host.Secrets, local.Address, remote.Address) + TcpTimestamps.Clock(host.Now);
        var sequence = SynCookies.Make(host, packet.FrameSource, local, remote, offer, ref timestamp);
        Span<byte> synOptions = stackalloc byte[TcpSegment.MaxOptionBytes];
        var length = TcpSegmentOptions.WriteSyn(synOptions, SegmentSize.Offered(host, remote.Address, options),
            offer.WindowShift < 0 ? -1 : TcpReceiver.ChooseShift(options.MaxReceiveBufferBytes), offer.SackPermitted, timestamps, timestamp,
            offer.Timestamp);
        var hop = packet.FromSelf ? Hop.ToSelf : Hop.ToMac(packet.FrameSource);
        var segment = host.Ip.Begin(hop, local.Address, remote.Address, IpProtocol.Tcp, options.HopLimit, TcpSegment.HeaderBytes + length,
            trafficClass: (byte)(options.TrafficClass & ~3));
        if (segment.IsEmpty)
            return;
        TcpSegment.WriteHeader(segment, local.Port, remote.Port, sequence, syn.Sequence + 1,
            TcpFlags.Syn | TcpFlags.Ack | (offer.Ecn ? TcpFlags.Ece : TcpFlags.None),
            TcpReceiver.FirstWindow(options.InitialReceiveBufferBytes), length);
        synOptions[..length].CopyTo(segment[TcpSegment.HeaderBytes..]);
        TcpSegment.WriteChecksum(segment, InternetChecksum.PseudoHeader(local.Address, remote.Address, IpProtocol.Tcp, segment.Length));
        host.Count(HostCounter.TcpCookiesSent);
        host.Count(HostCounter.TcpSegmentsSent);
        host.Ip.Commit(local.Address, segment.Length);
        _cookiesUntil = host.Now + SynCookies.Lifetime;
    }

    public void OnTimeWait(TcpConnection connection)
    {
        _waiting.AddLast(connection);
        if (_waiting.Count <= host.Options.Limits.TcpTimeWait)
            return;
        host.Count(HostCounter.TcpTimeWaitEvicted);
        _waiting.First!.EndTimeWait();
    }

    public void OnFinished(TcpConnection connection, bool wasWaiting)
    {
        _connections.Remove(new ConnectionKey(connection.LocalEndpoint, connection.RemoteEndpoint));
        if (ReferenceEquals(_lastFound, connection))
            _lastFound = null;
        if (wasWaiting)
            _waiting.Remove(connection);
    }

    public void OnListenerClosed(TcpListenSocket listener)
    {
        var port = listener.LocalEndpoint.Port;
        if (!_listeners.TryGetValue(port, out var listeners))
            return;
        listeners.Remove(listener);
        if (listeners.Count == 0)
            _listeners.Remove(port);
    }

    public bool OnIcmpError(InetEndpoint local, InetEndpoint remote, uint sequence, IcmpError error) =>
        Find(local, remote) is { } connection && connection.Path.OnIcmpError(sequence, error);

    public void OnNeighborFailed(NeighborEntry neighbor)
    {
        List<TcpConnection>? failed = null;
        foreach (var connection in _connections.Values)
        {
            if (connection.Path.OnNeighborFailed(neighbor))
                (failed ??= []).Add(connection);
        }

        foreach (var connection in failed ?? [])
            connection.Fail(NetError.HostUnreachable);
    }

    /// <summary>Notifies all connections of the host's new MTU.</summary>
    public void OnMtuChanged()
    {
        foreach (var connection in _connections.Values)
            connection.Path.OnMtuChanged(host.Now);
    }

    public void OnPathChanged(MacAddress neighbor)
    {
        foreach (var connection in _connections.Values)
            connection.Path.OnPathChanged(neighbor, host.Now);
    }

    /// <summary>Ends the connections and listeners of a removed address.</summary>
    public void OnAddressRemoved(InetAddress address)
    {
        foreach (var connection in _connections.Values.ToArray())
        {
            if (connection.LocalEndpoint.Address != address)
                continue;
            if (connection.State == TcpState.TimeWait)
                connection.EndTimeWait();
            else
                connection.Fail(NetError.AddressRemoved);
        }

        foreach (var listener in _listeners.Values.SelectMany(list => list).ToArray())
        {
            if (listener.LocalEndpoint.Address == address)
                listener.Fail(NetError.AddressRemoved);
        }
    }

    public void Shutdown()
    {
        foreach (var listener in _listeners.Values.SelectMany(list => list).ToArray())
            listener.Close(host.Now);
        foreach (var connection in _connections.Values.ToArray())
        {
            if (connection.State == TcpState.TimeWait)
                connection.EndTimeWait();
            else
                connection.Abort(host.Now);
        }
    }

    private TcpConnection? Find(InetEndpoint local, InetEndpoint remote)
    {
        // Segments of one connection come in runs.
        if (_lastFound is { } last && last.LocalEndpoint == local && last.RemoteEndpoint == remote)
            return last;
        if (!_connections.TryGetValue(new ConnectionKey(local, remote), out var connection))
            return null;
        _lastFound = connection;
        return connection;
    }

    // A listener bound to the address has priority over one bound to its family, and that over one bound to both families.
    private TcpListenSocket? FindListener(InetEndpoint local)
    {
        if (!_listeners.TryGetValue(local.Port, out var listeners))
            return null;
        TcpListenSocket? best = null;
        var bestScore = 0;
        foreach (var listener in listeners)
        {
            var address = listener.LocalEndpoint.Address;
            var score = address == local.Address ? 3
                : address.IsUnspecified && address.Family == local.Address.Family ? 2
                : address.Family == InetFamily.None ? 1 : 0;
            if (score > bestScore)
                (best, bestScore) = (listener, score);
        }

        return best;
    }

    // RFC 6056 section 3.3.3: starts at a port that depends on both endpoints and the secret, plus a counter for all connections.
    private bool TryChoosePort(InetAddress source, InetEndpoint remote, out ushort port)
    {
        var start = host.Secrets.Hash(HostSecrets.Purpose.EphemeralPort, source.V6High, source.V6Low ^ source.V4, remote.Address.V6High,
            remote.Address.V6Low ^ remote.Address.V4, remote.Port);
        for (uint i = 0; i < EphemeralPorts.Count; i++)
        {
            port = (ushort)(EphemeralPorts.First + ((start + _nextPort++) % EphemeralPorts.Count));
            if (!_listeners.ContainsKey(port) && TryFreePort(new InetEndpoint(source, port), remote))
                return true;
        }

        port = 0;
        return false;
    }

    private uint _nextPort;

    // Whether no connection has these endpoints, or one that may be replaced.
    private bool TryFreePort(InetEndpoint local, InetEndpoint remote)
    {
        if (!_connections.TryGetValue(new ConnectionKey(local, remote), out var connection))
            return true;
        if (connection.State != TcpState.TimeWait || !connection.UsesTimestamps || host.Now - connection.TimeWaitSince < ReuseAfter)
            return false;
        host.Count(HostCounter.TcpTimeWaitReused);
        connection.EndTimeWait();
        return true;
    }

    private bool TryChooseListenPort(out ushort port)
    {
        var start = host.Secrets.Next(EphemeralPorts.Count);
        for (uint i = 0; i < EphemeralPorts.Count; i++)
        {
            port = (ushort)(EphemeralPorts.First + ((start + i) % EphemeralPorts.Count));
            if (!_listeners.ContainsKey(port))
                return true;
        }

        port = 0;
        return false;
    }
}

/// <summary>The endpoints of a connection.</summary>
internal readonly record struct ConnectionKey(InetEndpoint Local, InetEndpoint Remote)
{
    /// <summary>Hashes with numbers from the host's secret, so that strangers cannot choose keys that collide.</summary>
    public sealed class Comparer(HostSecrets secrets) : IEqualityComparer<ConnectionKey>
    {
        private readonly ulong _factor0 = secrets.Hash(HostSecrets.Purpose.TableHash, 0) | 1;
        private readonly ulong _factor1 = secrets.Hash(HostSecrets.Purpose.TableHash, 1) | 1;
        private readonly ulong _factor2 = secrets.Hash(HostSecrets.Purpose.TableHash, 2) | 1;

        public bool Equals(ConnectionKey x, ConnectionKey y) => x.Remote == y.Remote && x.Local == y.Local;

        public int GetHashCode(ConnectionKey obj)
        {
            var remote = obj.Remote.Address;
            var local = obj.Local.Address;
            var ports = ((ulong)obj.Remote.Port << 16) | obj.Local.Port;
            var hash = (ports + (remote.IsV4 ? remote.V4 : remote.V6Low)) * _factor0;
            hash = ((hash ^ (hash >> 32)) + remote.V6High) * _factor1;
            hash = ((hash ^ (hash >> 29)) + (local.IsV4 ? local.V4 : local.V6Low ^ local.V6High)) * _factor2;
            return (int)(hash >> 32);
        }
    }
}
