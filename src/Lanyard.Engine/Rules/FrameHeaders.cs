using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.Engine.Rules;

/// <summary>
/// The parts of IP and ARP that rules look at, read where they stand. Both ends of a frame must read the same, so nothing here is stricter or
/// laxer than what the protocol's nodes do: fragments, for instance, are read as if they were whole.
/// </summary>
internal readonly ref struct FrameHeaders
{
    private const ushort EtherTypeIPv4 = 0x0800;
    private const ushort EtherTypeArp = 0x0806;
    private const ushort EtherTypeIPv6 = 0x86dd;
    private const int IPv4HeaderLength = 20;
    private const int IPv6HeaderLength = 40;
    private const int ArpLength = 28;
    private const byte ProtocolIcmp = 1;
    private const byte ProtocolTcp = 6;
    private const byte ProtocolUdp = 17;
    private const byte ProtocolIcmpV6 = 58;
    private const byte ProtocolSctp = 132;
    private const byte ProtocolUdpLite = 136;
    private const byte NeighborSolicitation = 135;
    private const byte NeighborAdvertisement = 136;

    private readonly ReadOnlySpan<byte> _payload;
    private readonly ushort _etherType;

    public FrameHeaders(ushort etherType, ReadOnlySpan<byte> payload)
    {
        _etherType = etherType;
        _payload = payload;
        IsIPv4 = etherType == EtherTypeIPv4 && payload.Length >= IPv4HeaderLength;
        IsIPv6 = etherType == EtherTypeIPv6 && payload.Length >= IPv6HeaderLength;
    }

    /// <summary>Whether it begins with an IPv4 header (RFC 791).</summary>
    public bool IsIPv4 { get; }

    /// <summary>Whether it begins with an IPv6 header (RFC 8200).</summary>
    public bool IsIPv6 { get; }

    /// <summary>The source's address, of IP.</summary>
    public InetAddress Source => AddressAt(12, 8);

    /// <summary>The destination's address, of IP.</summary>
    public InetAddress Destination => AddressAt(16, 24);

    /// <summary>Type of service or traffic class; none if it is not IP.</summary>
    public byte? TypeOfService => IsIPv4 ? _payload[1] : IsIPv6 ? (byte)((_payload[0] << 4) | (_payload[1] >> 4)) : null;

    /// <summary>
    /// Who claims to send it: by IP's source, by ARP's sender, by a neighbour advertisement's target. A neighbour solicitation says nothing that
    /// could be believed: <see cref="IsNeighborSolicitation"/>.
    /// </summary>
    public InetAddress ClaimedSender
    {
        get
        {
            if (_etherType == EtherTypeArp)
                return _payload.Length >= ArpLength ? InetAddress.FromBytes(_payload.Slice(14, 4)) : default;
            if (IsNeighborSolicitation)
                return default;
            return IsNeighborMessage(NeighborAdvertisement) ? InetAddress.FromBytes(_payload.Slice(IPv6HeaderLength + 8, 16)) : Source;
        }
    }

    /// <summary>Whether it is a neighbour solicitation (RFC 4861), directly after the IPv6 header.</summary>
    public bool IsNeighborSolicitation => IsNeighborMessage(NeighborSolicitation);

    /// <summary>The protocol over IP and what follows the IP header, after those IPv6 extension headers that can be passed over.</summary>
    public bool TryGetTransport(out byte protocol, out ReadOnlySpan<byte> transport)
    {
        protocol = 0;
        transport = default;
        if (IsIPv4)
        {
            protocol = _payload[9];
            transport = _payload[Math.Min(4 * (_payload[0] & 15), _payload.Length)..];
            return true;
        }

        if (!IsIPv6)
            return false;
        protocol = _payload[6];
        var rest = _payload[IPv6HeaderLength..];
        // Hop-by-hop options, routing, destination options, mobility: a next header, a length in eights, and so much more.
        while (protocol is 0 or 43 or 60 or 135)
        {
            var length = rest.Length >= 8 ? (rest[1] * 8) + 8 : int.MaxValue;
            if (length > rest.Length)
                return false;
            protocol = rest[0];
            rest = rest[length..];
        }

        transport = rest;
        return true;
    }

    /// <summary>The protocol over IP; none if it is not IP.</summary>
    public byte? Protocol => TryGetTransport(out var protocol, out _) ? protocol : null;

    /// <summary>The first two bytes of an ICMP or ICMPv6 message; false if it is none.</summary>
    public bool TryGetIcmp(out byte type, out byte code)
    {
        type = code = 0;
        if (!TryGetTransport(out var protocol, out var message) || protocol != (IsIPv4 ? ProtocolIcmp : ProtocolIcmpV6) || message.Length < 2)
            return false;
        type = message[0];
        code = message[1];
        return true;
    }

    /// <summary>The ports of TCP, UDP, SCTP and UDP-Lite; false for other protocols and where they are cut off.</summary>
    public bool TryGetPorts(out ushort source, out ushort destination)
    {
        source = destination = 0;
        if (!TryGetTransport(out var protocol, out var segment) || protocol is not (ProtocolTcp or ProtocolUdp or ProtocolSctp or ProtocolUdpLite)
            || segment.Length <= 4)
            return false;
        source = BinaryPrimitives.ReadUInt16BigEndian(segment);
        destination = BinaryPrimitives.ReadUInt16BigEndian(segment[2..]);
        return true;
    }

    /// <summary>The twelve bits after TCP's data offset (RFC 9293 section 3.1); 0 if it is not TCP.</summary>
    public ushort TcpFlags => TryGetTransport(out var protocol, out var segment) && protocol == ProtocolTcp && segment.Length > (IsIPv4 ? 13 : 14)
        ? (ushort)(BinaryPrimitives.ReadUInt16BigEndian(segment[12..]) & 0xfff)
        : (ushort)0;

    private InetAddress AddressAt(int offsetV4, int offsetV6) => IsIPv4 ? InetAddress.FromBytes(_payload.Slice(offsetV4, 4))
        : IsIPv6 ? InetAddress.FromBytes(_payload.Slice(offsetV6, 16)) : default;

    private bool IsNeighborMessage(byte type) =>
        IsIPv6 && _payload.Length >= IPv6HeaderLength + 8 + 16 && _payload[6] == ProtocolIcmpV6 && _payload[IPv6HeaderLength] == type;
}
