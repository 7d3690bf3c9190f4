using Lanyard.Engine.Networks;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>The ports of a node's networks, and what the engine's calls left to be done for them when the gate is left. Under the gate.</summary>
internal sealed class NodePorts
{
    private readonly HashSet<NodeAddress> _movedPeers = [];
    private NetworkPort[] _ports = [];
    private bool _hasOpenBatches;
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

    /// <summary>Notes that a port received a frame: acknowledgments and replies are sent when the gate is left.</summary>
    public void NoteReceived() => _hasOpenBatches = true;

    /// <summary>Notes that packets to a peer take another path.</summary>
    public void NoteMoved(NodeAddress peer) => _movedPeers.Add(peer);

    /// <summary>Notes that the engine changed a network.</summary>
    public void NoteChanged(VirtualNetwork network)
    {
        if (Find(network) is not { } port)
            return;
        port.HasChanged = true;
        _hasChanged = true;
    }

    /// <summary>Has the ports send what the calls under the gate caused.</summary>
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
                    port.PathChanged(peer);
            }
        }

        if (!_hasOpenBatches)
            return;
        _hasOpenBatches = false;
        foreach (var port in _ports)
            port.EndBatch();
    }

    /// <summary>Has the ports follow the changes of their networks.</summary>
    public void ApplyChanges()
    {
        if (!_hasChanged)
            return;
        _hasChanged = false;
        foreach (var port in _ports)
            port.ApplyChanges();
    }
}
