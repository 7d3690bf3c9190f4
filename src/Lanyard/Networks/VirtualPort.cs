using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.Engine.Paths;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Verbs;

namespace Lanyard;

/// <summary>
/// A node's port on a virtual network, without I/O: joins the engine's network to a TCP/IP host, and applies the network's configuration to the host. The host writes
/// frames directly into the buffer that the engine seals and sends from. Under the gate.
/// </summary>
internal sealed class VirtualPort : IFrameSink, IGroupObserver, IAddressObserver, IReassemblyFilter, INeighborAuthority
{
    private readonly Node _node;
    private readonly IVirtualPortHost _host;
    private MacAddress _destination;
    private ushort _etherType;
    private byte[] _frameBytes = [];
    private object? _frameRoom;
    private int _frameStart;

    /// <param name="node">The engine.</param>
    /// <param name="network">The network that the engine has joined.</param>
    /// <param name="host">The host of the port.</param>
    /// <param name="options">The options of the TCP/IP host. The port sets the MTU and the interfaces to the network.</param>
    public VirtualPort(Node node, VirtualNetwork network, IVirtualPortHost host, NetworkHostOptions options)
    {
        _node = node;
        Network = network;
        _host = host;
        Members = new MemberAddresses(network.Id, node.Address);
        Stack = new NetworkHost(
            options with
            {
                Mtu = network.Config is { } kept ? MtuOf(kept) : NetworkLimits.DefaultMtu,
                NeighborResolver = Members,
                GroupObserver = this,
                AddressObserver = this,
                ReassemblyFilter = this,
                NeighborAuthority = this,
                ReportGroups = GroupReporting.WhenAsked,
            },
            this);
    }

    /// <summary>The network in the engine.</summary>
    public VirtualNetwork Network { get; }

    /// <summary>The TCP/IP host.</summary>
    public NetworkHost Stack { get; }

    /// <summary>The addresses that follow from node addresses.</summary>
    public MemberAddresses Members { get; }

    /// <summary>The routes in use.</summary>
    public IReadOnlyList<NetworkRoute> Routes { get; private set; } = [];

    /// <summary>The DNS configuration in use; null if there is none.</summary>
    public NetworkDns? Dns { get; private set; }

    /// <summary>Whether <see cref="IVirtualPortHost.OnFrame"/> is called for each frame.</summary>
    public bool IsObserved { get; set; }

    /// <summary>Receives a frame from the engine. Acknowledgments and replies are sent by <see cref="EndBatch"/>.</summary>
    public void Receive(in EthernetFrame frame)
    {
        if (!Stack.IsBatchOpen)
        {
            Stack.IsBacklogged = _host.IsBacklogged;
            Stack.BeginBatch(_host.NowMicroseconds);
        }

        if (IsObserved)
            _host.OnFrame(isOutbound: false, frame);
        Stack.Receive(_host.NowMicroseconds, frame.Source, frame.Destination, frame.EtherType, frame.Payload);
    }

    /// <summary>Sends the acknowledgments and replies to the received frames.</summary>
    public void EndBatch()
    {
        if (Stack.IsBatchOpen)
            Stack.EndBatch(_host.NowMicroseconds);
    }

    /// <summary>Reports that the path to a peer has changed.</summary>
    public void PathChanged(NodeAddress peer) => Stack.PathChanged(_host.NowMicroseconds, DerivedAddresses.Mac(Network.Id, peer));

    /// <summary>Runs the timers that are due.</summary>
    public void Poll()
    {
        if (Stack.NextDeadline <= _host.NowMicroseconds)
            Stack.Poll(_host.NowMicroseconds);
    }

    /// <summary>Applies the network's configuration to the TCP/IP host: MTU, addresses, routes, DNS. Does nothing without a configuration.</summary>
    /// <param name="settings">The assignments to apply.</param>
    public void Apply(LanyardNetworkSettings settings)
    {
        Routes = [];
        Dns = null;
        if (Network.Config is not { } config)
            return;
        if (MtuOf(config) is var mtu && mtu != Stack.Mtu)
        {
            _host.OnMtuChanged(Stack.Mtu, mtu);
            Stack.SetMtu(_host.NowMicroseconds, mtu);
        }

        ApplyAddresses(config, settings);
        Routes = ApplyRoutes(config, settings);
        Dns = TakeDns(config, settings);
    }

    /// <summary>Returns the MTU of a configuration, within the limits of the protocol.</summary>
    public static int MtuOf(NetworkConfig config) => Math.Clamp(config.Mtu, NetworkLimits.MinMtu, NetworkLimits.MaxMtu);

    Span<byte> IFrameSink.Rent(MacAddress destination, ushort etherType, int length)
    {
        _destination = destination;
        _etherType = etherType;
        _frameBytes = _host.TakeRoom(Node.FrameHeadroom + length + Node.FrameTailroom, out var start, out _frameRoom);
        _frameStart = start + Node.FrameHeadroom;
        return _frameBytes.AsSpan(_frameStart, length);
    }

    void IFrameSink.Commit(int length)
    {
        if (IsObserved)
            _host.OnFrame(isOutbound: true, new EthernetFrame(Network.Mac, _destination, _etherType, _frameBytes.AsSpan(_frameStart, length)));
        _node.SendFrame(_host.NowMs, Network, new OutgoingFrame
        {
            Source = Network.Mac, Destination = _destination, EtherType = _etherType, Buffer = _frameBytes, Room = _frameRoom, Start = _frameStart, Length = length,
        });
    }

    void IFrameSink.Flush()
    {
        // Committed frames are sent when the gate is left.
    }

    void IGroupObserver.OnJoined(EthernetGroup group) => _node.Subscribe(_host.NowMs, Network, GroupOf(group));

    void IGroupObserver.OnLeft(EthernetGroup group) => _node.Unsubscribe(Network, GroupOf(group));

    void IAddressObserver.OnConflict(AddressConflict conflict) => _host.OnAddressConflict(conflict);

    bool IReassemblyFilter.Permits(MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> packet) =>
        _node.PermitsReassembled(Network, new EthernetFrame(source, destination, etherType, packet));

    int INeighborAuthority.Version => Network.OwnershipVersion;

    AddressClaim INeighborAuthority.Judge(InetAddress address, MacAddress claimant) => Network.FindOwner(address, claimant) switch
    {
        AddressOwner.Claimant => AddressClaim.Valid,
        AddressOwner.Other => AddressClaim.Forged,
        _ => AddressClaim.Unknown,
    };

    // ARP uses one group for each address; the group's number distinguishes them.
    private static MulticastGroup GroupOf(EthernetGroup group) => new(group.Mac, group.ArpAddress.V4);

    private static InetPrefix Everywhere(InetAddress via) => new(via.IsV6 ? InetAddress.AnyV6 : InetAddress.AnyV4, 0);

    private void ApplyAddresses(NetworkConfig config, LanyardNetworkSettings settings)
    {
        var wanted = new List<InetPrefix>();
        foreach (ref readonly var address in config.StaticAddresses)
        {
            if (MayUse(address, settings.RefusesAddress(address)))
                wanted.Add(address);
        }

        // Add new addresses first, so that the stack keeps state that all addresses share, such as groups.
        var old = Stack.Addresses.ToArray();
        foreach (var address in wanted)
        {
            if (!old.Contains(address))
                Stack.AddAddress(_host.NowMicroseconds, address, detectDuplicate: !IsOwn(address.Address));
        }

        foreach (var gone in old)
        {
            if (!wanted.Any(other => other.Address == gone.Address))
                Stack.RemoveAddress(_host.NowMicroseconds, gone.Address);
        }
    }

    // No other node can have an address that follows from this node's address.
    private bool IsOwn(InetAddress address) => Members.TryFindNode(address, out var node) && node == _node.Address;

    private List<NetworkRoute> ApplyRoutes(NetworkConfig config, LanyardNetworkSettings settings)
    {
        var taken = new List<NetworkRoute>();
        var routes = new List<Route>();

        // Routes to the network itself come first: gateways are there.
        foreach (var hasGateway in (ReadOnlySpan<bool>)[false, true])
        {
            foreach (ref readonly var route in config.Routes)
            {
                // Skip routes through this node: the host itself reaches these destinations.
                if ((route.Via.Family != InetFamily.None) != hasGateway || IsAssigned(config, route.Via))
                    continue;
                var target = route.Target.Address.Family != InetFamily.None ? route.Target : Everywhere(route.Via);
                var reason = settings.RefusesRange(target);
                if (hasGateway && !IsOnNetwork(route.Via, target.Address.Family, routes))
                    reason ??= $"its gateway {route.Via} is not on the network";
                if (!MayUse(target, reason))
                    continue;
                taken.Add(route);
                routes.Add(new Route(target, route.Via, route.Metric));
            }
        }

        Stack.SetRoutes(routes);
        return taken;
    }

    // Whether an address is assigned to this node, even if the node does not use it.
    private static bool IsAssigned(NetworkConfig config, InetAddress gateway)
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
            || (IpScopes.IsAssignable(IpScopes.Of(gateway)) && (Stack.Addresses.Any(own => own.Contains(gateway))
                || routes.Any(route => route.Gateway.Family == InetFamily.None && route.Destination.Contains(gateway)))));

    private NetworkDns? TakeDns(NetworkConfig config, LanyardNetworkSettings settings)
    {
        if (config.Dns is not { } dns)
            return null;
        var servers = ((IEnumerable<InetAddress>)dns.Servers).Where(server => IpScopes.IsAssignable(IpScopes.Of(server))).ToEquatableArray();
        var reason = !settings.AllowDns ? "allowDNS is off" : servers.IsEmpty ? "no server has an address that can be used" : DnsDomains.Refuses(dns.Domain);
        if (reason is null)
            return dns with { Servers = servers };
        _host.OnDnsRefused(dns.Domain, reason);
        return null;
    }

    private bool MayUse(InetPrefix assigned, string? reason)
    {
        if (reason is not null)
            _host.OnAssignmentRefused(assigned, reason);
        return reason is null;
    }
}

/// <summary>The host of a <see cref="VirtualPort"/>: time, buffers, and receiver of its reports. Called under the gate.</summary>
internal interface IVirtualPortHost
{
    /// <summary>The time in milliseconds since 1970.</summary>
    long NowMs { get; }

    /// <summary>The time of the TCP/IP hosts in microseconds.</summary>
    long NowMicroseconds { get; }

    /// <summary>Whether more datagrams arrive than the node can process.</summary>
    bool IsBacklogged { get; }

    /// <summary>Reserves room to build a packet in, valid until the next call.</summary>
    /// <param name="bytes">The size in bytes.</param>
    /// <param name="offset">The start of the room in the returned array.</param>
    /// <param name="room">The owner of the room: see <see cref="OutgoingFrame.Room"/>.</param>
    byte[] TakeRoom(int bytes, out int offset, out object? room);

    /// <summary>A frame is sent or was received. Called if <see cref="VirtualPort.IsObserved"/>.</summary>
    void OnFrame(bool isOutbound, in EthernetFrame frame);

    /// <summary>The MTU of the network changes.</summary>
    void OnMtuChanged(int oldMtu, int newMtu);

    /// <summary>An assigned address or route is not used.</summary>
    /// <param name="assigned">The address with its prefix length, or the destination of the route.</param>
    /// <param name="reason">The reason, as a clause.</param>
    void OnAssignmentRefused(InetPrefix assigned, string reason);

    /// <summary>The network's DNS is not used.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="reason">The reason, as a clause.</param>
    void OnDnsRefused(string domain, string reason);

    /// <summary>Another member claims an address of this node.</summary>
    void OnAddressConflict(AddressConflict conflict);
}
