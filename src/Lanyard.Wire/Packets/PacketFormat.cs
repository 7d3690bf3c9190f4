namespace Lanyard.Wire.Packets;

/// <summary>Sizes and limits of VL1 packets and fragments.</summary>
public static class PacketFormat
{
    /// <summary>The bytes in front of a packet's payload: ID, destination, source, flags, MAC and verb. No packet is shorter.</summary>
    public const int HeaderBytes = 28;

    /// <summary>The bytes in front of a fragment's data. A fragment is longer than this.</summary>
    public const int FragmentHeaderBytes = 16;

    /// <summary>The most parts that a packet may come in, its head included. The field could say 15; nodes refuse more than 7.</summary>
    public const int MaxFragments = 7;

    /// <summary>The UDP payload, in bytes, that nodes send unless a path is known to carry more or less.</summary>
    public const int DefaultMtuBytes = 1432;

    /// <summary>The smallest UDP payload, in bytes, that a path may be set to.</summary>
    public const int MinMtuBytes = 1400;

    /// <summary>The longest packet in bytes, joined and decompressed. Nodes in the field have no room for more.</summary>
    public const int MaxPacketBytes = MaxFragments * DefaultMtuBytes;

    /// <summary>The longest payload in bytes, decompressed.</summary>
    public const int MaxPayloadBytes = MaxPacketBytes - HeaderBytes;

    /// <summary>The most hops that the field can count.</summary>
    public const int MaxHops = 7;

    // Where the fields are.
    internal const int PacketIdOffset = 0;
    internal const int DestinationOffset = 8;
    internal const int SourceOffset = 13;
    internal const int FlagsOffset = 18;
    internal const int MacOffset = 19;
    internal const int VerbOffset = 27;

    internal const int FragmentIndicatorOffset = 13;
    internal const int FragmentNumberOffset = 14;
    internal const int FragmentHopsOffset = 15;

    // The first byte of a source address that no node has marks a fragment.
    internal const byte FragmentIndicator = 0xff;

    // The flags byte, top to bottom: 1 bit "encrypted" (set with suite 1 only, for nodes before 1.0.3), 1 bit "fragments follow",
    // 3 bits cipher suite, 3 bits hops. Only the hops may change on the way.
    internal const byte LegacyEncryptedFlag = 0x80;
    internal const byte FragmentedFlag = 0x40;
    internal const byte CipherMask = 0x38;
    internal const int CipherShift = 3;
    internal const byte HopsMask = 0x07;

    internal const byte CompressedFlag = 0x80;
    internal const byte VerbMask = 0x1f;

    /// <summary>The longest packet, in bytes, that a path can carry in <see cref="MaxFragments"/> pieces.</summary>
    /// <param name="mtuBytes">The largest UDP payload of the path.</param>
    public static int MaxPacketBytesFor(int mtuBytes) =>
        Math.Min(MaxPacketBytes, mtuBytes + ((MaxFragments - 1) * (mtuBytes - FragmentHeaderBytes)));
}
