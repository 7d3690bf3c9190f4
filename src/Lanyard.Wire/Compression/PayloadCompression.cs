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
    public static bool TryCompress(ReadOnlySpan<byte> payload, Span<byte> destination, out int length)
    {
        length = 0;
        if (payload.Length is <= WorthlessBytes or > PacketFormat.MaxPayloadBytes)
            return false;
        return Lz4Block.TryEncode(payload, destination[..Math.Min(destination.Length, payload.Length - 1)], out length);
    }

    /// <summary>
    /// Expands a payload; false where it is no LZ4 block, or expands to nothing, or to more than fits. No bytes at all expand to none.
    /// </summary>
    /// <param name="compressed">The compressed payload.</param>
    /// <param name="destination">Where to write; no more than <see cref="PacketFormat.MaxPayloadBytes"/> are, as no packet may hold more.</param>
    /// <param name="length">How many bytes were written.</param>
    public static bool TryExpand(ReadOnlySpan<byte> compressed, Span<byte> destination, out int length)
    {
        length = 0;
        if (compressed.IsEmpty)
            return true;
        var room = destination[..Math.Min(destination.Length, PacketFormat.MaxPayloadBytes)];
        return Lz4Block.TryDecode(compressed, room, out length) && length > 0;
    }
}
