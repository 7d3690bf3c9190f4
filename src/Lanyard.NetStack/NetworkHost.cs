using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>
/// One virtual Ethernet port as a TCP/IP host, without I/O: frames, time and calls go in; frames and events come out.
/// </summary>
/// <remarks>
/// <para>A host and all its sockets have one owner: calls must not overlap. A caller with several threads holds one lock around every
/// call.</para>
/// <para>Time is given in microseconds and must not go back. Every call that may send takes it.</para>
/// <para>The frames of one outermost call leave as one burst: <see cref="IFrameSink.Flush"/> is called at its end. Between
/// <see cref="BeginBatch"/> and <see cref="EndBatch"/> many calls make one burst, and the segments received among them are acknowledged
/// together.</para>
/// </remarks>
public sealed class NetworkHost
{
    // Bounds the work of one Poll; timers beyond it are due at once again.
    private const int MaxTimersPerPoll = 100_000;

    // Packets to the host itself may cause others. After this many rounds the rest waits for the next call.
    private const int MaxSettleRounds = 64;

    private readonly FrameInput _input;
    private readonly PoolTrimmer _poolTrimmer;
    private int _depth;
    private bool _isShutDown;

    /// <summary>Ethernet type of IPv4.</summary>
    public const ushort EtherTypeIPv4 = 0x0800;

    /// <summary>Ethernet type of ARP.</summary>
    public const ushort EtherTypeArp = 0x0806;

    /// <summary>Ethernet type of IPv6.</summary>
    public const ushort EtherTypeIPv6 = 0x86dd;

    /// <summary>Creates a host. It sends nothing until an address is used.</summary>
    /// <param name="options">The options.</param>
    /// <param name="sink">The sink of sent frames.</param>
    /// <exception cref="ArgumentException">The secret is not 16 bytes long.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The MTU is out of range.</exception>
    public NetworkHost(NetworkHostOptions options, IFrameSink sink)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(sink);
        CheckMtu(options.Mtu);
        Options = options;
        Mtu = options.Mtu;
        Counters = new HostCounters();
        Secrets = new HostSecrets(options.Secret.Span);
        Pool = new BufferPool(options.Limits.BufferBytes);
        _poolTrimmer = new PoolTrimmer(Pool, Timers);
        AddressTable = new AddressTable(this);
        Conflicts = new AddressConflicts(this);
        Selection = new AddressSelection(this);
        IgmpGroups = new GroupMembership(this, new IgmpFormat(this));
        MldGroups = new GroupMembership(this, new MldFormat(this));
        Frames = new FrameProtocol(this);
        Routing = new RouteTable(this);
        Neighbors = new NeighborTable(this);
        PathMtus = new PathMtuCache(this);
        Reassembler = new Reassembler(this);
        Output = new FrameOutput(this, sink);
        Ip = new IpOutput(this);
        Arp = new ArpProtocol(this);
        Ndp = new NdpProtocol(this);
        Icmp = new IcmpProtocol(this);
        IcmpErrors = new IcmpErrors(this);
        Udp = new UdpProtocol(this);
        Tcp = new TcpProtocol(this);
        _input = new FrameInput(this);
        foreach (var address in options.Addresses)
        {
            AddressTable.Check(address);
            AddressTable.Add(address);
        }
    }

    /// <summary>The options that the host was created with.</summary>
    public NetworkHostOptions Options { get; }

    /// <summary>The port's Ethernet address.</summary>
    public MacAddress Mac => Options.Mac;

    /// <summary>The largest packet that one frame carries, in bytes: see <see cref="SetMtu"/>.</summary>
    public int Mtu { get; private set; }

    /// <summary>The counters.</summary>
    public HostCounters Counters { get; }

    /// <summary>
    /// Whether received frames were queued because they arrive faster than the caller processes them. Then ECN-capable packets count as marked for
    /// congestion, as if by a router in front of this host (RFC 3168 section 5), so that senders slow down without loss.
    /// </summary>
    public bool IsBacklogged { get; set; }

    /// <summary>When <see cref="Poll"/> must be called next, in microseconds; <see cref="long.MaxValue"/> if nothing is pending. May be
    /// in the past.</summary>
    public long NextDeadline => HasWork ? Now : Timers.Next;

    /// <summary>The host's addresses, each with its on-link prefix.</summary>
    public IReadOnlyList<InetPrefix> Addresses => AddressTable.Addresses;

    /// <summary>The routes that were added.</summary>
    public IReadOnlyList<Route> Routes => Routing.Routes;

    /// <summary>The Ethernet groups that the host has joined.</summary>
    public IReadOnlyList<EthernetGroup> Groups => AddressTable.Groups;

    /// <summary>The time of the current call.</summary>
    internal long Now { get; private set; }

    internal HostSecrets Secrets { get; }

    internal BufferPool Pool { get; }

    internal TimerQueue Timers { get; } = new();

    /// <summary>The connections and sockets to settle when the batch ends.</summary>
    internal SettleQueue Settling { get; } = new();

    internal AddressTable AddressTable { get; }

    internal AddressConflicts Conflicts { get; }

    internal AddressSelection Selection { get; }

    internal GroupMembership IgmpGroups { get; }

    internal GroupMembership MldGroups { get; }

    internal FrameProtocol Frames { get; }

    internal RouteTable Routing { get; }

    internal NeighborTable Neighbors { get; }

    internal PathMtuCache PathMtus { get; }

    internal Reassembler Reassembler { get; }

    internal FrameOutput Output { get; }

    internal IpOutput Ip { get; }

    internal ArpProtocol Arp { get; }

    internal NdpProtocol Ndp { get; }

    internal IcmpProtocol Icmp { get; }

    internal IcmpErrors IcmpErrors { get; }

    internal UdpProtocol Udp { get; }

    internal TcpProtocol Tcp { get; }

    /// <summary>Whether a batch is open, so that the host can send.</summary>
    public bool IsBatchOpen => _depth > 0;

    private bool HasWork => Settling.Count + Output.LoopbackCount > 0;

    /// <summary>Receives a frame. Never throws, whatever the bytes.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="source">The Ethernet source.</param>
    /// <param name="destination">The Ethernet destination.</param>
    /// <param name="etherType">The Ethernet type.</param>
    /// <param name="payload">The bytes after the Ethernet header; needed only during the call.</param>
    public void Receive(long now, MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> payload)
    {
        BeginBatch(now);
        try
        {
            _input.Receive(source, destination, etherType, payload);
        }
        finally
        {
            EndBatch(now);
        }
    }

    /// <summary>Begins a batch. Frames of the calls until <see cref="EndBatch"/> leave at its end. Batches nest.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void BeginBatch(long now)
    {
        Now = Math.Max(Now, now);
        _depth++;
    }

    /// <summary>Ends a batch: raises events, sends acknowledgments and data, and flushes the sink.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <exception cref="InvalidOperationException">No batch is open.</exception>
    public void EndBatch(long now)
    {
        if (_depth == 0)
            throw new InvalidOperationException("No batch is open.");
        Now = Math.Max(Now, now);
        try
        {
            if (_depth == 1)
                Settle();
        }
        finally
        {
            _depth--;
        }
    }

    /// <summary>Handles the timers that are due. Call it at <see cref="NextDeadline"/>; an earlier call has no effect.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void Poll(long now)
    {
        BeginBatch(now);
        try
        {
            for (var i = 0; i < MaxTimersPerPoll && Timers.TakeDue(Now) is { } timer; i++)
                timer.OnTimer(Now);
        }
        finally
        {
            EndBatch(now);
        }
    }

    /// <summary>
    /// Adds an address with its on-link prefix, joins the groups it needs, and announces it. An IPv6 address can be used at once; whether
    /// another host has it shows within a second: see <see cref="NetworkHostOptions.DetectDuplicateAddresses"/> and
    /// <see cref="IAddressObserver"/>.
    /// </summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="address">The address with its prefix length.</param>
    /// <param name="detectDuplicate">Whether an IPv6 address is to be checked; false where no other host can have it.</param>
    /// <returns>Whether it was added; false if the host has it already (the prefix is then updated), or lost it to another host within
    /// the last five minutes.</returns>
    /// <exception cref="ArgumentException">The address is multicast, unspecified or none.</exception>
    public bool AddAddress(long now, InetPrefix address, bool detectDuplicate = true)
    {
        AddressTable.Check(address);
        BeginBatch(now);
        var added = !Conflicts.IsLost(address.Address) && AddressTable.Add(address);
        Routing.OnAddressesChanged();
        if (added && address.Address.IsV4)
            Arp.Announce(address.Address);
        else if (added && detectDuplicate && Options.DetectDuplicateAddresses)
            Conflicts.Detect(address.Address);
        else if (added)
            Ndp.Announce(address.Address);
        EndBatch(now);
        return added;
    }

    /// <summary>Removes an address. Connections and sockets bound to it end with <see cref="NetError.AddressRemoved"/>.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="address">The address.</param>
    /// <returns>Whether the host had it.</returns>
    public bool RemoveAddress(long now, InetAddress address)
    {
        BeginBatch(now);
        var removed = DropAddress(address);
        EndBatch(now);
        return removed;
    }

    /// <summary>
    /// Handles a change of the path below to a neighbor: connections whose retransmissions to that neighbor were not acknowledged retransmit at once.
    /// </summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="neighbor">The neighbor's Ethernet address.</param>
    public void PathChanged(long now, MacAddress neighbor)
    {
        BeginBatch(now);
        Tcp.OnPathChanged(neighbor);
        EndBatch(now);
    }

    /// <summary>
    /// Changes the MTU. Sockets and connections stay open. Connections use the new segment size, up to the MSS agreed at the handshake, and retransmit longer segments in
    /// flight in pieces. Longer packets from neighbors that do not know the new MTU yet are still received.
    /// </summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="mtu">The largest packet that one frame carries, in bytes: 1280 to 65,535.</param>
    /// <exception cref="ArgumentOutOfRangeException">The MTU is out of range.</exception>
    public void SetMtu(long now, int mtu)
    {
        CheckMtu(mtu);
        if (mtu == Mtu)
            return;
        BeginBatch(now);
        Mtu = mtu;
        _input.OnMtuChanged(mtu);
        Tcp.OnMtuChanged();
        EndBatch(now);
    }

    /// <summary>Replaces all routes.</summary>
    /// <param name="routes">The routes; those on-link by the addresses' prefixes need not be among them.</param>
    public void SetRoutes(IReadOnlyList<Route> routes) => Routing.SetRoutes(routes);

    /// <summary>
    /// Puts destinations in the order in which they should be tried (RFC 6724 section 6), as after a name was resolved: those that can be
    /// reached first, then by scope, label and precedence. Equals stay as they are.
    /// </summary>
    /// <param name="destinations">The destinations, of either family.</param>
    public void SortDestinations(Span<InetAddress> destinations) => Selection.Sort(destinations);

    /// <summary>Whether there is a way to a destination, and from which of the host's addresses (RFC 6724).</summary>
    /// <param name="destination">The destination.</param>
    /// <param name="source">The address that would be the source.</param>
    public bool TrySelectSource(InetAddress destination, out InetAddress source) => Routing.TrySelectSource(destination, out source);

    /// <summary>Begins to open a TCP connection; <see cref="ITcpEvents.OnConnected"/> or <see cref="ITcpEvents.OnClosed"/>
    /// follows.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="remote">The remote endpoint.</param>
    /// <param name="events">The handler of events.</param>
    /// <param name="connection">The connection, if the answer is <see cref="NetError.None"/>.</param>
    /// <param name="local">This end's address and port; <see langword="default"/>, or an unspecified address or port 0, lets the host
    /// choose.</param>
    /// <param name="options">The settings; null for the host's.</param>
    /// <returns><see cref="NetError.None"/>, or the reason of the failure.</returns>
    public NetError ConnectTcp(long now, InetEndpoint remote, ITcpEvents events, out TcpConnection? connection,
        InetEndpoint local = default, TcpOptions? options = null)
    {
        connection = null;
        if (_isShutDown)
            return NetError.Closed;
        BeginBatch(now);
        var error = Tcp.Connect(remote, local, events, options, out connection);
        EndBatch(now);
        return error;
    }

    /// <summary>Listens on a TCP port.</summary>
    /// <param name="local">The address and port; an unspecified address listens on all of its family, <see langword="default"/> address
    /// on all of both; port 0 chooses one.</param>
    /// <param name="events">The handler of events; may be null.</param>
    /// <param name="listener">The listener, if the answer is <see cref="NetError.None"/>.</param>
    /// <param name="backlog">The number of established connections that may be pending, 1 to 65,535.</param>
    /// <param name="options">The settings of accepted connections; null for the host's.</param>
    /// <returns><see cref="NetError.None"/>, or the reason of the failure.</returns>
    public NetError ListenTcp(InetEndpoint local, ITcpListenEvents? events, out TcpListenSocket? listener, int backlog = 512,
        TcpOptions? options = null)
    {
        listener = null;
        return _isShutDown ? NetError.Closed : Tcp.Listen(local, events, Math.Min(Math.Max(backlog, 1), 65_535), options, out listener);
    }

    /// <summary>Opens a UDP socket.</summary>
    /// <param name="local">The address and port; an unspecified address binds all of its family, <see langword="default"/> address all
    /// of both; port 0 chooses one.</param>
    /// <param name="events">The handler of events; may be null.</param>
    /// <param name="socket">The socket, if the answer is <see cref="NetError.None"/>.</param>
    /// <param name="options">The settings; null for the defaults.</param>
    /// <returns><see cref="NetError.None"/>, or the reason of the failure.</returns>
    public NetError OpenUdp(InetEndpoint local, IUdpEvents? events, out UdpSocket? socket, UdpOptions? options = null)
    {
        socket = null;
        return _isShutDown ? NetError.Closed : Udp.Open(local, events, out socket, options);
    }

    /// <summary>Opens a socket that sends echo requests (ping) and gets their replies. It has an identifier of its own.</summary>
    /// <param name="events">The handler of events.</param>
    /// <param name="socket">The socket, if the answer is <see cref="NetError.None"/>.</param>
    /// <returns><see cref="NetError.None"/>, or the reason of the failure.</returns>
    public NetError OpenEcho(IEchoEvents events, out EchoSocket? socket)
    {
        socket = null;
        return _isShutDown ? NetError.Closed : Icmp.Open(events, out socket);
    }

    /// <summary>Opens a socket that sends and receives Ethernet frames. The host still handles the frames that it receives.</summary>
    /// <param name="etherType">The Ethernet type, 0x0600 or more; 0 receives all types, those of IP and ARP included.</param>
    /// <param name="events">The handler of events; may be null.</param>
    /// <param name="socket">The socket, if the answer is <see cref="NetError.None"/>.</param>
    /// <param name="options">The settings; null for the defaults.</param>
    /// <returns><see cref="NetError.None"/>, or the reason of the failure.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The type is 1 to 0x05ff, which is a length.</exception>
    public NetError OpenFrames(ushort etherType, IFrameEvents? events, out FrameSocket? socket, FrameOptions? options = null)
    {
        if (etherType is > 0 and < FrameSocket.FirstEtherType)
            throw new ArgumentOutOfRangeException(nameof(etherType), etherType, "An Ethernet type is 0x0600 or more; 0 is for all.");
        socket = null;
        return _isShutDown ? NetError.Closed : Frames.Open(etherType, events, options ?? new FrameOptions(), out socket);
    }

    /// <summary>Closes every socket, aborting connections with a reset, and leaves all groups. The host cannot be used afterwards.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void Shutdown(long now)
    {
        BeginBatch(now);
        _isShutDown = true;
        Tcp.Shutdown();
        Udp.CloseBoundTo(default, all: true);
        Icmp.Shutdown();
        Frames.Shutdown();
        EndBatch(now);
        IgmpGroups.Stop();
        MldGroups.Stop();
        foreach (var address in Addresses.ToArray())
        {
            AddressTable.Remove(address.Address);
            Conflicts.Forget(address.Address);
        }

        Routing.OnAddressesChanged();
        Neighbors.Clear();
    }

    internal void Count(HostCounter counter) => Counters.Add(counter);

    /// <summary>Whether a neighbor claims an address that certainly belongs to another neighbor.</summary>
    internal bool IsForged(InetAddress address, MacAddress claimant) =>
        Options.NeighborAuthority is { } authority && authority.Judge(address, claimant) == AddressClaim.Forged;

    /// <summary>Removes an address and closes everything bound to it. Returns false if the host does not have it.</summary>
    internal bool DropAddress(InetAddress address)
    {
        if (!AddressTable.Remove(address))
            return false;
        Conflicts.Forget(address);
        Routing.OnAddressesChanged();
        Neighbors.Clear();
        Tcp.OnAddressRemoved(address);
        Udp.CloseBoundTo(address, all: false);
        return true;
    }

    private static void CheckMtu(int mtu)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(mtu, Ipv6Packet.MinMtu);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(mtu, 65_535);
    }

    // The end of the outermost batch: raises events, lets connections send and delivers the host's packets to itself, until no work is left.
    private void Settle()
    {
        for (var round = 0; round < MaxSettleRounds && HasWork; round++)
        {
            Settling.SettleAll(Now);
            for (var i = Output.LoopbackCount; i > 0 && Output.TryTakeLoopback(out var packet); i--)
                _input.ReceiveLoopback(packet);
        }

        Output.Flush();
        _poolTrimmer.Schedule(Now);
    }
}
