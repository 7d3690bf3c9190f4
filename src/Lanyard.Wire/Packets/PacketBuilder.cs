using Lanyard.Wire.Compression;
using Lanyard.Wire.Verbs;

namespace Lanyard.Wire.Packets;

/// <summary>
/// Builds a packet in the caller's buffer around content that may already be in it, so that a frame is never copied: headers are
/// written into the room before the content.
/// </summary>
/// <remarks>
/// Content is appended (<see cref="Free"/>, <see cref="Append"/>) or prepended (<see cref="Prepend"/>); <see cref="Seal"/> writes the header
/// before it and returns the packet, ready for <see cref="SessionKey.Armor"/>.
/// </remarks>
public ref struct PacketBuilder
{
    private readonly Span<byte> _buffer;
    private int _start;
    private int _end;
    private bool _compressed;

    /// <summary>Starts with an empty payload and room for the header before it.</summary>
    /// <param name="buffer">Room for the whole packet.</param>
    public PacketBuilder(Span<byte> buffer)
        : this(buffer, PacketFormat.HeaderBytes, 0)
    {
    }

    /// <summary>Starts with content that is already in the buffer.</summary>
    /// <param name="buffer">Room for the whole packet.</param>
    /// <param name="contentStart">The offset of the content: at least <see cref="PacketFormat.HeaderBytes"/> and the length of everything that will be prepended.</param>
    /// <param name="contentLength">The length of the content.</param>
    /// <exception cref="ArgumentOutOfRangeException">The content is not in the buffer, or leaves no room for a header.</exception>
    public PacketBuilder(Span<byte> buffer, int contentStart, int contentLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(contentStart, PacketFormat.HeaderBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(contentLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(contentStart + contentLength, buffer.Length);
        _buffer = buffer;
        _start = contentStart;
        _end = contentStart + contentLength;
    }

    /// <summary>The offset of the packet in the buffer, once sealed; before that, the offset of its payload.</summary>
    public readonly int Start => _start;

    /// <summary>The payload so far.</summary>
    public readonly Span<byte> Payload => _buffer[_start.._end];

    /// <summary>The room after the payload: write there, then call <see cref="Append"/>.</summary>
    public readonly Span<byte> Free => _buffer[_end..];

    /// <summary>Adds the first bytes of <see cref="Free"/> to the payload.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The buffer has less room.</exception>
    public void Append(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _buffer.Length - _end);
        _end += count;
    }

    /// <summary>Adds the bytes before the payload to it, and returns them for writing.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There would be too little room for the header.</exception>
    public Span<byte> Prepend(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _start - PacketFormat.HeaderBytes);
        _start -= count;
        return _buffer.Slice(_start, count);
    }

    /// <summary>Compresses the payload if that makes it shorter. Call it after the payload is complete and before sealing.</summary>
    /// <param name="scratch">A buffer as long as the payload; its content is overwritten.</param>
    /// <returns>Whether the payload is now compressed.</returns>
    public bool TryCompress(Span<byte> scratch)
    {
        if (_compressed || !PayloadCompression.TryCompress(Payload, scratch, out var length))
            return false;
        scratch[..length].CopyTo(_buffer[_start..]);
        _end = _start + length;
        _compressed = true;
        return true;
    }

    /// <summary>Writes the header before the payload and returns the packet.</summary>
    /// <param name="packetId">A number that was never used before between these two nodes.</param>
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
