using System.Security.Cryptography;
using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.Engine.Paths;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Verbs;

namespace Lanyard;

/// <summary>
/// This node's port on one network: joins the engine's virtual network to a TCP/IP host. Frames of the host are written straight into the buffer that
/// the engine encrypts and sends from. Under the gate, but for <see cref="Snapshot"/> and <see cref="Changed"/>.
/// </summary>
internal sealed class NetworkPort : IFrameSink, IGroupObserver, IAddressObserver, IReassemblyFilter, INeighborAuthority
{
    private const int SecretBytes = 16;

    private SendBatch _room = null!;
    private int _frameStart;
    private readonly HashSet<IPortUser> _users = [];
    private readonly MemberAddresses _members;
    private volatile NetworkSnapshot _snapshot;
    private MacAddress _destination;
    private ushort _etherType;
    private bool _isBatchOpen;

    // Null while nobody captures.
    private LanyardCapture[]? _captures;

    public NetworkPort(NodeRuntime runtime, LanyardNetwork owner, VirtualNetwork engine, LanyardNetworkSettings settings)
    {
        Runtime = runtime;
        Owner = owner;
        Engine = engine;
        Settings = settings;
        _members = new MemberAddresses(engine.Id, runtime.Engine.Address);
        _snapshot = new NetworkSnapshot(engine.Status, engine.Config, [], [], Dns: null, settings.AllowManagedNetworks,
            engine.Config is { } kept ? MtuOf(kept) : NetworkLimits.DefaultMtu, IsLeft: false);
        Host = CreateHost(_snapshot.Mtu);
        Echo = new EchoHub(this);
    }

    public NodeRuntime Runtime { get; }

    public LanyardNetwork Owner { get; }

    public VirtualNetwork Engine { get; }

    public NetworkHost Host { get; }

    public EchoHub Echo { get; }

    public LanyardNetworkSettings Settings { get; private set; }

    /// <summary>Whether the engine changed the network since <see cref="ApplyChanges"/>.</summary>
    public bool HasChanged { get; set; }

    /// <summary>Whether the network was left, or the node ended.</summary>
    public bool IsLeft { get; private set; }

    /// <summary>The network as readers see it.</summary>
    public NetworkSnapshot Snapshot => _snapshot;

    /// <summary>Raised when there is a new <see cref="Snapshot"/>.</summary>
    public Signal Changed { get; } = new();

    public long NextDeadline => Host.NextDeadline;

    /// <summary>Registers a user of the port. At shutdown the node waits until the user has finished. The port notifies the user when it ends.</summary>
    public void AddUser(IPortUser user) => _users.Add(user);

    public void RemoveUser(IPortUser user) => _users.Remove(user);

    /// <summary>Shows a capture every frame from now on.</summary>
    public void AddCapture(LanyardCapture capture) => _captures = [.. _captures ?? [], capture];

    /// <summary>Shows a capture nothing more.</summary>
    public void RemoveCapture(LanyardCapture capture)
    {
        LanyardCapture[] left = [.. (_captures ?? []).Where(other => other != capture)];
        _captures = left.Length == 0 ? null : left;
    }

    /// <summary>Whether something is still being sent for streams that the app is done with.</summary>
    public bool IsFinishing => _users.Any(user => user.IsFinishing);

    /// <summary>The node that an address belongs to by its form.</summary>
    public bool TryFindNode(InetAddress address, out NodeAddress node) => _members.TryFindNode(address, out node);

    /// <summary>The address that a node has on the network by its form.</summary>
    public bool TryFindAddress(NodeAddress node, out InetAddress address) =>
        _members.TryFindAddress(node, _snapshot.Addresses, out address);

    /// <summary>
    /// Returns the length of the longest prefix, among the addresses and routes in use, that contains a destination. Returns a negative number if there is none, or if
    /// the host reaches the destination without the network: on this host itself or, with <paramref name="prefersOwnLan"/>, on its own LAN or by a host route that is at
    /// least as specific, unless the user named the range. No lock is needed.
    /// </summary>
    public int PrefixBitsTo(InetAddress destination, bool prefersOwnLan)
    {
        var longest = -1;
        if (destination.IsLoopback || destination.IsUnspecified)
            return longest;
        var snapshot = _snapshot;
        foreach (var own in snapshot.Addresses)
            Consider(own);
        foreach (var route in snapshot.Routes)
            Consider(route.Target);
        return longest;

        void Consider(InetPrefix range)
        {
            if (range.Bits > longest && range.Contains(destination)
                && (!prefersOwnLan || snapshot.IsNamed(range) || !Runtime.IsNearerThan(range, destination, Engine.Id)))
                longest = range.Bits;
        }
    }

    /// <summary>Returns the node that an Ethernet address belongs to; none if the address is the default or lies behind a bridge.</summary>
    public NodeAddress FindNode(MacAddress mac) => DerivedAddresses.NodeOf(Engine.Id, mac);

    public void Receive(in EthernetFrame frame)
    {
        if (!_isBatchOpen)
        {
            _isBatchOpen = true;
            Host.IsBacklogged = Runtime.IsBacklogged;
            Host.BeginBatch(Runtime.NowMicroseconds);
        }

        if (_captures is not null)
            Record(isOutbound: false, frame.Source, frame.Destination, frame.EtherType, frame.Payload);
        Host.Receive(Runtime.NowMicroseconds, frame.Source, frame.Destination, frame.EtherType, frame.Payload);
    }

    public void EndBatch()
    {
        if (!_isBatchOpen)
            return;
        _isBatchOpen = false;
        Host.EndBatch(Runtime.NowMicroseconds);
    }

    /// <summary>Reports that the path to a peer has changed.</summary>
    public void PathChanged(NodeAddress peer) => Host.PathChanged(Runtime.NowMicroseconds, DerivedAddresses.Mac(Engine.Id, peer));

    public void Poll()
    {
        if (Host.NextDeadline <= Runtime.NowMicroseconds)
            Host.Poll(Runtime.NowMicroseconds);
    }

    public void UseSettings(LanyardNetworkSettings settings)
    {
        Settings = settings;
        HasChanged = true;
        ApplyChanges();
    }

    /// <summary>Follows the network's configuration: MTU, addresses, routes. Raises what is to be raised.</summary>
    public void ApplyChanges()
    {
        if (!HasChanged || IsLeft)
            return;
        HasChanged = false;
        IReadOnlyList<NetworkRoute> routes = [];
        NetworkDns? dns = null;
        if (Engine.Config is { } config)
        {
            if (MtuOf(config) is var mtu && mtu != Host.Mtu)
                ChangeMtu(mtu);
            ApplyAddresses(config);
            routes = ApplyRoutes(config);
            dns = TakeDns(config);
        }

        Publish(new NetworkSnapshot(Engine.Status, Engine.Config, Host.Addresses.ToArray(), routes, dns, Settings.AllowManagedNetworks, Host.Mtu, IsLeft: false));
    }

    /// <summary>Ends all that is open on the port.</summary>
    public void Shutdown()
    {
        if (IsLeft)
            return;
        IsLeft = true;
        EndBatch();
        Host.Shutdown(Runtime.NowMicroseconds);
        foreach (var user in _users.ToArray())
            user.OnPortLeft();
        _users.Clear();
        Echo.OnPortLeft();
        foreach (var capture in _captures ?? [])
            capture.End();
        Publish(_snapshot with { IsLeft = true });
    }

    Span<byte> IFrameSink.Rent(MacAddress destination, ushort etherType, int length)
    {
        _destination = destination;
        _etherType = etherType;
        _room = Runtime.TakeRoom(Node.FrameHeadroom + length + Node.FrameTailroom, out var start);
        _frameStart = start + Node.FrameHeadroom;
        return _room.Bytes.AsSpan(_frameStart, length);
    }

    void IFrameSink.Commit(int length)
    {
        if (_captures is not null)
            Record(isOutbound: true, Engine.Mac, _destination, _etherType, _room.Bytes.AsSpan(_frameStart, length));
        Runtime.Engine.SendFrame(Runtime.NowMs, Engine, new OutgoingFrame
        {
            Source = Engine.Mac, Destination = _destination, EtherType = _etherType, Buffer = _room.Bytes, Room = _room, Start = _frameStart, Length = length,
        });
    }

    void IFrameSink.Flush()
    {
        // What was committed leaves when the gate is left.
    }

    void IGroupObserver.OnJoined(EthernetGroup group) => Runtime.Engine.Subscribe(Runtime.NowMs, Engine, GroupOf(group));

    void IGroupObserver.OnLeft(EthernetGroup group) => Runtime.Engine.Unsubscribe(Engine, GroupOf(group));

    bool IReassemblyFilter.Permits(MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> packet) =>
        Runtime.Engine.PermitsReassembled(Engine, new EthernetFrame(source, destination, etherType, packet));

    int INeighborAuthority.Version => Engine.OwnershipVersion;

    AddressClaim INeighborAuthority.Judge(InetAddress address, MacAddress claimant) => Engine.FindOwner(address, claimant) switch
    {
        AddressOwner.Claimant => AddressClaim.Valid,
        AddressOwner.Other => AddressClaim.Forged,
        _ => AddressClaim.Unknown,
    };

    private void Record(bool isOutbound, MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> packet)
    {
        foreach (var capture in _captures!)
            capture.Record(isOutbound, source, destination, etherType, packet);
    }

    void IAddressObserver.OnConflict(AddressConflict conflict)
    {
        var id = Engine.Id;
        if (conflict.IsLost)
            Runtime.Events.Log(logger => Log.AddressLost(logger, id, conflict.Address, conflict.Other));
        else
            Runtime.Events.Log(logger => Log.AddressContested(logger, id, conflict.Address, conflict.Other));
        Owner.RaiseConflict(conflict);
        // What is left of the addresses is looked at when the call has ended.
        if (conflict.IsLost)
            Runtime.Ports.NoteChanged(Engine);
    }

    // For ARP, a group for each address: its number tells them apart.
    private static MulticastGroup GroupOf(EthernetGroup group) => new(group.Mac, group.ArpAddress.V4);

    private NetworkHost CreateHost(int mtu)
    {
        var secret = new byte[SecretBytes];
        RandomNumberGenerator.Fill(secret);
        var options = Runtime.Options;
        return new NetworkHost(
            new NetworkHostOptions
            {
                Mac = Engine.Mac,
                Secret = secret,
                Mtu = mtu,
                NeighborResolver = _members,
                GroupObserver = this,
                AddressObserver = this,
                ReassemblyFilter = this,
                NeighborAuthority = this,
                ReportGroups = GroupReporting.WhenAsked,
                AnswerEcho = options.AnswerPing,
                Limits = options.NetworkLimits,
                Tcp = options.Tcp,
            },
            this);
    }

    private static int MtuOf(NetworkConfig config) => Math.Clamp(config.Mtu, NetworkLimits.MinMtu, NetworkLimits.MaxMtu);

    private void ChangeMtu(int mtu)
    {
        var (id, old) = (Engine.Id, Host.Mtu);
        Runtime.Events.Log(logger => Log.MtuChanged(logger, id, old, mtu));
        Host.SetMtu(Runtime.NowMicroseconds, mtu);
    }

    private void ApplyAddresses(NetworkConfig config)
    {
        var wanted = new List<InetPrefix>();
        foreach (ref readonly var address in config.StaticAddresses)
        {
            if (MayTake(address, Settings.RefusesAddress(address)))
                wanted.Add(address);
        }

        // Add new addresses first, so that the stack keeps state that all addresses share, such as groups.
        var old = Host.Addresses.ToArray();
        foreach (var address in wanted)
        {
            if (!old.Contains(address))
                Host.AddAddress(Runtime.NowMicroseconds, address, detectDuplicate: !IsOwn(address.Address));
        }

        foreach (var gone in old)
        {
            if (!wanted.Any(other => other.Address == gone.Address))
                Host.RemoveAddress(Runtime.NowMicroseconds, gone.Address);
        }
    }

    // What follows from this node's own address no other can have.
    private bool IsOwn(InetAddress address) => _members.TryFindNode(address, out var node) && node == Runtime.Engine.Address;

    private List<NetworkRoute> ApplyRoutes(NetworkConfig config)
    {
        var taken = new List<NetworkRoute>();
        var routes = new List<Route>();

        // What is on the network itself comes first: gateways lie there.
        foreach (var hasGateway in (ReadOnlySpan<bool>)[false, true])
        {
            foreach (ref readonly var route in config.Routes)
            {
                // Skip routes through this node: the host itself reaches these destinations.
                if ((route.Via.Family != InetFamily.None) != hasGateway || IsOwn(config, route.Via))
                    continue;
                var target = route.Target.Address.Family != InetFamily.None ? route.Target : Everywhere(route.Via);
                var reason = Settings.RefusesRange(target);
                if (hasGateway && !IsOnNetwork(route.Via, target.Address.Family, routes))
                    reason ??= $"its gateway {route.Via} is not on the network";
                if (!MayTake(target, reason))
                    continue;
                taken.Add(route);
                routes.Add(new Route(target, route.Via, route.Metric));
            }
        }

        Host.SetRoutes(routes);
        return taken;
    }

    // Whether an address is assigned to this node, even if the node does not use it.
    private static bool IsOwn(NetworkConfig config, InetAddress gateway)
    {
        foreach (ref readonly var own in config.StaticAddresses)
        {
            if (own.Address == gateway)
                return true;
        }

        return false;
    }

    private bool IsOnNetwork(InetAddress gateway, InetFamily family, List<Route> routes) =>
        gateway.Family == family && (gateway.IsV6 && gateway.IsLinkLocal
            || (IpScopes.IsAssignable(IpScopes.Of(gateway)) && (Host.Addresses.Any(own => own.Contains(gateway))
                || routes.Any(route => route.Gateway.Family == InetFamily.None && route.Destination.Contains(gateway)))));

    private NetworkDns? TakeDns(NetworkConfig config)
    {
        if (config.Dns is not { } dns)
            return null;
        var servers = ((IEnumerable<InetAddress>)dns.Servers).Where(server => IpScopes.IsAssignable(IpScopes.Of(server))).ToEquatableArray();
        var reason = !Settings.AllowDns ? "allowDNS is off" : servers.IsEmpty ? "it has no server that can be asked" : DnsDomains.Refuses(dns.Domain);
        if (reason is null)
            return dns with { Servers = servers };
        var id = Engine.Id;
        Runtime.Events.Log(logger => Log.DnsNotTaken(logger, id, dns.Domain, reason));
        return null;
    }

    private bool MayTake(InetPrefix assigned, string? reason)
    {
        if (reason is null)
            return true;
        var id = Engine.Id;
        Runtime.Events.Log(logger => Log.AssignmentNotTaken(logger, id, assigned, reason));
        return false;
    }

    private static InetPrefix Everywhere(InetAddress via) => new(via.IsV6 ? InetAddress.AnyV6 : InetAddress.AnyV4, 0);

    private void Publish(NetworkSnapshot snapshot)
    {
        var isNews = !snapshot.SaysTheSameAs(_snapshot);
        _snapshot = snapshot;
        Changed.Raise();
        if (!isNews)
            return;
        var id = Engine.Id;
        Runtime.Events.Log(logger => Log.NetworkChanged(logger, id, snapshot.Status, string.Join(", ", snapshot.Addresses)));
        Owner.RaiseChanged(snapshot.Status);
    }
}

/// <summary>Something open on a <see cref="NetworkPort"/>. Called under the gate.</summary>
internal interface IPortUser
{
    /// <summary>Whether it is closed, but not all of it has reached the other end.</summary>
    bool IsFinishing { get; }

    /// <summary>The port's network was left, or the node ended.</summary>
    void OnPortLeft();
}
