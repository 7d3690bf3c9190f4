using Lanyard.Primitives;

namespace Lanyard.Wire;

/// <summary>
/// One entry of a network's or a capability's rules. An action is applied if the combined matches between it and the previous action are true.
/// The payload is kept unchanged, up to 255 bytes, so that an entry of an unknown type is passed on unchanged. Each of the accessors
/// below reads one field of the payload and is valid for the types that it names.
/// </summary>
public readonly partial struct Rule : IEquatable<Rule>
{
    private const byte NotBit = 0x80;
    private const byte OrBit = 0x40;
    private const byte TypeBits = 0x3f;
    private const int WordsLength = 24;

    // The first 24 bytes of the payload, big-endian and padded with zeros, contain all fields of all known types; other bytes belong to unknown types.
    private readonly ulong _word0;
    private readonly ulong _word1;
    private readonly ulong _word2;
    private readonly byte[]? _rest;
    private readonly byte _head;
    private readonly byte _length;

    private Rule(byte head, byte length, ulong word0, ulong word1 = 0, ulong word2 = 0, byte[]? rest = null)
    {
        _head = head;
        _length = length;
        _word0 = word0;
        _word1 = word1;
        _word2 = word2;
        _rest = rest;
    }

    private Rule(RuleType type, ulong word0, ulong word1 = 0, ulong word2 = 0)
        : this((byte)type, KnownLength(type), word0, word1, word2)
    {
    }

    /// <summary>The type of the rule.</summary>
    public RuleType Type => (RuleType)(_head & TypeBits);

    /// <summary>Whether this is an action; otherwise it is a match.</summary>
    public bool IsAction => (_head & TypeBits) <= 15;

    /// <summary>For a match: whether its result is inverted.</summary>
    public bool Not => (_head & NotBit) != 0;

    /// <summary>For a match: whether its result is combined with the previous result by OR, not by AND.</summary>
    public bool Or => (_head & OrBit) != 0;

    /// <summary>The length on the wire in bytes, 2 to 257.</summary>
    public int Length => 2 + _length;

    /// <summary>The node of MatchSourceNode and MatchDestinationNode.</summary>
    public NodeAddress Node => new(_word0 >> 24);

    /// <summary>The node that ActionTee, ActionWatch and ActionRedirect send to.</summary>
    public NodeAddress ForwardTo => new(_word0 & 0xff_ffff_ffff);

    /// <summary>Flags of ActionTee, ActionWatch and ActionRedirect; none is defined.</summary>
    public uint ForwardFlags => (uint)(_word1 >> 32);

    /// <summary>The number of bytes of a frame that ActionTee and ActionWatch copy; 0 for all.</summary>
    public ushort ForwardLength => (ushort)(_word1 >> 16);

    /// <summary>The queue of ActionPriority; the wire format has no such field, so it reads as 0.</summary>
    public byte Bucket => (byte)(_word0 >> 56);

    /// <summary>The VLAN ID of MatchVlanId.</summary>
    public ushort VlanId => (ushort)(_word0 >> 48);

    /// <summary>The value of MatchVlanPriority, MatchVlanDropEligible and MatchIPProtocol.</summary>
    public byte ByteValue => (byte)(_word0 >> 56);

    /// <summary>The address of MatchMacSource and MatchMacDestination.</summary>
    public MacAddress Mac => new(_word0 >> 16);

    /// <summary>The network of MatchIPv4Source, MatchIPv4Destination, MatchIPv6Source and MatchIPv6Destination.</summary>
    public InetPrefix Prefix => Type is RuleType.MatchIPv4Source or RuleType.MatchIPv4Destination
        ? new InetPrefix(InetAddress.FromV4((uint)(_word0 >> 32)), (byte)(_word0 >> 24))
        : new InetPrefix(InetAddress.FromV6(_word0, _word1), (byte)(_word2 >> 56));

    /// <summary>The mask of MatchIPTypeOfService.</summary>
    public byte TypeOfServiceMask => (byte)(_word0 >> 56);

    /// <summary>The minimum masked value of MatchIPTypeOfService.</summary>
    public byte TypeOfServiceStart => (byte)(_word0 >> 48);

    /// <summary>The maximum masked value of MatchIPTypeOfService.</summary>
    public byte TypeOfServiceEnd => (byte)(_word0 >> 40);

    /// <summary>The type of MatchEtherType.</summary>
    public ushort EtherType => (ushort)(_word0 >> 48);

    /// <summary>The type of MatchIcmp.</summary>
    public byte IcmpType => (byte)(_word0 >> 56);

    /// <summary>The code of MatchIcmp, or none if any code matches.</summary>
    public byte? IcmpCode => (_word0 >> 40 & 1) != 0 ? (byte)(_word0 >> 48) : null;

    /// <summary>The minimum value of MatchIPSourcePorts, MatchIPDestinationPorts and MatchFrameSize.</summary>
    public ushort RangeStart => (ushort)(_word0 >> 48);

    /// <summary>The maximum value of MatchIPSourcePorts, MatchIPDestinationPorts and MatchFrameSize.</summary>
    public ushort RangeEnd => (ushort)(_word0 >> 32);

    /// <summary>The bits of MatchCharacteristics.</summary>
    public FrameCharacteristics Characteristics => (FrameCharacteristics)_word0;

    /// <summary>The share of MatchRandom: 0 almost never matches, 0xffffffff always matches.</summary>
    public uint Probability => (uint)(_word0 >> 32);

    /// <summary>The tag of the seven matches on tags.</summary>
    public uint TagId => (uint)(_word0 >> 32);

    /// <summary>The value of the seven matches on tags.</summary>
    public uint TagValue => (uint)_word0;

    /// <summary>The minimum value of MatchIntegerRange.</summary>
    public ulong IntegerStart => _word0;

    /// <summary>The maximum value of MatchIntegerRange, at most 0xffffffff above the minimum.</summary>
    public ulong IntegerEnd => _word0 + (uint)(_word1 - _word0);

    /// <summary>The offset in the frame at which MatchIntegerRange reads, in bytes.</summary>
    public ushort IntegerOffset => (ushort)(_word2 >> 48);

    /// <summary>The number of bits that MatchIntegerRange reads, 1 to 64.</summary>
    public int IntegerBits => (int)(_word2 >> 40 & 63) + 1;

    /// <summary>Whether MatchIntegerRange reads the least significant byte first.</summary>
    public bool IntegerIsLittleEndian => (_word2 >> 40 & 0x80) != 0;

    /// <summary>Returns the same match, inverted or ORed.</summary>
    public Rule With(bool not = false, bool or = false) =>
        new((byte)((_head & TypeBits) | (not ? NotBit : 0) | (or ? OrBit : 0)), _length, _word0, _word1, _word2, _rest);

    /// <summary>
    /// Reads one rule: its type and flags, the payload's length and the payload. Fails if a known type's payload is too short.
    /// </summary>
    public static Rule Read(ref ByteReader reader)
    {
        var head = reader.ReadByte();
        var payload = reader.ReadBytes(reader.ReadByte());
        if (payload.Length < KnownLength((RuleType)(head & TypeBits)))
            reader.Fail();
        if (reader.Failed)
            return default;
        Span<byte> words = stackalloc byte[WordsLength];
        words.Clear();
        payload[..Math.Min(payload.Length, WordsLength)].CopyTo(words);
        var fields = new ByteReader(words);
        return new Rule(head, (byte)payload.Length, fields.ReadUInt64(), fields.ReadUInt64(), fields.ReadUInt64(),
            payload.Length > WordsLength ? payload[WordsLength..].ToArray() : null);
    }

    /// <summary>Reads rules up to the reader's end.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="limit">The maximum number of rules; later rules are left unread.</param>
    public static EquatableArray<Rule> ReadAll(ref ByteReader reader, int limit)
    {
        // A rule has at least two bytes.
        var rules = new List<Rule>(Math.Min(limit, reader.Remaining / 2));
        while (rules.Count < limit && reader.Remaining > 0)
            rules.Add(Read(ref reader));
        return reader.Failed ? default : rules.ToEquatableArray();
    }

    /// <summary>Writes the rule.</summary>
    public void Write(ref ByteWriter writer)
    {
        Span<byte> words = stackalloc byte[WordsLength];
        var fields = new ByteWriter(words);
        fields.WriteUInt64(_word0);
        fields.WriteUInt64(_word1);
        fields.WriteUInt64(_word2);
        writer.WriteByte(_head);
        writer.WriteByte(_length);
        writer.WriteBytes(words[..Math.Min((int)_length, WordsLength)]);
        writer.WriteBytes(_rest);
    }

    /// <summary>Writes rules one after another.</summary>
    public static void WriteAll(ref ByteWriter writer, ReadOnlySpan<Rule> rules)
    {
        foreach (ref readonly var rule in rules)
            rule.Write(ref writer);
    }

    /// <inheritdoc/>
    public bool Equals(Rule other) => _head == other._head && _length == other._length && _word0 == other._word0 && _word1 == other._word1
        && _word2 == other._word2 && _rest.AsSpan().SequenceEqual(other._rest);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Rule other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_head, _length, _word0, _word1, _word2);

    /// <summary>Returns the type, with its flags.</summary>
    public override string ToString() => (Or ? "or " : "") + (Not ? "not " : "") + Type;

    /// <summary>Whether the rules are equal.</summary>
    public static bool operator ==(Rule left, Rule right) => left.Equals(right);

    /// <summary>Whether the rules differ.</summary>
    public static bool operator !=(Rule left, Rule right) => !left.Equals(right);

    // The length with which the payload of a type is written, and its minimum length; 0 for actions without a payload and for unknown types.
    private static byte KnownLength(RuleType type) => type switch
    {
        RuleType.ActionTee or RuleType.ActionWatch or RuleType.ActionRedirect => 14,
        RuleType.MatchSourceNode or RuleType.MatchDestinationNode => 5,
        RuleType.MatchVlanId or RuleType.MatchEtherType => 2,
        RuleType.MatchVlanPriority or RuleType.MatchVlanDropEligible or RuleType.MatchIPProtocol => 1,
        RuleType.MatchMacSource or RuleType.MatchMacDestination => 6,
        RuleType.MatchIPv4Source or RuleType.MatchIPv4Destination => 5,
        RuleType.MatchIPv6Source or RuleType.MatchIPv6Destination => 17,
        RuleType.MatchIPTypeOfService or RuleType.MatchIcmp => 3,
        RuleType.MatchIPSourcePorts or RuleType.MatchIPDestinationPorts or RuleType.MatchFrameSize or RuleType.MatchRandom => 4,
        RuleType.MatchCharacteristics => 8,
        >= RuleType.MatchTagsDifference and <= RuleType.MatchTagReceiver => 8,
        RuleType.MatchIntegerRange => 19,
        _ => 0,
    };
}
