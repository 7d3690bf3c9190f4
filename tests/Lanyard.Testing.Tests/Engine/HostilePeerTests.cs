using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.Primitives;
using Lanyard.Tests.Shared;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Testing.Tests;

/// <summary>
/// Scripted attackers, each with the keys that it would have, beside honest traffic: frames between members, and newcomers who start, join and get their first
/// frame. Honest traffic loses nothing, and its latency stays within a fifth.
/// </summary>
public sealed class HostilePeerTests(ITestOutputHelper output)
{
    private const int Seconds = 20;
    private const int AttacksPerSecond = 2_000;
    private const int TickMs = 5;

    private delegate void Attack(Scene scene, Random random, int number);

    private static readonly Dictionary<string, Attack> Attacks = new()
    {
        ["a stranger with junk from everywhere"] = (scene, random, _) =>
        {
            var packet = new byte[PacketFormat.HeaderBytes + random.Next(64)];
            PacketHeader.Write(packet, (ulong)random.NextInt64(), scene.Target(random).Address, new NodeAddress((ulong)random.NextInt64(1, 0xfe_0000_0000)), Verb.Frame);
            if (random.Next(2) == 0 && packet.Length > PacketFormat.HeaderBytes)
                PacketHeader.SetFragmented(packet, true);
            scene.Inject(scene.Target(random), scene.Anywhere(random), packet);
        },
        ["strangers with new identities"] = (scene, random, _) =>
        {
            var target = scene.Target(random);
            scene.Inject(target, scene.Anywhere(random), PacketForge.Hello(scene.Lan.Internet.CreateIdentity(), target.Node.Identity, scene.NowMs, scene.Lan.Planet,
                sentTo: scene.Anywhere(random)));
        },
        ["a stranger who plays members' packets back"] = (scene, random, _) =>
        {
            if (scene.Recorded.Count > 0)
            {
                var (to, datagram) = scene.Recorded[random.Next(scene.Recorded.Count)];
                scene.Inject(to, scene.Anywhere(random), datagram.ToArray());
            }
        },
        ["a stranger who asks and pushes paths"] = (scene, random, number) =>
        {
            var target = scene.Target(random);
            var identity = scene.Attacker;
            var from = number % 100 == 0 ? scene.AttackerEndpoint : scene.Anywhere(random);
            scene.Inject(target, from, (number % 5) switch
            {
                0 => PacketForge.Hello(identity, target.Node.Identity, scene.NowMs, scene.Lan.Planet, scene.Anywhere(random)),
                1 => PacketForge.Packet(identity, target.Node.Identity, Verb.Whois, (ref ByteWriter w) => WhoisMessage.Write(ref w, [new NodeAddress((ulong)random.NextInt64(1, 1 << 30))])),
                2 => PacketForge.Packet(identity, target.Node.Identity, Verb.PushDirectPaths, (ref ByteWriter w) =>
                    PushDirectPathsMessage.Write(ref w, [.. Enumerable.Range(0, 16).Select(_ => new DirectPath(scene.Anywhere(random)))])),
                3 => PacketForge.Packet(identity, target.Node.Identity, Verb.MulticastLike, (ref ByteWriter w) => MulticastLikeMessage.Write(ref w,
                    [.. Enumerable.Range(0, 50).Select(_ => new MulticastSubscription(scene.Lan.Network, new MulticastGroup(new MacAddress((ulong)random.NextInt64(1L << 47) | 1UL << 40), 0)))])),
                _ => PacketForge.Packet(identity, target.Node.Identity, Verb.Ok, (ref ByteWriter w) => new OkMessage { InReVerb = Verb.Hello, InRePacketId = (ulong)random.NextInt64() }.Write(ref w)),
            });
        },
        ["a member who floods frames, groups and false credentials"] = (scene, random, number) =>
        {
            var target = number % 2 == 0 ? scene.A : scene.B;
            var member = scene.Member;
            scene.Inject(target, member.Endpoint, (number % 4) switch
            {
                0 => PacketForge.Packet(member.Node.Identity, target.Node.Identity, Verb.Frame, (ref ByteWriter w) =>
                    new FrameMessage { NetworkId = scene.Lan.Network, EtherType = (ushort)random.Next(65_536), Data = RandomBytes(random, 60) }.Write(ref w)),
                1 => PacketForge.Packet(member.Node.Identity, target.Node.Identity, Verb.MulticastLike, (ref ByteWriter w) => MulticastLikeMessage.Write(ref w,
                    [.. Enumerable.Range(0, 50).Select(_ => new MulticastSubscription(scene.Lan.Network, new MulticastGroup(new MacAddress((ulong)random.NextInt64(1L << 47) | 1UL << 40), 0)))])),
                2 => PacketForge.Packet(member.Node.Identity, target.Node.Identity, Verb.NetworkCredentials, (ref ByteWriter w) => new NetworkCredentialsMessage
                {
                    Memberships = [CertificateOfMembership.Create(scene.Lan.Network, scene.NowMs, 1_000, scene.A.Node.Identity).Sign(member.Node.Identity)],
                }.Write(ref w)),
                _ => PacketForge.Packet(member.Node.Identity, target.Node.Identity, Verb.ExtFrame, (ref ByteWriter w) => new ExtFrameMessage
                {
                    NetworkId = scene.Lan.Network,
                    Source = DerivedAddresses.Mac(scene.Lan.Network, scene.B.Address),
                    Destination = DerivedAddresses.Mac(scene.Lan.Network, target.Address),
                    EtherType = 0x88b5,
                    Data = RandomBytes(random, 60),
                }.Write(ref w)),
            });
        },
        ["a root that lies about identities, paths and worlds"] = (scene, random, number) =>
        {
            var target = number % 2 == 0 ? scene.A : scene.B;
            var root = scene.Lan.Root;
            scene.Inject(target, root.Endpoint, (number % 3) switch
            {
                0 => PacketForge.Packet(root.Node.Identity, target.Node.Identity, Verb.Rendezvous, (ref ByteWriter w) =>
                    new RendezvousMessage { Peer = (number % 2 == 0 ? scene.B : scene.A).Address, Endpoint = scene.Anywhere(random) }.Write(ref w)),
                1 => PacketForge.Packet(root.Node.Identity, target.Node.Identity, Verb.Ok, (ref ByteWriter w) =>
                {
                    new OkMessage { InReVerb = Verb.Whois, InRePacketId = (ulong)random.NextInt64() }.Write(ref w);
                    scene.Attacker.WithoutSecret().Write(w.Reserve(Identity.BinarySize));
                }),
                _ => PacketForge.Packet(root.Node.Identity, target.Node.Identity, Verb.MulticastLike, (ref ByteWriter w) => MulticastLikeMessage.Write(ref w,
                    [.. Enumerable.Range(0, 20).Select(_ => new MulticastSubscription(scene.Lan.Network, new MulticastGroup(MacAddress.Broadcast, (uint)random.Next())))])),
            });
        },
        ["a relay that drops nothing and adds junk in others' names"] = (scene, random, number) =>
        {
            var target = number % 2 == 0 ? scene.A : scene.B;
            var claimed = number % 3 == 0 ? scene.Lan.Root.Address : (number % 2 == 0 ? scene.B : scene.A).Address;
            var packet = RandomBytes(random, 60 + random.Next(1_300));
            PacketHeader.Write(packet, (ulong)random.NextInt64(), target.Address, claimed, Verb.Frame);
            PacketHeader.TryIncrementHops(packet, PacketFormat.MaxHops);
            scene.Inject(target, scene.Lan.Root.Endpoint, packet);
        },
    };

    public static TheoryData<string> AttackNames => [.. Attacks.Keys];

    [Theory]
    [MemberData(nameof(AttackNames))]
    public void Honest_traffic_goes_on_beside(string attack)
    {
        var quiet = Run(null);
        var attacked = Run(Attacks[attack]);
        output.WriteLine($"alone: {quiet}; beside {attack}: {attacked}");
        Assert.True(attacked.Frames >= quiet.Frames * 0.8, $"{attacked.Frames} of {quiet.Frames} frames arrived");
        Assert.True(attacked.LatencyMs <= quiet.LatencyMs * 1.2, $"{attacked.LatencyMs:0.0} ms in place of {quiet.LatencyMs:0.0} ms");
        Assert.True(attacked.FirstContactMs <= quiet.FirstContactMs * 1.2 + 1, $"first contacts took {attacked.FirstContactMs:0.0} ms in place of {quiet.FirstContactMs:0.0} ms");
        Assert.True(attacked.IsDirect);
    }

    [Fact]
    public void A_former_member_is_shut_out_whatever_it_sends()
    {
        var scene = new Scene();
        var member = scene.Member;
        Assert.True(scene.Lan.Delivers(member, scene.MemberPort, scene.PortA));
        var revocation = new Revocation
        {
            Id = 1,
            NetworkId = scene.Lan.Network,
            CredentialId = 0,
            CredentialType = CredentialType.Membership,
            Threshold = scene.NowMs,
            Target = member.Address,
            Flags = RevocationFlags.FastPropagate,
        }.Sign(scene.Lan.Root.Node.Identity);
        scene.Lan.Controller.Refused.Add(member.Address);
        scene.Lan.Send(ControllerMessage.Revoke(scene.A.Address, revocation));
        scene.Lan.Internet.Run(TimeSpan.FromSeconds(1));

        // It shows its old certificate again and again, in every packet that can carry one.
        for (var i = 0; i < 50; i++)
        {
            scene.Inject(scene.A, member.Endpoint, PacketForge.Packet(member.Node.Identity, scene.A.Node.Identity, Verb.NetworkCredentials, (ref ByteWriter w) =>
                new NetworkCredentialsMessage { Memberships = [scene.MemberPort.Network.Config!.Membership!] }.Write(ref w)));
            Assert.False(scene.Lan.Delivers(member, scene.MemberPort, scene.PortA));
        }
    }

    private static Result Run(Attack? attack)
    {
        var scene = new Scene();
        var random = new Random(7);
        var (sent, frames, latency) = (0, 0, 0L);
        var sentAt = new Dictionary<uint, long>();
        scene.PortB.FrameTap = (_, _, type, bytes) =>
        {
            if (type != 0x88b6 || bytes.Length != sizeof(uint) || !sentAt.Remove(BitConverter.ToUInt32(bytes), out var at))
                return;
            frames++;
            latency += scene.Lan.Internet.NowMicroseconds - at;
        };
        var contacts = new List<double>();
        for (var tick = 0; tick < Seconds * 1_000 / TickMs; tick++)
        {
            for (var i = 0; attack is not null && i < AttacksPerSecond * TickMs / 1_000; i++)
                attack(scene, random, (tick * 10) + i);
            if (tick % 2 == 0)
            {
                sentAt[(uint)sent] = scene.Lan.Internet.NowMicroseconds;
                scene.SendFrame(BitConverter.GetBytes((uint)sent++));
            }

            if (tick % (2_000 / TickMs) == 0)
                scene.BeginFirstContact(contacts);
            scene.Lan.Internet.Run(TimeSpan.FromMilliseconds(TickMs));
        }

        scene.Lan.Internet.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(Seconds / 2, contacts.Count);
        return new Result(frames, latency / 1000.0 / Math.Max(frames, 1), contacts.Average(), scene.A.IsDirectTo(scene.B.Address));
    }

    private static byte[] RandomBytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private sealed record Result(int Frames, double LatencyMs, double FirstContactMs, bool IsDirect);

    /// <summary>A LAN with two honest members who talk, a member who may turn bad, and more who meet for the first time.</summary>
    private sealed class Scene
    {
        public Scene()
        {
            PortA = Lan.AddMember(out var a);
            PortB = Lan.AddMember(out var b);
            MemberPort = Lan.AddMember(out var member);
            (A, B, Member) = (a, b, member);
            Lan.Internet.Run(TimeSpan.FromSeconds(3));
            Lan.Internet.Tap = (_, to, datagram) =>
            {
                if (Recorded.Count < 5_000 && Array.Find([A, B, Lan.Root], n => n.Endpoint == to) is { } node)
                    Recorded.Add((node, datagram));
            };
            Assert.True(Lan.Delivers(A, PortA, PortB) && Lan.Delivers(B, PortB, PortA) && Lan.Delivers(Member, MemberPort, PortA));
            Lan.Internet.Run(TimeSpan.FromSeconds(2));
            Attacker = Lan.Internet.CreateIdentity();
        }

        public Lan Lan { get; } = new(seed: 3, new LinkOptions { Latency = TimeSpan.FromMilliseconds(10), Jitter = TimeSpan.FromMilliseconds(1) });

        public SimulatedNode A { get; }

        public SimulatedNode B { get; }

        public SimulatedNode Member { get; }

        public SimulatedPort PortA { get; }

        public SimulatedPort PortB { get; }

        public SimulatedPort MemberPort { get; }

        public Identity Attacker { get; }

        public InetEndpoint AttackerEndpoint { get; } = InetEndpoint.Parse("51.0.0.1/4000");

        public List<(SimulatedNode To, byte[] Datagram)> Recorded { get; } = [];

        public long NowMs => Lan.Internet.NowMs;

        public SimulatedNode Target(Random random) => random.Next(3) switch { 0 => A, 1 => B, _ => Lan.Root };

        public InetEndpoint Anywhere(Random random) => new(InetAddress.FromV4((uint)random.Next(0x3000_0000, 0x7000_0000)), (ushort)random.Next(1_024, 65_536));

        public void Inject(SimulatedNode target, InetEndpoint from, byte[] datagram) => Lan.Internet.Inject(target, from, datagram);

        public void SendFrame(byte[] data) => Send(A, PortA, PortB, data);

        // A newcomer starts, joins and sends to A: until that arrives.
        public void BeginFirstContact(List<double> contacts)
        {
            var start = Lan.Internet.NowMicroseconds;
            var port = Lan.AddMember(out var node);
            var name = Guid.NewGuid().ToByteArray();
            var former = PortA.FrameTap;
            PortA.FrameTap = (source, destination, type, bytes) =>
            {
                former?.Invoke(source, destination, type, bytes);
                if (type != 0x88b6 || !bytes.AsSpan().SequenceEqual(name))
                    return;
                contacts.Add((Lan.Internet.NowMicroseconds - start) / 1000.0);
                PortA.FrameTap = null;
            };
            SendOnceUp();

            void SendOnceUp()
            {
                if (port.Network.Status == NetworkStatus.Ok)
                    Send(node, port, PortA, name);
                else
                    Lan.Internet.Schedule(TimeSpan.FromMilliseconds(1), SendOnceUp);
            }
        }

        private void Send(SimulatedNode from, SimulatedPort fromPort, SimulatedPort to, byte[] data)
        {
            var buffer = new byte[Node.FrameHeadroom + data.Length + Node.FrameTailroom];
            data.CopyTo(buffer, Node.FrameHeadroom);
            from.Node.SendFrame(Lan.Internet.NowMs, fromPort.Network, new OutgoingFrame
            {
                Source = fromPort.Network.Mac, Destination = to.Network.Mac, EtherType = 0x88b6, Buffer = buffer, Start = Node.FrameHeadroom, Length = data.Length,
            });
            from.Wake();
        }
    }
}
