using Lanyard.Engine.Peers;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Engine.Roots;

/// <summary>A root as this node uses it.</summary>
internal sealed class Root(Peer peer)
{
    private const long FirstRetryMs = 250;
    private const long LastRetryMs = 15_000;

    private readonly List<InetEndpoint> _endpoints = [];
    private long _retryMs = FirstRetryMs;

    public Peer Peer { get; } = peer;

    public NodeAddress Address => Peer.Address;

    public bool OfPlanet { get; private set; }

    public IReadOnlyList<InetEndpoint> Endpoints => _endpoints;

    /// <summary>When a HELLO is next sent to all its endpoints, while it does not answer.</summary>
    public long NextAttemptMs { get; private set; }

    public bool HasAddress(InetAddress address)
    {
        foreach (var endpoint in _endpoints)
        {
            if (endpoint.Address == address)
                return true;
        }

        return false;
    }

    public void Begin(bool ofPlanet)
    {
        OfPlanet = ofPlanet;
        _endpoints.Clear();
    }

    public void AddEndpoints(IEnumerable<InetEndpoint> endpoints)
    {
        foreach (var endpoint in endpoints)
        {
            if (!_endpoints.Contains(endpoint))
                _endpoints.Add(endpoint);
        }
    }

    /// <summary>An attempt was made: the next comes after twice the time, with up to an eighth of jitter.</summary>
    public void NoteAttempt(long nowMs, ulong random)
    {
        NextAttemptMs = nowMs + _retryMs + (long)(random % (ulong)(_retryMs / 8));
        _retryMs = Math.Min(_retryMs * 2, LastRetryMs);
    }

    /// <summary>The root answers, or the network changed: the next attempts come quickly again.</summary>
    public void ResetAttempts()
    {
        _retryMs = FirstRetryMs;
        NextAttemptMs = 0;
    }
}
