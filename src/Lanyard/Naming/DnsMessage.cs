using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>The supported record types.</summary>
internal enum DnsRecordType : ushort
{
    /// <summary>An IPv4 address (RFC 1035 section 3.4.1).</summary>
    A = 1,

    /// <summary>The canonical name of an alias (RFC 1035 section 3.3.1).</summary>
    CName = 5,

    /// <summary>The start of a zone of authority (SOA), which sets the lifetime of a denial (RFC 2308 section 5).</summary>
    Soa = 6,

    /// <summary>An IPv6 address (RFC 3596 section 2.1).</summary>
    Aaaa = 28,
}

/// <summary>A server's answer.</summary>
/// <param name="Code">The response code (RFC 1035 section 4.1.1): 0 no error, 3 no such name.</param>
/// <param name="IsTruncated">Whether the answer is truncated, so that the query must be repeated over TCP.</param>
/// <param name="Addresses">The addresses.</param>
/// <param name="Alias">The canonical name, if the answer does not contain its addresses; otherwise null.</param>
/// <param name="Seconds">The lifetime of the answer in seconds; 0: do not cache.</param>
internal sealed record DnsAnswer(int Code, bool IsTruncated, IReadOnlyList<InetAddress> Addresses, byte[]? Alias, uint Seconds);

/// <summary>Writes DNS queries and parses DNS answers (RFC 1035 section 4).</summary>
internal static class DnsMessage
{
    /// <summary>The length of the longest query in bytes.</summary>
    public const int MaxQueryBytes = HeaderBytes + DnsName.MaxBytes + QuestionTailBytes;

    public const int CodeNoError = 0;
    public const int CodeNoSuchName = 3;

    private const int HeaderBytes = 12;
    private const int QuestionTailBytes = 4;
    private const int RecordTailBytes = 10;
    private const ushort ClassInternet = 1;
    private const ushort FlagResponse = 0x8000;
    private const ushort FlagTruncated = 0x0200;
    private const ushort FlagRecursionDesired = 0x0100;
    private const ushort OperationMask = 0x7800;
    private const ushort CodeMask = 0x000f;
    private const int MaxAliases = 8;
    private const int MaxAddresses = 32;

    /// <summary>Writes a query.</summary>
    /// <param name="destination">A buffer of <see cref="MaxQueryBytes"/>.</param>
    /// <param name="id">The ID of the query.</param>
    /// <param name="name">The name, encoded by <see cref="DnsName"/>.</param>
    /// <param name="type">The requested record type.</param>
    /// <returns>The length of the query in bytes.</returns>
    public static int WriteQuery(Span<byte> destination, ushort id, ReadOnlySpan<byte> name, DnsRecordType type)
    {
        destination[..HeaderBytes].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(destination, id);
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], FlagRecursionDesired);
        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], 1);
        name.CopyTo(destination[HeaderBytes..]);
        var tail = destination[(HeaderBytes + name.Length)..];
        BinaryPrimitives.WriteUInt16BigEndian(tail, (ushort)type);
        BinaryPrimitives.WriteUInt16BigEndian(tail[2..], ClassInternet);
        return HeaderBytes + name.Length + QuestionTailBytes;
    }

    /// <summary>Parses an answer. Returns false if the message is malformed, or does not answer the query.</summary>
    public static bool TryParseAnswer(ReadOnlySpan<byte> message, ushort id, ReadOnlySpan<byte> name, DnsRecordType type, out DnsAnswer? answer)
    {
        answer = null;
        if (message.Length < HeaderBytes || BinaryPrimitives.ReadUInt16BigEndian(message) != id)
            return false;
        var flags = BinaryPrimitives.ReadUInt16BigEndian(message[2..]);
        if ((flags & FlagResponse) == 0 || (flags & OperationMask) != 0 || BinaryPrimitives.ReadUInt16BigEndian(message[4..]) != 1)
            return false;
        var records = BinaryPrimitives.ReadUInt16BigEndian(message[6..]);
        var authorities = BinaryPrimitives.ReadUInt16BigEndian(message[8..]);
        var offset = HeaderBytes;
        Span<byte> asked = stackalloc byte[DnsName.MaxBytes];
        if (!DnsName.TryRead(message, ref offset, asked, out var length) || !asked[..length].SequenceEqual(name)
            || message.Length - offset < QuestionTailBytes
            || BinaryPrimitives.ReadUInt16BigEndian(message[offset..]) != (ushort)type
            || BinaryPrimitives.ReadUInt16BigEndian(message[(offset + 2)..]) != ClassInternet)
            return false;
        offset += QuestionTailBytes;
        var code = flags & CodeMask;
        if ((flags & FlagTruncated) != 0 || code is not (CodeNoError or CodeNoSuchName))
        {
            answer = new DnsAnswer(code, (flags & FlagTruncated) != 0, [], null, 0);
            return true;
        }

        var addresses = new List<InetAddress>();
        byte[]? alias = null;
        var seconds = uint.MaxValue;
        for (var step = 0; step <= MaxAliases; step++)
        {
            if (!TryReadRecords(message, offset, records, alias ?? name, type, addresses, ref seconds, out var next))
                return false;
            if (addresses.Count > 0)
                alias = null;
            if (addresses.Count > 0 || next is null)
                break;
            alias = next;
        }

        if (code == CodeNoSuchName)
        {
            addresses.Clear();
            alias = null;
        }

        // The zone's SOA record sets the lifetime of a denial.
        if (addresses.Count == 0 && alias is null)
            seconds = Math.Min(seconds, ReadDenialSeconds(message, offset, records, authorities));
        answer = new DnsAnswer(code, IsTruncated: false, addresses, alias, seconds);
        return true;
    }

    // RFC 2308 section 5: the smaller of the SOA record's TTL and its last field, MINIMUM.
    private static uint ReadDenialSeconds(ReadOnlySpan<byte> message, int offset, int records, int authorities)
    {
        Span<byte> name = stackalloc byte[DnsName.MaxBytes];
        for (var i = 0; i < records + authorities; i++)
        {
            if (!DnsName.TryRead(message, ref offset, name, out _) || message.Length - offset < RecordTailBytes)
                return 0;
            var kind = (DnsRecordType)BinaryPrimitives.ReadUInt16BigEndian(message[offset..]);
            var seconds = ReadSeconds(message, offset);
            var bytes = BinaryPrimitives.ReadUInt16BigEndian(message[(offset + 8)..]);
            offset += RecordTailBytes;
            if (message.Length - offset < bytes)
                return 0;
            offset += bytes;
            if (i >= records && kind == DnsRecordType.Soa && bytes >= 4)
                return Math.Min(seconds, BinaryPrimitives.ReadUInt32BigEndian(message[(offset - 4)..]));
        }

        return 0;
    }

    // Reads the TTL of a record whose tail begins at an offset. A TTL with the highest bit set is 0 (RFC 2181 section 8).
    private static uint ReadSeconds(ReadOnlySpan<byte> message, int tail) => BinaryPrimitives.ReadUInt32BigEndian(message[(tail + 4)..]) is var seconds and <= int.MaxValue ? seconds : 0;

    // Reads the records of one name: its addresses, or its canonical name.
    private static bool TryReadRecords(
        ReadOnlySpan<byte> message, int offset, int records, ReadOnlySpan<byte> owner, DnsRecordType type, List<InetAddress> addresses,
        ref uint seconds, out byte[]? alias)
    {
        alias = null;
        Span<byte> name = stackalloc byte[DnsName.MaxBytes];
        for (var i = 0; i < records; i++)
        {
            if (!DnsName.TryRead(message, ref offset, name, out var length) || message.Length - offset < RecordTailBytes)
                return false;
            var isOwner = name[..length].SequenceEqual(owner);
            var kind = (DnsRecordType)BinaryPrimitives.ReadUInt16BigEndian(message[offset..]);
            var isInternet = BinaryPrimitives.ReadUInt16BigEndian(message[(offset + 2)..]) == ClassInternet;
            var bytes = BinaryPrimitives.ReadUInt16BigEndian(message[(offset + 8)..]);
            var lifetime = ReadSeconds(message, offset);
            offset += RecordTailBytes;
            if (message.Length - offset < bytes)
                return false;
            if (isOwner && isInternet && (kind == type || kind == DnsRecordType.CName))
                seconds = Math.Min(seconds, lifetime);
            if (isOwner && isInternet)
            {
                if (kind == type && bytes == (type == DnsRecordType.A ? 4 : 16) && addresses.Count < MaxAddresses)
                {
                    addresses.Add(InetAddress.FromBytes(message.Slice(offset, bytes)));
                }
                else if (kind == DnsRecordType.CName)
                {
                    var at = offset;
                    if (!DnsName.TryRead(message, ref at, name, out length))
                        return false;
                    alias = name[..length].ToArray();
                }
            }

            offset += bytes;
        }

        return true;
    }
}
