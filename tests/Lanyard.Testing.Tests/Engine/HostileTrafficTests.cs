using System.Globalization;
using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Tests.Shared;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Testing.Tests;

/// <summary>
/// Datagrams of strangers, and packets of hostile members, roots and controllers, with any content: nodes and their TCP/IP hosts neither throw nor
/// grow. LANYARD_FUZZ_ROUNDS sets how many datagrams; the default is small enough for every test run.
/// </summary>
[Collection(nameof(Alone))]
public sealed class HostileTrafficTests
{
    private const int DefaultRounds = 60_000;
    private static readonly int Rounds =
        int.TryParse(Environment.GetEnvironmentVariable("LANYARD_FUZZ_ROUNDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var rounds) ? rounds : DefaultRounds;

    private readonly List<byte[]> _datagrams = [];
    private readonly List<(Verb Verb, byte[] Payload)> _payloads = [];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Hostile_traffic_throws_nothing_and_memory_stays_constant(ulong seed)
    {
        var lan = new Lan(seed);
        var portA = lan.AddMember(out var a);
        var portB = lan.AddMember(out var b);
        lan.Internet.Tap = (_, _, datagram) => Learn(lan, [lan.Root, a, b], datagram);
        Assert.True(lan.Internet.RunUntil(() => portA.IsUp && portB.IsUp, TimeSpan.FromSeconds(5)));
        Talk(lan, a, portA, b, portB);
        lan.Internet.Tap = null;
        Assert.True(_payloads.Select(p => p.Verb).Distinct().Count() >= 9, "the conversation has most verbs in it");

        var random = new Random((int)seed);
        var warm = 0L;
        for (var round = 0; round < Rounds; round++)
        {
            Attack(lan, random, a, b);
            lan.Internet.Run(TimeSpan.FromMilliseconds(random.Next(0, 20)));
            if (round == Rounds / 2)
                warm = GC.GetTotalMemory(forceFullCollection: true);
        }

        var after = GC.GetTotalMemory(forceFullCollection: true);
        Assert.True(after - warm < 16 << 20, $"memory grew by {(after - warm) >> 10} KiB in the second half of {Rounds} datagrams");

        // And still they are themselves.
        lan.Internet.Run(TimeSpan.FromSeconds(120));
        Assert.True(portA.IsUp && portB.IsUp);
        Assert.True(lan.Delivers(a, portA, portB, tries: 10));
    }

    private static void Talk(Lan lan, SimulatedNode a, SimulatedPort portA, SimulatedNode b, SimulatedPort portB)
    {
        for (var i = 0; i < 4; i++)
        {
            lan.Delivers(a, portA, portB, 60 + (i * 700));
            lan.Delivers(b, portB, portA, 60 + (i * 700));
            lan.Internet.Run(TimeSpan.FromSeconds(20));
        }

        a.Node.SendUserMessage(lan.Internet.NowMs, b.Address, 70_000, "hello"u8);
        a.Wake();
        lan.Internet.Run(TimeSpan.FromSeconds(5));
    }

    // Every datagram, and the decrypted payload of every packet, is a seed for mutation.
    private void Learn(Lan lan, SimulatedNode[] nodes, byte[] datagram)
    {
        _datagrams.Add(datagram);
        if (!PacketView.TryParse(datagram, out var packet) || Datagram.Classify(datagram) != DatagramKind.Packet)
            return;
        var source = packet.Source;
        var destination = packet.Destination;
        var from = Array.Find(nodes, n => n.Address == source);
        var to = Array.Find(nodes, n => n.Address == destination);
        var copy = datagram.ToArray();
        if (from is null || to is null || !PacketForge.TryOpen(from.Node.Identity, to.Node.Identity, copy) || !PacketView.TryParse(copy, out var plain))
            return;
        _payloads.Add((plain.Verb, plain.Payload.ToArray()));
    }

    private void Attack(Lan lan, Random random, SimulatedNode a, SimulatedNode b)
    {
        var target = random.Next(3) switch { 0 => lan.Root, 1 => a, _ => b };
        var attacker = random.Next(3) switch { 0 => lan.Root, 1 => a, _ => b };
        byte[] datagram;
        switch (random.Next(4))
        {
            case 0:
                datagram = new byte[random.Next(0, 1600)];
                random.NextBytes(datagram);
                break;
            case 1:
                datagram = Mutate(random, _datagrams[random.Next(_datagrams.Count)]);
                break;
            default:
                // An insider: the packet is authentic, its content is not what it should be.
                if (attacker == target)
                    return;
                var (verb, payload) = _payloads[random.Next(_payloads.Count)];
                if (random.Next(10) == 0)
                    verb = (Verb)random.Next(32);
                payload = Mutate(random, payload);
                datagram = PacketForge.Packet(attacker.Node.Identity, target.Node.Identity, verb,
                    (ref ByteWriter writer) => writer.WriteBytes(payload.AsSpan(0, Math.Min(payload.Length, PacketFormat.MaxPayloadBytes))),
                    suite: verb == Verb.Hello ? CipherSuite.Poly1305 : random.Next(2) == 0 ? CipherSuite.Salsa2012Poly1305 : CipherSuite.AesGmacSiv);
                break;
        }

        var source = random.Next(8) == 0
            ? new InetEndpoint(InetAddress.FromV4((uint)random.Next()), (ushort)random.Next(65_536))
            : attacker.Endpoint;
        lan.Internet.Inject(target, source, datagram);
    }

    private static byte[] Mutate(Random random, byte[] original)
    {
        var bytes = original.ToArray();
        for (var i = random.Next(0, 4); i > 0 && bytes.Length > 0; i--)
        {
            var at = random.Next(bytes.Length);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = random.Next(3) switch { 0 => 0, 1 => 0xff, _ => (byte)random.Next(256) };
                    break;
                case 2:
                    bytes = bytes[..at];
                    break;
                case 3:
                    bytes = [.. bytes[..at], .. bytes[at..], .. new byte[random.Next(64)]];
                    break;
                default:
                    var other = random.Next(bytes.Length);
                    bytes = [.. bytes[..at], .. bytes[other..]];
                    break;
            }
        }

        return bytes;
    }
}

/// <summary>Tests that measure the memory of the whole process. They run alone.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
