namespace Lanyard.Wire.Packets;

/// <summary>Sizes and limits of VL1 packets and fragments.</summary>
public static class PacketFormat
{
    /// <summary>The length of the header before a packet's payload: ID, destination, source, flags, MAC and verb. No packet is shorter.</summary>
    public const int HeaderBytes = 28;

    /// <summary>The length of the header before a fragment's data. A fragment is longer than this.</summary>
    public const int FragmentHeaderBytes = 16;

    /// <summary>The maximum number of parts of a packet, including its head. The field could contain 15; nodes refuse more than 7.</summary>
    public const int MaxFragments = 7;

    /// <summary>The default UDP payload of a path, in bytes.</summary>
    public const int DefaultMtuBytes = 1432;

    /// <summary>The minimum setting of the UDP payload of a path, in bytes.</summary>
    public const int MinMtuBytes = 1400;

    /// <summary>The maximum length of a packet in bytes, joined and decompressed. Existing nodes have no room for more.</summary>
    public const int MaxPacketBytes = MaxFragments * DefaultMtuBytes;

    /// <summary>The maximum length of a payload in bytes, decompressed.</summary>
    public const int MaxPayloadBytes = MaxPacketBytes - HeaderBytes;

    /// <summary>The maximum value of the hop count.</summary>
    public const int MaxHops = 7;

    // The offsets of the fields.
    internal const int PacketIdOffset = 0;
    internal const int DestinationOffset = 8;
    internal const int SourceOffset = 13;
    internal const int FlagsOffset = 18;
    internal const int MacOffset = 19;
    internal const int VerbOffset = 27;

    internal const int FragmentIndicatorOffset = 13;
    internal const int FragmentNumberOffset = 14;
    internal const int FragmentHopsOffset = 15;

    // Marks a fragment: no node address begins with this byte.
    internal const byte FragmentIndicator = 0xff;

    // The flags byte, from the top bit: 1 bit "encrypted" (set only with suite 1, for nodes before 1.0.3), 1 bit "fragments follow",
    // 3 bits cipher suite, 3 bits hops. Only relays change it, and only the hops.
    internal const byte LegacyEncryptedFlag = 0x80;
    internal const byte FragmentedFlag = 0x40;
    internal const byte CipherMask = 0x38;
    internal const int CipherShift = 3;
    internal const byte HopsMask = 0x07;

    internal const byte CompressedFlag = 0x80;
    internal const byte VerbMask = 0x1f;

    /// <summary>Returns the maximum length of a packet, in bytes, that a path can carry in <see cref="MaxFragments"/> parts.</summary>
    /// <param name="mtuBytes">The largest UDP payload of the path.</param>
    public static int MaxPacketBytesFor(int mtuBytes) =>
        Math.Min(MaxPacketBytes, mtuBytes + ((MaxFragments - 1) * (mtuBytes - FragmentHeaderBytes)));
}
