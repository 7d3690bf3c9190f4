using Lanyard.Engine;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// Decides requests for configurations: whether the node is a member, and whether an unknown node is recorded. Guarded by the controller's lock.
/// </summary>
/// <param name="state">The networks and members.</param>
/// <param name="changes">Saves the records of members.</param>
/// <param name="issuer">Issues configurations.</param>
/// <param name="limits">The controller's limits.</param>
internal sealed class MemberAdmission(ControllerState state, RecordChanges changes, ConfigIssuer issuer, ControllerLimits limits)
{
    private readonly StrangerBudget _strangers = new(limits);
    private ControllerCounters _counters;

    /// <summary>The counters of requests and their outcomes.</summary>
    public ControllerCounters Counters => _counters;

    /// <summary>Decides a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="identity">The requester's identity as text.</param>
    /// <param name="reply">The reply; <see langword="null"/> to send none.</param>
    public ControllerReason Decide(ConfigRequest request, string identity, out UnsignedMessage? reply)
    {
        var reason = Decide(request, identity, out ConfigSource? source);
        Count(reason);
        reply = reason switch
        {
            ControllerReason.NotOurNetwork or ControllerReason.TooSoon => null,
            _ when source is not null => UnsignedMessage.Config(source, request.PacketId),
            _ => UnsignedMessage.Refusal(request.Requester.Address, request.Network, networkExists: reason != ControllerReason.NoSuchNetwork, request.PacketId),
        };
        return reason;
    }

    private ControllerReason Decide(ConfigRequest request, string identity, out ConfigSource? source)
    {
        var (nowMs, requester, _, id, _, _) = request;
        source = null;
        if (id.Controller != state.Controller)
            return ControllerReason.NotOurNetwork;
        if (state.Find(id) is not { } network)
            return ControllerReason.NoSuchNetwork;
        var member = network.Members.GetValueOrDefault(requester.Address);
        // Before the rate limit, so that an impostor does not use up the member's.
        if (member?.Record.Identity is { } known && known != identity)
            return ControllerReason.IdentityMismatch;
        if (member?.LastRequestMs is { } last && nowMs >= last && nowMs - last < limits.MinRequestInterval.TotalMilliseconds)
            return ControllerReason.TooSoon;

        var metadata = NetworkRequestMetadata.Parse(request.Metadata.Span);
        var record = member?.Record ?? new MemberRecord { Network = id, Address = requester.Address, CreationTimeMs = nowMs };
        record = MemberAuthorization.Apply(network.Record, record with { Identity = identity }, metadata, nowMs);
        if (member is null && MakeRoom(network, record, nowMs) is { } refusal)
            return refusal;
        if (record.IsAuthorized)
            record = issuer.Provide(network, record, metadata);
        member = changes.Update(network, member, record);
        member.LastRequestMs = nowMs;
        member.LastEndpoint = request.Endpoint;
        member.LastPacketId = request.PacketId;
        member.Metadata = metadata;
        member.Identity = requester;
        member.HasConfig = record.IsAuthorized;
        network.Touch(member);
        if (!record.IsAuthorized)
            return ControllerReason.NotAuthorized;
        source = issuer.Issue(network, member, nowMs);
        return ControllerReason.Member;
    }

    // Makes room for a new member, or returns the reason for a refusal.
    private ControllerReason? MakeRoom(NetworkState network, MemberRecord record, long nowMs)
    {
        if (record.IsStranger && !_strangers.TryTake(nowMs))
            return ControllerReason.NotRecorded;
        if ((record.IsStranger && network.StrangerCount >= limits.MaxStrangersPerNetwork) || network.Members.Count >= limits.MaxMembersPerNetwork)
        {
            if (network.OldestStranger is not { } oldest)
                return record.IsStranger ? ControllerReason.NotRecorded : ControllerReason.NetworkFull;
            state.Delete(network, oldest);
            _counters = _counters with { StrangersForgotten = _counters.StrangersForgotten + 1 };
        }

        return null;
    }

    private void Count(ControllerReason reason)
    {
        _counters = _counters with { Requests = _counters.Requests + 1 };
        _counters = reason switch
        {
            ControllerReason.Member => _counters with { Configs = _counters.Configs + 1 },
            ControllerReason.NotOurNetwork or ControllerReason.NoSuchNetwork => _counters with { NoSuchNetwork = _counters.NoSuchNetwork + 1 },
            ControllerReason.TooSoon => _counters with { TooSoon = _counters.TooSoon + 1 },
            ControllerReason.NotAuthorized => _counters with { NotAuthorized = _counters.NotAuthorized + 1 },
            ControllerReason.NotRecorded => _counters with { NotAuthorized = _counters.NotAuthorized + 1, NotRecorded = _counters.NotRecorded + 1 },
            ControllerReason.IdentityMismatch => _counters with { IdentityMismatch = _counters.IdentityMismatch + 1 },
            _ => _counters with { NetworkFull = _counters.NetworkFull + 1 },
        };
    }
}
