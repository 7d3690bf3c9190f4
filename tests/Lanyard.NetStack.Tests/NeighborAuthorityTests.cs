using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>Whatever a neighbor says of an address that is not its own, by ARP, neighbor discovery or ICMP, changes nothing.</summary>
public class NeighborAuthorityTests : INeighborAuthority, IAddressObserver
{
    private static readonly InetAddress Added = InetAddress.Parse("fd00::5");
    private static readonly MacAddress MacC = new(0x02000000000c);

    private readonly Dictionary<InetAddress, MacAddress> _owners = [];
    private readonly List<AddressConflict> _conflicts = [];

    public int Version { get; private set; }

    public AddressClaim Judge(InetAddress address, MacAddress claimant) =>
        !_owners.TryGetValue(address, out var owner) ? AddressClaim.Unknown : owner == claimant ? AddressClaim.Valid : AddressClaim.Forged;

    void IAddressObserver.OnConflict(AddressConflict conflict) => _conflicts.Add(conflict);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_new_address_is_kept_and_defended_against_whoever_does_not_own_it(bool advertises)
    {
        Own(Added, Pair.MacA);
        var peer = Peer();
        peer.Host.AddAddress(peer.Now, new InetPrefix(Added, 64));
        peer.Frames.Clear();
        for (var i = 0; i < 5; i++)
        {
            if (advertises)
                LinkTests.Advertise(peer, Added, 0x20);
            else
                LinkTests.Solicit(peer, InetAddress.AnyV6, Added);
        }

        Assert.Contains(peer.Host.Addresses, address => address.Address == Added);
        Assert.Equal([new AddressConflict(Added, Pair.MacB, IsLost: false)], _conflicts);
        var counters = peer.Host.Counters;
        Assert.Equal((5, 1, 0), (counters[HostCounter.NdpForged], counters[HostCounter.AddressesDefended], counters[HostCounter.AddressesLost]));
        Assert.Equal(136, Assert.Single(peer.Frames).Packet[40]);
        peer.Advance(2_000_000);
        Assert.Contains(peer.Host.Addresses, address => address.Address == Added);
    }

    [Fact]
    public void A_new_address_that_is_certainly_another_s_is_given_up()
    {
        Own(Added, Pair.MacB);
        var peer = Peer();
        peer.Host.AddAddress(peer.Now, new InetPrefix(Added, 64));
        LinkTests.Advertise(peer, Added, 0x20);
        Assert.Equal([new AddressConflict(Added, Pair.MacB, IsLost: true)], _conflicts);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_known_IPv4_neighbor_stays_where_it_is(bool asReply)
    {
        Own(Pair.B4, Pair.MacB);
        var peer = Peer(resolve: false);
        Learn(peer, Pair.MacB);
        peer.Neighbor = MacC;
        Arp(peer, new ArpPacket(asReply, MacC, Pair.B4, Pair.MacA, Pair.A4));
        // Gratuitous, to all.
        Arp(peer, new ArpPacket(asReply, MacC, Pair.B4, default, Pair.B4), MacAddress.Broadcast);
        Assert.Equal((2, Pair.MacB), (peer.Host.Counters[HostCounter.ArpForged], NextHopOf(peer, Pair.B4)));
        Assert.Empty(_conflicts);
    }

    [Fact]
    public void An_own_IPv4_address_is_defended_once_in_ten_seconds()
    {
        Own(Pair.A4, Pair.MacA);
        var peer = Peer(options => options with { GivesUpContestedAddresses = true });
        for (var i = 0; i < 3; i++)
            Arp(peer, new ArpPacket(true, Pair.MacB, Pair.A4, Pair.MacA, Pair.A4));
        Assert.Equal((3, 1), (peer.Host.Counters[HostCounter.ArpForged], peer.Host.Counters[HostCounter.AddressesDefended]));
        Assert.Contains(peer.Host.Addresses, address => address.Address == Pair.A4);
    }

    [Theory]
    [InlineData("override")]
    [InlineData("solicited")]
    [InlineData("question")]
    public void A_known_IPv6_neighbor_stays_where_it_is(string form)
    {
        Own(Pair.B6, Pair.MacB);
        var peer = Peer(resolve: false);
        peer.Host.OpenUdp(default, null, out var socket);
        socket!.SendTo(peer.Now, new InetEndpoint(Pair.B6, 9), "x"u8);
        LinkTests.Advertise(peer, Pair.B6, 0x60);
        Assert.Equal(Pair.MacB, NextHopOf(peer, Pair.B6));
        peer.Neighbor = MacC;
        if (form == "question")
            peer.ReceiveV6(IpProtocol.IcmpV6, Discovery(135, 0, Pair.A6, 1, MacC), hopLimit: 255);
        else
            peer.ReceiveV6(IpProtocol.IcmpV6, Discovery(136, form == "override" ? 0x20u : 0x60, Pair.B6, 2, MacC), hopLimit: 255);
        Assert.Equal((1, Pair.MacB), (peer.Host.Counters[HostCounter.NdpForged], NextHopOf(peer, Pair.B6)));
    }

    [Theory]
    [InlineData(135, 1)]
    [InlineData(136, 2)]
    public void A_message_that_names_another_Ethernet_address_than_its_sender_s_is_dropped(byte type, byte option)
    {
        var peer = Peer(resolve: false);
        peer.ReceiveV6(IpProtocol.IcmpV6, Discovery(type, 0, type == 135 ? Pair.A6 : Pair.B6, option, MacC), hopLimit: 255);
        Assert.Equal(1, peer.Host.Counters[HostCounter.NdpForged]);
        Assert.False(peer.Host.Neighbors.TryGet(Pair.B6, out _));
    }

    [Fact]
    public void A_claim_that_was_heeded_is_judged_anew_once_more_is_known()
    {
        var peer = Peer(resolve: false);
        Learn(peer, MacC);
        Assert.Equal(MacC, NextHopOf(peer, Pair.B4));
        Own(Pair.B4, Pair.MacB);
        peer.Frames.Clear();
        peer.Host.OpenUdp(default, null, out var socket);
        socket!.SendTo(peer.Now, new InetEndpoint(Pair.B4, 9), "y"u8);
        Assert.True(ArpPacket.TryParse(Assert.Single(peer.Frames).Packet, out var question));
        Assert.Equal((false, Pair.B4), (question.IsReply, question.TargetAddress));
        peer.Neighbor = Pair.MacB;
        Arp(peer, new ArpPacket(true, Pair.MacB, Pair.B4, Pair.MacA, Pair.A4));
        Assert.Equal((1, Pair.MacB), (peer.Host.Counters[HostCounter.NeighborCorrected], peer.Frames.Last().Destination));
    }

    [Fact]
    public void Routers_are_not_listened_to()
    {
        var peer = Peer();
        foreach (var type in (byte[])[133, 134, 137])
            peer.ReceiveV6(IpProtocol.IcmpV6, RawPeer.Icmp(type, 0, 0, new byte[40], true), hopLimit: 255);
        Assert.Equal(3, peer.Host.Counters[HostCounter.NdpIgnored]);
        Assert.Empty(peer.Host.Routes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_ICMP_error_in_another_s_name_is_dropped(bool v6)
    {
        var (near, far) = v6 ? (Pair.A6, Pair.B6) : (Pair.A4, Pair.B4);
        Own(far, Pair.MacB);
        var peer = Peer();
        var socket = Udp(peer, new InetEndpoint(far, 9));
        var quote = peer.Frames.Last().Packet.ToArray();
        // Unreachable, and too big.
        foreach (var (type, code) in v6 ? ((byte, byte)[])[(1, 4), (2, 0)] : [(3, 3), (3, 4)])
        {
            peer.Neighbor = MacC;
            Error(type, code);
            peer.Neighbor = Pair.MacB;
        }

        Assert.Equal((2, 0, 0), (peer.Host.Counters[HostCounter.IcmpErrorsForged], peer.Host.Counters[HostCounter.IcmpErrorsDelivered],
            peer.Host.Counters[HostCounter.PathMtuLowered]));
        Error(v6 ? (byte)1 : (byte)3, v6 ? (byte)4 : (byte)3);
        Assert.Equal(1, peer.Host.Counters[HostCounter.IcmpErrorsDelivered]);
        Assert.NotNull(socket);

        void Error(byte type, byte code)
        {
            var message = RawPeer.Icmp(type, code, 576, quote, v6);
            if (v6)
                peer.ReceiveV6(IpProtocol.IcmpV6, message);
            else
                peer.ReceiveV4(IpProtocol.Icmp, message);
        }
    }

    [Theory]
    [InlineData(false, 552)]
    [InlineData(true, 1280)]
    public void No_error_makes_packets_smaller_than_the_least_MTU(bool v6, int least)
    {
        var far = v6 ? Pair.B6 : Pair.B4;
        var peer = Peer();
        Udp(peer, new InetEndpoint(far, 9));
        var quote = peer.Frames.Last().Packet.ToArray();
        var message = RawPeer.Icmp(v6 ? (byte)2 : (byte)3, v6 ? (byte)0 : (byte)4, 68, quote, v6);
        if (v6)
            peer.ReceiveV6(IpProtocol.IcmpV6, message);
        else
            peer.ReceiveV4(IpProtocol.Icmp, message);
        Assert.Equal(least, peer.Host.PathMtus.Get(far));
    }

    private RawPeer Peer(Func<NetworkHostOptions, NetworkHostOptions>? configure = null, bool resolve = true) =>
        new(options => (configure?.Invoke(options) ?? options) with { NeighborAuthority = this, AddressObserver = this }, resolve);

    private void Own(InetAddress address, MacAddress mac)
    {
        _owners[address] = mac;
        Version++;
    }

    private static void Learn(RawPeer peer, MacAddress mac)
    {
        peer.Host.OpenUdp(default, null, out var socket);
        socket!.SendTo(peer.Now, new InetEndpoint(Pair.B4, 9), "x"u8);
        peer.Neighbor = mac;
        Arp(peer, new ArpPacket(true, mac, Pair.B4, Pair.MacA, Pair.A4));
    }

    private static MacAddress NextHopOf(RawPeer peer, InetAddress address)
    {
        peer.Host.OpenUdp(default, null, out var socket);
        peer.Frames.Clear();
        socket!.SendTo(peer.Now, new InetEndpoint(address, 9), "x"u8);
        return peer.Frames.Dequeue().Destination;
    }

    private static UdpSocket Udp(RawPeer peer, InetEndpoint remote)
    {
        Assert.Equal(NetError.None, peer.Host.OpenUdp(default, null, out var socket));
        Assert.Equal(NetError.None, socket!.SendTo(peer.Now, remote, new byte[1_200]));
        return socket;
    }

    private static void Arp(RawPeer peer, ArpPacket packet, MacAddress? destination = null)
    {
        var bytes = new byte[ArpPacket.Bytes];
        packet.Write(bytes);
        peer.Receive(NetworkHost.EtherTypeArp, bytes, destination);
    }

    private static byte[] Discovery(byte type, uint flags, InetAddress target, byte option, MacAddress mac)
    {
        var rest = new byte[24];
        target.Write(rest);
        (rest[16], rest[17]) = (option, 1);
        mac.Write(rest.AsSpan(18));
        return RawPeer.Icmp(type, 0, flags << 24, rest, true);
    }
}
