using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.Engine.Rules;

/// <summary>
/// The parts of IP and ARP that rules look at, read where they stand. Both ends of a frame should read the same, so this reads as the protocol's nodes
/// do, but for fragments, which these read as if they were whole: here an IPv6 fragment's header is passed over, and what lies in other fragments is
/// not known.
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
    private const byte HeaderHopByHop = 0;
    private const byte HeaderRouting = 43;
    private const byte HeaderFragment = 44;
    private const byte HeaderNone = 59;
    private const byte HeaderDestinationOptions = 60;
    private const byte HeaderMobility = 135;
    private const int TcpHeaderLength = 20;
    private const int OtherHeaderLength = 8;
    private const int FragmentHeaderLength = 8;
    private const int FragmentOffsetMask = 0x1fff;
    private const int MoreFragmentsV4 = 0x2000;
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
    /// Who claims to send it: by IP's source, by ARP's sender, by a neighbor advertisement's target. A neighbor solicitation says nothing that
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

    /// <summary>Whether it is a neighbor solicitation (RFC 4861), directly after the IPv6 header.</summary>
    public bool IsNeighborSolicitation => IsNeighborMessage(NeighborSolicitation);

    /// <summary>
    /// The protocol over IP and what follows the IP header, after those IPv6 extension headers that can be passed over; nothing of a fragment but the
    /// first.
    /// </summary>
    public bool TryGetTransport(out byte protocol, out ReadOnlySpan<byte> transport) => TryGetTransport(out protocol, out transport, out _);

    /// <summary>Whether it is a fragment of an ICMP message, but not the first.</summary>
    public bool LacksIcmp => IsLaterFragment(out var protocol) && protocol == (IsIPv4 ? ProtocolIcmp : ProtocolIcmpV6);

    /// <summary>Whether it is a fragment of a packet with ports, but not the first.</summary>
    public bool LacksPorts => IsLaterFragment(out var protocol) && HasPorts(protocol);

    /// <summary>Whether it is a fragment of a TCP segment, but not the first.</summary>
    public bool LacksTcpFlags => IsLaterFragment(out var protocol) && protocol == ProtocolTcp;

    /// <summary>
    /// Whether it is a fragment that hides what its packet is: the first without the whole chain of headers (RFC 7112) or all of the transport header
    /// (RFC 1858, RFC 8200 section 4.5), a later one that begins inside of that header (RFC 3128), or a fragment of a fragment.
    /// </summary>
    public bool IsDeceptiveFragment => IsIPv4 ? IsDeceptiveV4() : IsIPv6 && IsDeceptiveV6();

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
        if (!TryGetTransport(out var protocol, out var segment) || !HasPorts(protocol) || segment.Length <= 4)
            return false;
        source = BinaryPrimitives.ReadUInt16BigEndian(segment);
        destination = BinaryPrimitives.ReadUInt16BigEndian(segment[2..]);
        return true;
    }

    /// <summary>The twelve bits after TCP's data offset (RFC 9293 section 3.1); 0 if it is not TCP.</summary>
    public ushort TcpFlags => TryGetTransport(out var protocol, out var segment) && protocol == ProtocolTcp && segment.Length > (IsIPv4 ? 13 : 14)
        ? (ushort)(BinaryPrimitives.ReadUInt16BigEndian(segment[12..]) & 0xfff)
        : (ushort)0;

    private static bool HasPorts(byte protocol) => protocol is ProtocolTcp or ProtocolUdp or ProtocolSctp or ProtocolUdpLite;

    private bool IsLaterFragment(out byte protocol) => TryGetTransport(out protocol, out _, out var offset) && offset > 0;

    private bool TryGetTransport(out byte protocol, out ReadOnlySpan<byte> transport, out int fragmentOffset)
    {
        protocol = 0;
        fragmentOffset = 0;
        transport = default;
        if (IsIPv4)
        {
            protocol = _payload[9];
            fragmentOffset = (BinaryPrimitives.ReadUInt16BigEndian(_payload[6..]) & FragmentOffsetMask) * 8;
            if (fragmentOffset == 0)
                transport = _payload[Math.Min(4 * (_payload[0] & 15), _payload.Length)..];
            return true;
        }

        if (!IsIPv6)
            return false;
        protocol = _payload[6];
        var rest = _payload[IPv6HeaderLength..];
        while (IsExtension(protocol))
        {
            var length = ExtensionLength(protocol, rest);
            if (length > rest.Length)
                return false;
            var isFragment = protocol == HeaderFragment;
            protocol = rest[0];
            if (isFragment)
                fragmentOffset = BinaryPrimitives.ReadUInt16BigEndian(rest[2..]) & ~7;
            if (fragmentOffset > 0)
                return true;
            rest = rest[length..];
        }

        transport = rest;
        return true;
    }

    private bool IsDeceptiveV4()
    {
        var word = BinaryPrimitives.ReadUInt16BigEndian(_payload[6..]);
        if ((word & (FragmentOffsetMask | MoreFragmentsV4)) == 0)
            return false;
        var headerLength = 4 * (_payload[0] & 15);
        var length = Math.Min(_payload.Length, BinaryPrimitives.ReadUInt16BigEndian(_payload[2..])) - headerLength;
        var offset = (word & FragmentOffsetMask) * 8;
        return headerLength < IPv4HeaderLength || (offset > 0 ? offset : length) < TransportHeaderLength(_payload[9]);
    }

    private bool IsDeceptiveV6()
    {
        var next = _payload[6];
        var rest = _payload.Slice(IPv6HeaderLength, Math.Min(_payload.Length - IPv6HeaderLength, BinaryPrimitives.ReadUInt16BigEndian(_payload[4..])));
        var isFirst = false;
        while (IsExtension(next))
        {
            var isFragment = next == HeaderFragment;
            var length = ExtensionLength(next, rest);

            // A truncated packet that is no fragment is malformed, which the receiver decides.
            if (length > rest.Length)
                return isFirst || isFragment;
            next = rest[0];
            if (isFragment)
            {
                var word = BinaryPrimitives.ReadUInt16BigEndian(rest[2..]);
                var offset = word & ~7;
                if (isFirst || offset > 0)
                    return isFirst || offset < TransportHeaderLength(next);
                isFirst = (word & 1) != 0;
            }

            rest = rest[length..];
        }

        return isFirst && rest.Length < TransportHeaderLength(next);
    }

    private static bool IsExtension(byte header) => header is HeaderHopByHop or HeaderRouting or HeaderFragment or HeaderDestinationOptions or HeaderMobility;

    // RFC 8200 section 4: the second byte of an extension header is its length in units of 8 bytes, less one. A fragment header has a fixed length.
    private static int ExtensionLength(byte header, ReadOnlySpan<byte> rest) =>
        header == HeaderFragment ? FragmentHeaderLength : rest.Length >= 8 ? (rest[1] * 8) + 8 : int.MaxValue;

    private static int TransportHeaderLength(byte protocol) => protocol switch
    {
        ProtocolTcp => TcpHeaderLength,
        HeaderNone => 0,
        _ => OtherHeaderLength,
    };

    private InetAddress AddressAt(int offsetV4, int offsetV6) => IsIPv4 ? InetAddress.FromBytes(_payload.Slice(offsetV4, 4))
        : IsIPv6 ? InetAddress.FromBytes(_payload.Slice(offsetV6, 16)) : default;

    private bool IsNeighborMessage(byte type) =>
        IsIPv6 && _payload.Length >= IPv6HeaderLength + 8 + 16 && _payload[6] == ProtocolIcmpV6 && _payload[IPv6HeaderLength] == type;
}
