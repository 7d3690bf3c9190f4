using Lanyard.Engine;
using Lanyard.Wire;

namespace Lanyard.Controller.Tests;

public class MemberMessagesTests
{
    private readonly TestParts _parts = new();
    private readonly PendingMessages _pending;
    private readonly MemberMessages _messages;

    public MemberMessagesTests()
    {
        _pending = new PendingMessages(_parts.Clock, span => span.Fill(7), TimeSpan.FromSeconds(10));
        _messages = new MemberMessages(_pending, _parts.State, new RecordChanges(_parts.State, _pending, _parts.Limits), _parts.Issuer);
    }

    [Fact]
    public void Queued_messages_are_announced_once_until_the_queues_were_empty()
    {
        var member = _parts.Add(0xa1, lastRequestMs: 1_000);
        Assert.False(_pending.TryAnnounce());
        _pending.Notify(_parts.Network, member);
        Assert.True(_pending.TryAnnounce());
        Assert.False(_pending.TryAnnounce());
        Assert.NotNull(_messages.TryTake(1_000));
        _pending.Notify(_parts.Network, member);
        Assert.False(_pending.TryAnnounce());
        Assert.NotNull(_messages.TryTake(1_000));
        Assert.Null(_messages.TryTake(1_000));
        _pending.Notify(_parts.Network, member);
        Assert.True(_pending.TryAnnounce());
    }

    [Fact]
    public void A_member_is_queued_once_and_one_that_never_sent_a_request_is_not_queued()
    {
        var member = _parts.Add(0xa1, lastRequestMs: 1_000);
        _parts.Add(0xb2);
        for (var change = 0; change < 3; change++)
            _pending.NotifyAll(_parts.Network);
        var message = Take(1_000);
        Assert.Equal((member.Record.Address, ControllerMessageKind.Config, 0UL), (message.To, message.Kind, message.InReplyTo));
        Assert.Null(_messages.TryTake(1_000));
        Assert.Equal(1, _messages.PushCount);
    }

    [Fact]
    public void A_member_that_is_offline_when_its_turn_comes_gets_no_message()
    {
        _pending.Notify(_parts.Network, _parts.Add(0xa1, lastRequestMs: 1_000));
        Assert.Null(_messages.TryTake(11_000));
    }

    [Fact]
    public void A_member_from_before_a_restart_is_reachable_until_it_had_time_to_send_a_request()
    {
        var state = new ControllerState(TestParts.Controller, new MemoryControllerStore());
        state.Load(new StoredRecords([_parts.Network.Record], [TestParts.Record(0xa1)]));
        var network = state.Find(TestParts.Id)!;
        var messages = new MemberMessages(_pending, state, new RecordChanges(state, _pending, _parts.Limits), _parts.Issuer);
        Assert.Null(messages.TryTake(1_000));
        _pending.NotifyAll(network);
        Assert.NotNull(messages.TryTake(10_999));
        _pending.NotifyAll(network);
        Assert.Null(messages.TryTake(11_000));
    }

    [Fact]
    public void Revocations_come_first_and_go_to_every_authorized_member_that_is_online()
    {
        var former = _parts.Add(0xa1, lastRequestMs: 1_000, isAuthorized: false);
        former.HasConfig = true;
        former.LastPacketId = 9;
        former.LastIssuedMs = 2_500;
        _parts.Add(0xb2, lastRequestMs: 1_000);
        _parts.Add(0xc3, lastRequestMs: 1_000);
        _parts.Add(0xd4);
        _pending.Notify(_parts.Network, former);
        _pending.Revoke(_parts.Network, former, 2_000);

        var revocations = new[] { Take(2_000), Take(2_000) };
        Assert.Equal([0xb2UL, 0xc3UL], revocations.Select(message => message.To.Value).Order());
        Assert.All(revocations, message => Assert.Equal((former.Record.Address, 2_500L), (message.Revocation!.Target, message.Revocation.Threshold)));
        Assert.True(revocations[0].Revocation!.Verify(TestParts.ControllerIdentity));
        Assert.Same(revocations[0].Revocation, revocations[1].Revocation);

        var refusal = Take(2_000);
        Assert.Equal((former.Record.Address, ControllerMessageKind.AccessDenied, 9UL), (refusal.To, refusal.Kind, refusal.InReplyTo));
        Assert.Null(_messages.TryTake(2_000));
        Assert.Equal((1L, 0L), (_pending.RevocationCount, _messages.PushCount));
    }

    [Fact]
    public void A_node_without_a_configuration_is_not_refused_again()
    {
        _pending.Notify(_parts.Network, _parts.Add(0xa1, lastRequestMs: 1_000, isAuthorized: false));
        Assert.Null(_messages.TryTake(1_000));
    }

    [Fact]
    public void Members_of_a_deleted_network_are_told_that_it_does_not_exist_unless_it_was_created_again()
    {
        _parts.Add(0xa1, lastRequestMs: 1_000);
        _parts.Add(0xb2, lastRequestMs: 1_000);
        _parts.State.Delete(_parts.Network);
        _pending.NotifyAll(_parts.Network);
        var network = _parts.State.Save(new NetworkRecord { Id = TestParts.Id });
        _parts.State.Save(network, TestParts.Record(0xb2)).HasConfig = true;

        var message = Take(1_000);
        Assert.Equal((0xa1UL, ControllerMessageKind.NotFound), (message.To.Value, message.Kind));
        Assert.Null(_messages.TryTake(1_000));
    }

    private ControllerMessage Take(long nowMs) => _messages.TryTake(nowMs)!.Sign(TestParts.ControllerIdentity);
}
