using System.Buffers.Binary;
using Lanyard.Wire.Verbs;

namespace Lanyard.Wire.Packets;

/// <summary>
/// A packet's header and payload, read in place. The verb and the payload mean something once the packet is dearmored
/// (<see cref="SessionKey.TryDearmor"/>), or at once where its suite is <see cref="CipherSuite.Poly1305"/>.
/// </summary>
/// <remarks>
/// Layout: 8 bytes packet ID, 5 destination, 5 source, 1 flags (encrypted, fragmented, 3 bits cipher suite, 3 bits hops), 8 MAC,
/// 1 verb (3 bits flags, 5 bits verb), payload.
/// </remarks>
public readonly ref struct PacketView
{
    private PacketView(ReadOnlySpan<byte> bytes) => Bytes = bytes;

    /// <summary>The whole packet.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>The packet ID, which is also the cipher's nonce. Replies name it.</summary>
    public ulong PacketId => BinaryPrimitives.ReadUInt64BigEndian(Bytes);

    /// <summary>The node that the packet is for.</summary>
    public NodeAddress Destination => NodeAddress.Read(Bytes[PacketFormat.DestinationOffset..]);

    /// <summary>The node that the packet says it is from: proven only by dearmoring it.</summary>
    public NodeAddress Source => NodeAddress.Read(Bytes[PacketFormat.SourceOffset..]);

    /// <summary>How the packet is protected.</summary>
    public CipherSuite Suite => (CipherSuite)((Bytes[PacketFormat.FlagsOffset] & PacketFormat.CipherMask) >> PacketFormat.CipherShift);

    /// <summary>Whether this is the head of a packet whose other parts come in fragments. The flag stays set when they are joined.</summary>
    public bool IsFragmented => (Bytes[PacketFormat.FlagsOffset] & PacketFormat.FragmentedFlag) != 0;

    /// <summary>How many nodes relayed the packet, 0 to 7.</summary>
    public int Hops => Bytes[PacketFormat.FlagsOffset] & PacketFormat.HopsMask;

    /// <summary>The authentication code as a number.</summary>
    public ulong Mac => BinaryPrimitives.ReadUInt64BigEndian(Bytes[PacketFormat.MacOffset..]);

    /// <summary>The trusted path's number, where the code would be. Only with <see cref="CipherSuite.TrustedPath"/>.</summary>
    public ulong TrustedPathId => Mac;

    /// <summary>The verb. It may be one that <see cref="Verbs.Verb"/> does not name.</summary>
    public Verb Verb => (Verb)(Bytes[PacketFormat.VerbOffset] & PacketFormat.VerbMask);

    /// <summary>Whether the payload is an LZ4 block.</summary>
    public bool IsCompressed => (Bytes[PacketFormat.VerbOffset] & PacketFormat.CompressedFlag) != 0;

    /// <summary>What follows the header, as it stands in the packet: possibly encrypted, possibly compressed.</summary>
    public ReadOnlySpan<byte> Payload => Bytes[PacketFormat.HeaderBytes..];

    /// <summary>Reads a packet, or the head of one; false where the bytes are too few or too many.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out PacketView packet)
    {
        if (bytes.Length is < PacketFormat.HeaderBytes or > PacketFormat.MaxPacketBytes)
        {
            packet = default;
            return false;
        }

        packet = new PacketView(bytes);
        return true;
    }
}
