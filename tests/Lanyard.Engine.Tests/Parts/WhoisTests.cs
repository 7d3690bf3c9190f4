using Lanyard.Engine.Peers;
using Lanyard.Engine.Tests.Harness;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine.Tests.Parts;

/// <summary>Requests for identities.</summary>
public sealed class WhoisTests
{
    private const long Now = PeerParts.Now;
    private static readonly NodeAddress Unknown = new(0x1122334455);
    private readonly PeerParts _parts = new();

    [Fact]
    public void A_question_is_repeated_every_half_second_and_given_up_after_five_seconds()
    {
        var root = _parts.AddRoot();
        _parts.Whois.Request(Now, Unknown);
        Assert.Equal([(root.Paths[0].Endpoint, Verb.Whois)], Sent());
        var repeated = 0;
        for (var ms = Now; ms <= Now + 8_000; ms += 50)
        {
            _parts.Whois.Poll(ms);
            repeated += Sent().Count;
        }

        Assert.Equal(10, repeated);
        Assert.Equal(long.MaxValue, _parts.Whois.NextDeadlineMs);
    }

    [Fact]
    public void A_second_request_asks_no_second_question()
    {
        _parts.AddRoot();
        _parts.Whois.Request(Now, Unknown);
        _parts.Whois.Request(Now + 1, Unknown);
        Assert.Single(Sent());
    }

    [Fact]
    public void A_question_is_asked_as_soon_as_a_root_is_reachable()
    {
        _parts.Whois.Request(Now, Unknown);
        Assert.Empty(Sent());
        _parts.AddRoot();
        _parts.Whois.RootReachable(Now + 1);
        _parts.Whois.Poll(Now + 1);
        Assert.Single(Sent());
    }

    [Fact]
    public void An_answered_question_is_not_repeated()
    {
        _parts.AddRoot();
        _parts.Whois.Request(Now, Unknown);
        Assert.True(_parts.Whois.IsWanted(Unknown));
        _parts.Whois.Resolved(Unknown);
        Assert.False(_parts.Whois.IsWanted(Unknown));
        Sent();
        _parts.Whois.Poll(Now + 1_000);
        Assert.Empty(Sent());
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(0xff_0000_0001UL)]
    public void Reserved_addresses_are_not_asked_for(ulong address)
    {
        _parts.AddRoot();
        _parts.Whois.Request(Now, new NodeAddress(address));
        _parts.Whois.RequestForStranger(Now, new NodeAddress(address), InetAddress.Parse("46.0.0.1"));
        Assert.Empty(Sent());
    }

    [Fact]
    public void A_prefix_of_strangers_causes_four_questions_at_once()
    {
        _parts.AddRoot();
        for (var i = 1UL; i <= 10; i++)
            _parts.Whois.RequestForStranger(Now, new NodeAddress(i), InetAddress.Parse("46.0.0.1"));
        Assert.Equal(4, Sent().Count);
        Assert.Equal(6, _parts.Dropped(DropReason.RateLimited));
    }

    [Fact]
    public void All_strangers_together_cause_sixty_four_requests_at_once()
    {
        _parts.AddRoot();
        for (var i = 1UL; i <= 200; i++)
            _parts.Whois.RequestForStranger(Now, new NodeAddress(i), InetAddress.FromV4(0x2f00_0000 + ((uint)i << 8)));
        Assert.Equal(64, Sent().Count);
    }

    [Fact]
    public void A_stranger_s_question_is_not_repeated()
    {
        _parts.AddRoot();
        _parts.Whois.RequestForStranger(Now, Unknown, InetAddress.Parse("46.0.0.1"));
        Sent();
        _parts.Whois.RequestForStranger(Now + 1, Unknown, InetAddress.Parse("46.0.0.1"));
        _parts.Whois.Poll(Now + 600);
        Assert.Empty(Sent());
    }

    [Fact]
    public void Questions_about_multicast_listeners_leave_room_for_the_nodes_own()
    {
        _parts.AddRoot();
        for (var i = 1UL; i <= 1_000; i++)
            _parts.Whois.Request(Now, new NodeAddress(i), WhoisReason.Multicast);
        Assert.Equal(256, Sent().Count);
        _parts.Whois.Request(Now, Unknown);
        Assert.Single(Sent());
    }

    private List<(InetEndpoint To, Verb Verb)> Sent() => [.. _parts.TakeSent().Where(sent => sent.Verb == Verb.Whois)];
}
