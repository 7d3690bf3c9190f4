using Lanyard.Wire.Packets;

namespace Lanyard.Engine.Packets;

/// <summary>The packets of a run of datagrams, opened by <see cref="Node.Open"/>. Reusable; one thread uses it at a time.</summary>
public sealed class OpenedPackets
{
    private const int InitialParts = 16;

    private OpenedPacket[] _parts = new OpenedPacket[InitialParts];
    private int _count;

    /// <summary>The parts of the run, in order.</summary>
    internal ReadOnlySpan<OpenedPacket> Parts => _parts.AsSpan(0, _count);

    /// <summary>Removes all parts, and with them the references to keys: a removed peer's key must not stay in memory.</summary>
    internal void Clear()
    {
        Array.Clear(_parts, 0, _count);
        _count = 0;
    }

    internal void Add(in OpenedPacket part)
    {
        if (_count == _parts.Length)
            Array.Resize(ref _parts, 2 * _count);
        _parts[_count++] = part;
    }
}

/// <summary>A part of a run of datagrams: one datagram, or the joined datagrams of one packet.</summary>
/// <param name="Start">The start of the part in the run.</param>
/// <param name="DatagramBytes">The length of the part, in bytes.</param>
/// <param name="PacketBytes">The length of the packet at the start of the part, in bytes.</param>
/// <param name="Result">The result of opening the packet.</param>
/// <param name="Key">The key that opened the packet; null if none did.</param>
internal readonly record struct OpenedPacket(int Start, int DatagramBytes, int PacketBytes, OpenResult Result, SessionKey? Key);

/// <summary>The result of opening a part of a run.</summary>
internal enum OpenResult
{
    /// <summary>The part is one unchanged datagram.</summary>
    None,

    /// <summary>The part is a whole packet for this node, joined from fragments, that no known key opens.</summary>
    Joined,

    /// <summary>The part is a whole packet for this node, authenticated and decrypted.</summary>
    Opened,

    /// <summary>The part is a whole packet for this node that is not authentic.</summary>
    Refused,
}
