using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>IGMP's messages: version 3 (RFC 3376 section 4), and versions 2 (RFC 2236) and 1 (RFC 1112) for older routers.</summary>
internal sealed class IgmpFormat(NetworkHost host) : IGroupFormat
{
    public const byte Query = 0x11;
    public const byte ReportV1 = 0x12;
    public const byte ReportV2 = 0x16;
    public const byte LeaveV2 = 0x17;
    public const byte ReportV3 = 0x22;

    private const int OldBytes = 8;
    private const int HeaderBytes = 8;
    private const int AlertBytes = 4;

    // Router alert (RFC 2113), and the precedence of internetwork control.
    private const uint RouterAlert = 0x9404_0000;
    private const byte Precedence = 0xc0;
    private const long TenthOfSecond = 100_000;
    private const long DelayV1 = 10_000_000;

    private static readonly InetAddress AllSystems = InetAddress.FromV4(0xe000_0001);
    private static readonly InetAddress AllRouters = InetAddress.FromV4(0xe000_0002);
    private static readonly InetAddress AllV3Routers = InetAddress.FromV4(0xe000_0016);

    public int ReportHeaderBytes => HeaderBytes;

    public int AddressBytes => 4;

    public int MaxReportBytes => host.Mtu - Ipv4Packet.HeaderBytes - AlertBytes;

    /// <summary>Reads a query. Returns false if it is malformed.</summary>
    public static bool TryParseQuery(ReadOnlySpan<byte> message, out GroupQuery query)
    {
        query = default;
        if (message.Length < OldBytes || message[0] != Query)
            return false;
        var group = InetAddress.FromBytes(message.Slice(4, 4));
        if (!group.IsUnspecified && !group.IsMulticast)
            return false;
        var code = message[1];
        if (message.Length == OldBytes)
        {
            query = code == 0
                ? new GroupQuery { Version = 1, Group = InetAddress.AnyV4, MaxDelay = DelayV1 }
                : new GroupQuery { Version = 2, Group = group, MaxDelay = code * TenthOfSecond };
            return true;
        }

        return GroupQuery.TryParseNewest(message[OldBytes..], group, GroupQuery.Expand(code, 4) * TenthOfSecond, out query);
    }

    /// <summary>Handles an IGMP message.</summary>
    public static void Receive(NetworkHost host, in InboundPacket packet)
    {
        var message = packet.Payload;
        // Neighbors' messages were not forwarded (RFC 3376 section 4).
        if (message.Length < OldBytes || packet.HopLimit != 1 || !InternetChecksum.IsValid(InternetChecksum.Sum(message)))
        {
            host.Count(HostCounter.GroupMalformed);
            return;
        }

        switch (message[0])
        {
            case Query:
                // A general query goes to all hosts (section 9.1).
                if (!TryParseQuery(message, out var query) || (query.Group.IsUnspecified && packet.Destination != AllSystems))
                    host.Count(HostCounter.GroupMalformed);
                else
                    host.IgmpGroups.OnQuery(query);
                break;
            case ReportV1 or ReportV2 when InetAddress.FromBytes(message.Slice(4, 4)) == packet.Destination:
                host.IgmpGroups.OnReport(packet.Destination);
                break;
            default:
                host.Count(HostCounter.GroupIgnored);
                break;
        }
    }

    public bool IsReported(InetAddress group) => group != AllSystems;

    public void SendReport(ReadOnlySpan<byte> records, int count)
    {
        var length = HeaderBytes + records.Length;
        var message = Begin(ToGroup(AllV3Routers), AllV3Routers, length);
        if (message.IsEmpty)
            return;
        BinaryPrimitives.WriteUInt32BigEndian(message, (uint)ReportV3 << 24);
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], (uint)count);
        records.CopyTo(message[HeaderBytes..]);
        Commit(message);
    }

    public void SendOldReport(InetAddress group, int version) => SendOld(version == 1 ? ReportV1 : ReportV2, group, group);

    public void SendOldLeave(InetAddress group) => SendOld(LeaveV2, group, AllRouters);

    private void SendOld(byte type, InetAddress group, InetAddress destination)
    {
        var message = Begin(ToGroup(destination), destination, OldBytes);
        if (message.IsEmpty)
            return;
        BinaryPrimitives.WriteUInt32BigEndian(message, (uint)type << 24);
        group.Write(message[4..]);
        Commit(message);
    }

    private static Hop ToGroup(InetAddress group) => Hop.ToMac(AddressTable.MulticastMac(group));

    // Room for a message behind an IPv4 header that has the router alert option.
    private Span<byte> Begin(in Hop hop, InetAddress destination, int length)
    {
        var packet = host.Output.Begin(hop, NetworkHost.EtherTypeIPv4,
            Ipv4Packet.HeaderBytes + AlertBytes + length);
        if (packet.IsEmpty)
            return default;
        // Without an address, the unspecified address is the source (RFC 3376 section 4.2.13).
        if (!host.Routing.TrySelectSource(destination, out var source))
            source = InetAddress.AnyV4;
        Ipv4Packet.WriteHeader(packet, source, destination, IpProtocol.Igmp, 1, Precedence, 0, true, false, 0, AlertBytes + length);
        packet[0] = 0x46;
        BinaryPrimitives.WriteUInt32BigEndian(packet[Ipv4Packet.HeaderBytes..], RouterAlert);
        BinaryPrimitives.WriteUInt16BigEndian(packet[10..], 0);
        var header = packet[..(Ipv4Packet.HeaderBytes + AlertBytes)];
        BinaryPrimitives.WriteUInt16BigEndian(packet[10..], InternetChecksum.Finish(InternetChecksum.Sum(header)));
        return packet.Slice(header.Length, length);
    }

    private void Commit(Span<byte> message)
    {
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], InternetChecksum.Finish(InternetChecksum.Sum(message)));
        host.Count(HostCounter.GroupReportsSent);
        host.Output.Commit(Ipv4Packet.HeaderBytes + AlertBytes + message.Length);
    }
}
