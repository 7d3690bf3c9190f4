using Lanyard.NetStack;
using Lanyard.NetStack.Tests;
using Lanyard.Primitives;

namespace Lanyard.Fuzz;

/// <summary>Scenarios with rare packets: ICMP errors, fragments, neighbor discovery, ARP, extension headers and group queries.</summary>
internal static class HostStorySeeds
{
    private const byte LinkLocalSource = 3;
    private const byte UnspecifiedSource = 5;
    private const byte AllNodes = 5;
    private const byte SolicitedNode = 6;
    private const byte Group = 4;
    private const byte Broadcast = 6;
    private const byte BroadcastMac = 2;
    private const byte GroupMac4 = 7;
    private const byte AllNodesMac = 3;
    private const int RepliesAtOnce = 60;
    private static readonly InetAddress LinkLocalA = InetAddress.Parse("fe80::a");
    private static readonly InetAddress LinkLocalB = InetAddress.Parse("fe80::b");

    /// <summary>Returns all stories.</summary>
    public static IEnumerable<byte[]> All() => [.. Errors(), .. Echoes(), .. NeighborDiscovery(), .. Arp(), .. FragmentsV4(), .. FragmentsV6(), .. Extensions(), .. Groups()];

    private static HostStoryWriter Story(byte flags = 0) => new(flags);

    private static IEnumerable<byte[]> Errors()
    {
        // Every code, with a datagram, an echo request and a SYN quoted.
        foreach (var isV6 in (bool[])[false, true])
        {
            for (byte type = 1; type <= 12; type++)
            {
                for (byte code = 0; code <= 14; code++)
                {
                    if (isV6 ? type > 5 || code > 7 : type is not (3 or 11 or 12) || (type != 3 && code > 1))
                        continue;
                    yield return Story(HostStoryWriter.Resolved).Send(isV6).ErrorAboutLast(isV6, type, code, 1_300).Echo(isV6).ErrorAboutLast(isV6, type, code, 1_300)
                        .Step(10, (byte)(isV6 ? 1 : 0)).ErrorAboutLast(isV6, type, code, 1_300).Send(isV6, 2_000).Step(12, 4).ToArray();
                }
            }

            // A later fragment quoted, then quotes of every length.
            yield return Story(HostStoryWriter.Resolved).Send(isV6, 7_000).ErrorAboutLast(isV6, isV6 ? (byte)2 : (byte)3, 4, 1_300).ToArray();
            for (byte words = 0; words < 16; words++)
                yield return Story(HostStoryWriter.Resolved).Send(isV6).ErrorAboutLast(isV6, isV6 ? (byte)1 : (byte)3, 4, 0, words).ToArray();
        }

        foreach (byte first in (byte[])[0x35, 0x42, 0x45, 0x4f])
        {
            byte[] quote = [first, .. new byte[8], 50, .. new byte[2], 10, 1, 0, 1, 10, 1, 0, 2, .. new byte[8]];
            byte[] later = [0x45, .. new byte[5], 0, 1, 0, 17, .. new byte[2], 10, 1, 0, 1, 10, 1, 0, 2, .. new byte[8]];
            yield return Story().V4(IpProtocol.Icmp, RawPeer.Icmp(3, 4, 1_300, quote)).V4(IpProtocol.Icmp, RawPeer.Icmp(3, 3, 0, later)).ToArray();
        }

        foreach (byte next in (byte[])[IpProtocol.Udp, IpProtocol.Fragment, IpProtocol.IcmpV6, 50])
        {
            foreach (byte offset in (byte[])[0, 8])
            {
                foreach (var length in (int[])[0, 4, 40])
                {
                    byte[] quote = [0x60, 0, 0, 0, 0, 48, next, 64, .. Bytes(Pair.A6), .. Bytes(Pair.B6), 17, 0, 0, offset, 0, 0, 0, 1, .. new byte[length]];
                    yield return Story().V6(IpProtocol.IcmpV6, RawPeer.Icmp(1, 4, 0, quote, v6: true)).ToArray();
                }
            }
        }

        // From a source whose claim is forged.
        yield return Story(HostStoryWriter.Guarded).V6(IpProtocol.IcmpV6, RawPeer.Icmp(1, 4, 0, new byte[60], v6: true, LinkLocalB), LinkLocalSource)
            .Frame(NetworkHost.EtherTypeIPv4, PacketV4(IpProtocol.Icmp, RawPeer.Icmp(3, 3, 0, new byte[28]), HostStory.Certified4)).ToArray();
        // More datagrams to closed ports than the rate limit of errors allows.
        foreach (var isV6 in (bool[])[false, true])
        {
            var story = Story(HostStoryWriter.Resolved);
            for (var i = 0; i < RepliesAtOnce; i++)
                story.Step(3, 0x10, (byte)i, 0, 3, 33, 0, 1, 1, (byte)(isV6 ? 0 : 1));
            yield return story.ToArray();
        }
    }

    private static IEnumerable<byte[]> Echoes()
    {
        foreach (byte to in (byte[])[0, Group, AllNodes, Broadcast])
        {
            foreach (byte type in (byte[])[0, 8])
                yield return Story(HostStoryWriter.Resolved).V4(IpProtocol.Icmp, RawPeer.Icmp(type, 0, 1, new byte[20]), to: to, mac: to == Broadcast ? BroadcastMac : to == Group ? GroupMac4 : (byte)0).ToArray();
            foreach (byte type in (byte[])[128, 129])
            {
                foreach (byte from in (byte[])[0, LinkLocalSource, UnspecifiedSource])
                {
                    var (source, target) = (HostStory.Choose6(from, isSource: true), HostStory.Choose6(to, isSource: false));
                    yield return Story(HostStoryWriter.Resolved).V6(IpProtocol.IcmpV6, RawPeer.Icmp(type, 0, 1, new byte[20], v6: true, source, target), from, to).ToArray();
                }
            }
        }
    }

    private static IEnumerable<byte[]> NeighborDiscovery()
    {
        foreach (byte flags in (byte[])[0, HostStoryWriter.Guarded, HostStoryWriter.Checking, HostStoryWriter.Checking | HostStoryWriter.Guarded])
        {
            foreach (var target in (InetAddress[])[Pair.A6, LinkLocalA, Pair.B6, LinkLocalB, InetAddress.Parse("ff02::1")])
            {
                foreach (byte from in (byte[])[0, LinkLocalSource, UnspecifiedSource])
                {
                    foreach (byte to in (byte[])[0, LinkLocalSource, AllNodes, SolicitedNode])
                    {
                        foreach (byte type in (byte[])[135, 136])
                        {
                            yield return Story(flags).Send(isV6: true).V6(IpProtocol.IcmpV6, Message(type, 0x60, target, from, to), from, to, 255)
                                .V6(IpProtocol.IcmpV6, Message(type, 0x00, target, from, to, [(byte)(type - 134), 1, 2, 0, 0, 0, 0, 0x0b]), from, to, 255).Wait(25).Send(isV6: true).ToArray();
                        }
                    }
                }
            }
        }

        // Malformed options: truncated, of length 0, too long, with another host's or a multicast link address, duplicated. A short message, and one in a fragment.
        foreach (var options in (byte[][])[[1], [1, 0, 0, 0, 0, 0, 0, 0], [1, 2, 0, 0, 0, 0, 0, 0], [1, 1, 2, 0, 0, 0, 0, 0x0c], [1, 1, 3, 0, 0, 0, 0, 0x0b], [14, 1, .. new byte[6], 1, 1, 2, 0, 0, 0, 0, 0x0b, 1, 1, 2, 0, 0, 0, 0, 0x0b]])
            yield return Story().V6(IpProtocol.IcmpV6, Message(135, 0, Pair.A6, 0, 0, options), 0, 0, 255).ToArray();
        yield return Story().V6(IpProtocol.IcmpV6, RawPeer.Icmp(135, 0, 0, new byte[8], v6: true), 0, 0, 255).V6(IpProtocol.IcmpV6, RawPeer.Icmp(135, 1, 0, new byte[16], v6: true), 0, 0, 255)
            .Fragment(IpProtocol.IcmpV6, Message(135, 0, Pair.A6, 0, 0), 0, more: false).ToArray();
        // A known neighbor that is probed at its last link address, and advertised from another link address.
        yield return Story().Send(isV6: true).V6(IpProtocol.IcmpV6, Message(136, 0x60, Pair.B6, 0, 0, [2, 1, 2, 0, 0, 0, 0, 0x0b]), 0, 0, 255).Wait(26).Send(isV6: true).Wait(22).Wait(22).Wait(22)
            .V6(IpProtocol.IcmpV6, Message(136, 0x40, Pair.B6, 0, 0), 0, 0, 255).Wait(24).ToArray();
        yield return Story().Send(isV6: true).V6(IpProtocol.IcmpV6, Message(136, 0x60, Pair.B6, 0, 0), 0, 0, 255).Step(17, 0, 0, 1).V6(IpProtocol.IcmpV6, Message(136, 0x40, Pair.B6, 0, 0), 0, 0, 255)
            .V6(IpProtocol.IcmpV6, Message(136, 0x60, Pair.B6, 0, 0), 0, 0, 255).ToArray();
        var questions = Story(HostStoryWriter.Resolved);
        for (var i = 0; i < RepliesAtOnce; i++)
            questions.V6(IpProtocol.IcmpV6, Message(135, 0, Pair.A6, 0, 0), 0, 0, 255);
        yield return questions.ToArray();
    }

    private static IEnumerable<byte[]> Arp()
    {
        var others = (InetAddress[])[Pair.B4, Pair.A4, InetAddress.AnyV4, InetAddress.Parse("192.0.2.1"), HostStory.Certified4];
        foreach (byte flags in (byte[])[0, HostStoryWriter.Guarded])
        {
            foreach (var sender in others)
            {
                foreach (var target in (InetAddress[])[Pair.A4, InetAddress.Parse("10.1.0.77")])
                {
                    foreach (var isReply in (bool[])[false, true])
                        yield return Story(flags).Send(isV6: false).Frame(NetworkHost.EtherTypeArp, ArpOf(isReply, sender, target)).Frame(NetworkHost.EtherTypeArp, ArpOf(false, sender, target)).ToArray();
                }
            }
        }

        var questions = Story();
        for (var i = 0; i < RepliesAtOnce; i++)
            questions.Frame(NetworkHost.EtherTypeArp, ArpOf(false, Pair.B4, Pair.A4));
        yield return questions.ToArray();
    }

    private static IEnumerable<byte[]> FragmentsV4()
    {
        var piece = new byte[64];
        // A first fragment too short for the transport header, and a later one that begins inside of the header.
        yield return Story().V4(IpProtocol.Tcp, piece.AsSpan(0, 16), more: true).V4(IpProtocol.Tcp, piece.AsSpan(0, 16), offset: 8).V4(IpProtocol.Udp, piece.AsSpan(0, 8), more: true).V4(50, piece.AsSpan(0, 4), more: true).ToArray();
        // More pending datagrams than the limit, of two senders, until their timeouts.
        foreach (byte to in (byte[])[0, Group, Broadcast])
        {
            var story = Story(HostStoryWriter.Resolved);
            for (var i = 0; i < 4; i++)
            {
                story.V4(IpProtocol.Udp, piece, more: true, identification: i, to: to, mac: to == Broadcast ? BroadcastMac : to == Group ? GroupMac4 : (byte)0)
                    .V4(50, piece, more: true, identification: i).Fragment(IpProtocol.Udp, piece, 0, more: true, (byte)i, to == 0 ? (byte)0 : AllNodes).Wait(10);
            }

            yield return story.V4(IpProtocol.Udp, piece, more: true, offset: 64).Wait(26).ToArray();
        }

        // A last fragment only; an overlap, and later fragments of the same datagram; a duplicate; a fragment past the end.
        yield return Story(HostStoryWriter.Resolved).V4(IpProtocol.Udp, piece, offset: 128).Wait(26).V4(IpProtocol.Udp, piece, more: true).V4(IpProtocol.Udp, piece, more: true, offset: 32)
            .V4(IpProtocol.Udp, piece, more: true, offset: 64).Wait(26).V4(IpProtocol.Udp, piece, more: true).V4(IpProtocol.Udp, piece, more: true).V4(IpProtocol.Udp, piece, offset: 64)
            .V4(IpProtocol.Udp, piece, offset: 128).V4(IpProtocol.Udp, piece, offset: 256).V4(IpProtocol.Udp, piece, more: true, offset: 512).ToArray();
        // Large datagrams: the oldest is evicted, which may be the one that grows.
        yield return Story().V4(IpProtocol.Udp, piece, more: true, identification: 1).Wait(10).V4(IpProtocol.Udp, piece, more: true, offset: 32_000, identification: 2).Wait(10)
            .V4(IpProtocol.Udp, piece, more: true, offset: 32_000, identification: 3).V4(IpProtocol.Udp, piece, more: true, offset: 32_000, identification: 1).ToArray();
        yield return Story().V4(IpProtocol.Udp, piece, more: true, offset: 32_000, identification: 1).Wait(10).V4(IpProtocol.Udp, piece, more: true, identification: 2).Wait(10)
            .V4(IpProtocol.Udp, piece, more: true, offset: 32_000, identification: 2).V4(IpProtocol.Udp, piece, more: true, offset: 32_000, identification: 3).ToArray();
        // Complete datagrams, one permitted and one dropped by the filter, to this host, a group and broadcast.
        foreach (byte port in (byte[])[9, HostStory.RefusedPort])
        {
            var datagram = RawPeer.Udp(Pair.B4, Pair.A4, 9, port, piece);
            var datagram6 = RawPeer.Udp(Pair.B6, Pair.A6, 9, port, piece);
            foreach (byte to in (byte[])[0, Group, Broadcast])
            {
                byte mac = to == Broadcast ? BroadcastMac : to == Group ? GroupMac4 : (byte)0;
                yield return Story(HostStoryWriter.Guarded).V4(IpProtocol.Udp, datagram.AsSpan(0, 40), more: true, to: to, mac: mac).V4(IpProtocol.Udp, datagram.AsSpan(40), offset: 40, to: to, mac: mac)
                    .Fragment(IpProtocol.Udp, datagram6.AsSpan(0, 40), 0, more: true, 1, to == 0 ? (byte)0 : AllNodes).Fragment(IpProtocol.Udp, datagram6.AsSpan(40), 40, more: false, 1, to == 0 ? (byte)0 : AllNodes).ToArray();
            }
        }
    }

    private static IEnumerable<byte[]> FragmentsV6()
    {
        var piece = new byte[64];
        // Malformed, too long and tiny fragments, and first fragments without the whole header chain.
        yield return Story(HostStoryWriter.Resolved).Fragment(IpProtocol.Udp, piece.AsSpan(0, 61), 0, more: true).Fragment(IpProtocol.Udp, new byte[1_200], 65_528, more: false).Fragment(IpProtocol.Tcp, piece, 8, more: true)
            .Fragment(IpProtocol.Udp, [], 0, more: true).Fragment(IpProtocol.NoNext, piece.AsSpan(0, 8), 0, more: true).Fragment(IpProtocol.Tcp, piece.AsSpan(0, 16), 0, more: true).ToArray();
        foreach (byte next in (byte[])[IpProtocol.HopByHop, IpProtocol.Routing, IpProtocol.DestinationOptions])
        {
            foreach (byte inner in (byte[])[IpProtocol.Udp, IpProtocol.Tcp, IpProtocol.NoNext, IpProtocol.Fragment])
            {
                byte[] chain = [inner, 0, .. new byte[38]];
                byte[] cut = [inner, 200, .. new byte[38]];
                yield return Story(HostStoryWriter.Resolved).Fragment(next, chain, 0, more: true, 1).Fragment(next, piece, 40, more: false, 1).Fragment(next, cut, 0, more: true, 2).Fragment(next, [], 0, more: true, 3)
                    .Fragment(next, [inner], 0, more: true, 4).Fragment(next, [inner, 0, 0x80, 0, .. new byte[36]], 0, more: true, 5).Fragment(next, piece, 40, more: false, 5).ToArray();
            }
        }

        // Fragments of fragments.
        yield return Story().Fragment(IpProtocol.Fragment, [17, 0, 0, 1, 0, 0, 0, 1, .. piece], 0, more: true).Fragment(IpProtocol.Fragment, piece, 72, more: false).ToArray();
        // A truncated fragment header. The limit of fragments for a datagram exceeds a story's steps: see net-reassembly.
        yield return Story().V6(IpProtocol.Fragment, [17, 0, 0]).ToArray();
    }

    private static IEnumerable<byte[]> Extensions()
    {
        foreach (byte header in (byte[])[IpProtocol.HopByHop, IpProtocol.Routing, IpProtocol.DestinationOptions])
        {
            foreach (byte option in (byte[])[1, 5, 0x45, 0x85, 0xc5])
            {
                foreach (byte to in (byte[])[0, AllNodes])
                {
                    foreach (byte from in (byte[])[0, UnspecifiedSource])
                    {
                        foreach (byte length in (byte[])[2, 9])
                            yield return Story(HostStoryWriter.Resolved).V6(header, [17, 0, option, length, 0, 0, 1, 0, .. new byte[8]], from, to, mac: to == 0 ? (byte)0 : AllNodesMac).ToArray();
                    }
                }
            }

            yield return Story().V6(header, [17]).V6(header, [17, 3, 0, 0]).V6(header, [header, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0, 0, 9, 0, 9, 0, 8, 0, 0]).ToArray();
            yield return Story().V6(header, [.. Enumerable.Repeat((byte[])[IpProtocol.DestinationOptions, 0, 1, 4, 0, 0, 0, 0], 12).SelectMany(bytes => bytes)]).ToArray();
        }
    }

    private static IEnumerable<byte[]> Groups()
    {
        // Empty messages; MLD without router alert, with another hop limit, without a link-local source, truncated.
        yield return Story().V4(IpProtocol.Igmp, [], to: 5, mac: GroupMac4).V4(IpProtocol.Igmp, [0x11], to: 5, mac: GroupMac4).ToArray();
        foreach (byte from in (byte[])[0, LinkLocalSource])
        {
            foreach (byte hopLimit in (byte[])[1, 2])
            {
                foreach (byte header in (byte[])[IpProtocol.HopByHop, IpProtocol.DestinationOptions])
                {
                    foreach (var length in (int[])[4, 16])
                    {
                        var query = RawPeer.Icmp(130, 0, 1_000 << 16, new byte[length], v6: true, HostStory.Choose6(from, isSource: true), InetAddress.Parse("ff02::1"));
                        yield return Story().V6(header, [IpProtocol.IcmpV6, 0, 5, 2, 0, 0, 1, 0, .. query], from, AllNodes, hopLimit, AllNodesMac).Wait(22)
                            .V6(IpProtocol.IcmpV6, query, from, AllNodes, hopLimit, AllNodesMac).ToArray();
                    }
                }
            }
        }

        // Queriers of versions 1 and 2, then groups joined and left.
        foreach (byte delay in (byte[])[0, 100])
        {
            var query = RawPeer.Icmp(0x11, delay, 0, []);
            yield return Story().V4(IpProtocol.Igmp, query, to: 5, mac: AllNodesMac).Step(12, 5, 77, 12, 5, 78).Wait(24).Step(12, 14, 12, 6).Wait(20).ToArray();
        }
    }

    private static byte[] Message(byte type, byte flags, InetAddress target, byte from, byte to, byte[]? options = null) => RawPeer.Icmp(
        type, 0, (uint)flags << 24, [.. Bytes(target), .. options ?? []], v6: true, HostStory.Choose6(from, isSource: true), HostStory.Choose6(to, isSource: false));

    private static byte[] ArpOf(bool isReply, InetAddress sender, InetAddress target)
    {
        var packet = new byte[ArpPacket.Bytes];
        new ArpPacket(isReply, Pair.MacB, sender, Pair.MacA, target).Write(packet);
        return packet;
    }

    private static byte[] PacketV4(byte protocol, byte[] data, InetAddress source)
    {
        var packet = new byte[Ipv4Packet.HeaderBytes + data.Length];
        Ipv4Packet.WriteHeader(packet, source, Pair.A4, protocol, 64, 0, 0, false, false, 0, data.Length);
        data.CopyTo(packet, Ipv4Packet.HeaderBytes);
        return packet;
    }

    private static byte[] Bytes(InetAddress address)
    {
        var bytes = new byte[address.Length];
        address.Write(bytes);
        return bytes;
    }
}
