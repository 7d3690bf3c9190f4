using Lanyard.Engine.Packets;
using Lanyard.Engine.Paths;
using Lanyard.Engine.Peers;
using Lanyard.Wire;

namespace Lanyard.Engine.Roots;

/// <summary>Keeps contact with the roots, asks them for moons, and decides whether this node is online.</summary>
internal sealed class RootContacts(
    NodeContext context, RootTable roots, PathPolicy policy, PacketSender sender, PacketRouter router, PeerStore store, Whois whois)
{
    private bool _isPollWanted;

    /// <summary>Raised when a root answers over a new path, with the time in milliseconds since 1970.</summary>
    public event Action<long>? RootReachable;

    /// <summary>Whether this node reaches a root, or is one.</summary>
    public bool IsOnline { get; private set; }

    /// <summary>The time of the next attempt to reach a root, in milliseconds.</summary>
    public long NextDeadlineMs
    {
        get
        {
            var next = _isPollWanted ? 0 : long.MaxValue;
            foreach (var root in roots.Others)
            {
                if (!root.Peer.WasDirect)
                    next = Math.Min(next, root.NextAttemptMs);
            }

            return next;
        }
    }

    /// <summary>Takes a planet or a moon if it is newer than the known one and, for a moon, wanted. Returns true if something changed.</summary>
    public bool TryAddWorld(World world, bool isChosenByUser)
    {
        if (!roots.TryAdd(world, isChosenByUser))
            return false;
        _isPollWanted = true;
        return true;
    }

    /// <summary>Follows a moon. Asks one of its roots for it if it is not known.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="moon">The moon.</param>
    /// <param name="seed">The root to ask; none if the moon must be known.</param>
    public void Orbit(long nowMs, ulong moon, NodeAddress seed)
    {
        _isPollWanted = true;
        if (!roots.Orbit(moon, seed))
            return;
        if (store.Find(nowMs, seed) is { } peer)
            AskForMoons(nowMs, peer);
        else
            whois.Request(nowMs, seed);
    }

    /// <summary>Whether a peer is asked for a moon.</summary>
    public bool IsAskedForMoon(Peer peer) => roots.WantedMoons.Values.Contains(peer.Address);

    /// <summary>Asks a peer for the moons that are wanted from it: a HELLO names them, and the reply brings them.</summary>
    public void AskForMoons(long nowMs, Peer peer)
    {
        if (IsAskedForMoon(peer))
            router.SendHello(nowMs, peer);
    }

    /// <summary>Tries all roots again at once: the network under this node changed.</summary>
    public void RetrySoon()
    {
        _isPollWanted = true;
        foreach (var root in roots.Others)
            root.ResetAttempts();
    }

    /// <summary>Records that a direct path to a root was learned.</summary>
    public void NotePath(long nowMs, Root root)
    {
        root.ResetAttempts();
        SetOnline(true);
        whois.RootReachable(nowMs);
        router.RetrySoon(nowMs);
        RootReachable?.Invoke(nowMs);
    }

    public void Poll(long nowMs)
    {
        _isPollWanted = false;
        var online = roots.IsSelf;
        foreach (var root in roots.Others)
        {
            if (root.Peer.BestPath(nowMs) is not null)
            {
                online = true;
                continue;
            }

            if (nowMs < root.NextAttemptMs)
                continue;
            root.NoteAttempt(nowMs, context.Random.Next());
            foreach (var endpoint in root.Endpoints)
            {
                if (policy.Permits(root.Peer, -1, endpoint))
                    sender.SendHello(nowMs, root.Peer, -1, endpoint);
            }
        }

        SetOnline(online);
    }

    private void SetOnline(bool online)
    {
        if (online == IsOnline)
            return;
        IsOnline = online;
        context.Host.OnlineChanged(online);
    }
}
