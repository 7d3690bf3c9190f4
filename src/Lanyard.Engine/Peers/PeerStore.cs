using System.Diagnostics.CodeAnalysis;
using Lanyard.Engine.Paths;
using Lanyard.Engine.Roots;
using Lanyard.Wire;

namespace Lanyard.Engine.Peers;

/// <summary>
/// Keeps the state that is needed to reach peers at once after a restart: of members of shared networks, of controllers, of a controller's members, and of all
/// peers that a root has a path to.
/// </summary>
internal sealed class PeerStore(NodeContext context, PeerTable peers, RootTable roots, Contacts contacts, IPeerRoles roles)
{
    private const long SaveDelayMs = 1_000;

    /// <summary>The time of the next save, in milliseconds.</summary>
    public long NextDeadlineMs { get; private set; } = long.MaxValue;

    /// <summary>Finds a peer that is known, or was known before a restart. For this node's own needs: finding it may agree on a key.</summary>
    public Peer? Find(long nowMs, NodeAddress address)
    {
        if (peers.Find(address) is { } known)
            return known;
        if (!TryLoad(address, out var saved) || peers.TryCreate(saved.Identity) is not { } peer)
            return null;
        Add(nowMs, peer, saved);
        return peer;
    }

    /// <summary>Loads the saved state of a peer from this node's store, or its identity from this node's controller. Returns false if neither knows the peer.</summary>
    public bool TryLoad(NodeAddress address, [NotNullWhen(true)] out PeerState? saved)
    {
        saved = null;
        if (address == context.Address || address.IsReserved)
            return false;
        if (context.Host.LoadState(StateKind.Peer, address.Value) is { } state && PeerState.TryParse(state, out saved) && saved.Identity.Address == address)
            return true;
        saved = roles.FindMember(address) is { } member ? new PeerState(member, default, []) : null;
        return saved is not null;
    }

    /// <summary>Adds a peer whose identity was checked, and tries the endpoints where it was last reached.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="peer">The peer.</param>
    /// <param name="saved">Its state saved before a restart; null for a new peer.</param>
    public void Add(long nowMs, Peer peer, PeerState? saved)
    {
        peers.Add(nowMs, peer, isNew: saved is null);
        if (saved is null)
            return;
        peer.SetVersion(saved.Version);
        foreach (var endpoint in saved.Endpoints)
            contacts.Try(nowMs, peer, -1, endpoint, chargedTo: null);
    }

    /// <summary>Schedules <see cref="Save"/> within a second, so that a killed process loses only the changes of that second.</summary>
    public void SaveSoon(long nowMs) => NextDeadlineMs = Math.Min(NextDeadlineMs, nowMs + SaveDelayMs);

    public void Poll(long nowMs)
    {
        if (nowMs >= NextDeadlineMs)
            Save(nowMs);
    }

    /// <summary>Saves the state of all peers whose state changed.</summary>
    public void Save(long nowMs)
    {
        NextDeadlineMs = long.MaxValue;
        foreach (var peer in peers.All)
        {
            if (peer.IsDirty && (IsLasting(nowMs, peer) || (roots.IsSelf && peer.PathCount > 0)))
            {
                peer.IsDirty = false;
                context.Host.SaveState(StateKind.Peer, peer.Address.Value, PeerState.Of(peer).ToBytes());
            }
        }
    }

    /// <summary>Removes expired paths and unused peers.</summary>
    public void Clean(long nowMs)
    {
        peers.Clean();
        foreach (var peer in peers.All.ToArray())
        {
            peer.DropExpiredPaths(nowMs);
            peers.ReportDirectness(nowMs, peer);
            if (peer.PathCount > 0 || nowMs - peer.LastReceivedMs <= Path.ExpirationMs || nowMs - peer.LastUsedMs <= Path.ExpirationMs || peer.IsRoot)
                continue;

            // A root keeps the state of strangers only while they are reachable.
            if (roots.IsSelf && !IsLasting(nowMs, peer))
                context.Host.DeleteState(StateKind.Peer, peer.Address.Value);
            peers.Remove(peer);
        }
    }

    private bool IsLasting(long nowMs, Peer peer) =>
        peer.SharesNetwork(nowMs) || roles.IsControllerOfJoined(peer.Address) || roles.FindMember(peer.Address) is not null;
}
