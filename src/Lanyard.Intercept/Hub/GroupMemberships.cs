using Lanyard.Intercept.Linux;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>A call that changes a socket's membership of a multicast group or its source filter.</summary>
/// <param name="Group">The group.</param>
/// <param name="Network">The ID of the network; 0 for all networks.</param>
/// <param name="Source">The source address; none for all sources.</param>
/// <param name="IsJoining">Whether the call joins the group or source; with <paramref name="IsBlocking"/>, whether it blocks the source.</param>
/// <param name="IsBlocking">Whether the call blocks or unblocks a source.</param>
internal readonly record struct GroupChange(InetAddress Group, ulong Network, InetAddress Source, bool IsJoining, bool IsBlocking);

/// <summary>The multicast groups of a socket and the source filter of each group (RFC 3678). Not thread-safe.</summary>
internal sealed class GroupMemberships
{
    // The kernel's limits: igmp_max_memberships and igmp_max_msf.
    private const int MaxGroups = 64;
    private const int MaxSources = 64;

    private readonly Dictionary<(InetAddress Group, ulong Network), Membership> _memberships = [];

    /// <summary>The joined groups, each with the ID of its network; 0 for all networks.</summary>
    public IEnumerable<(InetAddress Group, ulong Network)> Groups => _memberships.Keys;

    /// <summary>Applies a change. Returns 0 or the errno that the kernel would return.</summary>
    public int Change(in GroupChange change)
    {
        var key = (change.Group, change.Network);
        if (!_memberships.TryGetValue(key, out var membership) && change is { IsJoining: false, Network: 0 }
            && _memberships.Keys.FirstOrDefault(joined => joined.Group == key.Group) is { Network: not 0 } joinedOnOne)
            // Leave the group on the network on which the socket joined it.
            membership = _memberships[key = joinedOnOne];
        if (change.Source.Family == InetFamily.None)
        {
            if (change.IsJoining)
                return membership is not null ? Errno.AddressInUse : _memberships.Count >= MaxGroups ? Errno.NoBufferSpace : Add(key, new Membership(IsIncluding: false, []));
            return _memberships.Remove(key) ? 0 : Errno.AddressNotAvailable;
        }

        // A membership either excludes sources or includes sources, never both.
        if (membership is not null && membership.IsIncluding == change.IsBlocking)
            return Errno.BadRequest;
        if (membership is null && (change.IsBlocking || !change.IsJoining))
            return change.IsBlocking ? Errno.BadRequest : Errno.AddressNotAvailable;
        if (membership is null && _memberships.Count >= MaxGroups)
            return Errno.NoBufferSpace;
        membership ??= new Membership(IsIncluding: true, []);
        if (change.IsJoining && membership.Sources.Count >= MaxSources)
            return Errno.NoBufferSpace;
        if (!(change.IsJoining ? membership.Sources.Add(change.Source) : membership.Sources.Remove(change.Source)))
            return Errno.AddressNotAvailable;
        if (membership is { IsIncluding: true, Sources.Count: 0 })
            _memberships.Remove(key);
        else
            _memberships[key] = membership;
        return 0;
    }

    /// <summary>
    /// Returns whether the socket receives datagrams of a source to a group on a network. A socket also receives a group that it is bound to without joining.
    /// </summary>
    public bool Receives(InetAddress group, ulong network, InetAddress source)
    {
        var isJoined = false;
        foreach (var joined in (ReadOnlySpan<ulong>)[0, network])
        {
            if (!_memberships.TryGetValue((group, joined), out var membership))
                continue;
            isJoined = true;
            if (membership.IsIncluding == membership.Sources.Contains(source))
                return true;
        }

        return !isJoined;
    }

    private int Add((InetAddress Group, ulong Network) key, Membership membership)
    {
        _memberships.Add(key, membership);
        return 0;
    }

    /// <param name="IsIncluding">Whether the membership receives only the sources; otherwise it receives all other sources.</param>
    /// <param name="Sources">The source addresses to receive from or to leave out.</param>
    private sealed record Membership(bool IsIncluding, HashSet<InetAddress> Sources);
}
