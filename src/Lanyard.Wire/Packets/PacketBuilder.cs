using Lanyard.Wire.Compression;
using Lanyard.Wire.Verbs;

namespace Lanyard.Wire.Packets;

/// <summary>
/// Puts a packet together in a caller's buffer around content that may already lie in it, so that a frame is never copied: what comes in
/// front is written into the head-room.
/// </summary>
/// <remarks>
/// Content is appended (<see cref="Free"/>, <see cref="Append"/>) or prepended (<see cref="Prepend"/>); <see cref="Seal"/> writes the header
/// in front and gives the packet, ready for <see cref="SessionKey.Armor"/>.
/// </remarks>
public ref struct PacketBuilder
{
    private readonly Span<byte> _buffer;
    private int _start;
    private int _end;
    private bool _compressed;

    /// <summary>Begins with an empty payload, the header's room in front of it.</summary>
    /// <param name="buffer">Room for the whole packet.</param>
    public PacketBuilder(Span<byte> buffer)
        : this(buffer, PacketFormat.HeaderBytes, 0)
    {
    }

    /// <summary>Begins with content that already lies in the buffer.</summary>
    /// <param name="buffer">Room for the whole packet.</param>
    /// <param name="contentStart">Where the content begins: at least <see cref="PacketFormat.HeaderBytes"/> and all that will be prepended.</param>
    /// <param name="contentLength">How long the content is.</param>
    /// <exception cref="ArgumentOutOfRangeException">The content does not lie in the buffer, or leaves no room for a header.</exception>
    public PacketBuilder(Span<byte> buffer, int contentStart, int contentLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(contentStart, PacketFormat.HeaderBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(contentLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(contentStart + contentLength, buffer.Length);
        _buffer = buffer;
        _start = contentStart;
        _end = contentStart + contentLength;
    }

    /// <summary>Where the packet begins in the buffer, once sealed; before, where its payload begins.</summary>
    public readonly int Start => _start;

    /// <summary>The payload so far.</summary>
    public readonly Span<byte> Payload => _buffer[_start.._end];

    /// <summary>The room behind the payload: write here, then <see cref="Append"/>.</summary>
    public readonly Span<byte> Free => _buffer[_end..];

    /// <summary>Makes the first bytes of <see cref="Free"/> part of the payload.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The buffer has less room.</exception>
    public void Append(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _buffer.Length - _end);
        _end += count;
    }

    /// <summary>Makes the bytes in front of the payload part of it, and gives them to be written.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Too little would be left for the header.</exception>
    public Span<byte> Prepend(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _start - PacketFormat.HeaderBytes);
        _start -= count;
        return _buffer.Slice(_start, count);
    }

    /// <summary>Compresses the payload where that makes it shorter; say so before sealing, after the payload is complete.</summary>
    /// <param name="scratch">Room as long as the payload; its content is lost.</param>
    /// <returns>Whether the payload is compressed now.</returns>
    public bool TryCompress(Span<byte> scratch)
    {
        if (_compressed || !PayloadCompression.TryCompress(Payload, scratch, out var length))
            return false;
        scratch[..length].CopyTo(_buffer[_start..]);
        _end = _start + length;
        _compressed = true;
        return true;
    }

    /// <summary>Writes the header in front of the payload and gives the packet.</summary>
    /// <param name="packetId">A number that was never used between these two nodes.</param>
    /// <param name="destination">The receiver.</param>
    /// <param name="source">The sender.</param>
    /// <param name="verb">The verb.</param>
    /// <param name="mtuBytes">The largest UDP payload of the path: a longer packet is marked as fragmented.</param>
    public Span<byte> Seal(ulong packetId, NodeAddress destination, NodeAddress source, Verb verb, int mtuBytes = PacketFormat.DefaultMtuBytes)
    {
        _start -= PacketFormat.HeaderBytes;
        var packet = _buffer[_start.._end];
        PacketHeader.Write(packet, packetId, destination, source, verb, _compressed);
        PacketHeader.SetFragmented(packet, packet.Length > mtuBytes);
        return packet;
    }
}
