using Lanyard.Wire.Packets;

namespace Lanyard.Engine.Packets;

/// <summary>A packet that is complete but neither encrypted nor divided into datagrams yet: see <see cref="ISealingHost"/>.</summary>
public readonly ref struct UnsealedPacket
{
    /// <summary>The packet. It is the node's buffer, valid during the call only, unless it lies in the host's <see cref="Room"/>.</summary>
    public required ReadOnlySpan<byte> Bytes { get; init; }

    /// <summary>The <see cref="OutgoingFrame.Room"/> that the packet lies in; null if it lies in a buffer of the node.</summary>
    public object? Room { get; init; }

    /// <summary>The start of the packet in the room.</summary>
    public int RoomStart { get; init; }

    /// <summary>Seals the packet.</summary>
    public required PacketSeal Seal { get; init; }
}

/// <summary>Seals one packet: encrypts it and divides it into datagrams.</summary>
public readonly struct PacketSeal
{
    private readonly SessionKey _key;
    private readonly CipherSuite _suite;
    private readonly int _packetBytes;
    private readonly int _mtuBytes;

    internal PacketSeal(SessionKey key, CipherSuite suite, int packetBytes, int mtuBytes)
    {
        _key = key;
        _suite = suite;
        _packetBytes = packetBytes;
        _mtuBytes = mtuBytes;
        TotalBytes = PacketSplitter.Measure(packetBytes, mtuBytes, out var datagramBytes);
        DatagramBytes = datagramBytes;
    }

    /// <summary>The length of all datagrams together, in bytes.</summary>
    public int TotalBytes { get; }

    /// <summary>The length of every datagram but the last, which may be shorter, in bytes.</summary>
    public int DatagramBytes { get; }

    /// <summary>Encrypts a packet and divides it into datagrams where it lies. Any thread may call it, once for each packet, without the node's lock.</summary>
    /// <param name="buffer">The packet, with room behind it: <see cref="TotalBytes"/> in all.</param>
    public void Apply(Span<byte> buffer)
    {
        _key.Armor(buffer[.._packetBytes], _suite);
        PacketSplitter.Split(buffer, _packetBytes, _mtuBytes, out _);
    }
}
