using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>What multicast routers are told of groups: IGMP (RFC 3376, 2236) and MLD (RFC 3810, 2710).</summary>
public class GroupMembershipTests
{
    private static readonly InetAddress Group4 = InetAddress.Parse("239.1.2.3");
    private static readonly InetAddress Group6 = InetAddress.Parse("ff15::1234");
    private static readonly InetAddress Router6 = InetAddress.Parse("fe80::b");

    // By the layouts of RFC 3376 section 4.2 and RFC 3810 section 5.2: joined, with no sources excluded.
    private const string Igmp3Join = "46c00028 00004000 0102f9f7 0a010001 e0000016 94040000 2200e8f9 00000001 04000000 ef010203";
    private const string Igmp3Leave = "46c00028 00004000 0102f9f7 0a010001 e0000016 94040000 2200e9f9 00000001 03000000 ef010203";
    private const string Igmp2Report = "46c00020 00004000 0102e911 0a010001 ef010203 94040000 1600f8fa ef010203";

    [Fact]
    public void A_group_joined_and_left_is_reported_at_once_and_once_more_within_a_second()
    {
        var peer = new RawPeer();
        var socket = Open(peer);
        Assert.True(socket.JoinGroup(peer.Now, Group4));
        var frame = peer.Frames.Dequeue();
        Assert.Equal((new MacAddress(0x0100_5e00_0016), NetworkHost.EtherTypeIPv4), (frame.Destination, frame.EtherType));
        AssertSame(Igmp3Join, frame.Packet);
        Assert.Empty(peer.Frames);
        peer.Advance(1_000_000);
        AssertSame(Igmp3Join, Assert.Single(peer.Frames).Packet);
        peer.Frames.Clear();
        Assert.True(socket.LeaveGroup(peer.Now, Group4));
        AssertSame(Igmp3Leave, Assert.Single(peer.Frames).Packet);
        peer.Advance(1_000_000);
        Assert.Equal(2, peer.Frames.Count);
        peer.Frames.Clear();
        peer.Advance(300_000_000);
        Assert.Empty(peer.Frames);
        Assert.Equal(long.MaxValue, peer.Host.NextDeadline);
    }

    [Fact]
    public void An_IPv6_group_is_reported_by_MLD_with_a_router_alert_from_a_link_local_address_or_none()
    {
        var peer = new RawPeer();
        var socket = Open(peer);
        Assert.True(socket.JoinGroup(peer.Now, Group6));
        var report = Report6(peer.Frames.Dequeue(), out var source);
        Assert.Equal(InetAddress.AnyV6, source);
        Assert.Equal([(GroupRecordType.ToExclude, Group6)], Records(report, 16));
        peer.Host.AddAddress(peer.Now, InetPrefix.Parse("fe80::a/64"), detectDuplicate: false);
        peer.Frames.Clear();
        Assert.True(socket.LeaveGroup(peer.Now, Group6));
        report = Report6(peer.Frames.Dequeue(), out source);
        Assert.Equal(InetAddress.Parse("fe80::a"), source);
        Assert.Contains((GroupRecordType.ToInclude, Group6), Records(report, 16));
    }

    [Fact]
    public void A_group_that_two_sockets_joined_is_left_with_the_second()
    {
        var peer = new RawPeer();
        var (first, second) = (Open(peer), Open(peer));
        first.JoinGroup(peer.Now, Group4);
        second.JoinGroup(peer.Now, Group4);
        peer.Advance(2_000_000);
        Assert.Equal(2, peer.Frames.Count);
        peer.Frames.Clear();
        first.Close(peer.Now);
        Assert.Empty(peer.Frames);
        second.Close(peer.Now);
        AssertSame(Igmp3Leave, Assert.Single(peer.Frames).Packet);
    }

    [Fact]
    public void Queries_are_answered_with_what_is_joined_within_the_time_they_give()
    {
        var peer = new RawPeer();
        var socket = Open(peer);
        socket.JoinGroup(peer.Now, Group4);
        socket.JoinGroup(peer.Now, InetAddress.Parse("239.9.9.9"));
        peer.Advance(2_000_000);
        peer.Frames.Clear();

        // To all, 10 s: one report about both.
        Query4(peer, [0x11, 100, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0], "224.0.0.1");
        Assert.Empty(peer.Frames);
        peer.Advance(10_000_000);
        Assert.Equal([(GroupRecordType.IsExclude, Group4), (GroupRecordType.IsExclude, InetAddress.Parse("239.9.9.9"))],
            Records(Report4(Assert.Single(peer.Frames)), 4));
        peer.Frames.Clear();

        // About one, a tenth of a second.
        Query4(peer, [0x11, 1, 0, 0, 239, 1, 2, 3, 2, 125, 0, 0], "239.1.2.3");
        peer.Advance(100_000);
        Assert.Equal([(GroupRecordType.IsExclude, Group4)], Records(Report4(Assert.Single(peer.Frames)), 4));
        peer.Frames.Clear();

        // About sources of one: those are wanted.
        Query4(peer, [0x11, 1, 0, 0, 239, 1, 2, 3, 2, 125, 0, 1, 10, 0, 0, 7], "239.1.2.3");
        Query4(peer, [0x11, 1, 0, 0, 239, 1, 2, 3, 2, 125, 0, 2, 10, 0, 0, 7, 10, 0, 0, 8], "239.1.2.3");
        peer.Advance(100_000);
        var report = Report4(Assert.Single(peer.Frames));
        Assert.Equal([(GroupRecordType.IsInclude, Group4)], Records(report, 4));
        Assert.Equal(new byte[] { 10, 0, 0, 7, 10, 0, 0, 8 }, report[16..]);
        peer.Frames.Clear();

        // About one that is not joined: silence.
        Query4(peer, [0x11, 1, 0, 0, 239, 1, 2, 4, 2, 125, 0, 0], "224.0.0.1");
        peer.Advance(100_000);
        Assert.Empty(peer.Frames);
        Assert.Equal(5, peer.Host.Counters[HostCounter.GroupQueries]);
    }

    [Fact]
    public void A_router_of_version_2_is_spoken_to_in_its_words_until_it_has_been_silent_for_long()
    {
        var peer = new RawPeer();
        var socket = Open(peer);
        Query4(peer, [0x11, 10, 0, 0, 0, 0, 0, 0], "224.0.0.1");
        socket.JoinGroup(peer.Now, Group4);
        AssertSame(Igmp2Report, peer.Frames.Dequeue().Packet);
        peer.Advance(10_000_000);
        AssertSame(Igmp2Report, Assert.Single(peer.Frames).Packet);
        peer.Frames.Clear();

        // What another host reports need not be reported again, nor its leaving be told.
        Query4(peer, [0x11, 10, 0, 0, 0, 0, 0, 0], "224.0.0.1");
        Igmp(peer, [0x16, 0, 0, 0, 239, 1, 2, 3], Group4);
        peer.Advance(2_000_000);
        Assert.Empty(peer.Frames);
        Query4(peer, [0x11, 10, 0, 0, 239, 1, 2, 3], "239.1.2.3");
        peer.Advance(2_000_000);
        AssertSame(Igmp2Report, Assert.Single(peer.Frames).Packet);
        peer.Frames.Clear();
        socket.LeaveGroup(peer.Now, Group4);
        var leave = peer.Frames.Dequeue();
        Assert.Equal(new MacAddress(0x0100_5e00_0002), leave.Destination);
        Assert.Equal([0x17, 0, 0xf7, 0xfa, 239, 1, 2, 3], leave.Packet[24..].ToArray());

        peer.Advance(261_000_000);
        peer.Frames.Clear();
        socket.JoinGroup(peer.Now, Group4);
        AssertSame(Igmp3Join, peer.Frames.Dequeue().Packet);
    }

    [Fact]
    public void A_router_of_version_1_hears_reports_and_no_leaves()
    {
        var peer = new RawPeer();
        var socket = Open(peer);
        Query4(peer, [0x11, 0, 0, 0, 0, 0, 0, 0], "224.0.0.1");
        socket.JoinGroup(peer.Now, Group4);
        Assert.Equal(0x12, peer.Frames.Dequeue().Packet[24]);
        socket.LeaveGroup(peer.Now, Group4);
        peer.Advance(20_000_000);
        Assert.Empty(peer.Frames);
    }

    [Fact]
    public void MLD_queries_of_both_versions_are_answered_in_kind()
    {
        var peer = new RawPeer();
        var socket = Open(peer);
        socket.JoinGroup(peer.Now, Group6);
        peer.Advance(2_000_000);
        peer.Frames.Clear();
        Query6(peer, 100, InetAddress.AnyV6, isV2: true);
        peer.Advance(100_000);
        var records = Records(Report6(Assert.Single(peer.Frames), out _), 16);
        Assert.Equal([(GroupRecordType.IsExclude, Ipv6Addresses.SolicitedNode(Pair.A6)), (GroupRecordType.IsExclude, Group6)], records);
        peer.Frames.Clear();

        Query6(peer, 100, Group6, isV2: false);
        peer.Advance(100_000);
        var frame = Assert.Single(peer.Frames);
        Assert.True(Ipv6Packet.TryParse(frame.Packet, out var packet));
        Assert.Equal((Group6, (byte)1, (byte)131), (packet.Destination, packet.HopLimit, packet.Payload[8]));
        Assert.Equal(Group6, InetAddress.FromBytes(packet.Payload.Slice(16, 16)));
        peer.Frames.Clear();
        socket.LeaveGroup(peer.Now, Group6);
        Assert.True(Ipv6Packet.TryParse(Assert.Single(peer.Frames).Packet, out var done));
        Assert.Equal((InetAddress.Parse("ff02::2"), (byte)132), (done.Destination, done.Payload[8]));
    }

    [Fact]
    public void What_no_neighboring_router_sends_is_dropped()
    {
        var peer = new RawPeer();
        var socket = Open(peer);
        socket.JoinGroup(peer.Now, Group4);
        socket.JoinGroup(peer.Now, Group6);
        peer.Advance(2_000_000);
        peer.Frames.Clear();
        Query4(peer, [0x11, 1, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0], "224.0.0.1", hopLimit: 2);
        Query4(peer, [0x11, 1, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0], Pair.A4.ToString());
        Query4(peer, [0x11, 1, 0, 0, 10, 0, 0, 1, 2, 125, 0, 0], "224.0.0.1");
        Query4(peer, [0x11, 1, 0, 0, 239, 1, 2, 3, 2, 125, 0, 9, 1, 2, 3, 4], "239.1.2.3");
        Query4(peer, [0x11, 1, 0, 0, 0, 0, 0, 0, 2], "224.0.0.1");
        Query6(peer, 10, InetAddress.AnyV6, isV2: true, withAlert: false);
        Query6(peer, 10, InetAddress.AnyV6, isV2: true, source: Pair.B6);
        Assert.Equal(7, peer.Host.Counters[HostCounter.GroupMalformed]);
        peer.Advance(20_000_000);
        Assert.Empty(peer.Frames);
    }

    [Fact]
    public void A_flood_of_queries_is_answered_at_a_bounded_rate()
    {
        var peer = new RawPeer();
        Open(peer).JoinGroup(peer.Now, Group4);
        peer.Advance(2_000_000);
        peer.Frames.Clear();
        for (var i = 0; i < 2_000; i++)
        {
            Query4(peer, [0x11, 0, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0], "224.0.0.1");
            peer.Advance(1_000);
        }

        Assert.InRange(peer.Frames.Count, 20, 70);
        Assert.True(peer.Host.Counters[HostCounter.GroupRateLimited] > 1_900);
    }

    [Fact]
    public void Many_groups_are_reported_in_packets_that_fit_and_no_more_are_joined_than_allowed()
    {
        var peer = new RawPeer(options => options with { Mtu = 1280, Limits = new HostLimits { MulticastGroups = 200 } });
        var sockets = Enumerable.Range(0, 4).Select(_ => Open(peer)).ToArray();
        var joined = 0;
        for (var i = 0; i < 256; i++)
        {
            if (sockets[i / 64].JoinGroup(peer.Now, InetAddress.FromV6(0xff15_0000_0000_0000, (ulong)i)))
                joined++;
        }

        Assert.Equal(200, joined);
        peer.Advance(2_000_000);
        peer.Frames.Clear();
        Query6(peer, 10, InetAddress.AnyV6, isV2: true);
        peer.Advance(10_000);
        Assert.InRange(peer.Frames.Count, 4, 5);
        Assert.All(peer.Frames, frame => Assert.InRange(frame.Length, 1, 1280));
        Assert.Equal(201, peer.Frames.Sum(frame => Records(Report6(frame, out _), 16).Count));
    }

    [Fact]
    public void A_host_that_speaks_when_asked_is_silent_until_a_router_asks_and_again_when_none_has_for_long()
    {
        var peer = new RawPeer(options => options with { ReportGroups = GroupReporting.WhenAsked });
        var socket = Open(peer);
        Assert.True(socket.JoinGroup(peer.Now, Group4));
        peer.Advance(2_000_000);
        Assert.Empty(peer.Frames);
        Query4(peer, [0x11, 1, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0], "224.0.0.1");
        peer.Advance(100_000);
        Assert.Equal([(GroupRecordType.IsExclude, Group4)], Records(Report4(peer.Frames.Dequeue()), 4));
        socket.LeaveGroup(peer.Now, Group4);
        AssertSame(Igmp3Leave, peer.Frames.Dequeue().Packet);
        peer.Advance(261_000_000);
        peer.Frames.Clear();
        Assert.True(socket.JoinGroup(peer.Now, Group4));
        peer.Advance(2_000_000);
        Assert.Empty(peer.Frames);
    }

    [Fact]
    public void A_host_that_is_told_not_to_says_nothing_of_its_groups()
    {
        var peer = new RawPeer(options => options with { ReportGroups = GroupReporting.Never });
        var socket = Open(peer);
        Assert.True(socket.JoinGroup(peer.Now, Group4));
        Query4(peer, [0x11, 1, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0], "224.0.0.1");
        peer.Advance(1_000_000);
        socket.Close(peer.Now);
        Assert.Empty(peer.Frames);
    }

    private static UdpSocket Open(RawPeer peer)
    {
        Assert.Equal(NetError.None, peer.Host.OpenUdp(default, null, out var socket));
        return socket!;
    }

    internal static void Query4(RawPeer peer, byte[] message, string destination, byte hopLimit = 1) =>
        Igmp(peer, message, InetAddress.Parse(destination), hopLimit);

    internal static void Igmp(RawPeer peer, byte[] message, InetAddress destination, byte hopLimit = 1)
    {
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), InternetChecksum.Finish(InternetChecksum.Sum(message)));
        peer.ReceiveV4(IpProtocol.Igmp, message, destination: destination, hopLimit: hopLimit,
            mac: destination.IsMulticast ? AddressTable.MulticastMac(destination) : null);
    }

    internal static void Query6(RawPeer peer, ushort maxDelayMs, InetAddress group, bool isV2, bool withAlert = true,
        InetAddress? source = null)
    {
        var rest = new byte[isV2 ? 20 : 16];
        group.Write(rest);
        Mld(peer, 130, (uint)maxDelayMs << 16, rest, withAlert, source ?? Router6, group.IsUnspecified ? Ipv6Addresses.AllNodes : group);
    }

    internal static void Mld(RawPeer peer, byte type, uint parameter, byte[] rest, bool withAlert, InetAddress source,
        InetAddress destination)
    {
        var message = RawPeer.Icmp(type, 0, parameter, rest, true, source, destination);
        byte[] alert = [IpProtocol.IcmpV6, 0, 5, 2, 0, 0, 1, 0];
        peer.ReceiveV6(withAlert ? IpProtocol.HopByHop : IpProtocol.IcmpV6, withAlert ? [.. alert, .. message] : message, source,
            destination, 1, AddressTable.MulticastMac(destination));
    }

    private static byte[] Report4(Frame frame)
    {
        Assert.True(Ipv4Packet.TryParse(frame.Packet, out var packet));
        Assert.True(packet.HasValidChecksum);
        Assert.True(InternetChecksum.IsValid(InternetChecksum.Sum(packet.Payload)));
        Assert.Equal(0x22, packet.Payload[0]);
        return packet.Payload.ToArray();
    }

    private static byte[] Report6(Frame frame, out InetAddress source)
    {
        Assert.True(Ipv6Packet.TryParse(frame.Packet, out var packet));
        source = packet.Source;
        Assert.Equal((InetAddress.Parse("ff02::16"), (byte)1, IpProtocol.HopByHop), (packet.Destination, packet.HopLimit, packet.NextHeader));
        Assert.Equal([IpProtocol.IcmpV6, 0, 5, 2, 0, 0, 1, 0], packet.Payload[..8].ToArray());
        var message = packet.Payload[8..];
        Assert.True(InternetChecksum.IsValid(InternetChecksum.Sum(message)
            + InternetChecksum.PseudoHeader(source, packet.Destination, IpProtocol.IcmpV6, message.Length)));
        Assert.Equal(143, message[0]);
        return message.ToArray();
    }

    private static List<(GroupRecordType Type, InetAddress Group)> Records(byte[] report, int addressBytes)
    {
        var records = new List<(GroupRecordType, InetAddress)>();
        var at = 8;
        for (var count = BinaryPrimitives.ReadUInt16BigEndian(report.AsSpan(6)); count > 0; count--)
        {
            records.Add(((GroupRecordType)report[at], InetAddress.FromBytes(report.AsSpan(at + 4, addressBytes))));
            at += 4 + addressBytes + (BinaryPrimitives.ReadUInt16BigEndian(report.AsSpan(at + 2)) * addressBytes);
        }

        Assert.Equal(report.Length, at);
        return records;
    }

    private static void AssertSame(string hex, ReadOnlySpan<byte> packet)
    {
        Assert.Equal(hex.Replace(" ", "", StringComparison.Ordinal).ToUpperInvariant(), Convert.ToHexString(packet));
    }
}
