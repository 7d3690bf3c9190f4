using Lanyard.Engine.Paths;
using Lanyard.Engine.Roots;
using Lanyard.Wire;

namespace Lanyard.Engine.Peers;

/// <summary>
/// Contacts the peers saved before a restart, if this node is a root or a controller. Members reach each other through it, and some send it only packets that
/// it cannot decrypt before it knows the sender. The contacts are paced, so that a root with ten thousand peers causes no storm.
/// </summary>
internal sealed class ReturningPeers(NodeContext context, RootTable roots, PeerStore store, IPeerRoles roles)
{
    private const int PeersPerTick = 32;
    private const long TickMs = 10;

    private readonly Queue<ulong> _addresses = new();
    private bool _isStarted;
    private long _nextMs;

    public long NextDeadlineMs => _addresses.Count > 0 ? _nextMs : long.MaxValue;

    public void Poll(long nowMs)
    {
        if (!_isStarted && (roots.IsSelf || roles.IsController))
        {
            _isStarted = true;
            foreach (var address in context.Host.ListState(StateKind.Peer))
                _addresses.Enqueue(address);
        }

        if (_addresses.Count == 0 || nowMs < _nextMs)
            return;
        _nextMs = nowMs + TickMs;
        for (var i = 0; i < PeersPerTick && _addresses.TryDequeue(out var address); i++)
            store.Find(nowMs, new NodeAddress(address));
    }
}
