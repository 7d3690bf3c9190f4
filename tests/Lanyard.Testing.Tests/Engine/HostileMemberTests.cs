using System.Buffers.Binary;
using Lanyard.Engine;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Tests.Shared;
using Lanyard.Wire;
using Lanyard.Wire.Verbs;

namespace Lanyard.Testing.Tests;

/// <summary>Hostile members, with all keys of members.</summary>
public sealed class HostileMemberTests
{
    private const byte ProtocolTcp = 6;
    private const ushort EtherTypeArp = 0x0806;
    private const ushort EtherTypeIPv4 = 0x0800;
    private const ushort EtherTypeIPv6 = 0x86dd;
    private const ushort Port = 80;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData("atomic")]
    [InlineData("fragmented")]
    [InlineData("tiny")]
    [InlineData("tiny IPv4")]
    [InlineData("headers first")]
    [InlineData("overlapping")]
    public void Fragments_do_not_pass_rules_that_the_packet_does_not(string form)
    {
        var lan = new Lan();
        lan.Controller.Customize = config => config with
        {
            Rules = [Rule.MatchCharacteristics(FrameCharacteristics.TcpSyn), Rule.ActionDrop, Rule.ActionAccept],
        };
        var from = lan.AddMember(out var attacker);
        var to = lan.AddMember(out var victim);
        Assert.True(lan.Internet.RunUntil(() => from.IsUp && to.IsUp, Soon));
        Assert.True(lan.Delivers(attacker, from, to, tries: 3));
        Assert.Equal(NetError.None, to.Host!.ListenTcp(new InetEndpoint(default, Port), null, out _));

        foreach (var (etherType, packet) in Syn(form, from, to))
            SendFrame(lan, attacker, victim, etherType, packet);
        lan.Internet.Run(Soon);
        Assert.Equal(0, to.Host.Counters[HostCounter.TcpSegmentsReceived]);
        Assert.True(victim.Node.Counters.Dropped(DropReason.Filtered) + victim.Node.Counters.Dropped(DropReason.DeceptiveFragment) > 0);
    }

    [Fact]
    public void A_member_that_races_another_with_its_address_is_not_taken_for_it()
    {
        var lan = new Lan();
        var from = lan.AddMember(out var attacker);
        var portA = lan.AddMember(out var a);
        var portB = lan.AddMember(out var b);
        Assert.True(lan.Internet.RunUntil(() => from.IsUp && portA.IsUp && portB.IsUp, Soon));
        Assert.True(lan.Delivers(attacker, from, portB, tries: 3));
        var (addressA, addressB) = (portA.AddressOf(InetFamily.IPv4), portB.AddressOf(InetFamily.IPv4));
        Assert.Equal(NetError.None, portB.Host!.ListenTcp(new InetEndpoint(default, Port), null, out var listener));
        for (ushort port = 5_000; port < 5_020; port++)
        {
            // Before, during and after the handshake; what is recorded is sent again.
            Forge(IpForge.Syn);
            Assert.Equal(NetError.None, portA.Host!.ConnectTcp(
                lan.Internet.NowMicroseconds, new InetEndpoint(addressB, Port), new Connecting(), out _, new InetEndpoint(addressA, port)));
            a.Wake();
            Forge(IpForge.Acknowledgment);
            TcpConnection? accepted = null;
            Assert.True(lan.Internet.RunUntil(() => listener!.TryAccept(null, out accepted), TimeSpan.FromSeconds(20)), $"no connection from port {port}");
            Assert.Equal(portA.Network.Mac, accepted!.RemoteMac);
            Forge(IpForge.Reset);
            Forge(IpForge.Syn);
            lan.Internet.Run(TimeSpan.FromSeconds(1));
            Assert.Equal((TcpState.Established, portA.Network.Mac), (accepted.State, accepted.RemoteMac));

            void Forge(byte flags) => SendFrame(lan, attacker, b, EtherTypeIPv4, IpForge.Segment(addressA, addressB, port, Port, flags, 1));
        }

        Assert.False(listener!.TryAccept(null, out _), "a connection that nobody made");
    }

    [Theory]
    [InlineData(InetFamily.IPv4)]
    [InlineData(InetFamily.IPv6)]
    public void Ordinary_fragments_still_arrive_where_rules_look_at_ports(InetFamily family)
    {
        var lan = new Lan();
        lan.Controller.Customize = config => config with
        {
            Rules = [Rule.MatchIPProtocol(ProtocolTcp), Rule.ActionDrop, Rule.MatchIPDestinationPorts(23, 23), Rule.ActionDrop, Rule.ActionAccept],
        };
        var portA = lan.AddMember(out var a);
        var portB = lan.AddMember(out _);
        Assert.True(lan.Internet.RunUntil(() => portA.IsUp && portB.IsUp, Soon));
        portB.Host!.OpenUdp(new InetEndpoint(default, 9), null, out var allowed);
        portB.Host.OpenUdp(new InetEndpoint(default, 23), null, out var forbidden);
        portA.Host!.OpenUdp(default, null, out var sender);

        // Bytes that a later fragment must not be judged by as if they were ports.
        var payload = new byte[6_000];
        for (var i = 0; i < payload.Length; i += 2)
            BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(i), 23);
        foreach (var port in (ushort[])[9, 23])
        {
            Assert.Equal(NetError.None, sender!.SendTo(lan.Internet.NowMicroseconds, new InetEndpoint(portB.AddressOf(family), port), payload));
            a.Wake();
            lan.Internet.Run(Soon);
        }

        Assert.Equal((1, 0), (allowed!.Pending, forbidden!.Pending));
    }

    [Theory]
    [InlineData(InetFamily.IPv4)]
    [InlineData(InetFamily.IPv6)]
    public void Rules_apply_to_the_reassembled_packet(InetFamily family)
    {
        var lan = new Lan();
        const byte forbidden = 0x41;
        const int at = 3_000;
        lan.Controller.Customize = config => config with
        {
            Rules = [Rule.MatchIntegerRange(forbidden, forbidden, at, 8, littleEndian: true), Rule.ActionDrop, Rule.ActionAccept],
        };
        var portA = lan.AddMember(out var a);
        var portB = lan.AddMember(out var b);
        Assert.True(lan.Internet.RunUntil(() => portA.IsUp && portB.IsUp, Soon));
        portB.Host!.OpenUdp(new InetEndpoint(default, 9), null, out var receiver);
        portA.Host!.OpenUdp(default, null, out var sender);
        foreach (var value in (byte[])[forbidden, forbidden + 1])
        {
            var payload = new byte[6_000];
            payload.AsSpan().Fill(value);
            Assert.Equal(NetError.None, sender!.SendTo(lan.Internet.NowMicroseconds, new InetEndpoint(portB.AddressOf(family), 9), payload));
            a.Wake();
            lan.Internet.Run(Soon);
        }

        Assert.Equal((1, 1L, 1L), (receiver!.Pending, portB.Host.Counters[HostCounter.ReassembledFiltered], b.Node.Counters.Dropped(DropReason.Filtered)));
    }

    [Fact]
    public void A_forged_advertisement_does_not_take_a_new_address_away()
    {
        var lan = new Lan();
        var portA = lan.AddMember(out var a);
        var from = lan.AddMember(out var attacker);
        Assert.True(lan.Internet.RunUntil(() => portA.IsUp && from.IsUp, Soon));
        Assert.True(lan.Delivers(attacker, from, portA, tries: 3));

        var added = new InetPrefix(InetAddress.Parse("fd12:3456:789a::5"), 64);
        lan.Controller.Customize = config => config.IssuedTo == a.Address ? config with { StaticAddresses = [.. config.StaticAddresses, added] } : config;
        var config = lan.Controller.Configure(lan.Internet.NowMs, a.Node.Identity, lan.Network);
        lan.Send(ControllerMessage.Push(a.Address, config));
        Assert.True(lan.Internet.RunUntil(() => portA.Host!.Addresses.Contains(added), Soon));
        SendFrame(lan, attacker, a, EtherTypeIPv6, Advertisement(from.AddressOf(InetFamily.IPv6), portA.AddressOf(InetFamily.IPv6), added.Address, from.Network.Mac));
        lan.Internet.Run(Soon);
        Assert.Contains(added, portA.Host!.Addresses);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Another_member_s_address_is_not_taken_over_by_ARP(bool isShownFirst)
    {
        var lan = new Lan();
        lan.Controller.Customize = config => WithOwnership(lan, config);
        var portA = lan.AddMember(out var a);
        var portB = lan.AddMember(out var b);
        var from = lan.AddMember(out var attacker);
        Assert.True(lan.Internet.RunUntil(() => portA.IsUp && portB.IsUp && from.IsUp, Soon));
        Assert.True(lan.Delivers(attacker, from, portA, tries: 3));
        var address = portB.AddressOf(InetFamily.IPv4);
        portB.Host!.OpenUdp(new InetEndpoint(default, 9), null, out var receiver);
        portA.Host!.OpenUdp(default, null, out var sender);
        if (isShownFirst)
            Assert.True(lan.Delivers(b, portB, portA, tries: 3));

        // A sends ARP requests, so that it learns the attacker's replies; then the attacker repeats its claim unasked.
        for (var i = 0; i < 5; i++)
        {
            sender!.SendTo(lan.Internet.NowMicroseconds, new InetEndpoint(address, 9), "x"u8);
            a.Wake();
            SendFrame(lan, attacker, a, EtherTypeArp, ArpReply(from.Network.Mac, address, portA.Network.Mac, portA.AddressOf(InetFamily.IPv4)));
            if (i == 2)
                Assert.True(lan.Delivers(b, portB, portA, tries: 3));
        }

        lan.Internet.Run(Soon);
        Assert.True(portA.Host.Counters[HostCounter.ArpForged] >= 2);
        var before = receiver!.Pending;
        sender!.SendTo(lan.Internet.NowMicroseconds, new InetEndpoint(address, 9), "x"u8);
        a.Wake();
        lan.Internet.Run(Soon);
        Assert.Equal(before + 1, receiver.Pending);
        if (isShownFirst)
            Assert.Equal(6, receiver.Pending);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_bridge_does_not_speak_as_another_member(bool isMulticast)
    {
        var lan = new Lan();
        var portA = lan.AddMember(out var a);
        var portB = lan.AddMember(out _);
        var from = lan.AddMember(out var bridge);
        lan.Controller.Customize = config => config with { Specialists = [new NetworkSpecialist(bridge.Address, SpecialistRoles.ActiveBridge)] };
        Assert.True(lan.Internet.RunUntil(() => portA.IsUp && portB.IsUp && from.IsUp, Soon));
        lan.Internet.Run(TimeSpan.FromSeconds(70));
        Assert.True(portA.Network.Config!.HasRole(bridge.Address, SpecialistRoles.ActiveBridge));
        Assert.True(lan.Delivers(bridge, from, portA, tries: 3));
        var heard = new List<MacAddress>();
        portA.FrameTap = (source, _, type, _) =>
        {
            if (type == 0x88b5)
                heard.Add(source);
        };
        var behind = new MacAddress(0x001122334455);
        foreach (var source in (MacAddress[])[behind, portB.Network.Mac])
        {
            var payload = new byte[200];
            var writer = new ByteWriter(payload);
            if (isMulticast)
            {
                new MulticastFrameMessage
                {
                    NetworkId = lan.Network,
                    Flags = MulticastFrameFlags.HasSource,
                    Source = source,
                    Group = new MulticastGroup(MacAddress.Broadcast, 0),
                    EtherType = 0x88b5,
                    Data = "x"u8,
                }.Write(ref writer);
            }
            else
            {
                new ExtFrameMessage { NetworkId = lan.Network, Destination = portA.Network.Mac, Source = source, EtherType = 0x88b5, Data = "x"u8 }.Write(ref writer);
            }

            Insider.Send(lan, bridge, a, isMulticast ? Verb.MulticastFrame : Verb.ExtFrame, payload[..writer.Position]);
        }

        Assert.Equal([behind], heard);
        Assert.Equal(1, a.Node.Counters.Dropped(DropReason.ForeignMac));
    }

    // As one who does not ask its own node's rules.
    private static void SendFrame(Lan lan, SimulatedNode from, SimulatedNode to, ushort etherType, byte[] packet)
    {
        var payload = new byte[FrameMessage.HeaderBytes + packet.Length];
        var writer = new ByteWriter(payload);
        new FrameMessage { NetworkId = lan.Network, EtherType = etherType, Data = packet }.Write(ref writer);
        Assert.False(writer.Failed);
        Insider.Send(lan, from, to, Verb.Frame, payload);
    }

    // A SYN to the port, in several disguises.
    private static IEnumerable<(ushort EtherType, byte[] Packet)> Syn(string form, SimulatedPort from, SimulatedPort to)
    {
        var family = form == "tiny IPv4" ? InetFamily.IPv4 : InetFamily.IPv6;
        var (source, destination) = (from.AddressOf(family), to.AddressOf(family));
        var segment = new byte[40];
        BinaryPrimitives.WriteUInt16BigEndian(segment, 5_000);
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(2), Port);
        segment[12] = 5 << 4;
        segment[13] = 2;
        segment[15] = 0xff;
        Checksum(segment, 16, source, destination, ProtocolTcp);
        switch (form)
        {
            case "atomic":
                yield return (EtherTypeIPv6, Fragment6(source, destination, segment, 0, more: false));
                break;
            case "fragmented":
                yield return (EtherTypeIPv6, Fragment6(source, destination, segment[..24], 0, more: true));
                yield return (EtherTypeIPv6, Fragment6(source, destination, segment[24..], 24, more: false));
                break;
            case "tiny":
                yield return (EtherTypeIPv6, Fragment6(source, destination, segment[..8], 0, more: true));
                yield return (EtherTypeIPv6, Fragment6(source, destination, segment[8..], 8, more: false));
                break;
            case "headers first":
                // The chain of extension headers ends in the second fragment: options, then TCP.
                byte[] chain = [ProtocolTcp, 0, 1, 4, 0, 0, 0, 0, .. segment];
                yield return (EtherTypeIPv6, Fragment6(source, destination, chain[..8], 0, more: true, next: 60));
                yield return (EtherTypeIPv6, Fragment6(source, destination, chain[8..], 8, more: false, next: 60));
                break;
            case "overlapping":
                var harmless = segment.ToArray();
                harmless[13] = 0x10;
                yield return (EtherTypeIPv6, Fragment6(source, destination, harmless[..24], 0, more: true));
                yield return (EtherTypeIPv6, Fragment6(source, destination, segment[8..], 8, more: false));
                break;
            default:
                yield return (EtherTypeIPv4, Fragment4(source, destination, segment[..8], 0, more: true));
                yield return (EtherTypeIPv4, Fragment4(source, destination, segment[8..], 8, more: false));
                break;
        }
    }

    private static byte[] Fragment6(InetAddress source, InetAddress destination, byte[] data, int offset, bool more, byte next = ProtocolTcp)
    {
        byte[] payload = [next, 0, (byte)(offset >> 8), (byte)(offset | (more ? 1 : 0)), 0, 0, 0, 7, .. data];
        return Packet6(source, destination, 44, 64, payload);
    }

    private static byte[] Packet6(InetAddress source, InetAddress destination, byte next, byte hopLimit, byte[] payload)
    {
        var packet = new byte[40 + payload.Length];
        packet[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)payload.Length);
        (packet[6], packet[7]) = (next, hopLimit);
        source.Write(packet.AsSpan(8));
        destination.Write(packet.AsSpan(24));
        payload.CopyTo(packet, 40);
        return packet;
    }

    private static byte[] Fragment4(InetAddress source, InetAddress destination, byte[] data, int offset, bool more)
    {
        var packet = new byte[20 + data.Length];
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        packet[5] = 7;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(6), (ushort)((offset / 8) | (more ? 0x2000 : 0)));
        (packet[8], packet[9]) = (64, ProtocolTcp);
        source.Write(packet.AsSpan(12));
        destination.Write(packet.AsSpan(16));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), (ushort)~Fold(Sum(packet.AsSpan(0, 20))));
        data.CopyTo(packet, 20);
        return packet;
    }

    private static byte[] Advertisement(InetAddress source, InetAddress destination, InetAddress target, MacAddress mac)
    {
        var message = new byte[32];
        message[0] = 136;
        message[4] = 0x20;
        target.Write(message.AsSpan(8));
        (message[24], message[25]) = (2, 1);
        mac.Write(message.AsSpan(26));
        Checksum(message, 2, source, destination, 58);
        return Packet6(source, destination, 58, 255, message);
    }

    private static byte[] ArpReply(MacAddress senderMac, InetAddress sender, MacAddress targetMac, InetAddress target)
    {
        var packet = new byte[28];
        ((ReadOnlySpan<byte>)[0, 1, 8, 0, 6, 4, 0, 2]).CopyTo(packet);
        senderMac.Write(packet.AsSpan(8));
        sender.Write(packet.AsSpan(14));
        targetMac.Write(packet.AsSpan(18));
        target.Write(packet.AsSpan(24));
        return packet;
    }

    private static NetworkConfig WithOwnership(Lan lan, NetworkConfig config) => config with
    {
        CertificatesOfOwnership =
        [
            new CertificateOfOwnership
            {
                NetworkId = config.NetworkId,
                Timestamp = config.Timestamp,
                Id = 0,
                Things = ((IEnumerable<InetPrefix>)config.StaticAddresses).Select(assigned => OwnedThing.From(assigned.Address)).ToEquatableArray(),
                IssuedTo = config.IssuedTo,
            }.Sign(lan.Root.Node.Identity),
        ],
    };

    private static void Checksum(byte[] message, int at, InetAddress source, InetAddress destination, byte protocol)
    {
        Span<byte> addresses = stackalloc byte[32];
        var length = source.Write(addresses);
        length += destination.Write(addresses[length..]);
        var sum = Sum(addresses[..length]) + protocol + (uint)message.Length + Sum(message);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(at), (ushort)~Fold(sum));
    }

    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        var sum = 0u;
        for (var i = 0; i < bytes.Length; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
        return sum;
    }

    private static ushort Fold(uint sum)
    {
        while (sum > 0xffff)
            sum = (sum >> 16) + (sum & 0xffff);
        return (ushort)sum;
    }

    private sealed class Connecting : ITcpEvents
    {
        public void OnConnected(TcpConnection connection)
        {
        }

        public void OnReadable(TcpConnection connection)
        {
        }

        public void OnWritable(TcpConnection connection)
        {
        }

        public void OnClosed(TcpConnection connection, NetError reason)
        {
        }
    }
}
