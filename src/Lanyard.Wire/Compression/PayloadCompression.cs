using Lanyard.Wire.Packets;

namespace Lanyard.Wire.Compression;

/// <summary>Compresses and expands packet payloads: one LZ4 block each, marked by the verb's compressed flag.</summary>
public static class PayloadCompression
{
    /// <summary>The maximum length of payloads that are not compressed, because they are too short.</summary>
    public const int WorthlessBytes = 64;

    /// <summary>Compresses a payload. Returns false if it is short or would not become shorter.</summary>
    /// <param name="payload">The payload, at most <see cref="PacketFormat.MaxPayloadBytes"/>.</param>
    /// <param name="destination">The destination; the length of the payload is enough.</param>
    /// <param name="length">The number of bytes written.</param>
    public static bool TryCompress(ReadOnlySpan<byte> payload, Span<byte> destination, out int length)
    {
        length = 0;
        if (payload.Length is <= WorthlessBytes or > PacketFormat.MaxPayloadBytes)
            return false;
        return Lz4Block.TryEncode(payload, destination[..Math.Min(destination.Length, payload.Length - 1)], out length);
    }

    /// <summary>
    /// Expands a payload. Returns false if it is not an LZ4 block, or expands to nothing or to more than fits. An empty payload expands to an empty payload.
    /// </summary>
    /// <param name="compressed">The compressed payload.</param>
    /// <param name="destination">The destination; at most <see cref="PacketFormat.MaxPayloadBytes"/> are used, because no packet may contain more.</param>
    /// <param name="length">The number of bytes written.</param>
    public static bool TryExpand(ReadOnlySpan<byte> compressed, Span<byte> destination, out int length)
    {
        length = 0;
        if (compressed.IsEmpty)
            return true;
        var room = destination[..Math.Min(destination.Length, PacketFormat.MaxPayloadBytes)];
        return Lz4Block.TryDecode(compressed, room, out length) && length > 0;
    }
}
