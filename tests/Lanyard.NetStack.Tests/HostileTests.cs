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

    // The first fragment ends in the TCP header, or a later one begins in it.
    [Theory]
    [InlineData(false, 0, 8)]
    [InlineData(false, 0, 16)]
    [InlineData(false, 8, 40)]
    [InlineData(false, 16, 40)]
    [InlineData(true, 8, 40)]
    [InlineData(true, 16, 40)]
    public void Fragments_do_not_split_or_repeat_the_TCP_header(bool v6, int offset, int length)
    {
        var peer = new RawPeer();
        peer.Host.ListenTcp(new InetEndpoint(default, 80), null, out _);
        if (v6)
        {
            var fragment = new byte[8 + length];
            new Ipv6FragmentHeader(IpProtocol.Tcp, offset, true, 7).Write(fragment);
            peer.ReceiveV6(IpProtocol.Fragment, fragment);
        }
        else
        {
            peer.ReceiveV4(IpProtocol.Tcp, new byte[length], identification: 7, more: true, offset: offset);
        }

        Assert.Equal((1, 0), (peer.Host.Counters[HostCounter.FragmentTiny], peer.Host.Reassembler.Count));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_packet_put_together_is_judged_whole(bool v6)
    {
        var filter = new RecordingFilter();
        var peer = new RawPeer(options => options with { ReassemblyFilter = filter });
        var socket = Open(peer);
        foreach (var permits in (bool[])[false, true])
        {
            filter.Permitted = permits;
            var datagram = RawPeer.Udp(v6 ? Pair.B6 : Pair.B4, v6 ? Pair.A6 : Pair.A4, 1, 9, new byte[100]);
            var identification = (ushort)(permits ? 2 : 1);
            foreach (var (offset, end) in ((int, int)[])[(64, 108), (0, 64)])
            {
                if (!v6)
                {
                    peer.ReceiveV4(IpProtocol.Udp, datagram.AsSpan(offset, end - offset), identification: identification, more: end < 108, offset: offset);
                    continue;
                }

                byte[] fragment = [.. new byte[8], .. datagram.AsSpan(offset, end - offset)];
                new Ipv6FragmentHeader(IpProtocol.Udp, offset, end < 108, identification).Write(fragment);
                peer.ReceiveV6(IpProtocol.Fragment, fragment);
            }

            Assert.Equal((permits ? 1 : 0, 1L, 0L), (socket.Pending, peer.Host.Counters[HostCounter.ReassembledFiltered], permits ? 0 : peer.Host.Pool.Outstanding));
            var (source, destination, etherType, packet) = filter.Asked.Dequeue();
            Assert.Equal((Pair.MacB, Pair.MacA, v6 ? NetworkHost.EtherTypeIPv6 : NetworkHost.EtherTypeIPv4), (source, destination, etherType));
            if (v6)
            {
                Assert.True(Ipv6Packet.TryParse(packet, out var whole));
                Assert.Equal((IpProtocol.Udp, Pair.B6, Pair.A6), (whole.NextHeader, whole.Source, whole.Destination));
                Assert.Equal(datagram, whole.Payload.ToArray());
            }
            else
            {
                Assert.True(Ipv4Packet.TryParse(packet, out var whole));
                Assert.Equal((IpProtocol.Udp, false, true), (whole.Protocol, whole.IsFragment, whole.HasValidChecksum));
                Assert.Equal(datagram, whole.Payload.ToArray());
            }
        }
    }

    [Fact]
    public void Sources_that_no_neighbor_can_have_are_dropped()
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
    public void Neighbor_discovery_in_fragments_is_dropped()
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

    private sealed class RecordingFilter : IReassemblyFilter
    {
        public bool Permitted { get; set; }

        public Queue<(MacAddress Source, MacAddress Destination, ushort EtherType, byte[] Packet)> Asked { get; } = [];

        public bool Permits(MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> packet)
        {
            Asked.Enqueue((source, destination, etherType, packet.ToArray()));
            return Permitted;
        }
    }

    private static UdpSocket Open(RawPeer peer)
    {
        Assert.Equal(NetError.None, peer.Host.OpenUdp(new InetEndpoint(default, 9), null, out var socket));
        return socket!;
    }
}
