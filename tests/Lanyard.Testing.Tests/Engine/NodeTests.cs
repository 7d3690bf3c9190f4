using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.Primitives;

namespace Lanyard.Testing.Tests;

public sealed class NodeTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    [Fact]
    public void A_leaf_comes_online_within_two_round_trips()
    {
        var lan = new Lan();
        var leaf = lan.AddLeaf();
        Assert.True(lan.Internet.RunUntil(() => leaf.Node.IsOnline, TimeSpan.FromMilliseconds(60)));
        Assert.True(lan.Root.Node.IsOnline);
        Assert.False(leaf.Node.IsRoot);
        Assert.True(leaf.IsDirectTo(lan.Root.Address));
        Assert.InRange(leaf.Node.FindPeer(lan.Internet.NowMs, lan.Root.Address)!.LatencyMs, 20, 25);
    }

    [Fact]
    public void A_leaf_gets_its_configuration_and_keeps_it()
    {
        var lan = new Lan();
        var port = lan.AddMember(out var leaf);
        Assert.True(lan.Internet.RunUntil(() => port.Network.Status == NetworkStatus.Ok, TimeSpan.FromMilliseconds(200)));
        Assert.Equal("10.144.0.1/16", port.Network.Config!.StaticAddresses[0].ToString());

        // Killed and started again with the controller out of reach: it has its addresses at once.
        leaf.Kill();
        lan.Internet.Cut(leaf.Host, lan.Root.Host);
        var again = leaf.Host.Start(leaf.Node.Identity, lan.Planet, state: leaf.State);
        var restored = again.Join(lan.Network);
        Assert.Equal(NetworkStatus.Ok, restored.Network.Status);
        Assert.Equal(port.Network.Config.StaticAddresses, restored.Network.Config!.StaticAddresses);
    }

    [Fact]
    public void Forty_networks_of_one_controller_are_joined_within_a_second()
    {
        var lan = new Lan();
        var leaf = lan.AddLeaf();
        var ports = Enumerable.Range(1, 40).Select(number => leaf.Join(lan.Controller.Network((uint)number))).ToArray();
        Assert.True(lan.Internet.RunUntil(() => ports.All(port => port.IsUp), TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void A_stranger_is_refused_and_admitted_once_authorized()
    {
        var lan = new Lan();
        var stranger = lan.AddLeaf();
        lan.Controller.Refused.Add(stranger.Address);
        var port = stranger.Join(lan.Network);
        Assert.True(lan.Internet.RunUntil(() => port.Network.Status == NetworkStatus.AccessDenied, Soon));
        lan.Controller.Refused.Clear();
        var config = lan.Controller.Configure(lan.Internet.NowMs, stranger.Node.Identity, lan.Network);
        lan.Send(ControllerMessage.Push(stranger.Address, config));
        Assert.True(lan.Internet.RunUntil(() => port.Network.Status == NetworkStatus.Ok, TimeSpan.FromMilliseconds(50)));
    }

    [Fact]
    public void Members_exchange_frames_directly_and_fragmented()
    {
        var lan = new Lan();
        var portA = lan.AddMember(out var a);
        var portB = lan.AddMember(out var b);
        Assert.True(lan.Internet.RunUntil(() => portA.IsUp && portB.IsUp, Soon));
        Assert.True(lan.Delivers(a, portA, portB), "the first frame is delivered, not lost");
        Assert.True(lan.Internet.RunUntil(() => a.IsDirectTo(b.Address) && b.IsDirectTo(a.Address), Soon));
        Assert.True(lan.Delivers(b, portB, portA, length: 2800));
        Assert.True(lan.Delivers(a, portA, portB, length: 1));
    }

    [Fact]
    public void The_first_frame_between_strangers_takes_little_more_than_a_round_trip_to_the_root()
    {
        var lan = new Lan(link: new LinkOptions { Latency = TimeSpan.FromMilliseconds(10), Jitter = TimeSpan.Zero });
        var portA = lan.AddMember(out var a);
        var portB = lan.AddMember(out _);
        Assert.True(lan.Internet.RunUntil(() => portA.IsUp && portB.IsUp, Soon));
        lan.Internet.Run(TimeSpan.FromSeconds(1));
        var start = lan.Internet.NowMicroseconds;
        Assert.True(lan.Delivers(a, portA, portB));

        // WHOIS and its answer, then two hops: 40 ms; the receiver's question for the sender's credentials may cost another round trip.
        Assert.InRange(lan.Internet.NowMicroseconds - start, 0, 90_000);
    }

    [Theory]
    [InlineData(NatKind.FullCone, NatKind.FullCone)]
    [InlineData(NatKind.PortRestricted, NatKind.PortRestricted)]
    [InlineData(NatKind.AddressRestricted, NatKind.Symmetric)]
    [InlineData(NatKind.PortRestricted, NatKind.Symmetric)]
    [InlineData(NatKind.Symmetric, NatKind.Symmetric)]
    public void Members_behind_NATs_meet_directly_where_the_NATs_allow_it_and_by_relay_where_not(NatKind kindA, NatKind kindB)
    {
        var lan = new Lan();
        var portA = lan.AddMember(out var a, lan.Internet.AddNat(kindA));
        var portB = lan.AddMember(out var b, lan.Internet.AddNat(kindB));
        Assert.True(lan.Internet.RunUntil(() => portA.IsUp && portB.IsUp, Soon));
        Assert.True(lan.Delivers(a, portA, portB));
        Assert.True(lan.Delivers(b, portB, portA));
        lan.Internet.Run(Soon);
        Assert.True(lan.Delivers(a, portA, portB));
        Assert.Equal(SimulatedNat.CanTraverse(kindA, kindB), a.IsDirectTo(b.Address) && b.IsDirectTo(a.Address));
    }

    [Fact]
    public void Members_behind_one_NAT_meet_on_their_own_network()
    {
        var lan = new Lan();
        var nat = lan.Internet.AddNat(NatKind.Symmetric);
        var portA = lan.AddMember(out var a, nat);
        var portB = lan.AddMember(out var b, nat);
        Assert.True(lan.Internet.RunUntil(() => portA.IsUp && portB.IsUp, Soon));
        Assert.True(lan.Delivers(a, portA, portB));
        Assert.True(lan.Delivers(b, portB, portA));
        Assert.True(lan.Internet.RunUntil(() => a.IsDirectTo(b.Address) && b.IsDirectTo(a.Address), Soon));
        Assert.Contains(a.Node.FindPeer(lan.Internet.NowMs, b.Address)!.Paths, p => p.Endpoint == b.Endpoint);
    }

    [Fact]
    public void When_the_direct_path_dies_frames_go_on_by_relay_within_seconds_and_return_to_it()
    {
        var lan = new Lan();
        var portA = lan.AddMember(out var a);
        var portB = lan.AddMember(out var b);
        Assert.True(lan.Internet.RunUntil(() => portA.IsUp && portB.IsUp, Soon));
        Assert.True(lan.Delivers(a, portA, portB));
        Assert.True(lan.Delivers(b, portB, portA));
        Assert.True(lan.Internet.RunUntil(() => a.IsDirectTo(b.Address) && b.IsDirectTo(a.Address), Soon));

        lan.Internet.Cut(a.Host, b.Host);
        Assert.True(lan.Delivers(a, portA, portB, tries: 4), "a frame arrives within 8 s of the cut");
        Assert.True(lan.Delivers(b, portB, portA, tries: 4));
        Assert.False(a.IsDirectTo(b.Address));

        lan.Internet.Mend(a.Host, b.Host);
        Assert.True(lan.Internet.RunUntil(
            () =>
            {
                lan.Delivers(a, portA, portB);
                return a.IsDirectTo(b.Address);
            },
            TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void A_NAT_that_restarts_is_survived()
    {
        var lan = new Lan();
        var nat = lan.Internet.AddNat(NatKind.PortRestricted);
        var portA = lan.AddMember(out var a, nat);
        var portB = lan.AddMember(out _);
        Assert.True(lan.Internet.RunUntil(() => portA.IsUp && portB.IsUp, Soon));
        Assert.True(lan.Delivers(a, portA, portB));
        nat.Restart();
        Assert.True(lan.Delivers(a, portA, portB, tries: 5));
        lan.Internet.Run(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void Frames_of_nodes_that_are_no_members_are_dropped()
    {
        var lan = new Lan();
        var portA = lan.AddMember(out var a);
        Assert.True(lan.Internet.RunUntil(() => portA.IsUp, Soon));

        // The intruder makes itself a configuration with a certificate of its own.
        var intruder = lan.AddLeaf();
        var forged = new OpenController(intruder.Node.Identity);
        var port = intruder.Join(lan.Network);
        lan.Controller.Refused.Add(intruder.Address);
        lan.Internet.Run(TimeSpan.FromSeconds(1));
        port.Network.Configure(lan.Internet.NowMs, forged.Configure(lan.Internet.NowMs, intruder.Node.Identity, lan.Network), ConfigOrigin.Answer);
        Assert.False(lan.Delivers(intruder, port, portA, tries: 3));
        Assert.True(a.Node.Counters.Dropped(DropReason.BadCredential) > 0);
        Assert.True(a.Node.Counters.Dropped(DropReason.NotAMember) > 0);
    }

    [Fact]
    public void A_revoked_member_is_shut_out_at_once()
    {
        var lan = new Lan();
        var portA = lan.AddMember(out var a);
        var portB = lan.AddMember(out var b);
        Assert.True(lan.Internet.RunUntil(() => portA.IsUp && portB.IsUp, Soon));
        Assert.True(lan.Delivers(b, portB, portA));
        var revocation = new Wire.Revocation
        {
            Id = 1,
            NetworkId = lan.Network,
            CredentialId = 0,
            CredentialType = Wire.CredentialType.Membership,
            Threshold = lan.Internet.NowMs,
            Target = b.Address,
            Flags = Wire.RevocationFlags.FastPropagate,
        }.Sign(lan.Root.Node.Identity);
        lan.Send(ControllerMessage.Revoke(a.Address, revocation));
        lan.Internet.Run(TimeSpan.FromSeconds(1));
        Assert.False(lan.Delivers(b, portB, portA, tries: 3));
    }

    [Fact]
    public void A_root_that_dies_and_returns_is_noticed()
    {
        var lan = new Lan();
        var leaf = lan.AddLeaf();
        Assert.True(lan.Internet.RunUntil(() => leaf.Node.IsOnline, Soon));
        lan.Internet.Cut(leaf.Host, lan.Root.Host);
        Assert.True(lan.Internet.RunUntil(() => !leaf.Node.IsOnline, TimeSpan.FromSeconds(30)));
        lan.Internet.Mend(leaf.Host, lan.Root.Host);
        Assert.True(lan.Internet.RunUntil(() => leaf.Node.IsOnline, TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public void A_seed_determines_the_run()
    {
        Assert.Equal(Run(7), Run(7));
        Assert.NotEqual(Run(7), Run(8));

        static ulong Run(ulong seed)
        {
            var lan = new Lan(seed, new LinkOptions { Loss = 0.05, Duplication = 0.02, Corruption = 0.01, Reordering = 0.05 });
            var ports = Enumerable.Range(0, 5).Select(_ => lan.AddMember(out var _)).ToArray();
            lan.Internet.Run(TimeSpan.FromSeconds(30));
            Assert.All(ports, p => Assert.True(p.IsUp));
            return lan.Internet.TraceHash;
        }
    }
}
