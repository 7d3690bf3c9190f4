using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>Duplicate address detection (RFC 4862, RFC 4429) and the defence of addresses (RFC 5227).</summary>
public class AddressConflictTests : IAddressObserver
{
    private static readonly InetAddress Added = InetAddress.Parse("fd00::5");

    private readonly List<AddressConflict> _conflicts = [];

    void IAddressObserver.OnConflict(AddressConflict conflict) => _conflicts.Add(conflict);

    [Fact]
    public void No_more_than_so_many_addresses_are_remembered_as_lost()
    {
        var pair = new Pair(configure: options => options with { GivesUpContestedAddresses = true });
        for (var i = 1; i <= 200; i++)
        {
            var contested = InetAddress.FromV4(0x0a010100 + (uint)i);
            pair.A.AddAddress(pair.Now, new InetPrefix(contested, 16));
            for (var claim = 0; claim < 2; claim++)
                pair.A.Conflicts.OnClaimed(contested, Pair.MacB);
            Assert.True(pair.A.Conflicts.IsLost(contested));
            Assert.InRange(pair.A.Conflicts.LostCount, 1, 64);
        }

        pair.Run(301_000_000);
        pair.A.AddAddress(pair.Now, new InetPrefix(InetAddress.Parse("10.1.2.1"), 16));
        for (var claim = 0; claim < 2; claim++)
            pair.A.Conflicts.OnClaimed(InetAddress.Parse("10.1.2.1"), Pair.MacB);
        Assert.Equal(1, pair.A.Conflicts.LostCount);
    }

    [Fact]
    public void An_added_address_is_probed_for_used_meanwhile_with_restraint_and_announced_a_second_later()
    {
        var peer = Peer(resolve: false);
        Assert.True(peer.Host.AddAddress(peer.Now, new InetPrefix(Added, 64)));
        var report = peer.Frames.Dequeue();
        Assert.Equal((byte)143, report.Packet[48]);
        var probe = Icmp(peer.Frames.Dequeue(), out var source, out var destination);
        Assert.Equal((InetAddress.AnyV6, Ipv6Addresses.SolicitedNode(Added)), (source, destination));
        Assert.Equal((135, 24, Added), (probe[0], probe.Length, InetAddress.FromBytes(probe.AsSpan(8, 16))));
        Assert.Empty(peer.Frames);

        // Who asks is answered, but without overriding what it knows.
        LinkTests.Solicit(peer, Pair.B6, Added);
        var answer = Icmp(peer.Frames.Dequeue(), out source, out _);
        Assert.Equal((136, 0x40, Added), (answer[0], answer[4], source));

        // It is used where there is no other, and its Ethernet address is not told then.
        peer.Host.RemoveAddress(peer.Now, Pair.A6);
        peer.Frames.Clear();
        peer.Host.OpenUdp(default, null, out var socket);
        Assert.Equal(NetError.None, socket!.SendTo(peer.Now, new InetEndpoint(Pair.B6, 9), "x"u8));
        var question = Icmp(peer.Frames.Dequeue(), out source, out _);
        Assert.Equal((135, 24, Added), (question[0], question.Length, source));

        peer.Frames.Clear();
        peer.Advance(1_000_000);
        var announcement = peer.Frames.Where(frame => frame.Packet[6] == IpProtocol.IcmpV6).Select(frame => Icmp(frame, out _, out _)).Single(message => message[0] == 136);
        Assert.Equal((0x20, Added), (announcement[4], InetAddress.FromBytes(announcement.AsSpan(8, 16))));
        Assert.Empty(_conflicts);
    }

    [Fact]
    public void An_address_that_is_certain_is_preferred_to_one_that_is_being_checked()
    {
        var peer = Peer();
        peer.Host.AddAddress(peer.Now, InetPrefix.Parse("fd09::5/64"));
        peer.Host.AddAddress(peer.Now, InetPrefix.Parse("fd08::5/64"), detectDuplicate: false);
        peer.Host.SetRoutes([new Route(InetPrefix.Parse("fd09:0:0:1::/64"), default)]);
        Assert.True(peer.Host.TrySelectSource(InetAddress.Parse("fd09:0:0:1::1"), out var source));
        Assert.NotEqual(InetAddress.Parse("fd09::5"), source);
        peer.Advance(1_000_000);
        Assert.True(peer.Host.TrySelectSource(InetAddress.Parse("fd09:0:0:1::1"), out source));
        Assert.Equal(InetAddress.Parse("fd09::5"), source);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_address_that_another_has_or_wants_too_is_given_up_and_not_tried_again_for_a_while(bool has)
    {
        var peer = Peer();
        peer.Host.AddAddress(peer.Now, new InetPrefix(Added, 64));
        peer.Host.OpenUdp(new InetEndpoint(Added, 9), null, out var socket);
        var connection = new RecordedEvents();
        peer.Host.ConnectTcp(peer.Now, new InetEndpoint(Pair.B6, 80), connection, out _, new InetEndpoint(Added, 0));
        if (has)
            LinkTests.Advertise(peer, Added, 0x20);
        else
            LinkTests.Solicit(peer, InetAddress.AnyV6, Added);
        Assert.Equal([new AddressConflict(Added, Pair.MacB, true)], _conflicts);
        Assert.DoesNotContain(peer.Host.Addresses, address => address.Address == Added);
        Assert.Equal(NetError.AddressRemoved, connection.Closed);
        Assert.Equal(NetError.Closed, socket!.SendTo(peer.Now, new InetEndpoint(Pair.B6, 9), "x"u8));
        Assert.Equal((1L, 1L), (peer.Host.Counters[HostCounter.AddressesLost], peer.Host.Counters[HostCounter.NdpConflict]));
        Assert.False(peer.Host.AddAddress(peer.Now, new InetPrefix(Added, 64)));
        peer.Advance(300_000_000);
        peer.Frames.Clear();
        Assert.True(peer.Host.AddAddress(peer.Now, new InetPrefix(Added, 64)));
        peer.Advance(2_000_000);
        Assert.Contains(peer.Host.Addresses, address => address.Address == Added);
    }

    [Fact]
    public void A_probe_of_one_s_own_is_no_conflict()
    {
        var pair = new Pair();
        pair.A.AddAddress(pair.Now, new InetPrefix(Added, 64));
        pair.Run(2_000_000);
        Assert.Equal(0, pair.A.Counters[HostCounter.NdpConflict]);
        Assert.Contains(pair.A.Addresses, address => address.Address == Added);
        // A second host that wants it finds it taken.
        pair.B.AddAddress(pair.Now, new InetPrefix(Added, 64));
        pair.Run(2_000_000);
        Assert.DoesNotContain(pair.B.Addresses, address => address.Address == Added);
        Assert.Contains(pair.A.Addresses, address => address.Address == Added);
    }

    [Fact]
    public void An_IPv4_address_in_use_is_defended_at_most_once_in_ten_seconds_and_kept()
    {
        var peer = Peer();
        for (var i = 0; i < 5; i++)
            ClaimByArp(peer, Pair.A4);
        var defence = Assert.Single(peer.Frames);
        Assert.True(ArpPacket.TryParse(defence.Packet, out var arp));
        Assert.Equal((false, Pair.MacA, Pair.A4, Pair.A4, MacAddress.Broadcast),
            (arp.IsReply, arp.SenderMac, arp.SenderAddress, arp.TargetAddress, defence.Destination));
        Assert.Equal([new AddressConflict(Pair.A4, Pair.MacB, false)], _conflicts);
        Assert.Equal(5, peer.Host.Counters[HostCounter.ArpConflict]);
        peer.Advance(10_000_000);
        ClaimByArp(peer, Pair.A4);
        Assert.Equal((2, 2), (peer.Frames.Count, _conflicts.Count));
        Assert.Contains(peer.Host.Addresses, address => address.Address == Pair.A4);
    }

    [Fact]
    public void A_host_that_yields_gives_a_contested_IPv4_address_up_at_the_second_claim()
    {
        var peer = Peer(configure: options => options with { GivesUpContestedAddresses = true });
        ClaimByArp(peer, Pair.A4);
        peer.Advance(11_000_000);
        ClaimByArp(peer, Pair.A4);
        Assert.Contains(peer.Host.Addresses, address => address.Address == Pair.A4);
        peer.Advance(9_000_000);
        ClaimByArp(peer, Pair.A4);
        Assert.DoesNotContain(peer.Host.Addresses, address => address.Address == Pair.A4);
        Assert.Equal(new AddressConflict(Pair.A4, Pair.MacB, true), _conflicts[^1]);
    }

    [Fact]
    public void An_IPv6_address_in_use_is_defended_too()
    {
        var peer = Peer();
        LinkTests.Advertise(peer, Pair.A6, 0x20);
        LinkTests.Advertise(peer, Pair.A6, 0x20);
        var defence = Icmp(Assert.Single(peer.Frames), out var source, out var destination);
        Assert.Equal((136, 0x20, Pair.A6, Ipv6Addresses.AllNodes), (defence[0], defence[4], source, destination));
        Assert.Equal([new AddressConflict(Pair.A6, Pair.MacB, false)], _conflicts);
    }

    private RawPeer Peer(bool resolve = true, Func<NetworkHostOptions, NetworkHostOptions>? configure = null) =>
        new(options => (configure?.Invoke(options) ?? options) with { AddressObserver = this }, resolve);

    private static void ClaimByArp(RawPeer peer, InetAddress address)
    {
        var bytes = new byte[ArpPacket.Bytes];
        new ArpPacket(false, Pair.MacB, address, default, address).Write(bytes);
        peer.Receive(NetworkHost.EtherTypeArp, bytes, MacAddress.Broadcast);
    }

    private static byte[] Icmp(Frame frame, out InetAddress source, out InetAddress destination)
    {
        Assert.True(Ipv6Packet.TryParse(frame.Packet, out var packet));
        (source, destination) = (packet.Source, packet.Destination);
        Assert.Equal(255, packet.HopLimit);
        Assert.True(InternetChecksum.IsValid(InternetChecksum.Sum(packet.Payload)
            + InternetChecksum.PseudoHeader(source, destination, IpProtocol.IcmpV6, packet.Payload.Length)));
        Assert.Equal(0, BinaryPrimitives.ReadInt16BigEndian(packet.Payload[5..]));
        return packet.Payload.ToArray();
    }
}
