using System.Buffers.Binary;
using Lanyard.NetStack;
using Lanyard.NetStack.Tests;
using Lanyard.Primitives;

namespace Lanyard.Fuzz;

/// <summary>The parsers of Lanyard.NetStack one by one, a host that receives frames, a TCP connection, and reassembly against a model.</summary>
internal static class NetStackTargets
{
    private const int LongestPart = 2_400;

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("net-parse", Parse, NetStackSeeds.Packets),
        new("net-frame", Frame, NetStackSeeds.Packets),
        new("net-host", input => HostStory.Run(input, isTcp: false), NetStackSeeds.Stories) { MaxInputBytes = 2_048 },
        new("net-tcp", input => HostStory.Run(input, isTcp: true), NetStackSeeds.TcpStories) { MaxInputBytes = 2_048 },
        new("net-reassembly", Reassembly, NetStackSeeds.Reassemblies) { MaxInputBytes = 512 },
    ];

    // Every format of its own on the same bytes: what reads a field past the end throws.
    private static void Parse(ReadOnlySpan<byte> input)
    {
        if (!input.IsEmpty)
            input = input[1..];
        if (Ipv4Packet.TryParse(input, out var v4))
        {
            Check.That(v4.HeaderLength >= Ipv4Packet.HeaderBytes && v4.Payload.Length <= Ipv4Packet.MaxPayloadBytes, "IPv4 lengths");
            Check.That(v4.FragmentOffset is >= 0 and <= 65_528 && v4.IsFragment == (v4.MoreFragments || v4.FragmentOffset > 0), "IPv4 fragment");
            _ = (v4.Source, v4.Destination, v4.HopLimit, v4.Protocol, v4.TrafficClass, v4.DontFragment, v4.Identification, v4.HasValidChecksum);
            ParseTransports(v4.Payload);
        }

        if (Ipv6Packet.TryParse(input, out var v6))
        {
            Check.That(v6.Payload.Length <= Ipv6Packet.MaxPayloadBytes, "IPv6 length");
            var written = new byte[Ipv6Packet.HeaderBytes];
            Ipv6Packet.WriteHeader(written, v6.Source, v6.Destination, v6.NextHeader, v6.HopLimit, v6.TrafficClass, v6.Payload.Length);
            // All but the flow label.
            (written[1], written[2], written[3]) = ((byte)(written[1] & 0xf0 | input[1] & 0x0f), input[2], input[3]);
            Check.SameBytes(input[..written.Length], written, "IPv6 header");
            ParseTransports(v6.Payload);
        }

        if (ArpPacket.TryParse(input, out var arp))
        {
            var written = new byte[ArpPacket.Bytes];
            arp.Write(written);
            Check.SameBytes(input[..written.Length], written, "ARP");
        }

        ParseTransports(input);
    }

    private static void ParseTransports(ReadOnlySpan<byte> input)
    {
        if (TcpSegment.TryParse(input, out var segment))
        {
            var options = segment.Options;
            Check.That(options is { Mss: >= 0, WindowShift: >= -1 and <= TcpSegmentOptions.MaxWindowShift, UserTimeoutSeconds: >= 0 }, "TCP options");
            for (var i = 0; i < options.SackBlocks; i++)
                _ = (options.SackStart(i), options.SackEnd(i));
            Check.That(segment.SequenceLength >= segment.Payload.Length, "TCP length");
            RewriteOptions(options);
        }

        if (UdpDatagram.TryParse(input, out var datagram))
            Check.That(datagram.Payload.Length <= input.Length - UdpDatagram.HeaderBytes, "UDP length");
        if (Ipv6FragmentHeader.TryParse(input, out var fragment))
        {
            Span<byte> written = stackalloc byte[Ipv6FragmentHeader.Bytes];
            fragment.Write(written);
            Check.That(Ipv6FragmentHeader.TryParse(written, out var again) && again == fragment && fragment.Offset % 8 == 0, "fragment header");
        }

        if (IgmpFormat.TryParseQuery(input, out var igmp))
            CheckQuery(igmp, 4);
        if (MldFormat.TryParseQuery(input, out var mld))
            CheckQuery(mld, 16);
        Check.That(input.Length < 512 || InternetChecksum.Sum(input) == InternetChecksum.SumPortable(input), "checksums differ");
    }

    private static void RewriteOptions(TcpSegmentOptions options)
    {
        Span<byte> room = stackalloc byte[TcpSegment.MaxOptionBytes];
        if (options.Mss == 0)
            return;
        var length = TcpSegmentOptions.WriteSyn(room, options.Mss, options.WindowShift, options.SackPermitted, options.HasTimestamp, options.Timestamp, options.TimestampEcho);
        Check.That(TcpSegmentOptions.TryParse(room[..length], out var again), "written options do not parse");
        Check.That(again.Mss == options.Mss && again.WindowShift == options.WindowShift && again.SackPermitted == options.SackPermitted
            && again.HasTimestamp == options.HasTimestamp && again.Timestamp == options.Timestamp, "options are not written as they were read");
    }

    private static void CheckQuery(GroupQuery query, int addressBytes) =>
        Check.That(query.MaxDelay is >= 0 and <= 8_388_608_000 && query.Sources.Length % addressBytes == 0 && query.Robustness is >= 0 and <= 7
            && query.Version is >= 1 and <= 3, "group query");

    // One frame, the first byte its kind, for a host with sockets of every kind.
    private static void Frame(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty)
            return;
        var host = new StoryHost(input[0]);
        ushort type = (input[0] & 3) switch { 0 => NetworkHost.EtherTypeArp, 1 => NetworkHost.EtherTypeIPv4, 2 => NetworkHost.EtherTypeIPv6, _ => 0x88b5 };
        host.Receive(type, input[1..], (input[0] & 4) != 0 ? MacAddress.Broadcast : null);
        host.Receive(type, PacketRepair.WithChecksums(type, input[1..]), (input[0] & 4) != 0 ? MacAddress.Broadcast : null);
        host.End();
    }

    // A datagram cut in pieces that come in any order, some twice, with others of the same name before or between: either it is whole, or it is dropped.
    private static void Reassembly(ReadOnlySpan<byte> input)
    {
        var story = new FuzzInput(input);
        var flags = story.Byte();
        var isV6 = (flags & 1) != 0;
        var peer = HostStory.MakePeer(flags);
        peer.Host.OpenUdp(new InetEndpoint(default, 7), null, out var socket);
        var content = new byte[1 + story.UInt16() % 9_000];
        new Random(flags).NextBytes(content);
        var datagram = RawPeer.Udp(isV6 ? Pair.B6 : Pair.B4, isV6 ? Pair.A6 : Pair.A4, 9, 7, content);
        var cuts = new SortedSet<int>(Enumerable.Range(0, ((datagram.Length - 1) / LongestPart) + 1).Select(part => part * LongestPart));
        for (var i = story.Byte() % 12; i > 0; i--)
            cuts.Add(story.UInt16() % datagram.Length & ~7);
        var starts = cuts.ToArray();
        var seen = new HashSet<int>();
        var isHostile = false;
        while (!story.IsEmpty)
        {
            var choice = story.Byte();
            if (choice >= 0xe0)
            {
                isHostile = true;
                Send(story.UInt16() & ~7, story.Bool(), story.Bytes(64));
                continue;
            }

            SendPart(choice % starts.Length);
        }

        for (var i = 0; i < starts.Length; i++)
        {
            if (!seen.Contains(i))
                SendPart(i);
        }

        var buffer = new byte[65_536];
        if (socket!.TryReceive(buffer, out var info))
            Check.That(isHostile || content.AsSpan().SequenceEqual(buffer.AsSpan(0, info.Length)), "a reassembled datagram has another content");
        else
            Check.That(isHostile, "a whole datagram was not reassembled");
        Check.That(peer.Host.Reassembler.Count <= HostStory.Limits.ReassemblyDatagrams && peer.Host.Pool.Outstanding <= HostStory.Limits.BufferBytes, "bounds");

        void SendPart(int index)
        {
            var end = index + 1 < starts.Length ? starts[index + 1] : datagram.Length;
            seen.Add(index);
            Send(starts[index], index + 1 < starts.Length, datagram.AsSpan(starts[index], end - starts[index]));
        }

        void Send(int offset, bool more, ReadOnlySpan<byte> data)
        {
            if (!isV6)
            {
                peer.ReceiveV4(IpProtocol.Udp, data, identification: 77, more: more, offset: offset & 0xfff8);
                return;
            }

            var packet = new byte[Ipv6FragmentHeader.Bytes + data.Length];
            new Ipv6FragmentHeader(IpProtocol.Udp, offset, more, 77).Write(packet);
            data.CopyTo(packet.AsSpan(Ipv6FragmentHeader.Bytes));
            peer.ReceiveV6(IpProtocol.Fragment, packet);
        }
    }
}
