using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>Packets that nobody sends in good faith.</summary>
public class HostileTests
{
    [Fact]
    public void A_sender_of_endless_fragments_does_not_take_the_room_of_others()
    {
        var peer = new RawPeer();
        var socket = Open(peer);
        var other = InetAddress.Parse("10.1.0.77");
        var datagram = RawPeer.Udp(other, Pair.A4, 1, 9, new byte[100]);
        peer.ReceiveV4(IpProtocol.Udp, datagram.AsSpan(0, 64), source: other, identification: 5, more: true);
        for (var i = 0; i < 1_000; i++)
            peer.ReceiveV4(IpProtocol.Udp, new byte[64], identification: (ushort)i, more: true);
        Assert.Equal(64, peer.Host.Reassembler.Count);
        peer.ReceiveV4(IpProtocol.Udp, datagram.AsSpan(64), source: other, identification: 5, offset: 64);
        Assert.Equal(1, socket.Pending);
    }

    [Theory]
    // The first fragment ends within the headers, at their end, or is not a multiple of eight long; the last reaches too far.
    [InlineData(IpProtocol.DestinationOptions, 0, true, "1100050200000100", 4, 3, 0)]
    [InlineData(IpProtocol.Tcp, 0, true, "0001000200000000000000000000000050020000000000", 4, 0, 4)]
    [InlineData(IpProtocol.Tcp, 0, true, "00010002000000000000000000000000", 4, 3, 0)]
    [InlineData(IpProtocol.Udp, 0, true, "00010009000000000a", 4, 0, 4)]
    [InlineData(IpProtocol.Udp, 65_528, false, "000102030405060708", 4, 0, 42)]
    public void Fragments_that_hide_what_they_are_or_reach_too_far_are_dropped_and_their_sender_told(
        byte next, int offset, bool more, string data, byte type, byte code, uint pointer)
    {
        var peer = new RawPeer();
        var fragment = new byte[8 + (data.Length / 2)];
        new Ipv6FragmentHeader(next, offset, more, 7).Write(fragment);
        Convert.FromHexString(data).CopyTo(fragment, 8);
        peer.ReceiveV6(IpProtocol.Fragment, fragment);
        Assert.True(Ipv6Packet.TryParse(Assert.Single(peer.Frames).Packet, out var error));
        Assert.Equal((type, code, pointer), (error.Payload[0], error.Payload[1], BinaryPrimitives.ReadUInt32BigEndian(error.Payload[4..])));
        Assert.Equal((0, 0L), (peer.Host.Reassembler.Count, peer.Host.Pool.Outstanding));
    }

    [Fact]
    public void Sources_that_no_neighbour_can_have_are_dropped()
    {
        var peer = new RawPeer();
        var socket = Open(peer);
        peer.ReceiveUdp(1, 9, "x"u8, source: InetAddress.AnyV4, destination: Pair.A4);
        peer.ReceiveUdp(1, 9, "x"u8, source: InetAddress.AnyV6, destination: Pair.A6);
        peer.ReceiveUdp(1, 9, "x"u8, source: InetAddress.FromV6(0, 0xffff_0a01_0002), destination: Pair.A6);
        Assert.Equal((0, 1, 2), (socket.Pending, peer.Host.Counters[HostCounter.Ipv4BadSource], peer.Host.Counters[HostCounter.Ipv6BadSource]));
        // Who has no address yet may speak to all.
        peer.ReceiveUdp(68, 9, "x"u8, source: InetAddress.AnyV4, destination: InetAddress.BroadcastV4, mac: MacAddress.Broadcast);
        Assert.Equal(1, socket.Pending);
    }

    [Fact]
    public void Groups_that_never_leave_a_node_are_not_heard_from_the_network()
    {
        var peer = new RawPeer();
        var socket = Open(peer);
        var group = InetAddress.Parse("ff01::1234");
        Assert.True(socket.JoinGroup(peer.Now, group));
        peer.ReceiveUdp(1, 9, "x"u8, source: Pair.B6, destination: group, mac: AddressTable.MulticastMac(group));
        Assert.Equal((0, 1), (socket.Pending, peer.Host.Counters[HostCounter.Ipv6NotForUs]));
        Assert.Equal(0, peer.Host.Counters[HostCounter.GroupReportsSent]);
    }

    [Fact]
    public void Neighbour_discovery_in_fragments_is_dropped()
    {
        var peer = new RawPeer();
        var rest = new byte[24];
        Pair.A6.Write(rest);
        (rest[16], rest[17]) = (1, 1);
        Pair.MacB.Write(rest.AsSpan(18));
        var solicitation = RawPeer.Icmp(135, 0, 0, rest, true);
        var fragment = new byte[8 + solicitation.Length];
        new Ipv6FragmentHeader(IpProtocol.IcmpV6, 0, false, 7).Write(fragment);
        solicitation.CopyTo(fragment, 8);
        peer.ReceiveV6(IpProtocol.Fragment, fragment, hopLimit: 255);
        Assert.Empty(peer.Frames);
        Assert.Equal(1, peer.Host.Counters[HostCounter.NdpMalformed]);
        peer.ReceiveV6(IpProtocol.IcmpV6, solicitation, hopLimit: 255);
        Assert.Single(peer.Frames);
    }

    private static UdpSocket Open(RawPeer peer)
    {
        Assert.Equal(NetError.None, peer.Host.OpenUdp(new InetEndpoint(default, 9), null, out var socket));
        return socket!;
    }
}
