using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>ICMP (RFC 792) and ICMPv6 (RFC 4443): sends echo requests, replies to them, and passes received errors to the sockets that they concern.</summary>
internal sealed class IcmpProtocol(NetworkHost host)
{
    internal const int HeaderBytes = 8;

    // The bytes of a quoted transport header with the ports or the echo identifier, and the sequence number.
    private const int MinQuotedTransport = 8;

    private readonly Dictionary<ushort, EchoSocket> _sockets = [];

    public void ReceiveV4(in InboundPacket packet)
    {
        host.Count(HostCounter.IcmpReceived);
        var message = packet.Payload;
        if (message.Length < HeaderBytes)
        {
            host.Count(HostCounter.IcmpMalformed);
            return;
        }

        if (!InternetChecksum.IsValid(InternetChecksum.Sum(message)))
        {
            host.Count(HostCounter.IcmpBadChecksum);
            return;
        }

        switch (message[0])
        {
            case IcmpType.Echo:
                ReplyToEcho(packet, IcmpType.EchoReply);
                break;
            case IcmpType.EchoReply:
                ReceiveEchoReply(packet);
                break;
            case IcmpType.DestinationUnreachable or IcmpType.TimeExceeded or IcmpType.ParameterProblem when host.IsForged(packet.Source, packet.FrameSource):
                host.Count(HostCounter.IcmpErrorsForged);
                break;
            case IcmpType.DestinationUnreachable or IcmpType.TimeExceeded or IcmpType.ParameterProblem:
                ReceiveErrorV4(packet);
                break;
            default:
                host.Count(HostCounter.IcmpIgnored);
                break;
        }
    }

    public void ReceiveV6(in InboundPacket packet)
    {
        host.Count(HostCounter.IcmpReceived);
        var message = packet.Payload;
        if (message.Length < HeaderBytes)
        {
            host.Count(HostCounter.IcmpMalformed);
            return;
        }

        var sum = InternetChecksum.PseudoHeader(packet.Source, packet.Destination, IpProtocol.IcmpV6, message.Length)
            + InternetChecksum.Sum(message);
        if (!InternetChecksum.IsValid(sum))
        {
            host.Count(HostCounter.IcmpBadChecksum);
            return;
        }

        switch (message[0])
        {
            case IcmpV6Type.Echo:
                ReplyToEcho(packet, IcmpV6Type.EchoReply);
                break;
            case IcmpV6Type.EchoReply:
                ReceiveEchoReply(packet);
                break;
            case >= NdpProtocol.RouterSolicitation and <= NdpProtocol.Redirect when packet.IsFragmented:
                // These messages need no fragmentation, so a fragmented one hides its contents from filters (RFC 6980).
                host.Count(HostCounter.NdpMalformed);
                break;
            case >= NdpProtocol.RouterSolicitation and <= NdpProtocol.Redirect:
                host.Ndp.Receive(packet.FrameSource, packet.Source, packet.Destination, packet.HopLimit, message);
                break;
            case MldFormat.Query or MldFormat.ReportV1 or MldFormat.DoneV1 or MldFormat.ReportV2:
                MldFormat.Receive(host, packet);
                break;
            case < IcmpV6Type.FirstInformational when host.IsForged(packet.Source, packet.FrameSource):
                host.Count(HostCounter.IcmpErrorsForged);
                break;
            case IcmpV6Type.DestinationUnreachable or IcmpV6Type.PacketTooBig or IcmpV6Type.TimeExceeded or IcmpV6Type.ParameterProblem:
                ReceiveErrorV6(packet);
                break;
            default:
                host.Count(HostCounter.IcmpIgnored);
                break;
        }
    }

    /// <summary>Opens an echo socket with a unique identifier.</summary>
    public NetError Open(IEchoEvents events, out EchoSocket? socket)
    {
        socket = null;
        var identifier = (ushort)host.Secrets.Next();
        for (var tries = 0; tries <= ushort.MaxValue; tries++, identifier++)
        {
            if (_sockets.ContainsKey(identifier))
                continue;
            socket = new EchoSocket(host, events, identifier);
            _sockets.Add(identifier, socket);
            return NetError.None;
        }

        return NetError.LimitReached;
    }

    public void Close(EchoSocket socket) => _sockets.Remove(socket.Identifier);

    public void Shutdown() => _sockets.Clear();

    /// <summary>Sends an echo request or reply.</summary>
    public NetError SendEcho(InetAddress source, InetAddress destination, byte type, ushort identifier, ushort sequence, byte hopLimit,
        ReadOnlySpan<byte> payload)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        header[0] = type;
        header[1] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], identifier);
        BinaryPrimitives.WriteUInt16BigEndian(header[6..], sequence);
        var sum = InternetChecksum.Sum(header) + InternetChecksum.Sum(payload);
        var protocol = source.IsV4 ? IpProtocol.Icmp : IpProtocol.IcmpV6;
        if (source.IsV6)
            sum += InternetChecksum.PseudoHeader(source, destination, protocol, HeaderBytes + payload.Length);
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], InternetChecksum.Finish(sum));
        return host.Ip.SendDatagram(host.Routing.Route(destination), source, destination, protocol, hopLimit, false, header, payload);
    }

    private void ReplyToEcho(in InboundPacket packet, byte replyType)
    {
        if (!host.Options.AnswerEcho || packet.ToGroup || packet.Source.IsUnspecified)
        {
            host.Count(HostCounter.EchoIgnored);
            return;
        }

        var message = packet.Payload;
        host.Count(HostCounter.EchoAnswered);
        SendEcho(packet.Destination, packet.Source, replyType, BinaryPrimitives.ReadUInt16BigEndian(message[4..]),
            BinaryPrimitives.ReadUInt16BigEndian(message[6..]), 64, message[HeaderBytes..]);
    }

    private void ReceiveEchoReply(in InboundPacket packet)
    {
        var message = packet.Payload;
        if (packet.ToGroup || !_sockets.TryGetValue(BinaryPrimitives.ReadUInt16BigEndian(message[4..]), out var socket))
        {
            host.Count(HostCounter.EchoUnexpected);
            return;
        }

        host.Count(HostCounter.EchoReplies);
        socket.OnReply(packet.Source, BinaryPrimitives.ReadUInt16BigEndian(message[6..]), packet.HopLimit, message[HeaderBytes..]);
    }

    private void ReceiveErrorV4(in InboundPacket packet)
    {
        var message = packet.Payload;
        // The quote may be shorter than the total length in its header, which is therefore not checked.
        var quote = message[HeaderBytes..];
        var header = quote.IsEmpty ? 0 : (quote[0] & 15) * 4;
        if (quote.Length < Ipv4Packet.HeaderBytes || quote[0] >> 4 != 4 || header < Ipv4Packet.HeaderBytes
            || quote.Length < header + MinQuotedTransport)
        {
            host.Count(HostCounter.IcmpMalformed);
            return;
        }

        var source = InetAddress.FromBytes(quote.Slice(12, 4));
        var destination = InetAddress.FromBytes(quote.Slice(16, 4));
        var isLaterFragment = (BinaryPrimitives.ReadUInt16BigEndian(quote[6..]) & 0x1fff) != 0;
        var (error, isHard) = InterpretV4(message[0], message[1]);
        var mtu = error == NetError.MessageTooLong ? BinaryPrimitives.ReadUInt16BigEndian(message[6..]) : 0;
        if (isLaterFragment)
            host.Count(HostCounter.IcmpErrorsUnmatched);
        else
            Deliver(source, destination, quote[9], quote[header..], new IcmpError(error, isHard, mtu, packet.Source));
    }

    private void ReceiveErrorV6(in InboundPacket packet)
    {
        var message = packet.Payload;
        var quote = message[HeaderBytes..];
        if (quote.Length < Ipv6Packet.HeaderBytes + MinQuotedTransport || quote[0] >> 4 != 6)
        {
            host.Count(HostCounter.IcmpMalformed);
            return;
        }

        var source = InetAddress.FromBytes(quote.Slice(8, 16));
        var destination = InetAddress.FromBytes(quote.Slice(24, 16));
        var next = quote[6];
        var transport = quote[Ipv6Packet.HeaderBytes..];
        // The only extension header that this host sends is the fragment header.
        if (next == IpProtocol.Fragment)
        {
            next = Ipv6FragmentHeader.TryParse(transport, out var fragment) && fragment.Offset == 0
                ? fragment.NextHeader
                : IpProtocol.NoNext;
            transport = transport[Ipv6FragmentHeader.Bytes..];
        }

        var (error, isHard) = InterpretV6(message[0], message[1]);
        var mtu = error == NetError.MessageTooLong ? (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(message[4..]), 65_535) : 0;
        if (transport.Length < MinQuotedTransport)
            host.Count(HostCounter.IcmpErrorsUnmatched);
        else
            Deliver(source, destination, next, transport, new IcmpError(error, isHard, mtu, packet.Source));
    }

    private void Deliver(InetAddress source, InetAddress destination, byte protocol, ReadOnlySpan<byte> transport, IcmpError error)
    {
        var first = BinaryPrimitives.ReadUInt16BigEndian(transport);
        var second = BinaryPrimitives.ReadUInt16BigEndian(transport[2..]);
        var isMatched = host.AddressTable.IsLocal(source) && protocol switch
        {
            IpProtocol.Tcp => host.Tcp.OnIcmpError(new InetEndpoint(source, first), new InetEndpoint(destination, second),
                BinaryPrimitives.ReadUInt32BigEndian(transport[4..]), error),
            IpProtocol.Udp => host.Udp.OnIcmpError(new InetEndpoint(source, first), new InetEndpoint(destination, second), error),
            IpProtocol.Icmp or IpProtocol.IcmpV6 => OnEchoError(destination, BinaryPrimitives.ReadUInt16BigEndian(transport[4..]),
                BinaryPrimitives.ReadUInt16BigEndian(transport[6..]), error),
            _ => false,
        };
        host.Count(isMatched ? HostCounter.IcmpErrorsDelivered : HostCounter.IcmpErrorsUnmatched);
    }

    private bool OnEchoError(InetAddress destination, ushort identifier, ushort sequence, IcmpError error)
    {
        if (!_sockets.TryGetValue(identifier, out var socket) || !socket.HasSentTo(destination))
            return false;
        if (error.Error == NetError.MessageTooLong)
            host.PathMtus.Lower(destination, error.Mtu);
        socket.OnError(destination, error.From, sequence, error.Error);
        return true;
    }

    /// <summary>Reports a neighbor that did not answer to the sockets that sent echo requests through it.</summary>
    public void OnNeighborFailed(NeighborEntry neighbor)
    {
        // Handlers may open and close sockets, so this iterates over a copy.
        foreach (var socket in _sockets.Values.ToArray())
            socket.OnNeighborFailed(neighbor);
    }

    /// <summary>Reports a packet whose neighbor did not answer to the UDP socket that sent it, like an ICMP error from this host (RFC 1122 section
    /// 3.3.1.4).</summary>
    /// <param name="etherType">The Ethernet type of the packet.</param>
    /// <param name="packet">The packet.</param>
    public void OnUndeliverable(ushort etherType, ReadOnlySpan<byte> packet)
    {
        if (etherType == NetworkHost.EtherTypeIPv4 && Ipv4Packet.TryParse(packet, out var v4) && v4.Protocol == IpProtocol.Udp
            && v4.FragmentOffset == 0 && v4.Payload.Length >= MinQuotedTransport)
            Report(v4.Source, v4.Destination, v4.Payload);
        if (etherType != NetworkHost.EtherTypeIPv6 || !Ipv6Packet.TryParse(packet, out var v6))
            return;
        var next = v6.NextHeader;
        var payload = v6.Payload;
        if (next == IpProtocol.Fragment && Ipv6FragmentHeader.TryParse(payload, out var fragment) && fragment.Offset == 0)
        {
            next = fragment.NextHeader;
            payload = payload[Ipv6FragmentHeader.Bytes..];
        }

        if (next == IpProtocol.Udp && payload.Length >= MinQuotedTransport)
            Report(v6.Source, v6.Destination, payload);

        void Report(InetAddress source, InetAddress destination, ReadOnlySpan<byte> transport) => host.Udp.OnIcmpError(
            new InetEndpoint(source, BinaryPrimitives.ReadUInt16BigEndian(transport)),
            new InetEndpoint(destination, BinaryPrimitives.ReadUInt16BigEndian(transport[2..])),
            new IcmpError(NetError.HostUnreachable, false, 0, source));
    }

    private static (NetError Error, bool IsHard) InterpretV4(byte type, byte code) => (type, code) switch
    {
        (IcmpType.TimeExceeded, _) => (NetError.TimeExceeded, false),
        (IcmpType.ParameterProblem, _) => (NetError.ProtocolUnreachable, false),
        (_, IcmpType.CodeNetwork or 6 or 11) => (NetError.NetworkUnreachable, false),
        (_, IcmpType.CodeProtocol) => (NetError.ProtocolUnreachable, true),
        (_, IcmpType.CodePort) => (NetError.ConnectionRefused, true),
        (_, IcmpType.CodeFragmentationNeeded) => (NetError.MessageTooLong, false),
        (_, 9 or 10 or 13) => (NetError.Prohibited, true),
        _ => (NetError.HostUnreachable, false),
    };

    private static (NetError Error, bool IsHard) InterpretV6(byte type, byte code) => (type, code) switch
    {
        (IcmpV6Type.PacketTooBig, _) => (NetError.MessageTooLong, false),
        (IcmpV6Type.TimeExceeded, _) => (NetError.TimeExceeded, false),
        (IcmpV6Type.ParameterProblem, IcmpV6Type.CodeUnknownHeader) => (NetError.ProtocolUnreachable, true),
        (IcmpV6Type.ParameterProblem, _) => (NetError.ProtocolUnreachable, false),
        (_, IcmpV6Type.CodeNoRoute) => (NetError.NetworkUnreachable, false),
        (_, IcmpV6Type.CodePort) => (NetError.ConnectionRefused, true),
        (_, IcmpV6Type.CodeProhibited or 5 or 6) => (NetError.Prohibited, true),
        _ => (NetError.HostUnreachable, false),
    };
}
