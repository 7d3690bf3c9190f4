using System.Collections.Concurrent;
using Lanyard.Wire.Packets;
using Lanyard.Wire;

namespace Lanyard.Engine.Peers;

/// <summary>
/// The session keys of all peers. The node's owner changes it; any thread may read it at the same time, so that packets are opened without the node's lock. A key
/// stays usable for a reader that found it before its peer was removed.
/// </summary>
internal sealed class KeyTable
{
    private readonly ConcurrentDictionary<NodeAddress, SessionKey> _keys = new();

    public SessionKey? Find(NodeAddress address) => _keys.TryGetValue(address, out var key) ? key : null;

    public void Add(NodeAddress address, SessionKey key) => _keys[address] = key;

    public void Remove(NodeAddress address) => _keys.TryRemove(address, out _);
}
