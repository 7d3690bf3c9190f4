namespace Lanyard.Engine;

/// <summary>
/// Watches the paths that have sent packets and received none since, and probes them. A dead path is left within half a second or ten round trips; a path that
/// carries traffic in both directions costs nothing.
/// </summary>
internal sealed class Liveness(Node node)
{
    private const long TickMs = 10;
    private readonly List<(Peer Peer, Path Path)> _watched = [];

    public long NextDeadlineMs { get; private set; } = long.MaxValue;

    public void Watch(Peer peer, Path path)
    {
        // Called for every sent packet, so it does no more than this: Poll checks the list at most every TickMs.
        if (!path.IsWatched)
        {
            path.IsWatched = true;
            _watched.Add((peer, path));
        }

        NextDeadlineMs = Math.Min(NextDeadlineMs, path.NextProbeMs);
    }

    public void Poll(long nowMs)
    {
        if (nowMs < NextDeadlineMs)
            return;
        var next = long.MaxValue;
        for (var i = _watched.Count - 1; i >= 0; i--)
        {
            var (peer, path) = _watched[i];
            if (!path.IsUnanswered || path.IsExpired(nowMs) || !ReferenceEquals(peer.FindPath(path.LocalSocket, path.Endpoint), path))
            {
                path.StopWaiting();
                path.IsWatched = false;
                _watched[i] = _watched[^1];
                _watched.RemoveAt(_watched.Count - 1);
                continue;
            }

            var wasSuspect = path.IsSuspect;
            if (path.ShouldProbe(nowMs, peer.IsInUse(nowMs)))
            {
                node.Outbound.Probe(nowMs, peer, path);
                if (path.IsInDoubt && !wasSuspect)
                    next = Math.Min(next, DoubtOthers(nowMs, peer));
                node.Paths.ReportDirectness(nowMs, peer);
            }

            next = Math.Min(next, path.NextProbeMs);
        }

        NextDeadlineMs = next == long.MaxValue ? next : Math.Max(next, nowMs + TickMs);
    }

    private long DoubtOthers(long nowMs, Peer peer)
    {
        var next = long.MaxValue;
        foreach (var other in peer.Paths)
        {
            if (!other.IsAlive(nowMs) || !other.IsQuiet(nowMs) || other.IsInDoubt)
                continue;
            other.Doubt(nowMs);
            Watch(peer, other);
            node.Outbound.Probe(nowMs, peer, other);
            next = Math.Min(next, other.NextProbeMs);
        }

        return next;
    }
}
