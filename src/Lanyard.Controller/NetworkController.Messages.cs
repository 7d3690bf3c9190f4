using System.Diagnostics.CodeAnalysis;
using Lanyard.Engine;
using Lanyard.Wire;

namespace Lanyard.Controller;

public sealed partial class NetworkController
{
    /// <summary>
    /// How many of a deleted network's members have their certificates revoked one by one. All that are online are told that the network is
    /// gone, and certificates that are not renewed lapse of themselves.
    /// </summary>
    private const int MaxRevocationsOfDeletedNetwork = 100;

    // Protocol version 7 came with version 1.2.
    private const int FirstProtocolWithRules = 7;

    private readonly Queue<RevocationRound> _rounds = [];
    private readonly Queue<(NetworkState Network, MemberState Member)> _pushes = [];
    private bool _messagesWaiting;
    private long? _startedMs;

    /// <summary>
    /// Raised when there is something to take with <see cref="TryTakeMessage"/> after there was nothing, on the thread of the call that
    /// caused it. A handler should only wake whoever takes the messages.
    /// </summary>
    public event EventHandler? MessagesWaiting;

    /// <summary>
    /// Takes the next thing to tell a node that did not ask: revocations first, then configurations that changed (one a member, however many
    /// changes there were) and refusals to those who had one and are no longer members. Nodes that are not online are passed over.
    /// </summary>
    /// <param name="nowMs">The time in milliseconds since 1970.</param>
    /// <param name="message">What to send.</param>
    /// <returns>Whether there was anything.</returns>
    public bool TryTakeMessage(long nowMs, [NotNullWhen(true)] out ControllerMessage? message)
    {
        (RevocationRound Round, NodeAddress To)? revocation;
        (NetworkState Network, MemberState Member, ConfigSource? Source, ulong PacketId)? push = null;
        lock (_lock)
        {
            _startedMs ??= nowMs;
            revocation = NextRevocation(nowMs);
            if (revocation is null)
                push = NextPush(nowMs);
            if (revocation is null && push is null)
                _messagesWaiting = false;
            if (push is { Source: not null })
                _counters = _counters with { Pushes = _counters.Pushes + 1 };
        }

        if (revocation is var (round, to))
        {
            message = ControllerMessage.Revoke(to, round.Signed(_identity));
            return true;
        }

        if (push is not var (network, member, source, packetId))
        {
            message = null;
            return false;
        }

        var refusal = network.IsDeleted ? ControllerMessageKind.NotFound : ControllerMessageKind.AccessDenied;
        message = MessageTo(member.Record.Address, network.Record.Id, source, refusal, source is null ? packetId : 0);
        return true;
    }

    private (RevocationRound Round, NodeAddress To)? NextRevocation(long nowMs)
    {
        while (_rounds.TryPeek(out var round))
        {
            round.Recipients ??= new Queue<NodeAddress>(round.Network.Members.Values
                .Where(member => member.Record.IsAuthorized && IsReachable(member, nowMs))
                .Select(member => member.Record.Address));
            if (round.Recipients.TryDequeue(out var to))
                return (round, to);
            _rounds.Dequeue();
        }

        return null;
    }

    private (NetworkState Network, MemberState Member, ConfigSource? Source, ulong PacketId)? NextPush(long nowMs)
    {
        while (_pushes.TryDequeue(out var next))
        {
            var (network, member) = next;
            member.IsPushWaiting = false;
            if (!IsReachable(member, nowMs) || !TryKnow(member))
                continue;
            var isGone = network.IsDeleted || member.IsDeleted;
            var record = isGone ? member.Record : Admit(network.Record, member.Record, member.Metadata, nowMs);
            if (isGone || !record.IsAuthorized)
            {
                // Who was refused before need not hear it again; and whoever was made anew since, and was told so, must not.
                if (!member.HasConfig || (isGone && Find(network.Record.Id, member.Record.Address) is { HasConfig: true }))
                    continue;
                member.HasConfig = false;
                return (network, member, null, member.LastPacketId);
            }

            Store(network, member, Provide(network, record, member.Metadata));
            member.HasConfig = true;
            return (network, member, SourceOf(network, member, nowMs), member.LastPacketId);
        }

        return null;
    }

    // A member from before a restart may hold a configuration. It counts as reachable until it has had time to send a request.
    private bool IsReachable(MemberState member, long nowMs) => member.IsOnline(nowMs, Limits.OnlineWindow)
        || (member is { LastRequestMs: null, WasMember: true } && nowMs - _startedMs < (long)Limits.OnlineWindow.TotalMilliseconds);

    // Restores the identity and version of a member that has sent no request since a restart from its record.
    private static bool TryKnow(MemberState member)
    {
        if (member.Identity is not null)
            return true;
        if (!Identity.TryParse(member.Record.Identity, out var identity))
            return false;
        member.Identity = identity;
        var version = member.Record.Version;
        member.Metadata = new NetworkRequestMetadata
        {
            ProtocolVersion = (ulong)version.Protocol, MajorVersion = (ulong)version.Major, MinorVersion = (ulong)version.Minor, Revision = (ulong)version.Revision,
            RulesEngineRevision = version.Protocol >= FirstProtocolWithRules ? 1u : 0u,
        };
        return true;
    }

    /// <summary>Has a member told of a change, if it is online when its turn comes.</summary>
    private void Push(NetworkState network, MemberState member)
    {
        if (member.IsPushWaiting || (member.LastRequestMs is null && !member.WasMember))
            return;
        member.IsPushWaiting = true;
        _pushes.Enqueue((network, member));
    }

    private void PushToAll(NetworkState network)
    {
        foreach (var member in network.Members.Values)
            Push(network, member);
    }

    /// <summary>Has all members told that a node's certificates issued up to now no longer count. They tell each other on.</summary>
    private void Revoke(NetworkState network, MemberState target, long nowMs)
    {
        target.RevokedUpToMs = Math.Max(_clock.Next(nowMs), Math.Max(target.LastIssuedMs, target.Record.LastAuthorizedTimeMs));
        Span<byte> id = stackalloc byte[4];
        _random(id);
        _rounds.Enqueue(new RevocationRound(network, new Revocation
        {
            Id = BitConverter.ToUInt32(id),
            NetworkId = network.Record.Id,
            CredentialId = 0,
            Threshold = target.RevokedUpToMs,
            Flags = RevocationFlags.FastPropagate,
            Target = target.Record.Address,
            CredentialType = CredentialType.Membership,
        }));
        _counters = _counters with { Revocations = _counters.Revocations + 1 };
    }

    private void RaiseMessagesWaiting()
    {
        lock (_lock)
        {
            if (_messagesWaiting || (_rounds.Count == 0 && _pushes.Count == 0))
                return;
            _messagesWaiting = true;
        }

        MessagesWaiting?.Invoke(this, EventArgs.Empty);
    }

    /// <summary>One revocation on its way to the members. Who they are is found out when its turn comes, so what waits is small.</summary>
    private sealed class RevocationRound(NetworkState network, Revocation revocation)
    {
        private Revocation? _signed;

        public NetworkState Network => network;

        /// <summary>Who is still to be told; <see langword="null"/> before the first is.</summary>
        public Queue<NodeAddress>? Recipients { get; set; }

        /// <summary>The revocation, signed once. Should two threads come at a time both sign, to the same effect.</summary>
        public Revocation Signed(Identity controller) => _signed ??= revocation.Sign(controller);
    }
}
