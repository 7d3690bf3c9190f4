using Lanyard.Wire.Packets;

namespace Lanyard.Wire.Compression;

/// <summary>Compresses and expands packet payloads: one LZ4 block each, marked by the verb's compressed flag.</summary>
public static class PayloadCompression
{
    /// <summary>Payloads of up to this many bytes are not worth trying.</summary>
    public const int WorthlessBytes = 64;

    /// <summary>Compresses a payload; false where it is short or would not become shorter.</summary>
    /// <param name="payload">The payload, at most <see cref="PacketFormat.MaxPayloadBytes"/>.</param>
    /// <param name="destination">Where to write; as long as the payload suffices.</param>
    /// <param name="length">How many bytes were written.</param>
    public static bool TryCompress(ReadOnlySpan<byte> payload, Span<byte> destination, out int length) => throw new NotSupportedException();

    /// <summary>Expands a payload; false where it is no LZ4 block, is empty, or expands to more than fits.</summary>
    /// <param name="compressed">The compressed payload.</param>
    /// <param name="destination">Where to write; <see cref="PacketFormat.MaxPayloadBytes"/> is the most that a packet may hold.</param>
    /// <param name="length">How many bytes were written.</param>
    public static bool TryExpand(ReadOnlySpan<byte> compressed, Span<byte> destination, out int length) => throw new NotSupportedException();
}
