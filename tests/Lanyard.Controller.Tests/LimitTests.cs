using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller.Tests;

public class LimitTests
{
    private static TestController Private(ControllerLimits limits)
    {
        var test = new TestController(limits: limits);
        test.SaveNetwork(network => network);
        return test;
    }

    [Fact]
    public void A_flood_of_strangers_is_remembered_up_to_a_limit_and_the_ones_longest_silent_are_forgotten()
    {
        var test = Private(new ControllerLimits { MaxStrangersPerNetwork = 10, NewStrangersBurst = 1_000 });
        var patient = TestController.Stranger(5_000);
        test.Ask(patient);
        for (var n = 1UL; n <= 100; n++)
        {
            Assert.Equal(ControllerReason.NotAuthorized, test.Ask(TestController.Stranger(n)).Reason);
            test.AskNow(patient);
        }

        var members = test.Core.ListMembers(test.NetworkId)!;
        Assert.Equal(10, members.Count);
        Assert.NotNull(test.Core.FindMember(test.NetworkId, patient.Address));
        Assert.NotNull(test.Core.FindMember(test.NetworkId, new NodeAddress(100)));
        Assert.Equal(91, test.Core.Counters.StrangersForgotten);
        Assert.Equal(members.Select(member => member.Address), test.Store.Load().Members.Select(member => member.Address).Order());
    }

    [Fact]
    public void Members_and_nodes_that_somebody_set_anything_for_are_never_forgotten()
    {
        var test = Private(new ControllerLimits { MaxStrangersPerNetwork = 3 });
        var nodes = Enumerable.Range(1, 5).Select(n => TestController.Stranger((ulong)n)).ToArray();
        test.Authorize(nodes[0]);
        test.Authorize(nodes[1]);
        test.Authorize(nodes[1], false);
        test.SaveMember(nodes[2], member => member with { Name = "printer" });
        test.SaveMember(nodes[3], member => member with { Tags = [new(1, 1)] });
        test.SaveMember(nodes[4], member => member with { Addresses = [InetAddress.Parse("10.0.0.1")] });
        foreach (var node in nodes)
            test.Ask(node);
        for (var n = 100UL; n < 120; n++)
            test.Ask(TestController.Stranger(n));
        Assert.Equal(8, test.Core.ListMembers(test.NetworkId)!.Count);
        Assert.All(nodes, node => Assert.NotNull(test.Core.FindMember(test.NetworkId, node.Address)));
    }

    [Fact]
    public void New_strangers_are_recorded_at_a_limited_rate_and_refused_beyond_it()
    {
        var test = Private(new ControllerLimits { NewStrangersBurst = 5, NewStrangersPerSecond = 2 });
        for (var n = 1UL; n <= 5; n++)
            Assert.Equal(ControllerReason.NotAuthorized, test.AskNow(TestController.Stranger(n)).Reason);
        var reply = test.AskNow(TestController.Stranger(6));
        Assert.Equal((ControllerReason.NotRecorded, ControllerMessageKind.AccessDenied), (reply.Reason, reply.Message!.Kind));
        Assert.Null(test.Core.FindMember(test.NetworkId, new NodeAddress(6)));

        test.NowMs += 1_000;
        Assert.Equal(ControllerReason.NotAuthorized, test.AskNow(TestController.Stranger(7)).Reason);
        Assert.Equal(ControllerReason.NotAuthorized, test.AskNow(TestController.Stranger(8)).Reason);
        Assert.Equal(ControllerReason.NotRecorded, test.AskNow(TestController.Stranger(9)).Reason);
        // Who is known already is not a new stranger.
        Assert.Equal(ControllerReason.NotAuthorized, test.AskNow(TestController.Stranger(1)).Reason);
        Assert.Equal(2, test.Core.Counters.NotRecorded);
    }

    [Fact]
    public void A_public_networks_members_are_not_held_up_by_the_strangers_rate()
    {
        var test = new TestController(limits: new ControllerLimits { NewStrangersBurst = 0, NewStrangersPerSecond = 0 });
        test.SaveNetwork(network => network with { IsPrivate = false });
        for (var n = 1UL; n <= 20; n++)
            Assert.Equal(ControllerReason.Member, test.AskNow(TestController.Stranger(n)).Reason);
    }

    [Fact]
    public void A_full_network_takes_nobody_more_but_strangers_make_room_for_members()
    {
        var test = new TestController(limits: new ControllerLimits { MaxMembersPerNetwork = 3 });
        test.SaveNetwork(network => network);
        test.Ask(TestController.Stranger(1));
        test.SaveNetwork(network => network with { IsPrivate = false });
        test.Ask(TestController.Stranger(2));
        test.Ask(TestController.Stranger(3));
        Assert.Equal(ControllerReason.Member, test.Ask(TestController.Stranger(4)).Reason);
        Assert.Null(test.Core.FindMember(test.NetworkId, new NodeAddress(1)));

        var reply = test.Ask(TestController.Stranger(5));
        Assert.Equal((ControllerReason.NetworkFull, ControllerMessageKind.AccessDenied), (reply.Reason, reply.Message!.Kind));
        Assert.Equal(ControllerReason.Member, test.Ask(TestController.Stranger(2)).Reason);
        Assert.Equal(3, Assert.Throws<ControllerLimitException>(() => test.SaveMember(TestController.Stranger(9), member => member)).Message.Count(char.IsAsciiDigit) + 2);
    }

    [Fact]
    public void There_are_no_more_networks_than_allowed()
    {
        var test = new TestController(limits: new ControllerLimits { MaxNetworks = 2 });
        test.Core.CreateNetwork(test.NowMs, network => network);
        test.SaveNetwork(network => network);
        Assert.Throws<ControllerLimitException>(() => test.Core.CreateNetwork(test.NowMs, network => network));
        test.SaveNetwork(network => network with { Name = "changes are well" });
    }

    [Theory]
    [InlineData("""{"name":"NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN"}""", "127 bytes")]
    [InlineData("""{"dns":{"domain":"x","servers":["10.0.0.1","10.0.0.2","10.0.0.3","10.0.0.4","10.0.0.5"]}}""", "at most 4 DNS servers")]
    public void A_network_that_asks_for_more_than_there_can_be_is_refused_with_the_limit(string body, string expected)
    {
        var test = new TestController();
        var (status, json) = test.Call("POST", test.PathOf(""), body);
        Assert.Equal(400, status);
        Assert.Contains(expected, json, StringComparison.Ordinal);
        Assert.Null(test.Core.FindNetwork(test.NetworkId));
    }

    [Theory]
    [InlineData("rules", """{"type":"ACTION_DROP"}""", 1024)]
    [InlineData("routes", """{"target":"10.0.0.0/8"}""", 128)]
    [InlineData("ipAssignmentPools", """{"ipRangeStart":"10.0.0.1","ipRangeEnd":"10.0.0.2"}""", 128)]
    public void Lists_are_taken_up_to_their_limits_and_refused_whole_beyond(string field, string entry, int limit)
    {
        var test = new TestController();
        string Body(int count) => $$"""{"{{field}}":[{{string.Join(',', Enumerable.Repeat(entry, count))}}]}""";
        test.Post("", Body(limit));
        var (status, json) = test.Call("POST", test.PathOf(""), Body(limit + 1));
        Assert.Equal((400, true), (status, json.Contains($"at most {limit} ", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("tags", 128)]
    [InlineData("capabilities", 128)]
    [InlineData("ipAssignments", 30)]
    public void A_members_lists_have_limits_too(string field, int limit)
    {
        var test = Private(new ControllerLimits());
        string Body(int count) => $$"""{"{{field}}":[{{string.Join(',', Enumerable.Range(0, count).Select(n => field switch { "tags" => $"[{n},1]", "capabilities" => $"{n}", _ => $"\"10.0.0.{n}\"" }))}}]}""";
        test.Post("member/00000000a1", Body(limit));
        Assert.Equal(400, test.Call("POST", test.PathOf("member/00000000a1"), Body(limit + 1)).Status);
    }

    [Fact]
    public void A_body_that_is_too_long_is_refused_unread()
    {
        var test = Private(new ControllerLimits { MaxBodyBytes = 100 });
        Assert.Equal(413, test.Call("POST", test.PathOf(""), new string('{', 101)).Status);
        Assert.Equal(400, test.Call("POST", test.PathOf(""), new string('{', 100)).Status);
    }

    [Fact]
    public void The_largest_records_make_a_configuration_that_members_read()
    {
        // Zeros are escaped, so that these rules are the longest there are.
        var rule = Rule.MatchIPSource(InetPrefix.Parse("::/0"));
        var test = new TestController();
        var node = TestController.Stranger(0xa1);
        test.SaveNetwork(network => network with
        {
            IsPrivate = false,
            Name = new string('\n', NetworkLimits.NameLength),
            Rules = Enumerable.Repeat(rule, NetworkLimits.Rules).ToEquatableArray(),
            Routes = [.. Enumerable.Range(0, NetworkLimits.Routes).Select(i => new ManagedRoute(InetPrefix.Parse($"{i:x}::/16"), InetAddress.Parse("::1")))],
            Capabilities = [.. Enumerable.Range(1, NetworkLimits.Capabilities)
                .Select(id => new CapabilityDefinition((uint)id, true, Enumerable.Repeat(rule, NetworkLimits.CapabilityRules).ToEquatableArray()))],
            Tags = [.. Enumerable.Range(1, NetworkLimits.Tags).Select(id => new TagDefinition((uint)id, 0))],
            Dns = new DnsSettings(new string('\n', NetworkLimits.DnsDomainLength), [.. Enumerable.Repeat(InetAddress.Parse("::1"), NetworkLimits.DnsServers)]),
        });
        test.SaveMember(node, member => member with
        {
            Addresses = [.. Enumerable.Range(0, RecordLimits.MemberAddresses).Select(i => InetAddress.Parse($"{i:x}::"))],
        });
        var config = test.ConfigOf(node);
        Assert.True(config.TryWrite(out var text), "The configuration is longer than members read.");
        Assert.True(NetworkConfig.TryParse(text, out var read), "Members cannot read the configuration.");
        Assert.Equal(NetworkLimits.Capabilities, read.Capabilities.Count);
    }
}
