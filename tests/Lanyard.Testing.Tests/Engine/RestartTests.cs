using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.Wire;
using Lanyard.Wire.Verbs;

namespace Lanyard.Testing.Tests;

/// <summary>The state that a restarted root and controller recovers, and the time that it takes.</summary>
public sealed class RestartTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData(NatKind.PortRestricted)]
    [InlineData(null)]
    public void A_root_and_controller_that_was_killed_talks_to_its_members_again_within_two_seconds(NatKind? nat)
    {
        var lan = new Lan();
        var ports = new List<SimulatedPort>();
        var nodes = new List<SimulatedNode>();
        for (var i = 0; i < 20; i++)
        {
            ports.Add(lan.AddMember(out var node, nat is { } kind ? lan.Internet.AddNat(kind) : null));
            nodes.Add(node);
        }

        Assert.True(lan.Internet.RunUntil(() => ports.TrueForAll(port => port.IsUp), Soon));
        lan.Internet.Run(TimeSpan.FromSeconds(3));
        lan.RestartRoot();
        Assert.True(lan.Internet.RunUntil(() => nodes.TrueForAll(node => lan.Root.IsDirectTo(node.Address)), TimeSpan.FromSeconds(2)));
        Assert.True(lan.Delivers(nodes[0], ports[0], ports[1], tries: 1), "members of the root that returned reach each other through it");
    }

    [Fact]
    public void A_pushed_configuration_that_is_lost_is_sent_again_until_it_is_acknowledged()
    {
        var lan = new Lan();
        var port = lan.AddMember(out var node);
        Assert.True(lan.Internet.RunUntil(() => port.IsUp, Soon));
        lan.Internet.Run(TimeSpan.FromSeconds(1));
        lan.Controller.Customize = config => config with { Name = "renamed" };
        lan.Internet.Cut(node.Host, lan.Root.Host);
        lan.Send(ControllerMessage.Push(node.Address, lan.Controller.Configure(lan.Internet.NowMs, node.Node.Identity, lan.Network)));
        lan.Internet.Run(TimeSpan.FromSeconds(2));
        Assert.Equal("simulation", port.Network.Config!.Name);
        lan.Internet.Mend(node.Host, lan.Root.Host);
        Assert.True(lan.Internet.RunUntil(() => port.Network.Config!.Name == "renamed", TimeSpan.FromSeconds(2)));

        // An acknowledged configuration is not repeated.
        lan.Internet.Run(TimeSpan.FromSeconds(1));
        var pushes = lan.Root.Node.Counters.Sent(Verb.NetworkConfig);
        lan.Internet.Run(TimeSpan.FromSeconds(20));
        Assert.Equal(pushes, lan.Root.Node.Counters.Sent(Verb.NetworkConfig));
    }

    [Fact]
    public void A_configuration_is_not_pushed_again_to_a_member_that_was_refused_meanwhile()
    {
        var lan = new Lan();
        var port = lan.AddMember(out var node);
        Assert.True(lan.Internet.RunUntil(() => port.IsUp, Soon));
        lan.Internet.Run(TimeSpan.FromSeconds(1));
        lan.Internet.Cut(node.Host, lan.Root.Host);
        lan.Controller.Customize = config => config with { Name = "renamed" };
        lan.Send(ControllerMessage.Push(node.Address, lan.Controller.Configure(lan.Internet.NowMs, node.Node.Identity, lan.Network)));
        lan.Internet.Run(TimeSpan.FromMilliseconds(500));
        lan.Controller.Refused.Add(node.Address);
        lan.Send(new ControllerMessage { To = node.Address, Network = lan.Network, Kind = ControllerMessageKind.AccessDenied });
        lan.Internet.Mend(node.Host, lan.Root.Host);
        lan.Internet.Run(TimeSpan.FromSeconds(20));
        Assert.Equal("simulation", port.Network.Config!.Name);
    }

    [Fact]
    public void A_root_and_controller_with_many_members_hears_them_all_again_without_a_storm() => Restart(members: 300);

    [Fact(Explicit = true)]
    public void A_root_and_controller_with_ten_thousand_members_hears_them_all_within_five_seconds() => Restart(members: 10_000);

    private void Restart(int members)
    {
        var lan = new Lan();
        var nodes = new List<SimulatedNode>();
        var ports = new List<SimulatedPort>();
        while (nodes.Count < members)
        {
            for (var i = 0; i < 50; i++)
            {
                ports.Add(lan.AddMember(out var node));
                nodes.Add(node);
            }

            // A root checks a limited number of new identities each second.
            lan.Internet.RunUntil(() => ports[^1].IsUp, TimeSpan.FromSeconds(60));
        }

        Assert.True(lan.Internet.RunUntil(() => ports.TrueForAll(port => port.IsUp), TimeSpan.FromMinutes(10)));
        Assert.True(lan.Internet.RunUntil(() => nodes.TrueForAll(node => lan.Root.IsDirectTo(node.Address)), TimeSpan.FromSeconds(30)));
        lan.Internet.Run(TimeSpan.FromSeconds(2));
        lan.RestartRoot();
        var restartMs = lan.Internet.NowMs;
        var heard = new HashSet<NodeAddress>();
        var sent = new int[100];
        long lastMs = 0;
        lan.Internet.Tap = (from, _, _) => sent[Math.Min((lan.Internet.NowMs - restartMs) / 100, sent.Length - 1)] += from.Address == lan.Root.Host.Address ? 1 : 0;
        while (heard.Count < members && lastMs < 10_000)
        {
            lan.Internet.Run(TimeSpan.FromMilliseconds(100));
            lastMs = lan.Internet.NowMs - restartMs;
            heard.UnionWith(nodes.Where(node => !heard.Contains(node.Address) && lan.Root.IsDirectTo(node.Address)).Select(node => node.Address));
        }

        lan.Internet.Tap = null;
        var most = Enumerable.Range(0, sent.Length - 9).Max(start => sent.AsSpan(start, 10).ToArray().Sum());
        output.WriteLine($"{heard.Count} of {members} heard again within {lastMs} ms; at most {most} datagrams a second from the root, {sent.Sum()} in all");
        Assert.Equal(members, heard.Count);
        Assert.InRange(lastMs, 0, 5_000);
        Assert.InRange(most, 1, 20_000);
        Assert.All(ports, port => Assert.Equal(NetworkStatus.Ok, port.Network.Status));
    }
}
