using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller.Tests;

public class MembershipTests
{
    private readonly TestController _test = new();
    private readonly Identity _a = TestController.Stranger(0xa1);
    private readonly Identity _b = TestController.Stranger(0xb2);

    [Fact]
    public void On_a_private_network_a_node_is_refused_and_recorded_until_it_is_authorized()
    {
        _test.SaveNetwork(network => network);
        var reply = _test.Ask(_a);
        Assert.Equal((ControllerReason.NotAuthorized, ControllerMessageKind.AccessDenied), (reply.Reason, reply.Message!.Kind));
        Assert.Equal((_a.Address, _test.NetworkId, 1UL), (reply.Message.To, reply.Message.Network, reply.Message.InReplyTo));
        var record = _test.Core.FindMember(_test.NetworkId, _a.Address)!;
        Assert.Equal((false, _a.ToString(), _test.NowMs, 1UL), (record.IsAuthorized, record.Identity, record.CreationTimeMs, record.Revision));

        _test.Authorize(_a);
        Assert.True(_test.Core.IsAuthorized(_test.NetworkId, _a.Address));
        var config = _test.ConfigOf(_a);
        Assert.Equal((_a.Address, NetworkType.Private), (config.IssuedTo, config.Type));
    }

    [Fact]
    public void On_a_public_network_whoever_asks_is_a_member()
    {
        _test.SaveNetwork(network => network with { IsPrivate = false });
        Assert.Equal(NetworkType.Public, _test.ConfigOf(_a).Type);
        var record = _test.Core.FindMember(_test.NetworkId, _a.Address)!;
        Assert.Equal((true, "public", null, _test.NowMs), (record.IsAuthorized, record.LastAuthorizedCredentialType, record.LastAuthorizedCredential, record.LastAuthorizedTimeMs));
    }

    [Fact]
    public void A_missing_network_is_not_found_and_another_controllers_network_is_not_answered()
    {
        var reply = _test.Ask(_a);
        Assert.Equal((ControllerReason.NoSuchNetwork, ControllerMessageKind.NotFound), (reply.Reason, reply.Message!.Kind));
        reply = _test.Core.HandleRequest(new ConfigRequest(_test.NowMs, _a, default, new NetworkId(0x1234567890000001), default, 1));
        Assert.Equal((ControllerReason.NotOurNetwork, null), (reply.Reason, reply.Message));
        Assert.Equal(2, _test.Core.Counters.NoSuchNetwork);
    }

    [Theory]
    [InlineData("token:open-sesame", true)]
    [InlineData("token:stale", false)]
    [InlineData("token:open-sesam", false)]
    [InlineData("open-sesame", false)]
    [InlineData("token:", false)]
    public void A_token_of_the_network_that_has_not_expired_authorizes(string shown, bool authorized)
    {
        _test.SaveNetwork(network => network with { AuthTokens = [new("open-sesame", _test.NowMs + 10_000), new("stale", _test.NowMs)] });
        Assert.True(new NetworkRequestMetadata { AuthToken = shown }.TryWrite(out var metadata));
        Assert.Equal(authorized ? ControllerReason.Member : ControllerReason.NotAuthorized, _test.Ask(_a, metadata).Reason);
        Assert.Equal(authorized ? "open-sesame" : null, _test.Core.FindMember(_test.NetworkId, _a.Address)!.LastAuthorizedCredential);
    }

    [Fact]
    public void The_first_identity_seen_is_the_members_and_another_of_its_address_is_refused()
    {
        _test.SaveNetwork(network => network);
        _test.Authorize(_a);
        var impostor = TestController.Stranger(_a.Address.Value, key: 1);
        _test.ConfigOf(_a);

        // The impostor is refused at any rate, and does not use up the member's.
        var reply = _test.Ask(impostor);
        Assert.Equal((ControllerReason.IdentityMismatch, ControllerMessageKind.AccessDenied), (reply.Reason, reply.Message!.Kind));
        Assert.Equal(ControllerReason.IdentityMismatch, _test.AskNow(impostor).Reason);
        Assert.Equal(ControllerReason.Member, _test.AskNow(_a).Reason);
        Assert.Equal(_a.ToString(), _test.Core.FindMember(_test.NetworkId, _a.Address)!.Identity);

        _test.Core.DeleteMember(_test.NowMs, _test.NetworkId, _a.Address);
        _test.Authorize(impostor);
        Assert.Equal(ControllerReason.Member, _test.Ask(impostor).Reason);
        Assert.Equal(ControllerReason.IdentityMismatch, _test.Ask(_a).Reason);
    }

    [Fact]
    public void A_repeated_request_within_a_second_gets_no_answer()
    {
        _test.SaveNetwork(network => network with { IsPrivate = false });
        _test.ConfigOf(_a);
        _test.NowMs += 999;
        var reply = _test.AskNow(_a);
        Assert.Equal((ControllerReason.TooSoon, null), (reply.Reason, reply.Message));
        _test.NowMs += 1;
        Assert.Equal(ControllerReason.Member, _test.AskNow(_a).Reason);
        _test.NowMs -= 50_000;
        Assert.Equal(ControllerReason.Member, _test.AskNow(_a).Reason);
    }

    [Fact]
    public void Requests_without_changes_do_not_raise_the_revision()
    {
        _test.SaveNetwork(network => network);
        _test.Authorize(_a);
        _test.ConfigOf(_a);
        var revision = _test.Core.FindMember(_test.NetworkId, _a.Address)!.Revision;
        _test.ConfigOf(_a);
        _test.ConfigOf(_a);
        Assert.Equal(revision, _test.Core.FindMember(_test.NetworkId, _a.Address)!.Revision);

        Assert.True(new NetworkRequestMetadata { MinorVersion = 99 }.TryWrite(out var metadata));
        _test.Ask(_a, metadata);
        var record = _test.Core.FindMember(_test.NetworkId, _a.Address)!;
        Assert.Equal((revision + 1, new MemberVersion(1, 99, 1, 12)), (record.Revision, record.Version));
    }

    [Fact]
    public void Authorizing_a_node_that_waits_sends_it_its_configuration_at_once()
    {
        _test.SaveNetwork(network => network);
        _test.Ask(_a);
        Assert.Empty(_test.TakeMessages());
        var raised = 0;
        _test.Core.MessagesWaiting += (_, _) => raised++;
        _test.Authorize(_a);

        Assert.Equal(1, raised);
        var message = Assert.Single(_test.TakeMessages());
        Assert.Equal((_a.Address, ControllerMessageKind.Config, 0UL), (message.To, message.Kind, message.InReplyTo));
        Assert.True(message.Config!.Membership!.Verify(_test.Identity));
        Assert.Equal(1, _test.Core.Counters.Pushes);
    }

    [Fact]
    public void A_change_of_the_network_goes_to_its_online_members_once_each()
    {
        _test.SaveNetwork(network => network with { IsPrivate = false });
        var away = TestController.Stranger(0xc3);
        _test.Ask(away);
        _test.NowMs += 120_000;
        _test.Ask(_a);
        _test.Ask(_b);
        for (var mtu = 1300; mtu < 1310; mtu++)
            _test.SaveNetwork(network => network with { MtuBytes = mtu });

        var messages = _test.TakeMessages();
        Assert.Equal([_a.Address, _b.Address], messages.Select(message => message.To).Order());
        Assert.All(messages, message => Assert.Equal(1309, message.Config!.Mtu));
        _test.SaveNetwork(network => network with { MtuBytes = 1309 });
        Assert.Empty(_test.TakeMessages());
    }

    [Fact]
    public void A_refused_member_is_not_refused_again_at_every_change()
    {
        _test.SaveNetwork(network => network);
        _test.Ask(_a);
        _test.SaveNetwork(network => network with { Name = "changed" });
        _test.SaveMember(_a, member => member with { Name = "changed" });
        _test.Core.DeleteNetwork(_test.NowMs, _test.NetworkId);
        Assert.Empty(_test.TakeMessages());
    }

    [Fact]
    public void A_member_that_loses_its_authorization_is_refused_at_once_and_the_others_get_a_revocation_of_its_certificate()
    {
        _test.SaveNetwork(network => network);
        _test.Authorize(_a);
        _test.Authorize(_b);
        var membership = _test.ConfigOf(_a).Membership!;
        _test.ConfigOf(_b);
        _test.Authorize(_a, false);

        var messages = _test.TakeMessages();
        Assert.Equal([ControllerMessageKind.Revocation, ControllerMessageKind.AccessDenied], messages.Select(message => message.Kind));
        Assert.Equal((_b.Address, _test.NetworkId), (messages[0].To, messages[0].Network));
        var revocation = messages[0].Revocation!;
        Assert.True(revocation.Verify(_test.Identity));
        Assert.True(revocation.Revokes(membership));
        Assert.Equal((_a.Address, RevocationFlags.FastPropagate, _test.NowMs), (revocation.Target, revocation.Flags, revocation.Threshold));
        // An error answers the node's last request.
        Assert.Equal((_a.Address, 1UL), (messages[1].To, messages[1].InReplyTo));
        Assert.Equal(ControllerReason.NotAuthorized, _test.Ask(_a).Reason);
    }

    [Fact]
    public void After_a_restart_members_that_have_not_asked_yet_are_told_of_revocations_and_changes()
    {
        _test.SaveNetwork(network => network);
        _test.Authorize(_a);
        _test.Authorize(_b);
        var membership = _test.ConfigOf(_a).Membership!;
        _test.ConfigOf(_b);
        var again = new TestController(store: _test.Store) { NowMs = _test.NowMs + 1_000 };
        Assert.Equal(_b, again.Core.FindIdentity(_b.Address));
        again.Authorize(_a, false);
        Assert.Null(again.Core.FindIdentity(_a.Address));
        var revocation = Assert.Single(again.TakeMessages(), message => message.Kind == ControllerMessageKind.Revocation);
        Assert.Equal(_b.Address, revocation.To);
        Assert.True(revocation.Revocation!.Revokes(membership));
        again.SaveNetwork(network => network with { Name = "renamed" });
        var config = Assert.Single(again.TakeMessages(), message => message.Kind == ControllerMessageKind.Config);
        Assert.Equal((_b.Address, "renamed"), (config.To, config.Config!.Name));
        Assert.Equal(_test.Core.FindMember(_test.NetworkId, _b.Address)!.Version, again.Core.FindMember(_test.NetworkId, _b.Address)!.Version);

        // A member that has sent no request for longer counts as offline.
        again.NowMs += 200_000;
        again.SaveNetwork(network => network with { Name = "renamed again" });
        Assert.Empty(again.TakeMessages());
    }

    [Fact]
    public void Certificates_and_revocations_of_one_millisecond_keep_their_order()
    {
        _test.SaveNetwork(network => network);
        _test.Authorize(_a);
        _test.Authorize(_b);
        _test.ConfigOf(_b);
        var last = _test.ConfigOf(_a).Membership!;
        for (var round = 0; round < 3; round++)
        {
            _test.Authorize(_a, false);
            var revocation = Assert.Single(_test.TakeMessages(), message => message.Kind == ControllerMessageKind.Revocation).Revocation!;
            Assert.True(revocation.Revokes(last));
            _test.Authorize(_a);
            last = Assert.Single(_test.TakeMessages(), message => message.Kind == ControllerMessageKind.Config).Config!.Membership!;
            Assert.False(revocation.Revokes(last));
        }
    }

    [Fact]
    public void Deleting_a_network_tells_its_members_and_its_state_is_gone()
    {
        _test.SaveNetwork(network => network);
        _test.Authorize(_a);
        _test.Authorize(_b);
        _test.ConfigOf(_a);
        _test.ConfigOf(_b);
        Assert.NotNull(_test.Core.DeleteNetwork(_test.NowMs, _test.NetworkId));
        Assert.Null(_test.Core.DeleteNetwork(_test.NowMs, _test.NetworkId));

        var messages = _test.TakeMessages();
        Assert.Equal([_a.Address, _b.Address], messages.Where(message => message.Kind == ControllerMessageKind.NotFound).Select(message => message.To).Order());
        Assert.Equal(4, messages.Count(message => message.Kind == ControllerMessageKind.Revocation));
        Assert.Equal(ControllerReason.NoSuchNetwork, _test.Ask(_a).Reason);
        Assert.Empty(_test.Core.ListNetworks());
        Assert.Empty(_test.Store.Load().Members);
    }

    [Fact]
    public void A_deleted_member_is_refused_and_revoked()
    {
        _test.SaveNetwork(network => network);
        _test.Authorize(_a);
        _test.Authorize(_b);
        _test.ConfigOf(_a);
        _test.ConfigOf(_b);
        Assert.NotNull(_test.Core.DeleteMember(_test.NowMs, _test.NetworkId, _a.Address));
        var messages = _test.TakeMessages();
        Assert.Equal([(_b.Address, ControllerMessageKind.Revocation), (_a.Address, ControllerMessageKind.AccessDenied)], messages.Select(message => (message.To, message.Kind)));
        Assert.Null(_test.Core.FindMember(_test.NetworkId, _a.Address));
        Assert.Equal(ControllerReason.NotAuthorized, _test.Ask(_a).Reason);
    }

    [Fact]
    public void Bridges_are_named_to_all_members_for_as_long_as_they_are_authorized()
    {
        _test.SaveNetwork(network => network);
        _test.Authorize(_a);
        _test.ConfigOf(_a);
        _test.SaveMember(_b, member => member with { IsAuthorized = true, IsActiveBridge = true });
        var pushed = Assert.Single(_test.TakeMessages());
        Assert.Equal(_a.Address, pushed.To);
        Assert.Equal([new NetworkSpecialist(_b.Address, SpecialistRoles.ActiveBridge)], pushed.Config!.Specialists);
        Assert.True(_test.ConfigOf(_b).HasRole(_b.Address, SpecialistRoles.ActiveBridge));
        _test.Authorize(_b, false);
        _test.TakeMessages();
        Assert.True(_test.ConfigOf(_a).Specialists.IsEmpty);
    }

    [Fact]
    public void Default_tags_are_given_and_kept_and_a_members_own_value_goes_before()
    {
        _test.SaveNetwork(network => network with { IsPrivate = false, Tags = [new(1, 10), new(2, null), new(3, 30)] });
        _test.SaveMember(_a, member => member with { Tags = [new(3, 33), new(9, 99)] });
        Assert.Equal([(1u, 10u), (3u, 33u), (9u, 99u)], _test.ConfigOf(_a).Tags.Select(tag => (tag.Id, tag.Value)));
        _test.SaveNetwork(network => network with { Tags = [new(1, 11)] });
        Assert.Equal([new(1, 10), new(3, 33), new(9, 99)], _test.Core.FindMember(_test.NetworkId, _a.Address)!.Tags);
    }

    [Fact]
    public void Default_capabilities_are_given_to_a_member_that_was_never_given_any()
    {
        _test.SaveNetwork(network => network with
        {
            Capabilities = [new(1, true, [Rule.ActionAccept]), new(2, false, [Rule.ActionDrop]), new(3, true, [Rule.ActionAccept])],
        });
        _test.Authorize(_a);
        _test.SaveMember(_b, member => member with { IsAuthorized = true, Capabilities = [2, 7] });
        var none = TestController.Stranger(0xc3);
        _test.SaveMember(none, member => member with { IsAuthorized = true, Capabilities = default(EquatableArray<uint>) });

        Assert.Equal([1u, 3u], _test.ConfigOf(_a).Capabilities.Select(capability => capability.Id));
        Assert.Equal([2u], _test.ConfigOf(_b).Capabilities.Select(capability => capability.Id));
        Assert.True(_test.ConfigOf(none).Capabilities.IsEmpty);
    }

    [Fact]
    public void A_node_without_a_rules_engine_gets_one_rule_and_no_tags_or_capabilities()
    {
        _test.SaveNetwork(network => network with { IsPrivate = false, Rules = [Rule.ActionDrop], Tags = [new(1, 1)], Capabilities = [new(1, true, [])] });
        Assert.True(new NetworkRequestMetadata { RulesEngineRevision = 0 }.TryWrite(out var metadata));
        var config = _test.Ask(_a, metadata).Message!.Config!;
        Assert.Equal([Rule.ActionAccept], config.Rules);
        Assert.True(config.Tags.IsEmpty);
        Assert.True(config.Capabilities.IsEmpty);
        Assert.Equal([Rule.ActionDrop], _test.ConfigOf(_a).Rules);
    }

    [Theory]
    [InlineData(null, 30 * 60_000)]
    [InlineData(1L, 5 * 60_000)]
    [InlineData(3_600_000L, 3_600_000)]
    [InlineData(long.MaxValue, 2 * 3_600_000)]
    public void The_certificates_window_is_the_networks_within_bounds(long? asked, long given)
    {
        _test.SaveNetwork(network => network with { IsPrivate = false, CertificateWindowMs = asked });
        var config = _test.ConfigOf(_a);
        Assert.Equal(given, config.CredentialTimeMaxDelta);
        Assert.Equal((ulong)given, config.Membership!.Qualifiers[0].MaxDelta);
    }

    [Fact]
    public void Traces_go_where_the_member_says_else_where_the_network_says()
    {
        _test.SaveNetwork(network => network with { IsPrivate = false, RemoteTraceTarget = _b.Address, RemoteTraceLevel = 15 });
        var config = _test.ConfigOf(_a);
        Assert.Equal((_b.Address, 15UL), (config.RemoteTraceTarget, config.RemoteTraceLevel));
        _test.SaveMember(_a, member => member with { RemoteTraceTarget = _a.Address, RemoteTraceLevel = 10 });
        config = _test.ConfigOf(_a);
        Assert.Equal((_a.Address, 10UL), (config.RemoteTraceTarget, config.RemoteTraceLevel));
    }

    [Fact]
    public void Presence_lasts_two_minutes_from_the_last_request()
    {
        _test.SaveNetwork(network => network);
        Assert.Null(_test.Core.FindPresence(_test.NowMs, _test.NetworkId, _a.Address));
        _test.Authorize(_a);
        Assert.Equal(new MemberPresence(false, null, default), _test.Core.FindPresence(_test.NowMs, _test.NetworkId, _a.Address));
        _test.ConfigOf(_a);
        Assert.Equal(new MemberPresence(true, _test.NowMs, InetEndpoint.Parse("10.99.0.2:9993")), _test.Core.FindPresence(_test.NowMs + 119_999, _test.NetworkId, _a.Address));
        Assert.False(_test.Core.FindPresence(_test.NowMs + 120_000, _test.NetworkId, _a.Address)!.Value.IsOnline);
    }

    [Fact]
    public void The_controllers_own_fields_of_a_record_cannot_be_changed_from_outside()
    {
        var network = _test.SaveNetwork(network => network with { Id = new NetworkId(1), Revision = 99, CreationTimeMs = 1 });
        Assert.Equal((_test.NetworkId, 1UL, _test.NowMs), (network.Id, network.Revision, network.CreationTimeMs));
        var member = _test.SaveMember(_a, member => member with { Address = _b.Address, Network = default, Identity = "x", Revision = 7, LastAuthorizedTimeMs = 5 });
        Assert.Equal((_a.Address, _test.NetworkId, null, 1UL, 0L), (member.Address, member.Network, member.Identity, member.Revision, member.LastAuthorizedTimeMs));
    }

    [Fact]
    public void A_controller_needs_its_secret_key_and_its_own_records()
    {
        var identity = TestData.SecretIdentity("peer-1.14", "a");
        Assert.Throws<ArgumentException>(() => new NetworkController(identity.WithoutSecret(), new MemoryControllerStore(), _ => { }));
        _test.SaveNetwork(network => network);
        var error = Assert.Throws<ControllerStoreException>(() => new NetworkController(identity, _test.Store, _ => { }));
        Assert.Contains(_test.Identity.Address.ToString(), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_bytes_are_meta_data()
    {
        _test.SaveNetwork(network => network with { IsPrivate = false });
        var random = new Random(3);
        for (var i = 0; i < 2_000; i++)
        {
            var metadata = i % 2 == 0 ? TestData.RandomBytes(i, random.Next(0, 1500)) : (byte[])TestController.Metadata.Clone();
            for (var flips = random.Next(0, 6); flips > 0 && metadata.Length > 0; flips--)
                metadata[random.Next(metadata.Length)] = (byte)random.Next(256);
            // Most come too soon, so that few configurations are signed.
            var reply = i % 100 == 0 ? _test.Ask(_a, metadata) : _test.AskNow(_a, metadata);
            Assert.True(reply.Reason is ControllerReason.Member or ControllerReason.TooSoon);
        }
    }
}
