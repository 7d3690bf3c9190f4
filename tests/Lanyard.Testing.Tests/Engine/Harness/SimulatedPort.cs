using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Testing.Tests;

/// <summary>A simulated node's port on one network.</summary>
internal sealed class SimulatedPort : IVirtualPortHost
{
    private readonly byte[] _buffer = new byte[Lanyard.Engine.Node.FrameHeadroom + NetworkLimits.MaxMtu + Lanyard.Engine.Node.FrameTailroom];
    private readonly LanyardNetworkSettings _settings = new();
    private readonly SimulatedNode _node;
    private VirtualPort? _port;
    private Action<MacAddress, MacAddress, ushort, byte[]>? _frameTap;

    public SimulatedPort(SimulatedNode node, NetworkId id)
    {
        _node = node;
        Id = id;
    }

    /// <summary>The network ID.</summary>
    public NetworkId Id { get; }

    /// <summary>The network in the engine.</summary>
    public VirtualNetwork Network => _port!.Network;

    /// <summary>The TCP/IP host. After calling it, call <see cref="SimulatedNode.Wake"/>.</summary>
    public NetworkHost? Host => _port?.Stack;

    /// <summary>Whether the engine changed the network since it was last applied.</summary>
    public bool HasChanged { get; set; }

    /// <summary>Receives the frames that arrive: source, destination, EtherType and payload.</summary>
    public Action<MacAddress, MacAddress, ushort, byte[]>? FrameTap
    {
        get => _frameTap;
        set
        {
            _frameTap = value;
            _port!.IsObserved = value is not null;
        }
    }

    /// <summary>Whether the node is a member and has an address.</summary>
    public bool IsUp => _port is { Network.Status: NetworkStatus.Ok, Stack.Addresses.Count: > 0 };

    public long NextDeadlineMicroseconds => _port?.Stack.NextDeadline ?? long.MaxValue;

    long IVirtualPortHost.NowMs => _node.Host.Internet.NowMs;

    long IVirtualPortHost.NowMicroseconds => _node.Host.Internet.NowMicroseconds;

    bool IVirtualPortHost.IsBacklogged => false;

    /// <summary>Returns the first assigned address of a family.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public InetAddress AddressOf(InetFamily family) => Host!.Addresses.Select(p => p.Address).First(a => a.Family == family && !a.IsLinkLocal);

    /// <summary>Whether an address lies in a range of the host's addresses.</summary>
    public bool Contains(InetAddress address) => Host is { } host && host.Addresses.Any(own => own.Contains(address));

    public void Bind(VirtualNetwork network)
    {
        if (_port is not null)
            return;
        var secret = new byte[16];
        _node.Host.Internet.Fill(secret);
        _port = new VirtualPort(_node.Node, network, this, new NetworkHostOptions { Mac = network.Mac, Secret = secret });
    }

    public void Receive(in EthernetFrame frame) => _port?.Receive(frame);

    public void PathChanged(NodeAddress peer) => _port?.PathChanged(peer);

    public void Poll() => _port?.Poll();

    /// <summary>Sends the replies to received frames, and applies a changed configuration.</summary>
    public void Settle()
    {
        _port?.EndBatch();
        if (!HasChanged)
            return;
        HasChanged = false;
        _port?.Apply(_settings);
    }

    byte[] IVirtualPortHost.TakeRoom(int bytes, out int offset, out object? room)
    {
        offset = 0;
        room = null;
        return _buffer;
    }

    void IVirtualPortHost.OnFrame(bool isOutbound, in EthernetFrame frame)
    {
        if (!isOutbound)
            _frameTap?.Invoke(frame.Source, frame.Destination, frame.EtherType, frame.Payload.ToArray());
    }

    void IVirtualPortHost.OnMtuChanged(int oldMtu, int newMtu)
    {
    }

    void IVirtualPortHost.OnAssignmentRefused(InetPrefix assigned, string reason)
    {
    }

    void IVirtualPortHost.OnDnsRefused(string domain, string reason)
    {
    }

    void IVirtualPortHost.OnAddressConflict(AddressConflict conflict) => HasChanged |= conflict.IsLost;
}
