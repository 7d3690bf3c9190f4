using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>A member in memory: its record, and what is known of its presence, which is not stored.</summary>
internal sealed class MemberState(MemberRecord record)
{
    public MemberRecord Record { get; set; } = record;

    /// <summary>When it last asked, in milliseconds since 1970; <see langword="null"/> before it did.</summary>
    public long? LastRequestMs { get; set; }

    /// <summary>Where its last request came from; none if through a relay.</summary>
    public InetEndpoint LastEndpoint { get; set; }

    /// <summary>The packet of its last request.</summary>
    public ulong LastPacketId { get; set; }

    /// <summary>What it last said of itself.</summary>
    public NetworkRequestMetadata Metadata { get; set; } = new();

    /// <summary>Its identity, from its last request.</summary>
    public Identity? Identity { get; set; }

    /// <summary>The time of the last credentials it was given, in milliseconds since 1970.</summary>
    public long LastIssuedMs { get; set; }

    /// <summary>The time up to which its certificates were revoked, in milliseconds since 1970.</summary>
    public long RevokedUpToMs { get; set; }

    /// <summary>Whether the last it was told is a configuration: then it is told as well when it may no longer have one.</summary>
    public bool HasConfig { get; set; }

    /// <summary>Whether the member was authorized before the controller started, so that it may hold a configuration.</summary>
    public bool WasMember { get; init; }

    /// <summary>Whether a message about a change already waits for it.</summary>
    public bool IsPushWaiting { get; set; }

    /// <summary>Whether the record is no more.</summary>
    public bool IsDeleted { get; set; }

    /// <summary>Its place among the network's strangers, if it is one.</summary>
    public LinkedListNode<MemberState>? StrangerNode { get; set; }

    /// <summary>Whether it asked within <paramref name="window"/>. A clock that was set back does not make it offline.</summary>
    public bool IsOnline(long nowMs, TimeSpan window) => LastRequestMs is { } last && nowMs - last < (long)window.TotalMilliseconds;
}

/// <summary>A network in memory, with what follows from its records. Guarded by the controller's lock.</summary>
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

    /// <summary>Which addresses the members hold, authorized or not.</summary>
    public AssignedAddresses Addresses { get; } = new();

    public int AuthorizedCount { get; private set; }

    public int StrangerCount => _strangers.Count;

    /// <summary>Whether the network is no more.</summary>
    public bool IsDeleted { get; set; }

    public List<UsableRanges> PoolsV4 => _poolsV4 ??= UsableRanges.Of(_record, InetFamily.IPv4);

    public List<UsableRanges> PoolsV6 => _poolsV6 ??= UsableRanges.Of(_record, InetFamily.IPv6);

    /// <summary>The authorized members that bridge, ascending. A new array with each call.</summary>
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

    /// <summary>Notes that a stranger asked again, so that others are forgotten first.</summary>
    public void Touch(MemberState member)
    {
        if (member.StrangerNode is not { } node)
            return;
        _strangers.Remove(node);
        _strangers.AddLast(node);
    }

    /// <summary>The stranger that has not asked for longest.</summary>
    public MemberState? OldestStranger => _strangers.First?.Value;

    /// <summary>Whether this member is one that all others are told of as a bridge.</summary>
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
