using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Sends ICMP and ICMPv6 errors, within <see cref="HostLimits.RepliesPerSecond"/>.</summary>
internal sealed class IcmpErrors(NetworkHost host)
{
    // How long an error with its quote may be (RFC 1812 section 4.3.2.3, RFC 4443 section 2.4).
    private const int MaxErrorV4 = 576;
    private const int MaxErrorV6 = Ipv6Packet.MinMtu;

    private RateLimiter _errors = new(host.Options.Limits.RepliesPerSecond);

    /// <summary>No socket has the UDP port.</summary>
    public void SendPortUnreachable(in InboundPacket packet)
    {
        if (packet.Source.IsV4)
            SendAbout(packet, IcmpType.DestinationUnreachable, IcmpType.CodePort);
        else
            SendAbout(packet, IcmpV6Type.DestinationUnreachable, IcmpV6Type.CodePort);
    }

    /// <summary>The IPv4 protocol is not spoken here.</summary>
    public void SendProtocolUnreachable(in InboundPacket packet) =>
        SendAbout(packet, IcmpType.DestinationUnreachable, IcmpType.CodeProtocol);

    /// <summary>An IPv6 header cannot be processed; <paramref name="pointer"/> says where in <paramref name="raw"/>.</summary>
    public void SendParameterProblem(in InboundPacket packet, byte code, int pointer, ReadOnlySpan<byte> raw)
    {
        // Code 2 answers packets to groups too (RFC 4443 section 2.4 (e.3)).
        if (packet.ToGroup && code != 2)
            return;
        var source = packet.Destination;
        if (packet.ToGroup && !host.Routing.TrySelectSource(packet.Source, out source))
            return;
        Send(source, packet.Source, IcmpV6Type.ParameterProblem, code, (uint)pointer, raw, default);
    }

    /// <summary>A datagram's fragments were not all there in time. <paramref name="quote"/> is the first fragment.</summary>
    public void SendReassemblyTimeout(InetAddress source, InetAddress destination, ReadOnlySpan<byte> quote)
    {
        if (destination.IsMulticast || host.AddressTable.IsBroadcast(destination) || !host.AddressTable.IsLocal(destination))
            return;
        if (source.IsV4)
            Send(destination, source, IcmpType.TimeExceeded, IcmpType.CodeReassembly, 0, quote, default);
        else
            Send(destination, source, IcmpV6Type.TimeExceeded, IcmpV6Type.CodeReassembly, 0, quote, default);
    }

    // Quotes a packet whose header may be gone or was a fragment's: the quote's header is written anew.
    private void SendAbout(in InboundPacket packet, byte type, byte code)
    {
        if (packet.ToGroup)
            return;
        if (packet.Source.IsV4)
        {
            Span<byte> header = stackalloc byte[Ipv4Packet.HeaderBytes];
            Ipv4Packet.WriteHeader(header, packet.Source, packet.Destination, packet.Protocol, packet.HopLimit, 0, 0, false, false, 0,
                Math.Min(packet.Payload.Length, Ipv4Packet.MaxPayloadBytes));
            Send(packet.Destination, packet.Source, type, code, 0, header, packet.Payload);
        }
        else
        {
            Span<byte> header = stackalloc byte[Ipv6Packet.HeaderBytes];
            Ipv6Packet.WriteHeader(header, packet.Source, packet.Destination, packet.Protocol, packet.HopLimit, 0, packet.Payload.Length);
            Send(packet.Destination, packet.Source, type, code, 0, header, packet.Payload);
        }
    }

    private void Send(InetAddress source, InetAddress destination, byte type, byte code, uint parameter, ReadOnlySpan<byte> quote,
        ReadOnlySpan<byte> rest)
    {
        if (destination.IsUnspecified || destination.IsMulticast || host.AddressTable.IsBroadcast(destination))
            return;
        if (!_errors.TryTake(host.Now))
        {
            host.Count(HostCounter.IcmpRateLimited);
            return;
        }

        var room = (source.IsV4 ? MaxErrorV4 : MaxErrorV6) - IpOutput.HeaderBytes(source) - IcmpProtocol.HeaderBytes;
        quote = quote[..Math.Min(quote.Length, room)];
        rest = rest[..Math.Min(rest.Length, room - quote.Length)];
        Span<byte> message = stackalloc byte[IcmpProtocol.HeaderBytes + quote.Length];
        message[0] = type;
        message[1] = code;
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], 0);
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], parameter);
        quote.CopyTo(message[IcmpProtocol.HeaderBytes..]);
        var protocol = source.IsV4 ? IpProtocol.Icmp : IpProtocol.IcmpV6;
        // Either the quote or the rest is even in length, so the sums add up.
        var sum = InternetChecksum.Sum(message) + InternetChecksum.Sum(rest);
        if (source.IsV6)
            sum += InternetChecksum.PseudoHeader(source, destination, protocol, message.Length + rest.Length);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], InternetChecksum.Finish(sum));
        if (host.Ip.SendDatagram(host.Routing.Route(destination), source, destination, protocol, 64, false, message, rest) == NetError.None)
            host.Count(HostCounter.IcmpErrorsSent);
    }
}
