using System.Diagnostics.CodeAnalysis;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// Queues of revocations and of members to notify. A member is queued once, however many changes there are; the message is made when it is taken. Guarded by the
/// controller's lock.
/// </summary>
/// <param name="clock">Supplies the timestamps of revocations.</param>
/// <param name="random">Supplies the IDs of revocations.</param>
/// <param name="onlineWindow">The time after its last request for which a member is online.</param>
internal sealed class PendingMessages(SigningClock clock, RandomFill random, TimeSpan onlineWindow) : IMemberNotifier
{
    private readonly Queue<RevocationRound> _revocations = [];
    private readonly Queue<(NetworkState Network, MemberState Member)> _notifications = [];
    private bool _isAnnounced;
    private long? _startedMs;

    /// <summary>The number of revocations so far.</summary>
    public long RevocationCount { get; private set; }

    /// <inheritdoc/>
    public void Notify(NetworkState network, MemberState member)
    {
        if (member.IsNotificationQueued || (member.LastRequestMs is null && !member.WasMember))
            return;
        member.IsNotificationQueued = true;
        _notifications.Enqueue((network, member));
    }

    /// <inheritdoc/>
    public void NotifyAll(NetworkState network)
    {
        foreach (var member in network.Members.Values)
            Notify(network, member);
    }

    /// <inheritdoc/>
    public void Revoke(NetworkState network, MemberState target, long nowMs)
    {
        target.RevokedUpToMs = Math.Max(clock.Next(nowMs), Math.Max(target.LastIssuedMs, target.Record.LastAuthorizedTimeMs));
        Span<byte> id = stackalloc byte[4];
        random(id);
        _revocations.Enqueue(new RevocationRound(network, new Revocation
        {
            Id = BitConverter.ToUInt32(id),
            NetworkId = network.Record.Id,
            CredentialId = 0,
            Threshold = target.RevokedUpToMs,
            Flags = RevocationFlags.FastPropagate,
            Target = target.Record.Address,
            CredentialType = CredentialType.Membership,
        }));
        RevocationCount++;
    }

    /// <summary>Returns true once after messages were queued, until <see cref="TryTakeNotification"/> finds the queues empty.</summary>
    public bool TryAnnounce()
    {
        if (_isAnnounced || (_revocations.Count == 0 && _notifications.Count == 0))
            return false;
        _isAnnounced = true;
        return true;
    }

    /// <summary>Takes the next revocation for an authorized member that is reachable. To be called before <see cref="TryTakeNotification"/>.</summary>
    public bool TryTakeRevocation(long nowMs, [NotNullWhen(true)] out RevocationRound? revocation, out NodeAddress recipient)
    {
        _startedMs ??= nowMs;
        while (_revocations.TryPeek(out revocation))
        {
            revocation.Recipients ??= new Queue<NodeAddress>(revocation.Network.Members.Values
                .Where(member => member.Record.IsAuthorized && IsReachable(member, nowMs))
                .Select(member => member.Record.Address));
            if (revocation.Recipients.TryDequeue(out recipient))
                return true;
            _revocations.Dequeue();
        }

        recipient = default;
        return false;
    }

    /// <summary>Takes the next member to notify that is reachable.</summary>
    public bool TryTakeNotification(long nowMs, [NotNullWhen(true)] out NetworkState? network, [NotNullWhen(true)] out MemberState? member)
    {
        _startedMs ??= nowMs;
        while (_notifications.TryDequeue(out var next))
        {
            (network, member) = next;
            member.IsNotificationQueued = false;
            if (IsReachable(member, nowMs))
                return true;
        }

        (network, member) = (null, null);
        _isAnnounced = false;
        return false;
    }

    // A member from before a restart may have a configuration. It counts as reachable until it has had time to send a request.
    private bool IsReachable(MemberState member, long nowMs) => member.IsOnline(nowMs, onlineWindow)
        || (member is { LastRequestMs: null, WasMember: true } && nowMs - _startedMs < (long)onlineWindow.TotalMilliseconds);
}
