using Lanyard.Engine.Paths;
using Lanyard.Engine.Roots;
using Lanyard.Primitives;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Peers;

/// <summary>Another node whose identity is known: the key that is shared with it, the paths to it, and what it may still cause.</summary>
internal sealed class Peer(Identity identity, SessionKey key, int maxPaths, ConfirmedEndpoints endpoints)
{
    /// <summary>A peer from which no frame came for so long is not kept warm any more.</summary>
    public const long ActivityMs = 30_000;

    /// <summary>A HELLO is sent to every peer in use this often, so that both ends learn of changes.</summary>
    public const long HelloIntervalMs = 60_000;

    private const long TrustMs = 600_000;
    private const int MaxPriority = 1_000;

    // RFC 9000 section 8.1: three bytes out for each byte in, towards an address that is not validated.
    private const int UnprovenFactor = 3;
    private const int MaxUnprovenBytes = 32_768;

    private readonly Path?[] _paths = new Path?[maxPaths];
    private Path? _preferred;
    private (InetEndpoint To, int Priority) _redirect;
    private int _unprovenBytes;

    public Identity Identity { get; } = identity;

    public SessionKey Key { get; } = key;

    public NodeAddress Address => Identity.Address;

    /// <summary>The peer as a root of the planet or a moon; null if it is none.</summary>
    public Root? Root { get; set; }

    public bool IsRoot => Root is not null;

    /// <summary>The peer's protocol version, 0 until it said.</summary>
    public int Protocol => Version.Protocol;

    public NodeVersion Version { get; private set; }

    /// <summary>Whether something worth keeping over restarts changed since it was last written down.</summary>
    public bool IsDirty { get; set; }

    public int PathCount { get; private set; }

    public ReadOnlySpan<Path> Paths => _paths.AsSpan(0, PathCount)!;

    /// <summary>When an authentic packet last came, relayed or not; negative until one did.</summary>
    public long LastReceivedMs { get; set; } = -1;

    /// <summary>When a packet last came that was about more than keeping in touch.</summary>
    public long LastFrameMs { get; set; } = long.MinValue / 2;

    /// <summary>When a frame was last sent.</summary>
    public long LastUsedMs { get; set; } = long.MinValue / 2;

    public long LastHelloMs { get; set; } = long.MinValue / 2;

    /// <summary>When the peer last showed that it shares a network with us.</summary>
    public long LastTrustedMs { get; set; } = long.MinValue / 2;

    /// <summary>Whether traffic last went directly: for reporting changes.</summary>
    public bool WasDirect { get; set; }

    public Newcomer Newcomer;
    public RateGate DirectPathsPush;
    public RateGate OldPathProbe;
    public RateGate Hints;
    public RateGate CredentialRequest;
    public RateGate UnknownPathHello;
    public RateGate RelayedDoubt;
    public RateGate FirstHello;
    public TokenBucket CredentialsReceived = new(burst: 8, intervalMs: 250);
    public TokenBucket WhoisReceived = new(burst: 16, intervalMs: 100);
    public TokenBucket WhoisAtRootReceived = new(burst: 256, intervalMs: 10);
    public TokenBucket EchoReceived = new(burst: 16, intervalMs: 62);
    public TokenBucket DirectPathsReceived = new(burst: 8, intervalMs: 4_000);
    public TokenBucket RendezvousTry = new(burst: 16, intervalMs: 500);
    public TokenBucket ConfigRequests = new(burst: 128, intervalMs: 50);

    public bool SharesNetwork(long nowMs) => nowMs - LastTrustedMs < TrustMs;

    public bool IsAlive(long nowMs) => nowMs - LastReceivedMs < ActivityMs;

    /// <summary>Whether frames go to or come from this peer.</summary>
    public bool IsInUse(long nowMs) => nowMs - Math.Max(LastFrameMs, LastUsedMs) < ActivityMs;

    public void SetVersion(NodeVersion version)
    {
        IsDirty |= version != Version;
        Version = version;
    }

    /// <summary>The best path that has answered lately; null where there is none.</summary>
    public Path? BestPath(long nowMs) => Best(nowMs, onlyAlive: true);

    /// <summary>The best path of all, for when there is no other way.</summary>
    public Path? BestPathOfAll(long nowMs) => Best(nowMs, onlyAlive: false);

    public Path? FindPath(int localSocket, in InetEndpoint endpoint)
    {
        foreach (var path in Paths)
        {
            if (path.LocalSocket == localSocket && path.Endpoint == endpoint)
                return path;
        }

        return null;
    }

    public bool HasPathTo(in InetEndpoint endpoint)
    {
        foreach (var path in Paths)
        {
            if (path.Endpoint == endpoint)
                return true;
        }

        return false;
    }

    public bool HasActivePathTo(in InetEndpoint endpoint, long nowMs)
    {
        foreach (var path in Paths)
        {
            if (path.Endpoint == endpoint && path.IsAlive(nowMs))
                return true;
        }

        return false;
    }

    /// <summary>Notes the bytes of an authentic packet of the peer: they permit bytes to endpoints that no path confirms.</summary>
    public void NoteReceivedBytes(int bytes) => _unprovenBytes = Math.Min(_unprovenBytes + (bytes * UnprovenFactor), MaxUnprovenBytes);

    /// <summary>The number of bytes that may still be sent to endpoints without a confirmed path.</summary>
    public int UnprovenBytes => _unprovenBytes;

    /// <summary>Takes bytes that go to an endpoint that no path confirms from what the peer's packets permit. False where they permit less.</summary>
    public bool TrySpendUnproven(int bytes)
    {
        if (bytes > _unprovenBytes)
            return false;
        _unprovenBytes -= bytes;
        return true;
    }

    /// <summary>Adds a path that has just answered, in the place of a dead one or of the one heard from longest ago where there are too many.</summary>
    public Path Learn(int localSocket, in InetEndpoint endpoint, long nowMs)
    {
        var path = new Path(localSocket, endpoint);
        path.NoteReceived(nowMs);
        IsDirty = true;
        var slot = PathCount;
        for (var i = 0; i < PathCount; i++)
        {
            var old = _paths[i]!;
            if (old.LocalSocket == localSocket && old.Endpoint.Address == endpoint.Address && !old.IsAlive(nowMs))
            {
                slot = i;
                break;
            }
        }

        if (slot == _paths.Length)
        {
            slot = 0;
            for (var i = 1; i < PathCount; i++)
            {
                if (_paths[i]!.LastReceivedMs < _paths[slot]!.LastReceivedMs)
                    slot = i;
            }
        }

        if (_redirect.To == endpoint)
            path.Priority = _redirect.Priority;
        if (slot < PathCount)
            endpoints.Remove(_paths[slot]!.Endpoint);
        endpoints.Add(endpoint);
        _paths[slot] = path;
        PathCount = Math.Max(PathCount, slot + 1);
        return path;
    }

    /// <summary>The peer asks to be reached elsewhere: what is learned there counts for more than the path that said so.</summary>
    public void Redirect(int localSocket, in InetEndpoint from, in InetEndpoint to) => 
        _redirect = (to, Math.Min((FindPath(localSocket, from)?.Priority ?? 1) + 2, MaxPriority));

    /// <summary>Forgets paths that may not be used any more.</summary>
    public void DropPaths(Func<Path, bool> isForbidden)
    {
        var kept = 0;
        for (var i = 0; i < PathCount; i++)
        {
            if (isForbidden(_paths[i]!))
                endpoints.Remove(_paths[i]!.Endpoint);
            else
                _paths[kept++] = _paths[i];
        }

        Array.Clear(_paths, kept, PathCount - kept);
        PathCount = kept;
    }

    /// <summary>Forgets expired paths, and those that the peer redirected us away from.</summary>
    public void DropExpiredPaths(long nowMs)
    {
        var highest = 0;
        foreach (var path in Paths)
            highest = Math.Max(highest, path.Priority);
        DropPaths(path => path.IsExpired(nowMs) || path.Priority != highest);
    }

    // Traffic moves to another path only if that one is cheaper by a quarter: each move reorders packets, and measured round-trip times vary.
    private Path? Best(long nowMs, bool onlyAlive)
    {
        Path? best = null;
        var (bestCost, preferredCost) = (long.MaxValue, long.MaxValue);
        foreach (var path in Paths)
        {
            if (onlyAlive && !path.IsAlive(nowMs))
                continue;
            var cost = path.Cost(nowMs);
            if (ReferenceEquals(path, _preferred))
                preferredCost = cost;
            if (cost < bestCost)
            {
                best = path;
                bestCost = cost;
            }
        }

        if (preferredCost == long.MaxValue || bestCost < preferredCost - (preferredCost / 4))
            _preferred = best;
        return _preferred;
    }
}
