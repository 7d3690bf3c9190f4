using System.Buffers.Binary;

namespace Lanyard.Wire.Verbs;

/// <summary>How many bytes were received over a path since the last report: <see cref="Verb.Ack"/>. Nodes since 1.6 send it no more.</summary>
/// <remarks>Layout: 4 bytes count.</remarks>
public readonly ref struct AckMessage
{
    /// <summary>How many bytes.</summary>
    public uint Bytes { get; init; }

    /// <summary>Bytes behind what is known here, from a version to come. Not written.</summary>
    public ReadOnlySpan<byte> Trailing { get; private init; }

    /// <summary>Reads the payload of a packet.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out AckMessage message)
    {
        var reader = new ByteReader(payload);
        message = new AckMessage { Bytes = reader.ReadUInt32(), Trailing = reader.ReadRest() };
        return !reader.Failed;
    }

    /// <summary>Writes the payload of a packet.</summary>
    public void Write(ref ByteWriter writer) => writer.WriteUInt32(Bytes);
}

/// <summary>How long a received packet was held before this report left.</summary>
/// <param name="PacketId">The packet.</param>
/// <param name="HeldMs">How long, in milliseconds.</param>
public readonly record struct QosRecord(ulong PacketId, ushort HeldMs)
{
    internal const int Size = sizeof(ulong) + sizeof(ushort);
}

/// <summary>How long packets were held, so that their sender can tell the path's latency: <see cref="Verb.QosMeasurement"/>. No answer.</summary>
/// <remarks>
/// Layout: 8 bytes packet ID and 2 bytes milliseconds, as many as fit, both little-endian: nodes write them in their machines' own order.
/// </remarks>
public readonly ref struct QosMeasurementMessage
{
    /// <summary>Receivers ignore a longer payload, in bytes.</summary>
    public const int MaxBytes = 1400;

    private readonly ReadOnlySpan<byte> _items;

    private QosMeasurementMessage(ReadOnlySpan<byte> items) => _items = items;

    /// <summary>How many records there are.</summary>
    public int Count => _items.Length / QosRecord.Size;

    /// <summary>One of them.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="index"/> is not less than <see cref="Count"/>.</exception>
    public QosRecord this[int index]
    {
        get
        {
            var item = _items.Slice(index * QosRecord.Size, QosRecord.Size);
            return new QosRecord(BinaryPrimitives.ReadUInt64LittleEndian(item), BinaryPrimitives.ReadUInt16LittleEndian(item[sizeof(ulong)..]));
        }
    }

    /// <summary>Reads the payload of a packet: whole records, at most <see cref="MaxBytes"/>.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out QosMeasurementMessage message)
    {
        message = new QosMeasurementMessage(payload);
        return payload.Length <= MaxBytes && payload.Length % QosRecord.Size == 0;
    }

    /// <summary>Writes the payload of a packet.</summary>
    public static void Write(ref ByteWriter writer, scoped ReadOnlySpan<QosRecord> records)
    {
        foreach (var record in records)
        {
            var room = writer.Reserve(QosRecord.Size);
            if (room.IsEmpty)
                return;
            BinaryPrimitives.WriteUInt64LittleEndian(room, record.PacketId);
            BinaryPrimitives.WriteUInt16LittleEndian(room[sizeof(ulong)..], record.HeldMs);
        }
    }
}

/// <summary>
/// Asks a peer to send over the path that this comes by: <see cref="Verb.PathNegotiationRequest"/>. The peer agrees where its own figure is
/// lower. No answer.
/// </summary>
/// <remarks>Layout: 2 bytes utility.</remarks>
public readonly ref struct PathNegotiationMessage
{
    /// <summary>How good the sender finds the path: higher is better.</summary>
    public short Utility { get; init; }

    /// <summary>Bytes behind what is known here, from a version to come. Not written.</summary>
    public ReadOnlySpan<byte> Trailing { get; private init; }

    /// <summary>Reads the payload of a packet.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out PathNegotiationMessage message)
    {
        var reader = new ByteReader(payload);
        message = new PathNegotiationMessage { Utility = (short)reader.ReadUInt16(), Trailing = reader.ReadRest() };
        return !reader.Failed;
    }

    /// <summary>Writes the payload of a packet.</summary>
    public void Write(ref ByteWriter writer) => writer.WriteUInt16((ushort)Utility);
}
