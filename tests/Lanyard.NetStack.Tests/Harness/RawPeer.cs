using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>A TCP segment that the host under test sent, taken apart.</summary>
internal sealed record SentTcp(TcpFlags Flags, uint Sequence, uint Acknowledgment, int Window, byte[] Payload, int Mss, int WindowShift,
    bool SackPermitted,
    uint? Timestamp, uint TimestampEcho, (uint Start, uint End)[] Sack, ushort SourcePort, byte TrafficClass, int UserTimeout);

/// <summary>One host under test, and frames made and taken apart by hand as its neighbor B, whose Ethernet address the host
/// knows.</summary>
internal sealed class RawPeer : IFrameSink, INeighborResolver, IGroupObserver
{
    private readonly byte[] _frame = new byte[65_600];
    private readonly Queue<InetAddress> _questions = new();
    private readonly bool _resolves;
    private MacAddress _destination;
    private ushort _etherType;

    public RawPeer(Func<NetworkHostOptions, NetworkHostOptions>? configure = null, bool resolve = true, int seed = 1)
    {
        var options = Pair.Options(Pair.MacA, seed, 0xa, new InetPrefix(Pair.A4, 24), new InetPrefix(Pair.A6, 64));
        options = options with { GroupObserver = this };
        _resolves = resolve;
        if (resolve)
            options = options with { NeighborResolver = this };
        Host = new NetworkHost(configure?.Invoke(options) ?? options, this);
    }

    public NetworkHost Host { get; }

    public long Now { get; set; } = 1_000_000_000;

    /// <summary>Who sends what the host is given.</summary>
    public MacAddress Neighbor { get; set; } = Pair.MacB;

    public Queue<Frame> Frames { get; } = new();

    public List<EthernetGroup> Joined { get; } = [];

    public int Flushes { get; private set; }

    public bool Refuse { get; set; }

    /// <summary>Whether B answers, while time passes, where the host asks it whether it is there. Such questions are not in <see cref="Frames"/> then.</summary>
    public bool IsThere { get; init; } = true;

    public Span<byte> Rent(MacAddress destination, ushort etherType, int length)
    {
        (_destination, _etherType) = (destination, etherType);
        return Refuse ? default : _frame.AsSpan(0, length);
    }

    public void Commit(int length)
    {
        var frame = new Frame { Bytes = _frame.AsSpan(0, length).ToArray(), Length = length, Source = Pair.MacA, Destination = _destination, EtherType = _etherType };
        if (IsThere && _resolves && _destination == Pair.MacB && QuestionOf(frame) is { } target)
            _questions.Enqueue(target);
        else
            Frames.Enqueue(frame);
    }

    public void Flush() => Flushes++;

    // The address that an ARP request or a neighbor solicitation asks for.
    private static InetAddress? QuestionOf(Frame frame)
    {
        if (frame.EtherType == NetworkHost.EtherTypeArp)
            return ArpPacket.TryParse(frame.Packet, out var arp) && !arp.IsReply ? arp.TargetAddress : null;
        return frame.EtherType == NetworkHost.EtherTypeIPv6 && frame.Packet[6] == IpProtocol.IcmpV6 && frame.Packet[Ipv6Packet.HeaderBytes] == NdpProtocol.NeighborSolicitation
            ? InetAddress.FromBytes(frame.Packet.Slice(Ipv6Packet.HeaderBytes + 8, 16)) : null;
    }

    private void Answer(InetAddress target)
    {
        if (target.IsV4)
        {
            var reply = new byte[ArpPacket.Bytes];
            new ArpPacket(IsReply: true, Pair.MacB, target, Pair.MacA, Pair.A4).Write(reply);
            Receive(NetworkHost.EtherTypeArp, reply);
            return;
        }

        var advertised = new byte[24];
        target.Write(advertised);
        advertised[16] = 2;
        advertised[17] = 1;
        Pair.MacB.Write(advertised.AsSpan(18));
        ReceiveV6(IpProtocol.IcmpV6, Icmp(NdpProtocol.NeighborAdvertisement, 0, 0x6000_0000, advertised, v6: true), hopLimit: 255);
    }

    public bool TryResolve(InetAddress address, out MacAddress mac)
    {
        mac = Pair.MacB;
        return true;
    }

    public void OnJoined(EthernetGroup group) => Joined.Add(group);

    public void OnLeft(EthernetGroup group) => Joined.Remove(group);

    /// <summary>Lets time pass, doing what comes due on the way.</summary>
    public void Advance(long microseconds)
    {
        var end = Now + microseconds;
        while (Host.NextDeadline <= end)
        {
            Now = Math.Max(Now, Host.NextDeadline);
            Host.Poll(Now);
            while (_questions.TryDequeue(out var target))
                Answer(target);
        }

        Now = end;
    }

    public void Receive(ushort etherType, ReadOnlySpan<byte> packet, MacAddress? destination = null) =>
        Host.Receive(Now, Neighbor, destination ?? Pair.MacA, etherType, packet);

    /// <summary>Gives the host an IPv4 packet from B.</summary>
    public void ReceiveV4(byte protocol, ReadOnlySpan<byte> payload, InetAddress? source = null, InetAddress? destination = null,
        MacAddress? mac = null,
        ushort identification = 0, bool more = false, int offset = 0, byte hopLimit = 64, byte trafficClass = 0)
    {
        var packet = new byte[Ipv4Packet.HeaderBytes + payload.Length];
        Ipv4Packet.WriteHeader(packet, source ?? Pair.B4, destination ?? Pair.A4, protocol, hopLimit, trafficClass, identification, false, more,
            offset, payload.Length);
        payload.CopyTo(packet.AsSpan(Ipv4Packet.HeaderBytes));
        Receive(NetworkHost.EtherTypeIPv4, packet, mac);
    }

    /// <summary>Gives the host an IPv6 packet from B.</summary>
    public void ReceiveV6(byte next, ReadOnlySpan<byte> payload, InetAddress? source = null, InetAddress? destination = null,
        byte hopLimit = 64, MacAddress? mac = null)
    {
        var packet = new byte[Ipv6Packet.HeaderBytes + payload.Length];
        Ipv6Packet.WriteHeader(packet, source ?? Pair.B6, destination ?? Pair.A6, next, hopLimit, 0, payload.Length);
        payload.CopyTo(packet.AsSpan(Ipv6Packet.HeaderBytes));
        Receive(NetworkHost.EtherTypeIPv6, packet, mac);
    }

    public void ReceiveUdp(ushort sourcePort, ushort destinationPort, ReadOnlySpan<byte> payload, InetAddress? source = null,
        InetAddress? destination = null,
        MacAddress? mac = null)
    {
        var from = source ?? Pair.B4;
        var to = destination ?? (from.IsV4 ? Pair.A4 : Pair.A6);
        var datagram = Udp(from, to, sourcePort, destinationPort, payload);
        if (from.IsV4)
            ReceiveV4(IpProtocol.Udp, datagram, from, to, mac);
        else
            ReceiveV6(IpProtocol.Udp, datagram, from, to, mac: mac);
    }

    public static byte[] Udp(InetAddress from, InetAddress to, ushort sourcePort, ushort destinationPort, ReadOnlySpan<byte> payload)
    {
        var datagram = new byte[8 + payload.Length];
        payload.CopyTo(datagram.AsSpan(8));
        UdpDatagram.WriteHeader(datagram, sourcePort, destinationPort, payload.Length,
            InternetChecksum.PseudoHeader(from, to, IpProtocol.Udp, datagram.Length) + InternetChecksum.Sum(payload));
        return datagram;
    }

    /// <summary>An ICMP message with its checksum.</summary>
    public static byte[] Icmp(byte type, byte code, uint parameter, ReadOnlySpan<byte> rest, bool v6 = false, InetAddress? from = null,
        InetAddress? to = null)
    {
        var message = new byte[8 + rest.Length];
        message[0] = type;
        message[1] = code;
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(4), parameter);
        rest.CopyTo(message.AsSpan(8));
        var sum = InternetChecksum.Sum(message);
        if (v6)
            sum += InternetChecksum.PseudoHeader(from ?? Pair.B6, to ?? Pair.A6, IpProtocol.IcmpV6, message.Length);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), InternetChecksum.Finish(sum));
        return message;
    }

    /// <summary>Gives the host a TCP segment from B over IPv4.</summary>
    public void ReceiveTcp(ushort sourcePort, ushort destinationPort, TcpFlags flags, uint sequence, uint acknowledgment,
        ReadOnlySpan<byte> payload = default,
        ushort window = 65_535, ReadOnlySpan<byte> options = default, byte trafficClass = 0) =>
        ReceiveV4(IpProtocol.Tcp, Tcp(sourcePort, destinationPort, flags, sequence, acknowledgment, payload, window, options),
            trafficClass: trafficClass);

    public static byte[] Tcp(ushort sourcePort, ushort destinationPort, TcpFlags flags, uint sequence, uint acknowledgment,
        ReadOnlySpan<byte> payload,
        ushort window, ReadOnlySpan<byte> options)
    {
        var segment = new byte[TcpSegment.HeaderBytes + options.Length + payload.Length];
        TcpSegment.WriteHeader(segment, sourcePort, destinationPort, sequence, acknowledgment, flags, window, options.Length);
        options.CopyTo(segment.AsSpan(TcpSegment.HeaderBytes));
        payload.CopyTo(segment.AsSpan(TcpSegment.HeaderBytes + options.Length));
        TcpSegment.WriteChecksum(segment, InternetChecksum.PseudoHeader(Pair.B4, Pair.A4, IpProtocol.Tcp, segment.Length));
        return segment;
    }

    /// <summary>The next frame sent, as a TCP segment over IPv4 whose checksums are right; null if none was sent.</summary>
    public SentTcp? NextTcp()
    {
        if (!Frames.TryDequeue(out var frame))
            return null;
        Assert.True(Ipv4Packet.TryParse(frame.Packet, out var packet));
        Assert.True(packet.HasValidChecksum);
        Assert.Equal(IpProtocol.Tcp, packet.Protocol);
        Assert.True(InternetChecksum.IsValid(InternetChecksum.Sum(packet.Payload)
            + InternetChecksum.PseudoHeader(packet.Source, packet.Destination, IpProtocol.Tcp, packet.Payload.Length)));
        Assert.True(TcpSegment.TryParse(packet.Payload, out var segment));
        var options = segment.Options;
        var sack = new (uint, uint)[options.SackBlocks];
        for (var i = 0; i < sack.Length; i++)
            sack[i] = (options.SackStart(i), options.SackEnd(i));
        return new SentTcp(segment.Flags, segment.Sequence, segment.Acknowledgment, segment.Window, segment.Payload.ToArray(),
            options.Mss, options.WindowShift,
            options.SackPermitted, options.HasTimestamp ? options.Timestamp : null, options.TimestampEcho, sack, segment.SourcePort,
            packet.TrafficClass, options.UserTimeoutSeconds);
    }
}

/// <summary>A TCP connection of the host under test whose other end is played by hand: sequence numbers count from each end's
/// first.</summary>
internal sealed class RawConnection
{
    public const ushort FarPort = 4000;
    private const uint FarIsn = 5_000;

    private readonly RawPeer _peer;
    private uint _nearIsn;
    private ushort _nearPort;

    private RawConnection(RawPeer peer) => _peer = peer;

    public RecordedEvents Events { get; } = new();

    public TcpConnection Connection { get; private set; } = null!;

    public SentTcp Syn { get; private set; } = null!;

    /// <summary>The host opens a connection to B and B answers.</summary>
    public static RawConnection Open(RawPeer peer, ushort window = 65_535, TcpOptions? options = null, byte[]? synOptions = null,
        long rtt = 0, bool ecn = false)
    {
        var raw = Start(peer, options);
        peer.Advance(rtt);
        raw.Send(TcpFlags.Syn | TcpFlags.Ack | (ecn ? TcpFlags.Ece : 0), -1, 0, window: window, options: synOptions ?? [2, 4, 0x05, 0xb4]);
        Assert.Equal(TcpState.Established, raw.Connection.State);
        Assert.Equal(TcpFlags.Ack, peer.NextTcp()!.Flags);
        return raw;
    }

    /// <summary>The host has sent its SYN.</summary>
    public static RawConnection Start(RawPeer peer, TcpOptions? options = null)
    {
        var raw = new RawConnection(peer);
        Assert.Equal(NetError.None, peer.Host.ConnectTcp(peer.Now, new InetEndpoint(Pair.B4, FarPort), raw.Events, out var connection,
            options: options));
        raw.Connection = connection!;
        raw.Syn = peer.NextTcp()!;
        raw._nearIsn = raw.Syn.Sequence;
        raw._nearPort = raw.Syn.SourcePort;
        return raw;
    }

    /// <summary>B sends a segment; -1 is the sequence number of its SYN, 0 that of its first byte, and so for acknowledgements.</summary>
    public void Send(TcpFlags flags, long sequence, long acknowledgment, ReadOnlySpan<byte> payload = default, ushort window = 65_535,
        ReadOnlySpan<byte> options = default, byte trafficClass = 0) =>
        _peer.ReceiveTcp(FarPort, _nearPort, flags, (uint)(FarIsn + 1 + sequence), (uint)(_nearIsn + 1 + acknowledgment), payload,
            window, options, trafficClass);

    /// <summary>The next segment sent, its numbers counted likewise; null if none was sent.</summary>
    public SentTcp? Next() => _peer.NextTcp() is { } sent
        ? sent with { Sequence = sent.Sequence - _nearIsn - 1, Acknowledgment = sent.Acknowledgment - FarIsn - 1,
            Sack = [.. sent.Sack.Select(block => (block.Start - FarIsn - 1, block.End - FarIsn - 1))] }
        : null;

    /// <summary>All segments sent so far.</summary>
    public List<SentTcp> All()
    {
        var all = new List<SentTcp>();
        while (Next() is { } sent)
            all.Add(sent);
        return all;
    }

    public int Write(int count) => Connection.Write(_peer.Now, new byte[count]);
}

/// <summary>Keeps what a connection tells.</summary>
internal sealed class RecordedEvents : ITcpEvents
{
    public int Connected { get; private set; }

    public int Readable { get; private set; }

    public int Writable { get; private set; }

    public NetError? Closed { get; private set; }

    public void OnConnected(TcpConnection connection) => Connected++;

    public void OnReadable(TcpConnection connection) => Readable++;

    public void OnWritable(TcpConnection connection) => Writable++;

    public void OnClosed(TcpConnection connection, NetError reason)
    {
        Assert.Null(Closed);
        Closed = reason;
    }
}
