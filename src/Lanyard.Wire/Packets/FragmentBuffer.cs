using Lanyard.Primitives;

namespace Lanyard.Wire.Packets;

/// <summary>What became of a part given to a <see cref="FragmentBuffer"/>.</summary>
public enum FragmentResult : byte
{
    /// <summary>It is kept until the others are there.</summary>
    Waiting,

    /// <summary>It was the last: the packet is joined.</summary>
    Joined,

    /// <summary>This part is there already; the one that came first is kept.</summary>
    Duplicate,

    /// <summary>It contradicts the others or would make the packet too long; what was kept of that packet is dropped.</summary>
    Contradiction,
}

/// <summary>
/// Packets of which not all parts are there yet. Parts may come in any order; those of one packet come from one source. The buffer holds a
/// fixed number of packets of at most <see cref="PacketFormat.MaxPacketBytes"/> each: where it is full, the packet that was begun first makes way.
/// It has no clock: the owner tells it what has become too old.
/// </summary>
public sealed class FragmentBuffer
{
    /// <summary>How many packets are kept unless said otherwise.</summary>
    public const int DefaultCapacity = 32;

    /// <summary>A buffer for a number of packets; memory is taken as they come.</summary>
    /// <param name="capacity">How many unfinished packets to keep at most; each may take <see cref="PacketFormat.MaxPacketBytes"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="capacity"/> is less than 1.</exception>
    public FragmentBuffer(int capacity = DefaultCapacity) => ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);

    /// <summary>How many packets are unfinished.</summary>
    public int Count => throw new NotSupportedException();

    /// <summary>How many unfinished packets made way for newer ones so far.</summary>
    public long Displaced => throw new NotSupportedException();

    /// <summary>Takes a packet's head: a packet with <see cref="PacketView.IsFragmented"/>.</summary>
    /// <param name="head">The head.</param>
    /// <param name="source">Where it came from.</param>
    /// <param name="time">The time that <see cref="DropOlderThan"/> compares with, of any unit.</param>
    /// <param name="joined">Where the whole packet is written; <see cref="PacketFormat.MaxPacketBytes"/> suffice.</param>
    /// <param name="length">The length of the whole packet, where it is joined.</param>
    public FragmentResult AddHead(PacketView head, InetEndpoint source, long time, Span<byte> joined, out int length) => throw new NotSupportedException();

    /// <summary>Takes another part of a packet.</summary>
    /// <param name="fragment">The part.</param>
    /// <param name="source">Where it came from.</param>
    /// <param name="time">The time that <see cref="DropOlderThan"/> compares with, of any unit.</param>
    /// <param name="joined">Where the whole packet is written; <see cref="PacketFormat.MaxPacketBytes"/> suffice.</param>
    /// <param name="length">The length of the whole packet, where it is joined.</param>
    public FragmentResult AddFragment(FragmentView fragment, InetEndpoint source, long time, Span<byte> joined, out int length) =>
        throw new NotSupportedException();

    /// <summary>Forgets the packets whose first part came before a time, and returns how many those were.</summary>
    public int DropOlderThan(long time) => throw new NotSupportedException();
}
