using Lanyard.Wire;

namespace Lanyard.Engine.Multicast;

/// <summary>The members of a multicast group, with the time each last announced it. Drawing k random members takes O(k) time.</summary>
internal sealed class GroupMembers
{
    private readonly Dictionary<NodeAddress, int> _indexes = [];
    private readonly List<(NodeAddress Member, long HeardMs)> _members = [];

    public int Count => _members.Count;

    public (NodeAddress Member, long HeardMs) this[int index] => _members[index];

    public bool Contains(NodeAddress member) => _indexes.ContainsKey(member);

    /// <summary>Adds a member or updates its time.</summary>
    public void Set(NodeAddress member, long heardMs)
    {
        if (_indexes.TryGetValue(member, out var index))
        {
            _members[index] = (member, heardMs);
            return;
        }

        _indexes.Add(member, _members.Count);
        _members.Add((member, heardMs));
    }

    public bool Remove(NodeAddress member)
    {
        if (!_indexes.Remove(member, out var index))
            return false;
        var last = _members[^1];
        _members.RemoveAt(_members.Count - 1);
        if (index < _members.Count)
        {
            _members[index] = last;
            _indexes[last.Member] = index;
        }

        return true;
    }

    /// <summary>
    /// Draws the member at a position of a random permutation: call it with 0, 1, 2 and so on (Fisher-Yates shuffle). Reorders the members.
    /// </summary>
    public NodeAddress Draw(int index, NodeRandom random)
    {
        var other = index + (int)(random.Next() % (ulong)(_members.Count - index));
        (_members[index], _members[other]) = (_members[other], _members[index]);
        _indexes[_members[index].Member] = index;
        _indexes[_members[other].Member] = other;
        return _members[index].Member;
    }
}
