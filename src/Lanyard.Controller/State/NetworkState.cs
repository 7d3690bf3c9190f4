using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>A network in memory: its record, its members, and indexes of them. Guarded by the controller's lock.</summary>
internal sealed class NetworkState(NetworkRecord record, MemberIdentities identities)
{
    private readonly LinkedList<MemberState> _strangers = [];
    private readonly SortedSet<NodeAddress> _activeBridges = [];
    private NetworkRecord _record = record;
    private List<UsableRanges>? _poolsV4;
    private List<UsableRanges>? _poolsV6;

    public NetworkRecord Record
    {
        get => _record;
        set
        {
            _record = value;
            _poolsV4 = null;
            _poolsV6 = null;
        }
    }

    public Dictionary<NodeAddress, MemberState> Members { get; } = [];

    /// <summary>The addresses that are assigned to members, authorized or not.</summary>
    public AssignedAddresses Addresses { get; } = new();

    public int AuthorizedCount { get; private set; }

    public int StrangerCount => _strangers.Count;

    /// <summary>Whether the network is deleted.</summary>
    public bool IsDeleted { get; set; }

    public List<UsableRanges> PoolsV4 => _poolsV4 ??= UsableRanges.Of(_record, InetFamily.IPv4);

    public List<UsableRanges> PoolsV6 => _poolsV6 ??= UsableRanges.Of(_record, InetFamily.IPv6);

    /// <summary>The authorized members that are bridges, by ascending address. Each call returns a new array.</summary>
    public EquatableArray<NodeAddress> ActiveBridges => _activeBridges.ToEquatableArray();

    /// <summary>Adds a member.</summary>
    /// <param name="record">The member's record.</param>
    /// <param name="wasMember">The value of <see cref="MemberState.WasMember"/>.</param>
    public MemberState Add(MemberRecord record, bool wasMember = false)
    {
        var member = new MemberState(record) { WasMember = wasMember, HasConfig = wasMember };
        Members.Add(record.Address, member);
        Index(member);
        return member;
    }

    /// <summary>Replaces a member's record.</summary>
    public void Replace(MemberState member, MemberRecord record)
    {
        Unindex(member);
        member.Record = record;
        Index(member);
    }

    /// <summary>Removes a member.</summary>
    public void Remove(MemberState member)
    {
        Unindex(member);
        Members.Remove(member.Record.Address);
        member.IsDeleted = true;
    }

    /// <summary>Moves a stranger that sent a request to the end of the list, so that other strangers are deleted first.</summary>
    public void Touch(MemberState member)
    {
        if (member.StrangerNode is not { } node)
            return;
        _strangers.Remove(node);
        _strangers.AddLast(node);
    }

    /// <summary>The stranger whose last request is the oldest.</summary>
    public MemberState? OldestStranger => _strangers.First?.Value;

    /// <summary>Whether the member is an authorized bridge, which every configuration lists.</summary>
    public static bool IsBridge(MemberRecord? record) => record is { IsActiveBridge: true, IsAuthorized: true };

    private void Index(MemberState member)
    {
        var record = member.Record;
        foreach (var address in record.Addresses)
            Addresses.Take(address);
        identities.Add(record);
        if (record.IsAuthorized)
            AuthorizedCount++;
        if (IsBridge(record))
            _activeBridges.Add(record.Address);
        if (record.IsStranger)
            member.StrangerNode = _strangers.AddLast(member);
    }

    private void Unindex(MemberState member)
    {
        var record = member.Record;
        foreach (var address in record.Addresses)
            Addresses.Release(address);
        identities.Remove(record);
        if (record.IsAuthorized)
            AuthorizedCount--;
        if (IsBridge(record))
            _activeBridges.Remove(record.Address);
        if (member.StrangerNode is { } node)
            _strangers.Remove(node);
        member.StrangerNode = null;
    }
}
