using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>A query of a multicast router, in IGMP or MLD of any version.</summary>
internal readonly ref struct GroupQuery
{
    private const int RestBytes = 4;

    /// <summary>The version that the router speaks: 1 to 3 of IGMP; 2 and 3 stand for 1 and 2 of MLD.</summary>
    public int Version { get; init; }

    /// <summary>The group; unspecified for all groups.</summary>
    public InetAddress Group { get; init; }

    /// <summary>The maximum delay of an answer, in microseconds.</summary>
    public long MaxDelay { get; init; }

    /// <summary>The number of times to report a change; 0 if the query does not say.</summary>
    public int Robustness { get; init; }

    /// <summary>The sources of the query, one after another; empty for all.</summary>
    public ReadOnlySpan<byte> Sources { get; init; }

    /// <summary>Reads the fields of a query of the newest version behind the group (RFC 3376 section 4.1, RFC 3810 section 5.1).</summary>
    /// <param name="rest">1 byte with the robustness in its lower bits, 1 interval, 2 number of sources, the sources.</param>
    /// <param name="group">The group; addresses are of its family.</param>
    /// <param name="maxDelay">See <see cref="MaxDelay"/>.</param>
    /// <param name="query">The query.</param>
    /// <returns>False if it is malformed.</returns>
    public static bool TryParseNewest(ReadOnlySpan<byte> rest, InetAddress group, long maxDelay, out GroupQuery query)
    {
        query = default;
        if (rest.Length < RestBytes)
            return false;
        var sources = BinaryPrimitives.ReadUInt16BigEndian(rest[2..]) * group.Length;
        if (sources > rest.Length - RestBytes || (group.IsUnspecified && sources > 0))
            return false;
        query = new GroupQuery
        {
            Version = 3,
            Group = group,
            MaxDelay = maxDelay,
            Robustness = rest[0] & 7,
            Sources = rest.Slice(RestBytes, sources),
        };
        return true;
    }

    /// <summary>Decodes a number: small numbers directly, large ones from a mantissa and an exponent (RFC 3376 section 4.1.1, RFC 3810
    /// section 5.1.3).</summary>
    /// <param name="code">The number.</param>
    /// <param name="mantissaBits">The mantissa's bits without the leading one.</param>
    public static int Expand(int code, int mantissaBits)
    {
        if (code < 1 << (mantissaBits + 3))
            return code;
        var mantissa = (1 << mantissaBits) | (code & ((1 << mantissaBits) - 1));
        return mantissa << (((code >> mantissaBits) & 7) + 3);
    }
}

/// <summary>The kinds of group records (RFC 3376 section 4.2.12, RFC 3810 section 5.2.12).</summary>
internal enum GroupRecordType : byte
{
    /// <summary>The group is joined for these sources.</summary>
    IsInclude = 1,

    /// <summary>The group is joined for all sources except these.</summary>
    IsExclude = 2,

    /// <summary>From now on the group is joined for these sources only; without sources it was left.</summary>
    ToInclude = 3,

    /// <summary>From now on the group is joined for all sources except these; without sources it was joined.</summary>
    ToExclude = 4,
}

/// <summary>The format of one address family's messages about groups.</summary>
internal interface IGroupFormat
{
    /// <summary>The bytes of a report's header, and of a record with so many sources.</summary>
    int ReportHeaderBytes { get; }

    /// <summary>The length of an address.</summary>
    int AddressBytes { get; }

    /// <summary>The number of report bytes that fit into one packet.</summary>
    int MaxReportBytes { get; }

    /// <summary>Whether a group is reported to routers: not all-nodes, and not groups that never leave a node.</summary>
    bool IsReported(InetAddress group);

    /// <summary>Sends records as a report of the newest version.</summary>
    void SendReport(ReadOnlySpan<byte> records, int count);

    /// <summary>Sends a report of an older version.</summary>
    void SendOldReport(InetAddress group, int version);

    /// <summary>Reports in an older version that a group was left.</summary>
    void SendOldLeave(InetAddress group);
}
