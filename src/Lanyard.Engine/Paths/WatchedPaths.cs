using Lanyard.Engine.Peers;

namespace Lanyard.Engine.Paths;

/// <summary>The paths that have sent packets and received none since. <see cref="Liveness"/> probes them.</summary>
internal sealed class WatchedPaths
{
    private readonly List<(Peer Peer, Path Path)> _paths = [];

    /// <summary>The number of paths.</summary>
    public int Count => _paths.Count;

    /// <summary>The time of the next probe, in milliseconds.</summary>
    public long NextDeadlineMs { get; set; } = long.MaxValue;

    public (Peer Peer, Path Path) this[int index] => _paths[index];

    /// <summary>Adds a path if it is not on the list. Called for each sent packet, so it must be fast.</summary>
    public void Add(Peer peer, Path path)
    {
        if (!path.IsWatched)
        {
            path.IsWatched = true;
            _paths.Add((peer, path));
        }

        NextDeadlineMs = Math.Min(NextDeadlineMs, path.NextProbeMs);
    }

    /// <summary>Removes a path. The last path of the list takes its place.</summary>
    public void RemoveAt(int index)
    {
        _paths[index].Path.IsWatched = false;
        _paths[index] = _paths[^1];
        _paths.RemoveAt(_paths.Count - 1);
    }
}
