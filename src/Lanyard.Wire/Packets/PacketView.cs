using System.Buffers.Binary;
using Lanyard.Wire.Verbs;

namespace Lanyard.Wire.Packets;

/// <summary>
/// A view of a packet's header and payload. The verb and the payload are valid after the packet is dearmored
/// (<see cref="SessionKey.TryDearmor"/>), or at once if its suite is <see cref="CipherSuite.Poly1305"/>.
/// </summary>
/// <remarks>
/// Layout: 8 bytes packet ID, 5 destination, 5 source, 1 flags (encrypted, fragmented, 3 bits cipher suite, 3 bits hops), 8 MAC,
/// 1 verb (3 bits flags, 5 bits verb), payload.
/// </remarks>
public readonly ref struct PacketView
{
    private PacketView(ReadOnlySpan<byte> bytes) => Bytes = bytes;

    /// <summary>The complete packet.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>The packet ID, which is also the cipher's nonce. Replies contain it.</summary>
    public ulong PacketId => BinaryPrimitives.ReadUInt64BigEndian(Bytes);

    /// <summary>The destination.</summary>
    public NodeAddress Destination => NodeAddress.Read(Bytes[PacketFormat.DestinationOffset..]);

    /// <summary>The claimed sender: proven only by dearmoring the packet.</summary>
    public NodeAddress Source => NodeAddress.Read(Bytes[PacketFormat.SourceOffset..]);

    /// <summary>The protection of the packet.</summary>
    public CipherSuite Suite => (CipherSuite)((Bytes[PacketFormat.FlagsOffset] & PacketFormat.CipherMask) >> PacketFormat.CipherShift);

    /// <summary>Whether this is the head of a fragmented packet. The flag stays set in the joined packet.</summary>
    public bool IsFragmented => (Bytes[PacketFormat.FlagsOffset] & PacketFormat.FragmentedFlag) != 0;

    /// <summary>The number of nodes that relayed the packet, 0 to 7.</summary>
    public int Hops => Bytes[PacketFormat.FlagsOffset] & PacketFormat.HopsMask;

    /// <summary>The MAC as a number.</summary>
    public ulong Mac => BinaryPrimitives.ReadUInt64BigEndian(Bytes[PacketFormat.MacOffset..]);

    /// <summary>The trusted path's number, which is in the MAC field. Only with <see cref="CipherSuite.TrustedPath"/>.</summary>
    public ulong TrustedPathId => Mac;

    /// <summary>The verb, which may be unknown to <see cref="Verbs.Verb"/>.</summary>
    public Verb Verb => (Verb)(Bytes[PacketFormat.VerbOffset] & PacketFormat.VerbMask);

    /// <summary>Whether the payload is an LZ4 block.</summary>
    public bool IsCompressed => (Bytes[PacketFormat.VerbOffset] & PacketFormat.CompressedFlag) != 0;

    /// <summary>The bytes after the header, as in the packet: possibly encrypted, possibly compressed.</summary>
    public ReadOnlySpan<byte> Payload => Bytes[PacketFormat.HeaderBytes..];

    /// <summary>Reads a packet, or the head of one. Returns false if there are too few or too many bytes.</summary>
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
