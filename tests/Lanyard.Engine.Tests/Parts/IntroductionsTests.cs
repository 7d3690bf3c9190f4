using Lanyard.Engine.Relay;
using Lanyard.Engine.Tests.Harness;
using Lanyard.Primitives;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine.Tests.Parts;

/// <summary>A root's introductions of the peers that it relays between.</summary>
public sealed class IntroductionsTests
{
    private const long Now = PeerParts.Now;
    private readonly PeerParts _parts = new();
    private readonly Introductions _introductions;

    public IntroductionsTests() => _introductions = new Introductions(_parts.Context, _parts.Peers, _parts.Policy, _parts.Sender);

    [Fact]
    public void Both_peers_are_introduced_to_each_other()
    {
        var (a, b) = (_parts.AddPeer(), _parts.AddPeer());
        _introductions.Consider(Now, a, b.Address, b.Paths[0].Endpoint);
        var sent = _parts.TakeSent();
        Assert.Equal(2, sent.Count);
        Assert.Contains((a.Paths[0].Endpoint, Verb.Rendezvous), sent);
        Assert.Contains((b.Paths[0].Endpoint, Verb.Rendezvous), sent);
        Assert.Equal(1, _parts.Context.Counters.Introductions);
    }

    [Fact]
    public void A_pair_is_introduced_once_in_ten_seconds()
    {
        var (a, b) = (_parts.AddPeer(), _parts.AddPeer());
        _introductions.Consider(Now, a, b.Address, b.Paths[0].Endpoint);
        _introductions.Consider(Now + 9_999, b, a.Address, a.Paths[0].Endpoint);
        Assert.Equal(1, _parts.Context.Counters.Introductions);
        _introductions.Consider(Now + 10_000, a, b.Address, b.Paths[0].Endpoint);
        Assert.Equal(2, _parts.Context.Counters.Introductions);
    }

    [Fact]
    public void Strangers_do_not_cause_introductions()
    {
        var (a, b) = (_parts.AddPeer(), _parts.AddPeer());
        _introductions.Consider(Now, a, b.Address, InetEndpoint.Parse("46.200.0.1/9993"));
        _introductions.Consider(Now, a, new NodeAddress(5), b.Paths[0].Endpoint);
        Assert.Empty(_parts.TakeSent());
    }

    [Fact]
    public void Peers_of_different_families_are_not_introduced()
    {
        var a = _parts.AddPeer();
        var b = _parts.AddPeer(hasPath: false);
        _parts.Learn(b, InetEndpoint.Parse("[2a00::1]:9993"));
        _introductions.Consider(Now, a, b.Address, b.Paths[0].Endpoint);
        Assert.Empty(_parts.TakeSent());
    }

    [Fact]
    public void Peers_of_one_LAN_are_introduced_by_their_private_addresses()
    {
        var (a, b) = (_parts.AddPeer(), _parts.AddPeer());
        _parts.Learn(a, InetEndpoint.Parse("192.168.1.1/9993"));
        _parts.Learn(b, InetEndpoint.Parse("192.168.1.2/9993"));
        _introductions.Consider(Now, a, b.Address, b.Paths[0].Endpoint);
        Assert.Contains((InetEndpoint.Parse("192.168.1.1/9993"), Verb.Rendezvous), _parts.TakeSent());
    }
}
