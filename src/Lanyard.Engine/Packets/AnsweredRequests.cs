using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Engine.Packets;

/// <summary>
/// Remembers recently answered requests, so that a duplicate is answered once and replaying a recorded request from other endpoints reflects nothing. The table has
/// a fixed size; newer requests overwrite older ones.
/// </summary>
internal sealed class AnsweredRequests(ulong key)
{
    private const int SlotBits = 11;

    private readonly ulong[] _fingerprints = new ulong[1 << SlotBits];

    /// <summary>Adds a request. Returns false if it is a duplicate.</summary>
    public bool TryAdd(NodeAddress peer, ulong packetId)
    {
        // Senders never reuse a packet ID. Zero marks an empty slot.
        var fingerprint = (packetId ^ (peer.Value * 0x9e37_79b9_7f4a_7c15)) | 1;
        ref var slot = ref _fingerprints[KeyedHash.Of(packetId, peer.Value, key) >> (32 - SlotBits)];
        if (slot == fingerprint)
            return false;
        slot = fingerprint;
        return true;
    }
}
