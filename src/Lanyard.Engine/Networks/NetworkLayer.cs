using Lanyard.Engine.Members;
using Lanyard.Engine.Multicast;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Rules;
using Lanyard.Engine.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Networks;

/// <summary>The networks' layer (VL2): joined networks, members, frames, multicast and rules, and this node's controller. It creates its parts and connects them.</summary>
internal sealed class NetworkLayer
{
    private readonly NodeContext _context;
    private readonly JoinedNetworks _networks;
    private readonly IPeerLayer _peers;
    private readonly ConfigRequester _requester;
    private readonly CredentialSender _credentials;

    public NetworkLayer(NodeContext context, JoinedNetworks networks, IPeerLayer peers)
    {
        _context = context;
        _networks = networks;
        _peers = peers;
        _requester = new ConfigRequester(context, networks, peers);
        _credentials = new CredentialSender(context, peers);
        var reader = new CredentialReader(context, networks, peers, _credentials);
        var gate = new MemberGate(context, networks, peers, reader);
        var sender = new FrameSender(context, peers);
        Filter = new FrameFilter(context, sender);
        Multicaster = new Multicaster(context, networks, peers, Filter);
        Frames = new FrameVerbs(context, peers, gate, Filter, sender, Multicaster);
        Outbox = new ControllerOutbox(context, networks, peers, reader, _credentials);
        Pushes = new ConfigPushes(context, Outbox);
        var configs = new ConfigVerbs(context, networks, peers, Pushes);
        var multicast = new MulticastVerbs(context, networks, peers, gate, reader, Filter, Multicaster, Outbox);
        Verbs = new NetworkVerbs(Frames, multicast, configs, reader);
    }

    public FrameFilter Filter { get; }

    public FrameVerbs Frames { get; }

    public Multicaster Multicaster { get; }

    public ControllerOutbox Outbox { get; }

    public ConfigPushes Pushes { get; }

    public NetworkVerbs Verbs { get; }

    /// <summary>When <see cref="Poll"/> must be called next, in milliseconds since 1970.</summary>
    public long NextDeadlineMs
    {
        get
        {
            var next = Pushes.NextDeadlineMs;
            foreach (var network in _networks.All)
                next = Math.Min(next, network.NextDeadlineMs);
            return next;
        }
    }

    /// <summary>Joins a network with its saved configuration, if there is one, and requests the current one.</summary>
    public VirtualNetwork Join(long nowMs, NetworkId id)
    {
        if (_networks.Find(id) is { } joined)
            return joined;
        var network = new VirtualNetwork(_context, id, _peers, _requester, _credentials);
        _networks.Add(network);
        if (_context.Host.LoadState(StateKind.NetworkConfig, id.Value) is { Length: > 1 } state && NetworkConfig.TryParse(state, out var config))
            network.Configure(nowMs, config, ConfigOrigin.Stored);
        network.Request(nowMs);
        return network;
    }

    /// <summary>Leaves a network and deletes its configuration. Returns false if it was not joined.</summary>
    public bool Leave(NetworkId id)
    {
        if (!_networks.Remove(id))
            return false;

        // The revocations stay: a member that was revoked must not reach this node after it joins again.
        _context.Host.DeleteState(StateKind.NetworkConfig, id.Value);
        return true;
    }

    /// <summary>Requests the configurations that are missing at once: a root is reachable now, or the network under the node changed.</summary>
    public void RequestSoon(long nowMs)
    {
        foreach (var network in _networks.All)
            network.RequestSoon(nowMs);
    }

    public void Poll(long nowMs)
    {
        Pushes.Poll(nowMs);
        foreach (var network in _networks.All)
            network.Poll(nowMs);
    }

    /// <summary>Removes expired state.</summary>
    public void Clean(long nowMs)
    {
        Multicaster.Clean(nowMs);
        Outbox.Clean(nowMs);
        foreach (var network in _networks.All)
            network.Clean(nowMs);
    }
}
