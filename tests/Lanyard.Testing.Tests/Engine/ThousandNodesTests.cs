using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard.Testing.Tests;

public sealed class ThousandNodesTests(ITestOutputHelper output)
{
    private const int Nodes = 1_000;
    private const int PingsEach = 10;
    private static readonly LinkOptions LossyLink = new() { Loss = 0.05, Jitter = TimeSpan.FromMilliseconds(5) };

    [Fact]
    public void Each_of_a_thousand_nodes_reaches_ten_others_through_loss_and_NATs_and_directly_where_these_allow_and_the_run_repeats_exactly()
    {
        var first = Run(seed: 42);
        output.WriteLine($"answered {first.Answered} of {Nodes * PingsEach}, direct {first.Direct} of {first.Allowed} that the NATs allow; trace {first.Trace:x16}");
        Assert.Equal(Nodes * PingsEach, first.Answered);
        Assert.Equal(first.Allowed, first.Direct);
        Assert.Equal(first, Run(seed: 42));
    }

    private static Outcome Run(ulong seed)
    {
        var lan = new Lan(seed, LossyLink);

        // What goes to all is kept to a few: the pings are what is measured.
        lan.Controller.Customize = config => config with { MulticastLimit = 4 };
        var internet = lan.Internet;
        var members = new List<Member>();
        var nats = new List<SimulatedNat>();
        while (members.Count < Nodes)
        {
            // Two in five have a public address; the others share NATs of all kinds, three at most behind one.
            SimulatedNat? nat = null;
            if (internet.NextRandom() % 5 >= 2)
            {
                if (nats.Count == 0 || internet.NextRandom() % 3 == 0)
                    nats.Add(internet.AddNat((NatKind)(internet.NextRandom() % 4)));
                nat = nats[^1];
            }

            var port = lan.AddMember(out var node, nat);
            members.Add(new Member(node, port));
            internet.Run(TimeSpan.FromMilliseconds(5));
        }

        Assert.True(internet.RunUntil(() => members.TrueForAll(m => m.Port.IsUp), TimeSpan.FromMinutes(2)));
        var pairs = new List<(Member From, Member To)>();
        foreach (var from in members)
        {
            from.Open();
            for (var i = 0; i < PingsEach;)
            {
                var to = members[(int)(internet.NextRandom() % Nodes)];
                if (to == from || from.Targets.Exists(t => t.To == to))
                    continue;
                from.Targets.Add(new Target(to, i % 3 == 0 ? InetFamily.IPv4 : InetFamily.IPv6));
                pairs.Add((from, to));
                i++;
            }
        }

        // A ping a second to each, until it is answered and the path is direct if it can be.
        for (var second = 0; second < 60 && !members.TrueForAll(m => m.IsDone); second++)
        {
            foreach (var member in members)
                member.PingAll();
            internet.Run(TimeSpan.FromSeconds(1));
        }

        return new Outcome(
            members.Sum(m => m.Targets.Count(t => t.Answered)),
            pairs.Count(p => CanMeet(p.From, p.To)),
            pairs.Count(p => CanMeet(p.From, p.To) && p.From.Node.IsDirectTo(p.To.Node.Address)),
            internet.TraceHash);
    }

    private static bool CanMeet(Member a, Member b)
    {
        var (natA, natB) = (a.Node.Host.Nat, b.Node.Host.Nat);
        return natA is null || natB is null || ReferenceEquals(natA, natB) || SimulatedNat.CanTraverse(natA.Kind, natB.Kind);
    }

    private sealed record Outcome(int Answered, int Allowed, int Direct, ulong Trace);

    private sealed class Target(Member to, InetFamily family)
    {
        public Member To { get; } = to;

        public InetAddress Address { get; } = to.Port.AddressOf(family);

        public bool Answered { get; set; }
    }

    private sealed class Member(SimulatedNode node, SimulatedPort port) : IEchoEvents
    {
        private EchoSocket? _echo;

        public SimulatedNode Node { get; } = node;

        public SimulatedPort Port { get; } = port;

        public List<Target> Targets { get; } = [];

        public bool IsDone => Targets.TrueForAll(IsReached);

        public void Open() => Assert.Equal(NetError.None, Port.Host!.OpenEcho(this, out _echo));

        public void PingAll()
        {
            for (ushort i = 0; i < Targets.Count; i++)
            {
                if (!IsReached(Targets[i]))
                    _echo!.Send(Node.Host.Internet.NowMicroseconds, Targets[i].Address, i, "are you there?"u8);
            }

            Node.Wake();
        }

        public void OnReply(EchoSocket socket, InetAddress from, ushort sequence, byte hopLimit, ReadOnlySpan<byte> payload)
        {
            Assert.Equal(Targets[sequence].Address, from);
            Targets[sequence].Answered = true;
        }

        public void OnError(EchoSocket socket, InetAddress destination, InetAddress from, ushort sequence, NetError error)
        {
        }

        private bool IsReached(Target target) => target.Answered && (!CanMeet(this, target.To) || Node.IsDirectTo(target.To.Node.Address));
    }
}
