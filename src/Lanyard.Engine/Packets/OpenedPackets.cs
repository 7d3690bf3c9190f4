using System.Runtime.InteropServices;
using Lanyard.Wire.Packets;

namespace Lanyard.Engine.Packets;

/// <summary>The packets of a run of datagrams after <see cref="Node.Open"/>. It may be used again, and belongs to one thread at a time.</summary>
public sealed class OpenedPackets
{
    private readonly List<OpenedPacket> _parts = [];

    /// <summary>The parts of the run in order.</summary>
    internal ReadOnlySpan<OpenedPacket> Parts
    {
        get
        {
#if NET
            return CollectionsMarshal.AsSpan(_parts);
#else
            return _parts.ToArray();
#endif
        }
    }

    internal void Clear() => _parts.Clear();

    internal void Add(OpenedPacket part) => _parts.Add(part);
}

/// <summary>A part of a run of datagrams: one datagram, or the datagrams of one packet, joined.</summary>
/// <param name="Start">The start of the part in the run.</param>
/// <param name="DatagramBytes">The length of the part.</param>
/// <param name="PacketBytes">The length of the packet, which lies at the start of the part.</param>
/// <param name="Result">What was done with it.</param>
/// <param name="Key">The key that opened it; null if none did.</param>
internal readonly record struct OpenedPacket(int Start, int DatagramBytes, int PacketBytes, OpenResult Result, SessionKey? Key);

/// <summary>What <see cref="PacketOpener"/> did with a part of a run.</summary>
internal enum OpenResult
{
    /// <summary>One datagram, unchanged.</summary>
    None,

    /// <summary>A whole packet for this node was joined, but no key opens it.</summary>
    Joined,

    /// <summary>A whole packet for this node was authenticated and decrypted.</summary>
    Opened,

    /// <summary>A whole packet for this node is not authentic.</summary>
    Refused,
}
