using Lanyard.Engine.Paths;
using Lanyard.Wire.Packets;
using Lanyard.Wire;

namespace Lanyard.Engine.Peers;

/// <summary>The peers whose identities are known, by address. If there are too many, those heard from longest ago are forgotten; roots never are.</summary>
internal sealed class PeerTable(NodeContext context, IPeerRoles roles)
{
    // Peers that have just become known; most of them are strangers when strangers are many.
    private const int MaxNewPeers = 1_024;

    private readonly Dictionary<NodeAddress, Peer> _peers = [];
    private readonly Queue<Peer> _newPeers = new();

    /// <summary>The number of peers.</summary>
    public int Count => _peers.Count;

    public Dictionary<NodeAddress, Peer>.ValueCollection All => _peers.Values;

    /// <summary>The endpoints of all peers' paths.</summary>
    public ConfirmedEndpoints Endpoints { get; } = new();

    /// <summary>The keys of all peers. Other threads may read it.</summary>
    public KeyTable Keys { get; } = new();

    public Peer? Find(NodeAddress address) => _peers.GetValueOrDefault(address);

    /// <summary>Creates a peer that is not in the table.</summary>
    public Peer Create(Identity identity, SessionKey key) => new(identity, key, context.Options.MaxPathsPerPeer, Endpoints);

    /// <summary>Creates a peer that is not in the table. Returns null if no key can be agreed on with it.</summary>
    public Peer? TryCreate(Identity identity) => SessionKey.TryAgree(context.Identity, identity, out var key) ? Create(identity, key) : null;

    /// <summary>Adds a peer whose identity was checked.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="peer">The peer.</param>
    /// <param name="isNew">Whether it was not known before a restart.</param>
    public void Add(long nowMs, Peer peer, bool isNew)
    {
        if (_peers.Count >= context.Options.MaxPeers)
            RemoveOldest(nowMs);
        _peers.Add(peer.Address, peer);
        Keys.Add(peer.Address, peer.Key);
        if (isNew)
        {
            _newPeers.Enqueue(peer);
            if (_newPeers.Count > MaxNewPeers)
                RemoveIdleStranger(nowMs, _newPeers.Dequeue());
        }

        context.Host.PeerChanged(peer.Address, PeerChange.Met, default);
    }

    public void Remove(Peer peer)
    {
        peer.DropPaths(static _ => true);
        _peers.Remove(peer.Address);
        Keys.Remove(peer.Address);
    }

    /// <summary>Whether a peer is a stranger: no root or controller, without a network in common, and without frames to or from it.</summary>
    public bool IsStranger(long nowMs, Peer peer) =>
        !peer.SharesNetwork(nowMs) && !peer.IsInUse(nowMs) && !peer.IsRoot && !roles.IsControllerOfJoined(peer.Address);

    /// <summary>Reports to the host if the peer gained its first direct path or lost its last one.</summary>
    public void ReportDirectness(long nowMs, Peer peer)
    {
        var path = peer.BestPath(nowMs);
        if (path is not null == peer.WasDirect)
            return;
        peer.WasDirect = path is not null;
        context.Host.PeerChanged(peer.Address, path is null ? PeerChange.DirectPathLost : PeerChange.DirectPathFound, path?.Endpoint ?? default);
    }

    /// <summary>Removes removed peers from the list of new ones: it must not keep them, with their keys.</summary>
    public void Clean()
    {
        while (_newPeers.TryPeek(out var first) && (first.PathCount > 0 || !ReferenceEquals(Find(first.Address), first)))
            _newPeers.Dequeue();
    }

    // Rare and linear: a sixteenth is removed at once, so that a flood of strangers does not pay it each time. Strangers are removed before members and controllers.
    private void RemoveOldest(long nowMs)
    {
        var candidates = _peers.Values.Where(p => !p.IsRoot).OrderBy(p => p.SharesNetwork(nowMs) || roles.IsControllerOfJoined(p.Address))
            .ThenBy(p => p.LastReceivedMs);
        foreach (var peer in candidates.Take(Math.Max(1, context.Options.MaxPeers / 16)).ToArray())
            Remove(peer);
    }

    private void RemoveIdleStranger(long nowMs, Peer peer)
    {
        if (peer.PathCount == 0 && IsStranger(nowMs, peer) && ReferenceEquals(Find(peer.Address), peer))
            Remove(peer);
    }
}
