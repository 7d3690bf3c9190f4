using Lanyard.Engine.Rules;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Engine.Tests.Rules;

/// <summary>A frame for the evaluation of rules, with its sender and receiver. Fields that a test does not set have defaults.</summary>
internal sealed record TestFrame
{
    public static readonly NodeAddress Alice = new(0x0a00000001);
    public static readonly NodeAddress Bob = new(0x0b00000002);
    public static readonly NodeAddress Carol = new(0x0c00000003);

    public bool IsInbound { get; init; }

    public NodeAddress Self { get; init; } = Alice;

    public NodeAddress Source { get; init; } = Alice;

    public NodeAddress Destination { get; init; } = Bob;

    public MacAddress SourceMac { get; init; } = new(0x020000000001);

    public MacAddress DestinationMac { get; init; } = new(0x020000000002);

    public ushort EtherType { get; init; } = 0x0800;

    public ushort VlanId { get; init; }

    public byte[] Payload { get; init; } = IPv4(17, [0, 1, 0, 2, 0, 8, 0, 0]);

    public ulong Random { get; init; }

    public NetworkFlags Flags { get; init; }

    public TestCredentials Own { get; init; } = new();

    public TestCredentials? Peer { get; init; }

    /// <summary>The same frame as its receiver sees it.</summary>
    public TestFrame Received() => this with { IsInbound = true, Self = Destination, Own = Peer ?? new(), Peer = Own };

    public RuleFrame ToRuleFrame() => new()
    {
        IsInbound = IsInbound,
        Self = Self,
        Source = Source,
        Destination = Destination,
        SourceMac = SourceMac,
        DestinationMac = DestinationMac,
        EtherType = EtherType,
        VlanId = VlanId,
        Payload = Payload,
            FrameLength = Payload.Length,
        Random = Random,
    };

    public RuleOutcome Evaluate(params Rule[] rules) => RuleEvaluator.Evaluate(rules, ToRuleFrame(), Flags, Own, Peer);

    /// <summary>Whether a match is true of this frame.</summary>
    public bool Matches(Rule match) => Evaluate(match, Rule.ActionAccept).Verdict == RuleVerdict.Accept;

    /// <summary>An IPv4 packet from 10.0.0.1 to 10.0.0.2, with <paramref name="optionBytes"/> of options.</summary>
    public static byte[] IPv4(byte protocol, byte[] body, int optionBytes = 0, byte service = 0) =>
        [(byte)(0x45 + (optionBytes / 4)), service, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, .. new byte[optionBytes], .. body];

    /// <summary>An IPv6 packet from fd00::1 to fd00::2.</summary>
    public static byte[] IPv6(byte nextHeader, byte[] body, byte trafficClass = 0)
    {
        byte[] source = [0xfd, .. new byte[14], 1];
        byte[] destination = [0xfd, .. new byte[14], 2];
        return [(byte)(0x60 | (trafficClass >> 4)), (byte)(trafficClass << 4), 0, 0, 0, 0, nextHeader, 64, .. source, .. destination, .. body];
    }

    /// <summary>A TCP segment without data, from port 1000 to port 80.</summary>
    public static byte[] Tcp(ushort flags) => [3, 0xe8, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, (byte)(0x50 | (flags >> 8)), (byte)flags, 0, 0, 0, 0, 0, 0];
}

/// <summary>Credentials that a test sets.</summary>
internal sealed class TestCredentials : IRuleCredentials
{
    public Dictionary<uint, uint> Tags { get; init; } = [];

    public HashSet<InetAddress> Addresses { get; init; } = [];

    public HashSet<MacAddress> Macs { get; init; } = [];

    public bool TryGetTag(uint id, out uint value) => Tags.TryGetValue(id, out value);

    public bool Owns(InetAddress address) => Addresses.Contains(address);

    public bool Owns(MacAddress address) => Macs.Contains(address);
}
