using Lanyard.Wire;
using Lanyard.Wire.Packets;

namespace Lanyard.Dissector;

/// <summary>The known identities, and the keys that pairs of them share.</summary>
public sealed class KeyRing
{
    private readonly Dictionary<NodeAddress, Identity> _identities = [];
    private readonly Dictionary<(NodeAddress, NodeAddress), SessionKey?> _keys = [];

    /// <summary>The number of known identities.</summary>
    public int Count => _identities.Count;

    /// <summary>Adds an identity. An identity with secret keys replaces the same identity without them.</summary>
    /// <param name="identity">The identity. With its secret keys, packets from and to this node can be decrypted.</param>
    /// <returns>False if the identity was already known.</returns>
    public bool Add(Identity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        if (_identities.TryGetValue(identity.Address, out var known) && (known.HasSecret || !identity.HasSecret))
            return false;
        _identities[identity.Address] = identity;
        _keys.Clear();
        return true;
    }

    /// <summary>Finds a node's identity; null if it is unknown.</summary>
    /// <param name="address">The node's address.</param>
    public Identity? Find(NodeAddress address) => _identities.GetValueOrDefault(address);

    /// <summary>Computes the key that two nodes share; null unless both identities are known, one of them with its secret keys.</summary>
    /// <param name="one">The address of one node.</param>
    /// <param name="other">The address of the other node.</param>
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

    /// <summary>Computes the key that the identity in a HELLO shares with a node whose secret keys are known; null if they are unknown.</summary>
    internal SessionKey? KeyWith(Identity newcomer, NodeAddress other) =>
        Find(other) is { HasSecret: true } own && SessionKey.TryAgree(own, newcomer, out var key) ? key : null;
}
