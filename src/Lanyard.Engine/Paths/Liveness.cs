using Lanyard.Engine.Packets;
using Lanyard.Engine.Peers;

namespace Lanyard.Engine.Paths;

/// <summary>
/// Probes the paths that have sent packets and received none since. A dead path is left within half a second or ten round trips; a path that carries traffic in both
/// directions costs nothing.
/// </summary>
internal sealed class Liveness(PeerTable peers, WatchedPaths watched, PacketSender sender)
{
    private const long TickMs = 10;

    public long NextDeadlineMs => watched.NextDeadlineMs;

    /// <summary>Takes a path out of use until it answers, and probes it.</summary>
    public void Distrust(long nowMs, Peer peer, Path path)
    {
        path.Distrust(nowMs);
        watched.Add(peer, path);
        sender.Probe(nowMs, peer, path);
    }

    public void Poll(long nowMs)
    {
        if (nowMs < watched.NextDeadlineMs)
            return;
        var next = long.MaxValue;
        for (var i = watched.Count - 1; i >= 0; i--)
        {
            var (peer, path) = watched[i];
            if (!path.IsUnanswered || path.IsExpired(nowMs) || !ReferenceEquals(peer.FindPath(path.LocalSocket, path.Endpoint), path))
            {
                path.StopWaiting();
                watched.RemoveAt(i);
                continue;
            }

            var wasSuspect = path.IsSuspect;
            if (path.ShouldProbe(nowMs, peer.IsInUse(nowMs)))
            {
                sender.Probe(nowMs, peer, path);
                if (path.IsInDoubt && !wasSuspect)
                    next = Math.Min(next, DoubtOthers(nowMs, peer));
                peers.ReportDirectness(nowMs, peer);
            }

            next = Math.Min(next, path.NextProbeMs);
        }

        watched.NextDeadlineMs = next == long.MaxValue ? next : Math.Max(next, nowMs + TickMs);
    }

    private long DoubtOthers(long nowMs, Peer peer)
    {
        var next = long.MaxValue;
        foreach (var other in peer.Paths)
        {
            if (!other.IsAlive(nowMs) || !other.IsQuiet(nowMs) || other.IsInDoubt)
                continue;
            other.Doubt(nowMs);
            watched.Add(peer, other);
            sender.Probe(nowMs, peer, other);
            next = Math.Min(next, other.NextProbeMs);
        }

        return next;
    }
}
