using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// Decides the next message to a node that did not request it: a revocation, a new configuration, or a refusal to a former member. Guarded by the controller's lock.
/// </summary>
/// <param name="pending">The queued messages.</param>
/// <param name="state">The networks and members.</param>
/// <param name="changes">Saves the records of members that get addresses or defaults.</param>
/// <param name="issuer">Issues configurations.</param>
internal sealed class MemberMessages(PendingMessages pending, ControllerState state, RecordChanges changes, ConfigIssuer issuer)
{
    /// <summary>The number of configurations that <see cref="TryTake"/> returned.</summary>
    public long PushCount { get; private set; }

    /// <summary>Takes the next message; <see langword="null"/> if there is none.</summary>
    public UnsignedMessage? TryTake(long nowMs)
    {
        if (pending.TryTakeRevocation(nowMs, out var revocation, out var recipient))
            return UnsignedMessage.Revoke(recipient, revocation);
        while (pending.TryTakeNotification(nowMs, out var network, out var member))
        {
            if (member.TryRestoreIdentity() && MessageTo(network, member, nowMs) is { } message)
                return message;
        }

        return null;
    }

    private UnsignedMessage? MessageTo(NetworkState network, MemberState member, long nowMs)
    {
        var isDeleted = network.IsDeleted || member.IsDeleted;
        var record = isDeleted ? member.Record : MemberAuthorization.Apply(network.Record, member.Record, member.Metadata, nowMs);
        if (!isDeleted && record.IsAuthorized)
        {
            changes.Update(network, member, issuer.Provide(network, record, member.Metadata));
            member.HasConfig = true;
            PushCount++;
            return UnsignedMessage.Config(issuer.Issue(network, member, nowMs), inReplyTo: 0);
        }

        // No refusal to a node that was refused before, nor to one whose member was deleted and created again, and which has the new configuration.
        if (!member.HasConfig || (isDeleted && state.Find(network.Record.Id, member.Record.Address) is { HasConfig: true }))
            return null;
        member.HasConfig = false;
        return UnsignedMessage.Refusal(member.Record.Address, network.Record.Id, networkExists: !network.IsDeleted, member.LastPacketId);
    }
}
