using BenchmarkDotNet.Attributes;
using Lanyard.Engine.Rules;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Bench;

/// <summary>The Internet checksum; the rate is in MiB per second.</summary>
[Config(typeof(ThroughputConfig))]
public class ChecksumBenchmarks
{
    private byte[] _packet = [];

    /// <summary>A bare acknowledgement, a packet on an Ethernet-sized path, and one of a virtual network.</summary>
    [Params(40, 1400, 2800)]
    public int Length { get; set; }

    [GlobalSetup]
    public void Setup() => _packet = new byte[Length];

    [Benchmark]
    public ushort Checksum() => InternetChecksum.Finish(InternetChecksum.Sum(_packet));
}

/// <summary>The work on each packet in addition to its cipher: parsing, and evaluating the network's rules.</summary>
[Config(typeof(InProcessConfig))]
public class PacketBenchmarks
{
    private const int FrameBytes = 1400;

    private static readonly NodeAddress s_alice = new(0x0a00000001);
    private static readonly NodeAddress s_bob = new(0x0b00000002);

    // As networks usually have it: what is not IP or ARP is dropped, one port is closed, the rest is accepted.
    private static readonly Rule[] s_rules =
    [
        Rule.MatchEtherType(0x0800).With(not: true), Rule.MatchEtherType(0x0806).With(not: true), Rule.MatchEtherType(0x86dd).With(not: true), Rule.ActionDrop,
        Rule.MatchIPProtocol(6), Rule.MatchIPDestinationPorts(25, 25), Rule.ActionDrop,
        Rule.ActionAccept,
    ];

    private readonly byte[] _frame = new byte[FrameBytes];
    private readonly NoCredentials _own = new();
    private byte[] _packet = [];

    [GlobalSetup]
    public void Setup()
    {
        _frame[0] = 0x45;
        _frame[9] = 6;
        _frame[23] = 80;
        var buffer = new byte[2 * FrameBytes];
        _frame.CopyTo(buffer, FrameBytes);
        var builder = new PacketBuilder(buffer, FrameBytes, FrameBytes);
        var writer = new ByteWriter(builder.Prepend(FrameMessage.HeaderBytes));
        new FrameMessage { NetworkId = new NetworkId(7), EtherType = 0x0800 }.Write(ref writer);
        _packet = builder.Seal(1, s_bob, s_alice, Verb.Frame).ToArray();
    }

    [Benchmark]
    public bool ParsePacketAndFrame() =>
        PacketView.TryParse(_packet, out var packet) && FrameMessage.TryParse(packet.Payload, out _);

    [Benchmark]
    public RuleVerdict EvaluateRules() => RuleEvaluator.Evaluate(
        s_rules,
        new RuleFrame
        {
            IsInbound = false,
            Self = s_alice,
            Source = s_alice,
            Destination = s_bob,
            SourceMac = new MacAddress(0x020000000001),
            DestinationMac = new MacAddress(0x020000000002),
            EtherType = 0x0800,
            Payload = _frame,
            FrameLength = _frame.Length,
        },
        default,
        _own,
        null).Verdict;

    private sealed class NoCredentials : IRuleCredentials
    {
        public bool TryGetTag(uint id, out uint value)
        {
            value = 0;
            return false;
        }

        public bool Owns(InetAddress address) => false;

        public bool Owns(MacAddress address) => false;
    }
}
