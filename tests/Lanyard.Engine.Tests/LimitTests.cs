using Lanyard.Engine.Multicast;
using Lanyard.Engine.Packets;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine.Tests;

public sealed class LimitTests
{
    private const long Now = 1_800_000_000_000;
    private static readonly InetEndpoint Endpoint = InetEndpoint.Parse("46.0.0.1/9993");

    [Theory]
    [InlineData("46.0.0.1", "46.0.0.200", "46.0.1.1")]
    [InlineData("2001:db8:1:1::1", "2001:db8:1:ffff::2", "2001:db8:2::1")]
    public void A_prefix_has_its_burst_at_once_and_its_rate_afterwards(string first, string samePrefix, string other)
    {
        var limiter = new PrefixLimiter(burst: 4, intervalMs: 100, key: 1);
        for (var i = 0; i < 4; i++)
            Assert.True(limiter.TryTake(Now, InetAddress.Parse(i % 2 == 0 ? first : samePrefix)));
        Assert.False(limiter.TryTake(Now, InetAddress.Parse(first)));
        Assert.False(limiter.TryTake(Now + 99, InetAddress.Parse(samePrefix)));
        Assert.True(limiter.TryTake(Now, InetAddress.Parse(other)));
        Assert.True(limiter.TryTake(Now + 100, InetAddress.Parse(samePrefix)));
        Assert.False(limiter.TryTake(Now + 199, InetAddress.Parse(first)));

        // After a rest the burst is whole again, and no more than that.
        for (var i = 0; i < 4; i++)
            Assert.True(limiter.TryTake(Now + 100_000, InetAddress.Parse(first)));
        Assert.False(limiter.TryTake(Now + 100_000, InetAddress.Parse(first)));
    }

    [Fact]
    public void A_request_is_found_by_its_whole_id_its_peer_and_its_verb_until_it_is_answered_or_expires()
    {
        var requests = new OutstandingRequests();
        var (peer, other) = (new NodeAddress(1), new NodeAddress(2));
        requests.Add(77, new OutstandingRequest(Verb.Echo, peer, 0, Endpoint, Now, 0), isForStranger: false);
        Assert.False(requests.TryFind(Now, 78, Verb.Echo, peer, out _));
        Assert.False(requests.TryFind(Now, 77, Verb.Echo, other, out _));
        Assert.False(requests.TryFind(Now, 77, Verb.Hello, peer, out _));
        Assert.False(requests.TryFind(Now + 30_000, 77, Verb.Echo, peer, out _));
        Assert.True(requests.TryFind(Now + 29_999, 77, Verb.Echo, peer, out var found));
        Assert.True(found.IsAnsweredFrom(0, Endpoint));
        Assert.False(found.IsAnsweredFrom(1, Endpoint));
        Assert.False(found.IsAnsweredFrom(0, Endpoint with { Port = 1 }));
        requests.Consume(77);
        Assert.False(requests.TryFind(Now, 77, Verb.Echo, peer, out _));
    }

    [Fact]
    public void Requests_that_strangers_cause_push_out_none_of_the_nodes_own()
    {
        var requests = new OutstandingRequests();
        requests.Add(1, new OutstandingRequest(Verb.Whois, new NodeAddress(1), 0, Endpoint, Now, 0), isForStranger: false);
        for (var id = 100UL; id < 10_000; id++)
            requests.Add(id, new OutstandingRequest(Verb.Hello, new NodeAddress(id), 0, Endpoint, Now, 0), isForStranger: true);
        Assert.True(requests.TryFind(Now, 1, Verb.Whois, new NodeAddress(1), out _));
        Assert.False(requests.TryFind(Now, 100, Verb.Hello, new NodeAddress(100), out _));
        Assert.True(requests.TryFind(Now, 9_999, Verb.Hello, new NodeAddress(9_999), out _));
    }

    [Fact]
    public void Drawing_members_of_a_group_gives_each_once_in_any_order()
    {
        var members = new GroupMembers();
        for (var i = 1UL; i <= 50; i++)
            members.Set(new NodeAddress(i), (long)i);
        Assert.True(members.Remove(new NodeAddress(7)));
        Assert.False(members.Remove(new NodeAddress(7)));
        var random = new NodeRandom(new byte[NodeRandom.SeedBytes]);
        var firsts = new HashSet<NodeAddress>();
        for (var round = 0; round < 400; round++)
        {
            var drawn = Enumerable.Range(0, members.Count).Select(i => members.Draw(i, random)).ToArray();
            Assert.Equal(49, drawn.Distinct().Count());
            firsts.Add(drawn[0]);
        }

        Assert.InRange(firsts.Count, 45, 49);
        Assert.True(members.Contains(new NodeAddress(50)));
    }
}
