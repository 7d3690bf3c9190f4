using Lanyard.Engine.Rules;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Engine.Tests.Rules;

public sealed class RuleEvaluatorTests
{
    private const uint TagId = 1000;
    private static readonly Rule Always = Rule.MatchEtherType(0x0800);
    private static readonly Rule Never = Rule.MatchEtherType(0x0801);
    private static readonly Rule SamePort = Rule.MatchIPDestinationPorts(2, 2);
    private static readonly TestFrame Frame = new();

    [Fact]
    public void Without_a_rule_nothing_matches() => Assert.Equal(RuleVerdict.NoMatch, Frame.Evaluate().Verdict);

    [Fact]
    public void An_action_without_a_match_is_applied()
    {
        Assert.Equal(RuleVerdict.Accept, Frame.Evaluate(Rule.ActionAccept, Rule.ActionDrop).Verdict);
        Assert.Equal(RuleVerdict.Drop, Frame.Evaluate(Rule.ActionDrop, Rule.ActionAccept).Verdict);
        Assert.Equal(RuleVerdict.NoMatch, Frame.Evaluate(Rule.ActionBreak, Rule.ActionAccept).Verdict);
    }

    [Fact]
    public void Matches_before_an_action_are_true_together()
    {
        Assert.Equal(RuleVerdict.Accept, Frame.Evaluate(Always, SamePort, Rule.ActionAccept).Verdict);
        Assert.Equal(RuleVerdict.NoMatch, Frame.Evaluate(Always, Never, Rule.ActionAccept).Verdict);
        Assert.Equal(RuleVerdict.NoMatch, Frame.Evaluate(Never, Always, Rule.ActionAccept).Verdict);
        Assert.Equal(RuleVerdict.Drop, Frame.Evaluate(Never, Rule.ActionAccept, Always, Rule.ActionDrop).Verdict);
    }

    [Fact]
    public void An_ORed_match_can_save_those_before_it()
    {
        Assert.Equal(RuleVerdict.Accept, Frame.Evaluate(Never, Always.With(or: true), Rule.ActionAccept).Verdict);
        Assert.Equal(RuleVerdict.Accept, Frame.Evaluate(Never, Never.With(not: true, or: true), Rule.ActionAccept).Verdict);
        Assert.Equal(RuleVerdict.NoMatch, Frame.Evaluate(Never, Always.With(or: true), Never, Rule.ActionAccept).Verdict);
        Assert.Equal(RuleVerdict.Accept, Frame.Evaluate(Always, Never.With(or: true), Rule.ActionAccept).Verdict);
    }

    [Fact]
    public void An_unknown_action_has_no_effect()
    {
        var reader = new ByteReader([15, 2, 1, 2]);
        var unknown = Rule.Read(ref reader);
        Assert.Equal(RuleVerdict.Accept, Frame.Evaluate(Always, unknown, Rule.ActionAccept).Verdict);
        // It ends its set all the same.
        Assert.Equal(RuleVerdict.Accept, Frame.Evaluate(Never, unknown, Rule.ActionAccept).Verdict);
    }

    [Fact]
    public void Priority_accepts_into_a_queue()
    {
        var outcome = Frame.Evaluate(Rule.ActionPriority);
        Assert.Equal((RuleVerdict.Accept, (byte?)0), (outcome.Verdict, outcome.Priority));
        var reader = new ByteReader([6, 1, 9, 6, 1, 8]);
        Assert.Equal<byte?>(4, Frame.Evaluate(Rule.Read(ref reader)).Priority);
        Assert.Equal<byte?>(8, Frame.Evaluate(Rule.Read(ref reader)).Priority);
    }

    [Fact]
    public void A_tee_copies_the_frame_and_evaluation_continues()
    {
        var outcome = Frame.Evaluate(Rule.ActionTee(TestFrame.Carol, 10), Rule.ActionAccept);
        Assert.Equal((RuleVerdict.Accept, new FrameCopy(TestFrame.Carol, 10, false)), (outcome.Verdict, outcome.Copy));
        Assert.Equal(new FrameCopy(TestFrame.Carol, 28, true), Frame.Evaluate(Rule.ActionWatch(TestFrame.Carol), Rule.ActionAccept).Copy);
        Assert.Equal(28, Frame.Evaluate(Rule.ActionTee(TestFrame.Carol, 1000), Rule.ActionAccept).Copy.Length);
        Assert.Equal(default, Frame.Evaluate(Rule.ActionTee(TestFrame.Carol), Rule.ActionDrop).Copy);
        Assert.Equal(TestFrame.Carol, Frame.Evaluate(Rule.ActionTee(TestFrame.Carol)).Copy.To);
    }

    [Fact]
    public void No_copy_goes_to_the_sender_or_receiver_of_a_frame()
    {
        foreach (var end in new[] { TestFrame.Alice, TestFrame.Bob })
        {
            Assert.True(Frame.Evaluate(Rule.ActionTee(end), Rule.ActionAccept).Copy.To.IsNone);
            Assert.Equal(RuleVerdict.Accept, Frame.Evaluate(Rule.ActionRedirect(end), Rule.ActionAccept).Verdict);
        }
    }

    [Fact]
    public void A_redirected_frame_goes_elsewhere_and_is_taken_there()
    {
        var outcome = Frame.Evaluate(Rule.ActionRedirect(TestFrame.Carol), Rule.ActionAccept);
        Assert.Equal((RuleVerdict.Redirect, TestFrame.Carol), (outcome.Verdict, outcome.RedirectTo));
        var atCarol = Frame.Received() with { Self = TestFrame.Carol };
        Assert.Equal(RuleVerdict.SuperAccept, atCarol.Evaluate(Rule.ActionRedirect(TestFrame.Carol)).Verdict);
        // Where the set does not match any more, an accept that comes later still takes it as such.
        Assert.Equal(RuleVerdict.SuperAccept, atCarol.Evaluate(Never, Rule.ActionRedirect(TestFrame.Carol), Rule.ActionAccept).Verdict);
        Assert.Equal(RuleVerdict.SuperAccept, atCarol.Evaluate(Never, Rule.ActionTee(TestFrame.Carol), Rule.ActionAccept).Verdict);
        Assert.Equal(RuleVerdict.Accept, atCarol.Evaluate(Never, Rule.ActionTee(TestFrame.Bob), Rule.ActionAccept).Verdict);
        Assert.Equal(RuleVerdict.Accept, (Frame with { Self = TestFrame.Carol }).Evaluate(Never, Rule.ActionTee(TestFrame.Carol), Rule.ActionAccept).Verdict);
    }

    [Theory]
    [InlineData(RuleType.MatchTagsDifference, 120, 100, 20, true)]
    [InlineData(RuleType.MatchTagsDifference, 100, 120, 20, true)]
    [InlineData(RuleType.MatchTagsDifference, 100, 120, 19, false)]
    [InlineData(RuleType.MatchTagsAnd, 6, 3, 2, true)]
    [InlineData(RuleType.MatchTagsAnd, 6, 3, 6, false)]
    [InlineData(RuleType.MatchTagsOr, 6, 3, 7, true)]
    [InlineData(RuleType.MatchTagsOr, 6, 3, 6, false)]
    [InlineData(RuleType.MatchTagsXor, 6, 3, 5, true)]
    [InlineData(RuleType.MatchTagsXor, 6, 3, 7, false)]
    [InlineData(RuleType.MatchTagsEqual, 5, 5, 5, true)]
    [InlineData(RuleType.MatchTagsEqual, 5, 6, 5, false)]
    [InlineData(RuleType.MatchTagsEqual, 6, 5, 5, false)]
    [InlineData(RuleType.MatchTagSender, 5, 6, 5, true)]
    [InlineData(RuleType.MatchTagSender, 6, 5, 5, false)]
    [InlineData(RuleType.MatchTagReceiver, 6, 5, 5, true)]
    [InlineData(RuleType.MatchTagReceiver, 5, 6, 5, false)]
    public void Tags_are_compared_alike_at_both_ends(RuleType type, uint sender, uint receiver, uint value, bool matches)
    {
        var rule = Rule.MatchTag(type, TagId, value);
        var frame = Frame with { Own = Tagged(sender), Peer = Tagged(receiver) };
        Assert.Equal(matches, frame.Matches(rule));
        Assert.Equal(matches, frame.Received().Matches(rule));
        Assert.Equal(!matches, frame.Matches(rule.With(not: true)));
        Assert.Equal(!matches, frame.Received().Matches(rule.With(not: true)));
    }

    [Fact]
    public void A_member_without_a_tag_does_not_match_nor_does_the_inversion()
    {
        foreach (var type in new[] { RuleType.MatchTagsDifference, RuleType.MatchTagsEqual, RuleType.MatchTagSender })
        {
            var rule = Rule.MatchTag(type, TagId, 5);
            var frame = Frame with { Peer = Tagged(5) };
            Assert.False(frame.Matches(rule) || frame.Matches(rule.With(not: true)));
            Assert.False(frame.Received().Matches(rule) || frame.Received().Matches(rule.With(not: true)));
        }

        var receiver = Rule.MatchTag(RuleType.MatchTagReceiver, TagId, 5);
        var untagged = (Frame with { Own = Tagged(5) }).Received();
        Assert.False(untagged.Matches(receiver) || untagged.Matches(receiver.With(not: true)));
    }

    [Fact]
    public void A_sender_that_does_not_know_the_receivers_tag_yet_leaves_the_decision_to_it()
    {
        var frame = Frame with { Own = Tagged(100), Peer = null };
        foreach (var rule in new[] { Rule.MatchTag(RuleType.MatchTagsDifference, TagId, 5).With(not: true), Rule.MatchTag(RuleType.MatchTagReceiver, TagId, 5).With(not: true) })
        {
            Assert.Equal(RuleVerdict.Accept, frame.Evaluate(rule, Rule.ActionDrop, Rule.ActionAccept).Verdict);
            // One drop is passed over, not two.
            Assert.Equal(RuleVerdict.Drop, frame.Evaluate(rule, Rule.ActionDrop, Always, Rule.ActionDrop, Rule.ActionAccept).Verdict);
        }

        // The receiver knows its own tag and is strict about the sender's.
        var received = frame.Received() with { Own = Tagged(1), Peer = null };
        Assert.Equal(RuleVerdict.NoMatch, received.Evaluate(Rule.MatchTag(RuleType.MatchTagsDifference, TagId, 5), Rule.ActionAccept).Verdict);
    }

    [Fact]
    public void A_node_that_frames_are_redirected_to_is_not_strict_about_tags()
    {
        var frame = Frame.Received() with { Self = TestFrame.Carol, Own = Tagged(1), Peer = null };
        foreach (var type in new[] { RuleType.MatchTagsDifference, RuleType.MatchTagSender, RuleType.MatchTagReceiver })
        {
            Assert.Equal(RuleVerdict.SuperAccept, frame.Evaluate(
                Never, Rule.ActionRedirect(TestFrame.Carol), Rule.MatchTag(type, TagId, 5).With(not: true), Rule.ActionDrop, Rule.ActionAccept).Verdict);
        }
    }

    [Fact]
    public void A_capability_may_accept_if_the_networks_rules_make_no_decision()
    {
        var web = Capability(7, SamePort, Rule.ActionTee(TestFrame.Carol, 5), Rule.ActionAccept);
        var decision = Filter(Frame, [Never, Rule.ActionAccept], web);
        Assert.Equal((RuleVerdict.Accept, new FrameCopy(TestFrame.Carol, 5, false)), (decision.Verdict, decision.CapabilityCopy));
        Assert.Same(web, decision.Capability);
        Assert.True(decision.IsAccepted);
        Assert.Equal(RuleVerdict.Drop, Filter(Frame, [Never, Rule.ActionAccept], Capability(7, Never, Rule.ActionAccept)).Verdict);
        Assert.Equal(RuleVerdict.Drop, Filter(Frame, [Always, Rule.ActionDrop], web).Verdict);
        Assert.Null(Filter(Frame, [Rule.ActionAccept], web).Capability);
        Assert.Same(web, Filter(Frame, [Rule.ActionBreak, Rule.ActionDrop], web).Capability);
        Assert.Equal(RuleVerdict.Drop, Filter(Frame, []).Verdict);
    }

    [Fact]
    public void A_drop_in_a_capability_ends_that_capability_only()
    {
        var web = Capability(7, SamePort, Rule.ActionAccept);
        Assert.Same(web, Filter(Frame, [], Capability(1, Rule.ActionDrop), web).Capability);
    }

    [Fact]
    public void The_networks_copy_is_made_when_a_capability_accepts()
    {
        var decision = Filter(Frame, [Rule.ActionTee(TestFrame.Carol)], Capability(7, Rule.ActionRedirect(TestFrame.Carol)));
        Assert.Equal((RuleVerdict.Redirect, TestFrame.Carol, TestFrame.Carol), (decision.Verdict, decision.RedirectTo, decision.Copy.To));
    }

    [Fact]
    public void A_configurations_own_credentials_answer_for_this_node()
    {
        var node = TestFrame.Alice;
        var config = new NetworkConfig
        {
            NetworkId = new NetworkId(5),
            IssuedTo = node,
            Tags = [new Tag { NetworkId = new NetworkId(5), Timestamp = 1, Id = TagId, Value = 9, IssuedTo = node }],
            CertificatesOfOwnership =
            [
                new CertificateOfOwnership
                {
                    NetworkId = new NetworkId(5),
                    Timestamp = 1,
                    Id = 1,
                    IssuedTo = node,
                    Things = [OwnedThing.From(InetAddress.Parse("10.0.0.1")), OwnedThing.From(Frame.SourceMac)],
                },
            ],
        };
        var own = new OwnRuleCredentials(config);
        Assert.True(own.TryGetTag(TagId, out var value));
        Assert.Equal(9u, value);
        Assert.False(own.TryGetTag(1, out _));
        Assert.True(own.Owns(InetAddress.Parse("10.0.0.1")));
        Assert.False(own.Owns(InetAddress.Parse("10.0.0.2")));
        Assert.True(own.Owns(Frame.SourceMac));
        Assert.False(own.Owns(Frame.DestinationMac));
    }

    [Fact]
    public void Any_rules_on_any_frame_end_without_an_exception_and_allocate_nothing()
    {
        var random = new Random(21);
        var verdicts = new int[5];
        var frame = Frame with { Own = Tagged(1), Peer = Tagged(2) };
        for (var round = 0; round < 5_000; round++)
        {
            var rules = RandomRules(random);
            var etherType = (ushort)(random.Next(4) switch { 0 => 0x0800, 1 => 0x86dd, 2 => 0x0806, _ => random.Next(65536) });
            var payload = new byte[random.Next(120)];
            random.NextBytes(payload);
            var hostile = (frame with { EtherType = etherType, Payload = payload, IsInbound = round % 2 == 0 }).ToRuleFrame();
            var before = GC.GetAllocatedBytesForCurrentThread();
            var outcome = RuleEvaluator.Evaluate(rules, hostile, NetworkFlags.None, frame.Own, frame.Peer);
            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
            verdicts[(int)outcome.Verdict]++;
        }

        Assert.DoesNotContain(0, verdicts[..^1]);
    }

    // Of all types, with payloads at random.
    private static EquatableArray<Rule> RandomRules(Random random)
    {
        var bytes = new byte[26 * random.Next(1, 20)];
        random.NextBytes(bytes);
        for (var i = 0; i < bytes.Length; i += 26)
        {
            bytes[i] = (byte)(random.Next(4) == 0 ? random.Next(8) : random.Next(256));
            bytes[i + 1] = 24;
        }

        var reader = new ByteReader(bytes);
        var rules = Rule.ReadAll(ref reader, 20);
        Assert.False(reader.Failed);
        return rules;
    }

    private static TestCredentials Tagged(uint value) => new() { Tags = { [TagId] = value } };

    private static Capability Capability(uint id, params Rule[] rules) =>
        new() { NetworkId = new NetworkId(5), Timestamp = 1, Id = id, Rules = rules.ToEquatableArray() };

    private static FilterDecision Filter(TestFrame frame, Rule[] rules, params Capability[] capabilities)
    {
        var config = new NetworkConfig { NetworkId = new NetworkId(5), IssuedTo = frame.Self, Rules = rules.ToEquatableArray() };
        return RuleEvaluator.Filter(frame.ToRuleFrame(), config, capabilities, frame.Own, frame.Peer);
    }
}
