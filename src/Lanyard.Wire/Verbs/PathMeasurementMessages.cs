using System.Buffers.Binary;

namespace Lanyard.Wire.Verbs;

/// <summary>Reports the number of bytes received over a path since the last report: <see cref="Verb.Ack"/>. Nodes from 1.6 on do not send it.</summary>
/// <remarks>Layout: 4 bytes count.</remarks>
public readonly ref struct AckMessage
{
    /// <summary>The number of bytes.</summary>
    public uint Bytes { get; init; }

    /// <summary>Bytes after the known fields, from a future version. Not written.</summary>
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

/// <summary>The time for which a received packet was held before this report was sent.</summary>
/// <param name="PacketId">The packet ID.</param>
/// <param name="HeldMs">The time in milliseconds.</param>
public readonly record struct QosRecord(ulong PacketId, ushort HeldMs)
{
    internal const int Size = sizeof(ulong) + sizeof(ushort);
}

/// <summary>Reports how long packets were held, so that their sender can compute the path's latency: <see cref="Verb.QosMeasurement"/>. No answer.</summary>
/// <remarks>
/// Layout: records of 8 bytes packet ID and 2 bytes milliseconds, as many as fit. Both are little-endian, because nodes write them in their machines' byte order.
/// </remarks>
public readonly ref struct QosMeasurementMessage
{
    /// <summary>The maximum length of the payload in bytes; receivers ignore a longer payload.</summary>
    public const int MaxBytes = 1400;

    private readonly ReadOnlySpan<byte> _items;

    private QosMeasurementMessage(ReadOnlySpan<byte> items) => _items = items;

    /// <summary>The number of records.</summary>
    public int Count => _items.Length / QosRecord.Size;

    /// <summary>Returns a record.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="index"/> is not less than <see cref="Count"/>.</exception>
    public QosRecord this[int index]
    {
        get
        {
            var item = _items.Slice(index * QosRecord.Size, QosRecord.Size);
            return new QosRecord(BinaryPrimitives.ReadUInt64LittleEndian(item), BinaryPrimitives.ReadUInt16LittleEndian(item[sizeof(ulong)..]));
        }
    }

    /// <summary>Reads the payload of a packet: complete records, at most <see cref="MaxBytes"/>.</summary>
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
/// Asks a peer to send over the path of this packet: <see cref="Verb.PathNegotiationRequest"/>. The peer agrees if its own utility is
/// lower. No answer.
/// </summary>
/// <remarks>Layout: 2 bytes utility.</remarks>
public readonly ref struct PathNegotiationMessage
{
    /// <summary>The sender's rating of the path: higher is better.</summary>
    public short Utility { get; init; }

    /// <summary>Bytes after the known fields, from a future version. Not written.</summary>
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
