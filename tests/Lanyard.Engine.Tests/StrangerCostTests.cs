using System.Diagnostics;
using System.Globalization;
using System.Text;
using Lanyard.Engine.Multicast;
using Lanyard.Engine.Networks;
using Lanyard.Engine.Tests.Harness;
using Lanyard.Primitives;
using Lanyard.Testing;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine.Tests;

/// <summary>
/// The costs of a stranger's datagram: the bytes that the node sends to an endpoint without a confirmed path for each byte received, the node's time, and the memory that is
/// kept. LANYARD_WRITE_TABLE=1 writes the table to docs/security.md.
/// </summary>
[Collection(nameof(Alone))]
public sealed class StrangerCostTests
{
    private const int Datagrams = 400;
    private const double MaxFactor = 3.0;
    private static readonly NetworkId Public = NetworkId.Create(new NodeAddress(0x55_0000_0001), 1);
    private static readonly MulticastGroup Group = new(MacAddress.Broadcast, 0);

    private enum Role
    {
        Leaf,
        Root,
        Controller,
    }

    private delegate byte[] Forging(TestNode node, TestPeer stranger, int number);

    // Whether the sender is known and proves it; what is sent, at its worst.
    private static readonly (string Name, bool IsAuthentic, Forging Forge)[] Requests =
    [
        ("junk, 1400 bytes", false, (_, _, i) => Random(1_400, i)),
        ("packet of an unknown sender, 28 bytes", false, (node, _, i) => Header(node, new NodeAddress(0x66_0000_0000 + (ulong)i), PacketFormat.HeaderBytes, i)),
        ("packet of an unknown sender, 1400 bytes", false, (node, _, i) => Header(node, new NodeAddress(0x66_0000_0000 + (ulong)i), 1_400, i)),
        ("packet of a known sender that is not authentic, 1400 bytes", true, (node, stranger, i) => Header(node, stranger.Address, 1_400, i)),
        ("packet of a known sender that is not authentic, 10 kB", true, (node, stranger, i) => Header(node, stranger.Address, PacketFormat.MaxPacketBytes, i)),
        ("head of a fragmented packet, 1400 bytes", false, Head),
        ("packet for another node", false, Relayed),
        ("HELLO of a new identity", false, (node, stranger, _) => node.NewPeer(stranger.Endpoint).Hello()),
        ("HELLO", true, (_, stranger, _) => stranger.Hello()),
        ("HELLO that names a moon 32 times", true, (node, stranger, _) => stranger.Hello(moons: Enumerable.Repeat(new WorldStamp(WorldType.Moon, node.Moon.Id, 0), 32).ToArray())),
        ("NOP", true, (_, stranger, _) => stranger.Packet(Verb.Nop, (ref ByteWriter _) => { })),
        ("ERROR", true, (_, stranger, i) => stranger.Packet(Verb.Error, (ref ByteWriter w) =>
        {
            new ErrorMessage { InReVerb = Verb.Frame, InRePacketId = (ulong)i, Code = ErrorCode.NeedMembershipCertificate }.Write(ref w);
            new NetworkErrorMessage { NetworkId = Public }.Write(ref w);
        })),
        ("OK that answers nothing", true, (_, stranger, i) => stranger.Ok(Verb.Hello, (ulong)i, [])),
        ("WHOIS of one address", true, (node, stranger, _) => Whois(stranger, [node.Identity.Address])),
        ("WHOIS of 64 addresses", true, (node, stranger, _) => Whois(stranger, [.. Enumerable.Repeat(node.Identity.Address, 64)])),
        ("WHOIS of an unknown address", true, (_, stranger, i) => Whois(stranger, [new NodeAddress(0x67_0000_0000 + (ulong)i)])),
        ("RENDEZVOUS", true, (node, stranger, i) => stranger.Packet(Verb.Rendezvous, (ref ByteWriter w) => new RendezvousMessage { Peer = stranger.Address, Endpoint = Victim(i) }.Write(ref w))),
        ("FRAME", true, (_, stranger, _) => stranger.Packet(Verb.Frame, (ref ByteWriter w) => new FrameMessage { NetworkId = Public, EtherType = 0x88b5, Data = "frame"u8 }.Write(ref w))),
        ("EXT_FRAME that wants an acknowledgment", true, (node, stranger, _) => stranger.Packet(Verb.ExtFrame, (ref ByteWriter w) => new ExtFrameMessage
        {
            NetworkId = Public,
            Flags = ExtFrameFlags.AckWanted,
            Source = DerivedAddresses.Mac(Public, stranger.Address),
            Destination = DerivedAddresses.Mac(Public, node.Identity.Address),
            EtherType = 0x88b5,
            Data = "f"u8,
        }.Write(ref w))),
        ("ECHO, 8 bytes", true, (_, stranger, i) => stranger.Packet(Verb.Echo, (ref ByteWriter w) => w.WriteUInt64((ulong)i))),
        ("ECHO, 9000 bytes", true, (_, stranger, i) => stranger.Packet(Verb.Echo, (ref ByteWriter w) => w.WriteBytes(Random(9_000, i)))),
        ("MULTICAST_LIKE, 500 groups", true, (_, stranger, i) => stranger.Packet(Verb.MulticastLike, (ref ByteWriter w) =>
            MulticastLikeMessage.Write(ref w, [.. Enumerable.Range(i * 500, 500).Select(n => new MulticastSubscription(Public, new MulticastGroup(new MacAddress(0x0100_5e00_0000UL + (ulong)n), 0)))]))),
        ("MULTICAST_GATHER", true, (_, stranger, _) => stranger.Packet(Verb.MulticastGather, (ref ByteWriter w) =>
            new MulticastGatherMessage { NetworkId = Public, Group = Group, Limit = 10_000 }.Write(ref w))),
        ("MULTICAST_FRAME that gathers", true, (_, stranger, _) => stranger.Packet(Verb.MulticastFrame, (ref ByteWriter w) => new MulticastFrameMessage
        {
            NetworkId = Public,
            Flags = MulticastFrameFlags.Gather,
            GatherLimit = 10_000,
            Group = Group,
            EtherType = 0x88b5,
            Data = "f"u8,
        }.Write(ref w))),
        ("NETWORK_CREDENTIALS", true, (node, stranger, i) => stranger.Packet(Verb.NetworkCredentials, (ref ByteWriter w) => new NetworkCredentialsMessage
        {
            Memberships = [CertificateOfMembership.Create(Public, node.NowMs + i, 1_000, stranger.Identity).Sign(stranger.Identity)],
        }.Write(ref w))),
        ("NETWORK_CONFIG_REQUEST", true, (_, stranger, _) => stranger.Packet(Verb.NetworkConfigRequest, (ref ByteWriter w) => new NetworkConfigRequestMessage { NetworkId = Public }.Write(ref w))),
        ("NETWORK_CONFIG of nobody", true, (node, stranger, i) => stranger.Packet(Verb.NetworkConfig, (ref ByteWriter w) =>
            w.WriteBytes(NetworkConfigSplitter.Split(Public, Random(500, i), (ulong)i + 1, stranger.Identity)[0]))),
        ("PUSH_DIRECT_PATHS, 16 endpoints", true, (_, stranger, i) => Paths(stranger, Enumerable.Range(i * 16, 16).Select(Victim))),
        ("PUSH_DIRECT_PATHS, 600 endpoints", true, (_, stranger, i) => Paths(stranger, Enumerable.Range(i * 600, 600).Select(Victim))),
        ("USER_MESSAGE, 1300 bytes", true, (_, stranger, i) => stranger.Packet(Verb.UserMessage, (ref ByteWriter w) => new UserMessage { Type = 70_000, Data = Random(1_300, i) }.Write(ref w))),
        ("a verb that nobody knows", true, (_, stranger, _) => stranger.Packet((Verb)0x1f, (ref ByteWriter _) => { })),
    ];

    [Fact]
    public void No_request_sends_more_than_three_bytes_for_one_to_an_unproven_endpoint_and_none_keeps_memory_without_bound()
    {
        var table = new StringBuilder("| datagram | leaf, IPv4 | IPv6 | root, IPv4 | IPv6 | controller, IPv4 | IPv6 | bytes kept |\n|---|---|---|---|---|---|---|---|\n");
        var failures = new List<string>();
        foreach (var (name, isAuthentic, forge) in Requests)
        {
            table.Append(CultureInfo.InvariantCulture, $"| {name} |");
            var kept = 0L;
            foreach (var role in (Role[])[Role.Leaf, Role.Root, Role.Controller])
            {
                foreach (var isV6 in (bool[])[false, true])
                {
                    Measure(role, isV6, isAuthentic, forge);
                    var cost = Measure(role, isV6, isAuthentic, forge);
                    kept = Math.Max(kept, cost.BytesKept);
                    table.Append(CultureInfo.InvariantCulture, $" {cost.Factor:0.00}, {cost.Microseconds:0.0} us |");
                    if (cost.Factor > MaxFactor)
                        failures.Add($"{name} at a {role}: {cost.Factor:0.0} bytes out for one in");
                }
            }

            table.Append(CultureInfo.InvariantCulture, $" {kept} |\n");
        }

        SecurityTable.Write("costs", table.ToString());
        Assert.Empty(failures);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Memory_is_bounded_for_any_number_of_datagrams_from_strangers(bool isRoot)
    {
        var node = NewNode(isRoot ? Role.Root : Role.Leaf, o => o with { MaxMulticastSubscriptions = 8_192 });
        var stranger = NewStranger(node, isV6: false).Known();

        // Until tables are full, but for that of peers, which new identities of one prefix fill slowly.
        Flood(0, 3_000);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        Flood(3_000, 6_000);
        var grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(grown < 8 << 20, $"grew by {grown >> 10} KiB with the second 3,000 datagrams of each kind");

        void Flood(int first, int end)
        {
            for (var i = first; i < end; i++)
            {
                foreach (var (_, _, forge) in Requests)
                    node.Receive(stranger.Endpoint, forge(node, stranger, i));
                node.Host.Sent.Clear();
                node.Host.Messages.Clear();
                node.Advance(5);
            }
        }
    }

    [Fact]
    public void New_identities_from_everywhere_fill_a_small_part_of_the_table_of_peers()
    {
        var node = NewNode(Role.Root, o => o with { MaxIdentityChecksPerSecond = 10_000 });
        var member = node.NewPeer().Met();
        for (var i = 0u; i < 3_000; i++)
        {
            var stranger = node.NewPeer(new InetEndpoint(InetAddress.FromV4(0x3000_0000 + (i << 8)), 4000));
            stranger.Send(stranger.Hello());
            node.Host.Sent.Clear();
            node.Advance(1);
        }

        Assert.InRange(node.Node.Peers(node.NowMs).Count, 1_000, 1_100);
        Assert.NotNull(node.Node.FindPeer(node.NowMs, member.Address));
    }

    private static (double Factor, double Microseconds, long BytesKept) Measure(Role role, bool isV6, bool isAuthentic, Forging forge)
    {
        var node = NewNode(role);
        var stranger = NewStranger(node, isV6);
        var bytesIn = 0L;
        if (isAuthentic)
        {
            var hello = stranger.Hello();
            bytesIn += hello.Length;
            stranger.Send(hello);
        }

        var datagrams = Enumerable.Range(0, Datagrams).Select(i => forge(node, stranger, i)).ToArray();
        var confirmed = node.Node.Peers(node.NowMs).SelectMany(p => p.Paths).Select(p => p.Endpoint).ToHashSet();
        confirmed.UnionWith([node.Root.Endpoint, .. node.Moon.Roots[0].Endpoints]);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var bytesOut = Outgoing(node, confirmed);
        var ticks = 0L;
        foreach (var datagram in datagrams)
        {
            bytesIn += datagram.Length;
            var start = Stopwatch.GetTimestamp();
            node.Node.Receive(node.NowMs, 0, stranger.Endpoint, datagram);
            ticks += Stopwatch.GetTimestamp() - start;
            node.RunWork();
            bytesOut += Outgoing(node, confirmed);
            node.Host.Messages.Clear();
            node.Advance(10);
            bytesOut += Outgoing(node, confirmed);
        }

        var kept = Math.Max(GC.GetTotalMemory(forceFullCollection: true) - before, 0) / Datagrams;
        node.Advance(5_000);
        bytesOut += Outgoing(node, confirmed);
        GC.KeepAlive(datagrams);
        return ((double)bytesOut / bytesIn, ticks * 1e6 / Stopwatch.Frequency / Datagrams, kept);
    }

    private static long Outgoing(TestNode node, HashSet<InetEndpoint> confirmed)
    {
        var bytes = node.Host.Sent.Where(s => !confirmed.Contains(s.To)).Sum(s => (long)s.Datagram.Length);
        node.Host.Sent.Clear();
        return bytes;
    }

    private static TestNode NewNode(Role role, Func<NodeOptions, NodeOptions>? configure = null)
    {
        var node = new TestNode(isRoot: role == Role.Root, configure);
        if (role != Role.Root)
            node.Online();
        node.AddMoon();
        if (role == Role.Controller)
            node.Node.Controller = new OpenController(node.Identity) { Send = node.ControllerReplies.Enqueue };
        var config = new OpenController(node.Root.Identity).Configure(node.NowMs, node.Identity, Public) with { Type = NetworkType.Public };
        node.Node.Join(node.NowMs, Public).Configure(node.NowMs, config, ConfigOrigin.Answer);
        for (var i = 1UL; i <= 1_000; i++)
            node.Node.Multicaster.Add(node.NowMs, null, Public, Group, new NodeAddress(i));
        node.Host.Sent.Clear();
        return node;
    }

    private static TestPeer NewStranger(TestNode node, bool isV6) =>
        node.NewPeer(isV6 ? InetEndpoint.Parse("2a01:db8::7/4000") : InetEndpoint.Parse("46.200.0.1/4000"));

    private static InetEndpoint Victim(int number) => new(InetAddress.FromV4(0x3100_0000 + (uint)number), 53);

    private static byte[] Whois(TestPeer stranger, NodeAddress[] addresses) =>
        stranger.Packet(Verb.Whois, (ref ByteWriter writer) => WhoisMessage.Write(ref writer, addresses));

    private static byte[] Paths(TestPeer stranger, IEnumerable<InetEndpoint> endpoints) => stranger.Packet(Verb.PushDirectPaths,
        (ref ByteWriter writer) => PushDirectPathsMessage.Write(ref writer, endpoints.Select(e => new DirectPath(e)).ToArray()));

    private static byte[] Random(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static byte[] Header(TestNode node, NodeAddress source, int length, int number)
    {
        var packet = Random(length, number);
        PacketHeader.Write(packet, (ulong)number + 1, node.Identity.Address, source, Verb.Frame);
        return packet;
    }

    private static byte[] Head(TestNode node, TestPeer stranger, int number)
    {
        var packet = Header(node, stranger.Address, 1_400, number);
        PacketHeader.SetFragmented(packet, true);
        return packet;
    }

    private static byte[] Relayed(TestNode node, TestPeer stranger, int number)
    {
        var packet = Random(200, number);
        PacketHeader.Write(packet, (ulong)number + 1, new NodeAddress(0x66_0000_0000 + (ulong)number), stranger.Address, Verb.Frame);
        return packet;
    }
}

/// <summary>Tests that measure the memory of the whole process. They run alone.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
