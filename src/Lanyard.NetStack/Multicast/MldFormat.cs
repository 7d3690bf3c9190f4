using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Multicast listener discovery's messages: version 2 (RFC 3810 section 5), and version 1 (RFC 2710) for older routers.</summary>
internal sealed class MldFormat(NetworkHost host) : IGroupFormat
{
    public const byte Query = 130;
    public const byte ReportV1 = 131;
    public const byte DoneV1 = 132;
    public const byte ReportV2 = 143;

    private const int OldBytes = 24;
    private const int HeaderBytes = 8;
    private const int AlertHeaderBytes = 8;
    private const long Millisecond = 1_000;

    // A hop-by-hop header with the router alert option for MLD (RFC 2711), filled up.
    private const ulong AlertHeader = 0x3a00_0502_0000_0100;

    // Scopes that never leave a node (RFC 3810 section 6).
    private const int InterfaceScope = 1;

    private static readonly InetAddress AllRouters = InetAddress.FromV6(0xff02_0000_0000_0000, 2);
    private static readonly InetAddress AllV2Routers = InetAddress.FromV6(0xff02_0000_0000_0000, 0x16);

    public int ReportHeaderBytes => HeaderBytes;

    public int AddressBytes => 16;

    public int MaxReportBytes => host.Mtu - Ipv6Packet.HeaderBytes - AlertHeaderBytes;

    /// <summary>Reads a query. Returns false if it is malformed.</summary>
    public static bool TryParseQuery(ReadOnlySpan<byte> message, out GroupQuery query)
    {
        query = default;
        if (message.Length < OldBytes || message[0] != Query)
            return false;
        var group = InetAddress.FromBytes(message.Slice(8, 16));
        if (!group.IsUnspecified && !group.IsMulticast)
            return false;
        var code = BinaryPrimitives.ReadUInt16BigEndian(message[4..]);
        if (message.Length == OldBytes)
        {
            query = new GroupQuery { Version = 2, Group = group, MaxDelay = code * Millisecond };
            return true;
        }

        return GroupQuery.TryParseNewest(message[OldBytes..], group, GroupQuery.Expand(code, 12) * Millisecond, out query);
    }

    /// <summary>Handles an ICMPv6 message of type 130, 131, 132 or 143 with a valid checksum.</summary>
    public static void Receive(NetworkHost host, in InboundPacket packet)
    {
        var message = packet.Payload;
        // It must come from a neighbor and carry the router alert option (RFC 3810 section 6.2).
        if (packet.HopLimit != 1 || !packet.HasRouterAlert || !packet.Source.IsLinkLocal || message.Length < OldBytes)
        {
            host.Count(HostCounter.GroupMalformed);
            return;
        }

        switch (message[0])
        {
            case Query:
                if (!TryParseQuery(message, out var query) || (query.Group.IsUnspecified && packet.Destination != Ipv6Addresses.AllNodes))
                    host.Count(HostCounter.GroupMalformed);
                else
                    host.MldGroups.OnQuery(query);
                break;
            case ReportV1 when InetAddress.FromBytes(message.Slice(8, 16)) == packet.Destination:
                host.MldGroups.OnReport(packet.Destination);
                break;
            default:
                host.Count(HostCounter.GroupIgnored);
                break;
        }
    }

    public bool IsReported(InetAddress group) => group != Ipv6Addresses.AllNodes && AddressSelection.Scope(group) > InterfaceScope;

    public void SendReport(ReadOnlySpan<byte> records, int count)
    {
        var message = Begin(ToGroup(AllV2Routers), AllV2Routers, HeaderBytes + records.Length, out var source);
        if (message.IsEmpty)
            return;
        BinaryPrimitives.WriteUInt32BigEndian(message, (uint)ReportV2 << 24);
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], (uint)count);
        records.CopyTo(message[HeaderBytes..]);
        Commit(message, source, AllV2Routers);
    }

    public void SendOldReport(InetAddress group, int version) => SendOld(ReportV1, group, group);

    public void SendOldLeave(InetAddress group) => SendOld(DoneV1, group, AllRouters);

    private void SendOld(byte type, InetAddress group, InetAddress destination)
    {
        var message = Begin(ToGroup(destination), destination, OldBytes, out var source);
        if (message.IsEmpty)
            return;
        BinaryPrimitives.WriteUInt32BigEndian(message, (uint)type << 24);
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], 0);
        group.Write(message[8..]);
        Commit(message, source, destination);
    }

    private static Hop ToGroup(InetAddress group) => Hop.ToMac(AddressTable.MulticastMac(group));

    private Span<byte> Begin(in Hop hop, InetAddress destination, int length, out InetAddress source)
    {
        source = LinkLocalSource();
        var packet = host.Output.Begin(hop, NetworkHost.EtherTypeIPv6,
            Ipv6Packet.HeaderBytes + AlertHeaderBytes + length);
        if (packet.IsEmpty)
            return default;
        Ipv6Packet.WriteHeader(packet, source, destination, IpProtocol.HopByHop, 1, 0, AlertHeaderBytes + length);
        BinaryPrimitives.WriteUInt64BigEndian(packet[Ipv6Packet.HeaderBytes..], AlertHeader);
        return packet.Slice(Ipv6Packet.HeaderBytes + AlertHeaderBytes, length);
    }

    private void Commit(Span<byte> message, InetAddress source, InetAddress destination)
    {
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], InternetChecksum.Finish(
            InternetChecksum.PseudoHeader(source, destination, IpProtocol.IcmpV6, message.Length) + InternetChecksum.Sum(message)));
        host.Count(HostCounter.GroupReportsSent);
        host.Output.Commit(Ipv6Packet.HeaderBytes + AlertHeaderBytes + message.Length);
    }

    // The source is link-local, or unspecified if the host has no such address (RFC 3810 section 5.2.13).
    private InetAddress LinkLocalSource()
    {
        var addresses = host.AddressTable.Addresses;
        for (var i = 0; i < addresses.Count; i++)
        {
            var address = addresses[i].Address;
            if (address.IsV6 && address.IsLinkLocal && !host.Conflicts.IsOptimistic(address))
                return address;
        }

        return InetAddress.AnyV6;
    }
}
