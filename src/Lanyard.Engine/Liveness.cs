namespace Lanyard.Engine;

/// <summary>
/// Watches the paths over which something was sent that nothing has come back for, and probes them: so a path that died is left within
/// seconds, while paths that carry traffic both ways cost nothing.
/// </summary>
internal sealed class Liveness(Node node)
{
    private const long TickMs = 250;
    private readonly List<(Peer Peer, Path Path)> _watched = [];

    public long NextDeadlineMs { get; private set; } = long.MaxValue;

    public void Watch(Peer peer, Path path)
    {
        // Traffic back and forth asks for this with every packet, and is looked at a few times a second.
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

            if (path.ShouldProbe(nowMs))
            {
                node.Outbound.Probe(nowMs, peer, path.LocalSocket, path.Endpoint);
                node.ReportDirectness(nowMs, peer);
            }

            next = Math.Min(next, path.NextProbeMs);
        }

        NextDeadlineMs = next == long.MaxValue ? next : Math.Max(next, nowMs + TickMs);
    }
}
