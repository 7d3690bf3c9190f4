using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Simulation;

/// <summary>A simulated node's TCP/IP host on one network.</summary>
public sealed class SimulatedPort : IFrameSink, IGroupObserver, INeighborResolver, IReassemblyFilter, INeighborAuthority
{
    private readonly byte[] _buffer = new byte[Lanyard.Engine.Node.FrameHeadroom + NetworkLimits.MaxMtu + Lanyard.Engine.Node.FrameTailroom];
    private readonly SimulatedNode _node;
    private VirtualNetwork? _network;
    private NetworkHost? _host;
    private MacAddress _destination;
    private ushort _etherType;

    internal SimulatedPort(SimulatedNode node, NetworkId id)
    {
        _node = node;
        Id = id;
    }

    /// <summary>The network.</summary>
    public NetworkId Id { get; }

    /// <summary>The network as the node sees it.</summary>
    public VirtualNetwork Network => _network!;

    /// <summary>The TCP/IP host; null until the controller assigned addresses. After calling it, call <see cref="SimulatedNode.Wake"/>.</summary>
    public NetworkHost? Host => _host;

    /// <summary>Sees the frames that arrive: source, destination, EtherType and what follows the Ethernet header.</summary>
    public Action<MacAddress, MacAddress, ushort, byte[]>? FrameTap { get; set; }

    /// <summary>Whether the network is up.</summary>
    public bool IsUp => _network is { Status: NetworkStatus.Ok } && _host is not null;

    /// <summary>Whether an address lies in a range of the host's addresses.</summary>
    internal bool Contains(InetAddress address)
    {
        if (_host is null)
            return false;
        foreach (var own in _host.Addresses)
        {
            if (own.Contains(address))
                return true;
        }

        return false;
    }

    internal long NextDeadlineMicroseconds => _host?.NextDeadline ?? long.MaxValue;

    /// <summary>The first assigned address of a family.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public InetAddress AddressOf(InetFamily family) =>
        _host!.Addresses.Select(p => p.Address).First(a => a.Family == family && !a.IsLinkLocal);

    /// <inheritdoc/>
    Span<byte> IFrameSink.Rent(MacAddress destination, ushort etherType, int length)
    {
        _destination = destination;
        _etherType = etherType;
        return length <= NetworkLimits.MaxMtu ? _buffer.AsSpan(Lanyard.Engine.Node.FrameHeadroom, length) : default;
    }

    /// <inheritdoc/>
    void IFrameSink.Commit(int length) =>
        _node.Node.SendFrame(_node.Host.Internet.NowMs, _network!, new OutgoingFrame
        {
            Source = _network!.Mac, Destination = _destination, EtherType = _etherType, Buffer = _buffer, Start = Lanyard.Engine.Node.FrameHeadroom, Length = length,
        });

    /// <inheritdoc/>
    void IFrameSink.Flush()
    {
    }

    /// <inheritdoc/>
    void IGroupObserver.OnJoined(EthernetGroup group) => _node.Node.Subscribe(_node.Host.Internet.NowMs, _network!, ToMulticastGroup(group));

    /// <inheritdoc/>
    void IGroupObserver.OnLeft(EthernetGroup group) => _node.Node.Unsubscribe(_network!, ToMulticastGroup(group));

    /// <inheritdoc/>
    bool INeighborResolver.TryResolve(InetAddress address, out MacAddress mac)
    {
        var isDerived = DerivedAddresses.TryGetNode(Id, address, out var node);
        mac = isDerived ? DerivedAddresses.Mac(Id, node) : default;
        return isDerived;
    }

    /// <inheritdoc/>
    bool IReassemblyFilter.Permits(MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> packet) =>
        _node.Node.PermitsReassembled(_network!, new EthernetFrame(source, destination, etherType, packet));

    /// <inheritdoc/>
    int INeighborAuthority.Version => _network!.OwnershipVersion;

    /// <inheritdoc/>
    AddressClaim INeighborAuthority.Judge(InetAddress address, MacAddress claimant) => _network!.FindOwner(address, claimant) switch
    {
        AddressOwner.Claimant => AddressClaim.Valid,
        AddressOwner.Other => AddressClaim.Forged,
        _ => AddressClaim.Unknown,
    };

    internal void Bind(VirtualNetwork network)
    {
        _network = network;
        Configure(network);
    }

    internal void Configure(VirtualNetwork network)
    {
        // Called before Join returns where a configuration was kept.
        _network = network;
        if (network.Config is not { } config)
            return;
        var now = _node.Host.Internet.NowMicroseconds;
        if (_host is null)
        {
            var secret = new byte[16];
            _node.Host.Internet.Fill(secret);
            _host = new NetworkHost(
                new NetworkHostOptions
                {
                    Mac = network.Mac,
                    Secret = secret,
                    Mtu = config.Mtu,
                    NeighborResolver = this,
                    GroupObserver = this,
                    ReassemblyFilter = this,
                    NeighborAuthority = this,
                    ReportGroups = GroupReporting.WhenAsked,
                },
                this);
        }

        foreach (var old in _host.Addresses.ToArray())
        {
            if (!config.StaticAddresses.Contains(old))
                _host.RemoveAddress(now, old.Address);
        }

        foreach (var address in config.StaticAddresses)
            _host.AddAddress(now, address, detectDuplicate: !DerivedAddresses.TryGetNode(Id, address.Address, out _));
        _host.SetRoutes([.. config.Routes.Where(r => r.Via.Family != InetFamily.None).Select(r => new Route(r.Target, r.Via, r.Metric))]);
        _node.Wake();
    }

    internal void Receive(MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> frame)
    {
        FrameTap?.Invoke(source, destination, etherType, frame.ToArray());
        _host?.Receive(_node.Host.Internet.NowMicroseconds, source, destination, etherType, frame);
        _node.Wake();
    }

    internal void Poll(long nowMicroseconds)
    {
        if (_host is not null && _host.NextDeadline <= nowMicroseconds)
            _host.Poll(nowMicroseconds);
    }

    private static MulticastGroup ToMulticastGroup(EthernetGroup group) => new(group.Mac, group.ArpAddress.V4);
}
