using System.Globalization;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// Applies changes of records: saves them, and has the affected members notified and the certificates of former members revoked. Guarded by the controller's lock.
/// </summary>
/// <param name="state">The networks and members.</param>
/// <param name="notifier">Notifies members.</param>
/// <param name="limits">The controller's limits.</param>
internal sealed class RecordChanges(ControllerState state, IMemberNotifier notifier, ControllerLimits limits)
{
    /// <summary>
    /// The maximum number of revocations for a deleted network. All online members are told that the network does not exist, and certificates that are not renewed
    /// expire.
    /// </summary>
    private const int MaxRevocationsOfDeletedNetwork = 100;

    /// <summary>Returns a changed network record with the fields that only the controller sets taken from the current record.</summary>
    /// <param name="id">The network.</param>
    /// <param name="old">The current record; <see langword="null"/> for a new network.</param>
    /// <param name="change">Returns the new record, given the current one.</param>
    /// <param name="nowMs">The time in milliseconds since 1970.</param>
    /// <returns>The record to save; <paramref name="old"/> itself if nothing changed.</returns>
    /// <exception cref="ControllerLimitException">The record exceeds a limit.</exception>
    public static NetworkRecord Changed(NetworkId id, NetworkRecord? old, Func<NetworkRecord, NetworkRecord> change, long nowMs)
    {
        var changed = change(old ?? new NetworkRecord { Id = id, CreationTimeMs = nowMs });
        changed = changed with { Id = id, CreationTimeMs = old?.CreationTimeMs ?? nowMs, Revision = old?.Revision ?? 0 };
        if (changed == old)
            return old;
        RecordLimits.Check(changed);
        return changed with { Revision = changed.Revision + 1 };
    }

    /// <summary>Returns a changed member record with the fields that only the controller sets taken from the current record.</summary>
    /// <param name="id">The network.</param>
    /// <param name="address">The node.</param>
    /// <param name="old">The current record; <see langword="null"/> for a new member.</param>
    /// <param name="change">Returns the new record, given the current one.</param>
    /// <param name="nowMs">The time in milliseconds since 1970.</param>
    /// <returns>The record to save; <paramref name="old"/> itself if nothing changed.</returns>
    /// <exception cref="ControllerLimitException">The record exceeds a limit.</exception>
    public static MemberRecord Changed(NetworkId id, NodeAddress address, MemberRecord? old, Func<MemberRecord, MemberRecord> change, long nowMs)
    {
        var before = old ?? new MemberRecord { Network = id, Address = address, CreationTimeMs = nowMs };
        var changed = change(before) with
        {
            Network = before.Network,
            Address = before.Address,
            Identity = before.Identity,
            Version = before.Version,
            CreationTimeMs = before.CreationTimeMs,
            Revision = before.Revision,
            LastAuthorizedTimeMs = before.LastAuthorizedTimeMs,
            LastDeauthorizedTimeMs = before.LastDeauthorizedTimeMs,
            LastAuthorizedCredentialType = before.LastAuthorizedCredentialType,
            LastAuthorizedCredential = before.LastAuthorizedCredential,
        };
        if (changed.IsAuthorized && !before.IsAuthorized)
            changed = MemberAuthorization.Grant(changed, nowMs, MemberAuthorization.ByApi, null);
        else if (!changed.IsAuthorized && before.IsAuthorized)
            changed = changed with { LastDeauthorizedTimeMs = nowMs };
        if (changed == old)
            return old;
        RecordLimits.Check(changed);
        return changed with { Revision = changed.Revision + 1 };
    }

    /// <summary>Replaces a network's record, if it is still the one that the change started from, and notifies all members.</summary>
    /// <exception cref="ControllerLimitException">There are too many networks.</exception>
    public bool TryReplace(NetworkRecord? old, NetworkRecord changed)
    {
        if (!ReferenceEquals(old, state.Find(changed.Id)?.Record))
            return false;
        if (old is null && state.NetworkCount >= limits.MaxNetworks)
            throw new ControllerLimitException(string.Create(CultureInfo.InvariantCulture, $"There can be at most {limits.MaxNetworks} networks. Delete one first."));
        notifier.NotifyAll(state.Save(changed));
        return true;
    }

    /// <summary>
    /// Replaces a member's record, if it is still the one that the change started from. Notifies the member, and all members if it becomes or was a bridge. Revokes
    /// its certificates if it is no longer authorized.
    /// </summary>
    /// <exception cref="ControllerLimitException">The network has too many members.</exception>
    public bool TryReplace(MemberRecord? old, MemberRecord changed, long nowMs)
    {
        if (state.Find(changed.Network) is not { } network || !ReferenceEquals(old, network.Members.GetValueOrDefault(changed.Address)?.Record))
            return false;
        if (old is null && network.Members.Count >= limits.MaxMembersPerNetwork)
        {
            throw new ControllerLimitException(string.Create(CultureInfo.InvariantCulture,
                $"A network can have at most {limits.MaxMembersPerNetwork} members. Delete one first."));
        }

        var member = state.Save(network, changed);
        notifier.Notify(network, member);
        NotifyIfBridgesChange(network, old, changed);
        if (old is { IsAuthorized: true } && !changed.IsAuthorized)
            notifier.Revoke(network, member, nowMs);
        return true;
    }

    /// <summary>
    /// Saves a member's record after a request, with the next revision, if it differs from the current record. Notifies all members if bridges change.
    /// </summary>
    public MemberState Update(NetworkState network, MemberState? member, MemberRecord record)
    {
        var old = member?.Record;
        if (member is not null && old == record)
            return member;
        member = state.Save(network, record with { Revision = record.Revision + 1 });
        NotifyIfBridgesChange(network, old, record);
        return member;
    }

    /// <summary>Deletes a network and notifies its members.</summary>
    /// <returns>The last record; <see langword="null"/> if the network does not exist.</returns>
    public NetworkRecord? DeleteNetwork(NetworkId id, long nowMs)
    {
        if (state.Find(id) is not { } network)
            return null;
        state.Delete(network);
        notifier.NotifyAll(network);
        var online = network.Members.Values.Where(member => member.Record.IsAuthorized && member.IsOnline(nowMs, limits.OnlineWindow));
        foreach (var member in online.Take(MaxRevocationsOfDeletedNetwork))
            notifier.Revoke(network, member, nowMs);
        return network.Record;
    }

    /// <summary>Deletes a member, notifies it, and revokes its certificates if it was authorized.</summary>
    /// <returns>The last record; <see langword="null"/> if the member does not exist.</returns>
    public MemberRecord? DeleteMember(NetworkId id, NodeAddress address, long nowMs)
    {
        if (!state.TryFind(id, address, out var network, out var member))
            return null;
        var record = member.Record;
        notifier.Notify(network, member);
        state.Delete(network, member);
        NotifyIfBridgesChange(network, record, null);
        if (record.IsAuthorized)
            notifier.Revoke(network, member, nowMs);
        return record;
    }

    // Every configuration lists the network's bridges.
    private void NotifyIfBridgesChange(NetworkState network, MemberRecord? old, MemberRecord? changed)
    {
        if (NetworkState.IsBridge(old) != NetworkState.IsBridge(changed))
            notifier.NotifyAll(network);
    }
}
