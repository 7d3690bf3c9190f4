using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller.Tests;

public class MemberAdmissionTests
{
    private readonly TestParts _parts = new();
    private readonly MemberAdmission _admission;

    public MemberAdmissionTests() => _admission = new MemberAdmission(_parts.State, _parts.Changes, _parts.Issuer, _parts.Limits);

    [Fact]
    public void A_stranger_is_recorded_and_refused_and_gets_a_configuration_once_authorized()
    {
        var (reason, reply) = Decide(TestParts.Request(0xa1, 1_000, packetId: 7));
        Assert.Equal((ControllerReason.NotAuthorized, ControllerMessageKind.AccessDenied, 7UL), (reason, reply!.Kind, reply.InReplyTo));
        var member = _parts.State.Find(TestParts.Id, new NodeAddress(0xa1))!;
        Assert.Equal((1_000L, false, true), (member.LastRequestMs!.Value, member.HasConfig, member.Record.IsStranger));

        Assert.True(_parts.Changes.TryReplace(member.Record, member.Record with { IsAuthorized = true }, 1_500));
        (reason, reply) = Decide(TestParts.Request(0xa1, 3_000, packetId: 8));
        Assert.Equal((ControllerReason.Member, 3_000L, 8UL), (reason, reply!.Config!.Timestamp, reply.InReplyTo));
        Assert.True(member.HasConfig);
        Assert.Equal((2, 1, 1), (_admission.Counters.Requests, _admission.Counters.Configs, _admission.Counters.NotAuthorized));
    }

    [Fact]
    public void Requests_that_get_no_reply_or_a_refusal_leave_no_record()
    {
        var request = TestParts.Request(0xa1, 1_000);
        Assert.Equal((ControllerReason.NotOurNetwork, null), Decide(request with { Network = NetworkId.Create(new NodeAddress(2), 1) }));
        var (reason, reply) = Decide(request with { Network = NetworkId.Create(TestParts.Controller, 2) });
        Assert.Equal((ControllerReason.NoSuchNetwork, ControllerMessageKind.NotFound), (reason, reply!.Kind));
        Assert.Empty(_parts.Network.Members);
    }

    [Fact]
    public void A_repeated_request_gets_no_reply_and_an_impostor_does_not_use_up_the_members_rate()
    {
        _parts.Add(0xa1);
        var impostor = TestParts.Request(0xa1, 1_000) with { Requester = TestController.Stranger(0xa1, key: 1) };
        Assert.Equal(ControllerReason.IdentityMismatch, Decide(impostor).Reason);
        Assert.Equal(ControllerReason.Member, Decide(TestParts.Request(0xa1, 1_001)).Reason);
        Assert.Equal((ControllerReason.TooSoon, null), Decide(TestParts.Request(0xa1, 1_500)));
        Assert.Equal(ControllerReason.Member, Decide(TestParts.Request(0xa1, 2_001)).Reason);
    }

    [Fact]
    public void A_token_of_the_network_authorizes_until_it_expires()
    {
        var network = _parts.Network.Record with { AuthTokens = [new AuthToken("open", 5_000), new AuthToken("ever", 0)] };
        _parts.State.Save(network);
        Assert.Equal(ControllerReason.NotAuthorized, Decide(TestParts.Request(0xa1, 1_000, token: "open")).Reason);
        Assert.Equal(ControllerReason.NotAuthorized, Decide(TestParts.Request(0xa2, 1_000, token: "token:opens")).Reason);
        Assert.Equal(ControllerReason.NotAuthorized, Decide(TestParts.Request(0xa3, 5_000, token: "token:open")).Reason);
        Assert.Equal(ControllerReason.Member, Decide(TestParts.Request(0xa4, 4_999, token: "token:open")).Reason);
        Assert.Equal(ControllerReason.Member, Decide(TestParts.Request(0xa5, 9_000, token: "token:ever")).Reason);
        var record = _parts.State.Find(TestParts.Id, new NodeAddress(0xa4))!.Record;
        Assert.Equal(("token", "open", 4_999L), (record.LastAuthorizedCredentialType, record.LastAuthorizedCredential, record.LastAuthorizedTimeMs));
    }

    [Fact]
    public void The_budget_of_strangers_refills_at_its_rate_up_to_the_burst()
    {
        var budget = new StrangerBudget(new ControllerLimits { NewStrangersBurst = 2, NewStrangersPerSecond = 4 });
        Assert.Equal([true, true, false], [budget.TryTake(1_000), budget.TryTake(1_000), budget.TryTake(1_000)]);
        Assert.Equal([false, true, false], [budget.TryTake(1_249), budget.TryTake(1_250), budget.TryTake(1_250)]);
        // A clock that is set back gives no tokens.
        Assert.False(budget.TryTake(0));
        Assert.Equal([true, true, false], [budget.TryTake(60_000), budget.TryTake(60_000), budget.TryTake(60_000)]);
    }

    [Fact]
    public void An_issuer_gives_defaults_and_addresses_and_timestamps_after_revocations()
    {
        _parts.State.Save(_parts.Network.Record with
        {
            AssignV4FromPools = true,
            Routes = [new ManagedRoute(InetPrefix.Parse("10.1.0.0/24"), default)],
            Pools = [new AddressPool(InetAddress.Parse("10.1.0.9"), InetAddress.Parse("10.1.0.9"))],
            Tags = [new TagDefinition(1, 5), new TagDefinition(2, 6)],
            Capabilities = [new CapabilityDefinition(3, true, []), new CapabilityDefinition(4, false, [])],
        });
        var metadata = new NetworkRequestMetadata { RulesEngineRevision = 1 };
        var record = _parts.Issuer.Provide(_parts.Network, TestParts.Record(0xa1) with { Tags = [new MemberTag(2, 9)] }, metadata);
        Assert.Equal([InetAddress.Parse("10.1.0.9")], record.Addresses);
        Assert.Equal([new MemberTag(1, 5), new MemberTag(2, 9)], record.Tags);
        Assert.Equal([3u], record.Capabilities!.Value);

        var member = _parts.State.Save(_parts.Network, record);
        Assert.Empty(_parts.Issuer.Provide(_parts.Network, TestParts.Record(0xa2), metadata).Addresses);
        Assert.Equal(1, _parts.Issuer.PoolExhaustedCount);

        member.Identity = TestController.Stranger(0xa1);
        member.RevokedUpToMs = 9_000;
        Assert.Equal(9_001, _parts.Issuer.Issue(_parts.Network, member, 1_000).TimestampMs);
    }

    private (ControllerReason Reason, ControllerMessage? Reply) Decide(ConfigRequest request)
    {
        var reason = _admission.Decide(request, request.Requester.ToString(), out var reply);
        return (reason, reply?.Sign(TestParts.ControllerIdentity));
    }
}
