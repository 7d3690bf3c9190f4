using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Sends ICMP and ICMPv6 errors, within <see cref="HostLimits.RepliesPerSecond"/>.</summary>
internal sealed class IcmpErrors(NetworkHost host)
{
    // The longest packet with an error, in bytes (RFC 1812 section 4.3.2.3, RFC 4443 section 2.4).
    private const int MaxErrorV4 = 576;
    private const int MaxErrorV6 = Ipv6Packet.MinMtu;

    private RateLimiter _errors = new(host.Options.Limits.RepliesPerSecond);

    /// <summary>Reports that no socket has the UDP port of a datagram.</summary>
    public void SendPortUnreachable(in InboundPacket packet)
    {
        if (packet.Source.IsV4)
            SendAbout(packet, IcmpType.DestinationUnreachable, IcmpType.CodePort);
        else
            SendAbout(packet, IcmpV6Type.DestinationUnreachable, IcmpV6Type.CodePort);
    }

    /// <summary>Reports that the host does not support the protocol of an IPv4 packet.</summary>
    public void SendProtocolUnreachable(in InboundPacket packet) =>
        SendAbout(packet, IcmpType.DestinationUnreachable, IcmpType.CodeProtocol);

    /// <summary>Reports an IPv6 header that the host cannot process.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="code">The ICMPv6 code.</param>
    /// <param name="pointer">The offset of the field in <paramref name="raw"/>.</param>
    /// <param name="raw">The packet's bytes.</param>
    public void SendParameterProblem(in InboundPacket packet, byte code, int pointer, ReadOnlySpan<byte> raw)
    {
        // Packets to groups are answered with code 2 only (RFC 4443 section 2.4 (e.3)).
        if (packet.ToGroup && code != 2)
            return;
        var source = packet.Destination;
        if (packet.ToGroup && !host.Routing.TrySelectSource(packet.Source, out source))
            return;
        Send(source, packet.Source, IcmpV6Type.ParameterProblem, code, (uint)pointer, raw, default);
    }

    /// <summary>Reports a datagram of which fragments did not arrive in time.</summary>
    /// <param name="source">The source of the datagram.</param>
    /// <param name="destination">The destination of the datagram.</param>
    /// <param name="quote">The first fragment.</param>
    public void SendReassemblyTimeout(InetAddress source, InetAddress destination, ReadOnlySpan<byte> quote)
    {
        if (destination.IsMulticast || host.AddressTable.IsBroadcast(destination) || !host.AddressTable.IsLocal(destination))
            return;
        if (source.IsV4)
            Send(destination, source, IcmpType.TimeExceeded, IcmpType.CodeReassembly, 0, quote, default);
        else
            Send(destination, source, IcmpV6Type.TimeExceeded, IcmpV6Type.CodeReassembly, 0, quote, default);
    }

    // Quotes a packet. Writes the quoted header again, because a reassembled packet has only those of its fragments.
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
        // The sums may be added, because the message has an even length or the rest is empty.
        var sum = InternetChecksum.Sum(message) + InternetChecksum.Sum(rest);
        if (source.IsV6)
            sum += InternetChecksum.PseudoHeader(source, destination, protocol, message.Length + rest.Length);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], InternetChecksum.Finish(sum));
        if (host.Ip.SendDatagram(host.Routing.Route(destination), source, destination, protocol, 64, false, message, rest) == NetError.None)
            host.Count(HostCounter.IcmpErrorsSent);
    }
}
