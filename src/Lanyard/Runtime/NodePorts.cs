using Lanyard.Engine.Networks;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>The ports of a node's networks, and the work for them that is pending until the gate is left. Under the gate.</summary>
internal sealed class NodePorts
{
    private readonly HashSet<NodeAddress> _movedPeers = [];
    private NetworkPort[] _ports = [];
    private bool _hasChanged;

    public ReadOnlySpan<NetworkPort> All => _ports;

    public void Add(NetworkPort port) => _ports = [.. _ports, port];

    public void Remove(NetworkPort port) => _ports = _ports.Where(p => p != port).ToArray();

    public NetworkPort? Find(VirtualNetwork network)
    {
        foreach (var port in _ports)
        {
            if (ReferenceEquals(port.Engine, network))
                return port;
        }

        return null;
    }

    /// <summary>Records that the path to a peer changed.</summary>
    public void NoteMoved(NodeAddress peer) => _movedPeers.Add(peer);

    /// <summary>Records that the engine changed a network.</summary>
    public void NoteChanged(VirtualNetwork network)
    {
        if (Find(network) is not { } port)
            return;
        port.HasChanged = true;
        _hasChanged = true;
    }

    /// <summary>Ends the batches of all ports: sends acknowledgments and replies, and retransmits to peers whose path changed.</summary>
    public void EndBatches()
    {
        if (_movedPeers.Count > 0)
        {
            // Iterate over a copy: packets that the ports send may move more peers.
            var moved = _movedPeers.ToArray();
            _movedPeers.Clear();
            foreach (var port in _ports)
            {
                foreach (var peer in moved)
                    port.Virtual.PathChanged(peer);
            }
        }

        foreach (var port in _ports)
            port.Virtual.EndBatch();
    }

    /// <summary>Applies the changes of networks to their ports.</summary>
    public void ApplyChanges()
    {
        if (!_hasChanged)
            return;
        _hasChanged = false;
        foreach (var port in _ports)
            port.ApplyChanges();
    }
}
