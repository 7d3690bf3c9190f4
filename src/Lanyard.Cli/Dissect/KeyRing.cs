using Lanyard.Wire;
using Lanyard.Wire.Packets;

namespace Lanyard.Cli.Dissect;

/// <summary>The identities that are known, and the keys that pairs of them share.</summary>
internal sealed class KeyRing
{
    private readonly Dictionary<NodeAddress, Identity> _identities = [];
    private readonly Dictionary<(NodeAddress, NodeAddress), SessionKey?> _keys = [];

    /// <summary>How many identities are known.</summary>
    public int Count => _identities.Count;

    /// <summary>Takes an identity; one with a secret replaces one without. False where it tells nothing new.</summary>
    public bool Add(Identity identity)
    {
        if (_identities.TryGetValue(identity.Address, out var known) && (known.HasSecret || !identity.HasSecret))
            return false;
        _identities[identity.Address] = identity;
        _keys.Clear();
        return true;
    }

    /// <summary>A node's identity, or null where it is not known.</summary>
    public Identity? Find(NodeAddress address) => _identities.GetValueOrDefault(address);

    /// <summary>The key that two nodes share; null unless both identities are known and one of them with its secret.</summary>
    public SessionKey? KeyOf(NodeAddress one, NodeAddress other)
    {
        var pair = one.CompareTo(other) < 0 ? (one, other) : (other, one);
        if (_keys.TryGetValue(pair, out var key))
            return key;
        if (Find(one) is { } first && Find(other) is { } second && !SessionKey.TryAgree(first, second, out key))
            SessionKey.TryAgree(second, first, out key);
        _keys[pair] = key;
        return key;
    }

    /// <summary>The key between a node whose identity a HELLO brings and one whose secret is known; null where that is not so.</summary>
    public SessionKey? KeyWith(Identity newcomer, NodeAddress other) =>
        Find(other) is { HasSecret: true } own && SessionKey.TryAgree(own, newcomer, out var key) ? key : null;
}
