using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Receives IPv6 packets (RFC 8200), walking at most <see cref="MaxExtensionHeaders"/> extension headers. Forwards
/// nothing.</summary>
internal sealed class Ipv6Input(NetworkHost host)
{
    /// <summary>The number of extension headers that one packet may have.</summary>
    public const int MaxExtensionHeaders = 8;

    // Groups of this scope never leave a node (RFC 4291 section 2.7).
    private const int InterfaceScope = 1;

    private const byte PadOption = 1;
    private const byte RouterAlert = 5;

    // The pointers of ICMP errors, and the code of one.
    private const int PayloadLengthOffset = 4;
    private const int FragmentOffsetOffset = 2;
    private const byte IncompleteChain = 3;

    // The action for an unknown option: the top two bits of its type (RFC 8200 section 4.2). 1 drops the packet; 3 sends an error, except for packets
    // to groups.
    private const int SkipOption = 0;
    private const int DropAndTell = 2;

    public void Receive(MacAddress frameSource, bool toGroupMac, bool fromSelf, ReadOnlySpan<byte> bytes)
    {
        host.Count(HostCounter.Ipv6Received);
        if (!Ipv6Packet.TryParse(bytes, out var packet))
        {
            host.Count(HostCounter.Ipv6Malformed);
            return;
        }

        var source = packet.Source;
        var destination = packet.Destination;
        var addresses = host.AddressTable;
        // The protocols above would treat an IPv4-mapped address as that IPv4 address.
        if (source.IsMulticast || source.IsLoopback || IsMapped(source) || (source.IsUnspecified && !destination.IsMulticast)
            || (!fromSelf && addresses.IsLocal(source) && !IsAdvertisement(packet)))
        {
            host.Count(HostCounter.Ipv6BadSource);
            return;
        }

        var toGroup = destination.IsMulticast;
        if (toGroup ? !addresses.IsJoined(destination) || (!fromSelf && AddressSelection.Scope(destination) <= InterfaceScope) : !addresses.IsLocal(destination) || toGroupMac)
        {
            host.Count(HostCounter.Ipv6NotForUs);
            return;
        }

        var inbound = new InboundPacket
        {
            Source = source,
            Destination = destination,
            Protocol = packet.NextHeader,
            HopLimit = packet.HopLimit,
            TrafficClass = InboundPacket.Mark(packet.TrafficClass, host.IsBacklogged),
            ToGroup = toGroup,
            FromSelf = fromSelf,
            FrameSource = frameSource,
            Payload = packet.Payload,
        };
        Walk(inbound, bytes[..(Ipv6Packet.HeaderBytes + packet.Payload.Length)]);
    }

    private static bool IsMapped(InetAddress address) => address.V6High == 0 && address.V6Low >> 32 == 0xffff;

    // A neighbor that advertises an address of this host does so from that address, which shows the conflict.
    private static bool IsAdvertisement(in Ipv6Packet packet) =>
        packet.NextHeader == IpProtocol.IcmpV6 && packet.Payload.Length > 0 && packet.Payload[0] == NdpProtocol.NeighborAdvertisement;

    private void Walk(in InboundPacket packet, ReadOnlySpan<byte> raw)
    {
        var next = packet.Protocol;
        var payload = packet.Payload;
        // The offset of the field that named the current header, for the pointer of an error.
        var pointer = 6;
        byte[]? buffer = null;
        var hasRouterAlert = false;
        var isFragmented = false;
        for (var headers = 0; ; headers++)
        {
            if (next is IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.IcmpV6)
            {
                Deliver(With(packet, next, payload, hasRouterAlert, isFragmented));
                break;
            }

            if (next == IpProtocol.NoNext)
                break;
            if (next is not (IpProtocol.HopByHop or IpProtocol.Routing or IpProtocol.DestinationOptions or IpProtocol.Fragment)
                || (next == IpProtocol.HopByHop && headers > 0))
            {
                host.Count(HostCounter.Ipv6UnknownHeader);
                if (buffer is null)
                    host.IcmpErrors.SendParameterProblem(packet, 1, pointer, raw);
                break;
            }

            var length = next == IpProtocol.Fragment ? Ipv6FragmentHeader.Bytes : payload.Length < 2 ? 0 : (payload[1] + 1) * 8;
            if (headers >= MaxExtensionHeaders || length == 0 || length > payload.Length)
            {
                host.Count(HostCounter.Ipv6BadExtension);
                break;
            }

            if (next == IpProtocol.Fragment)
            {
                // Fragments within a reassembled datagram are malformed.
                if (buffer is not null || !Ipv6FragmentHeader.TryParse(payload, out var fragment))
                {
                    host.Count(HostCounter.Ipv6BadExtension);
                    break;
                }

                next = fragment.NextHeader;
                payload = payload[length..];
                isFragmented = true;
                pointer = raw.Length - payload.Length - length;
                // A whole datagram with a fragment header does not wait for fragments with the same identification (RFC 6946).
                if (fragment.Offset == 0 && !fragment.MoreFragments)
                    continue;
                if (!IsSound(packet, fragment, payload, pointer, raw))
                    break;
                var key = new FragmentKey(packet.FrameSource, packet.Source, packet.Destination, fragment.Identification, fragment.NextHeader);
                if (!host.Reassembler.TryAdd(key, fragment.Offset, fragment.MoreFragments, payload, raw[..(raw.Length - payload.Length)],
                    out payload, out buffer))
                    break;
                var frameDestination = packet.ToGroup ? AddressTable.MulticastMac(packet.Destination) : host.Mac;
                if (!host.Reassembler.IsPermitted(frameDestination, key, packet.HopLimit, packet.TrafficClass, payload))
                    break;
                continue;
            }

            if (!ProcessHeader(packet, next, payload[..length], raw, buffer is null ? raw.Length - payload.Length : 0, ref hasRouterAlert))
                break;
            next = payload[0];
            pointer = buffer is null ? raw.Length - payload.Length : 0;
            payload = payload[length..];
        }

        if (buffer is not null)
            host.Pool.Return(buffer);
    }

    // Sends the errors that a fragment causes (RFC 8200 section 4.5). Returns false if the fragment is dropped.
    private bool IsSound(in InboundPacket packet, Ipv6FragmentHeader fragment, ReadOnlySpan<byte> data, int headerOffset, ReadOnlySpan<byte> raw)
    {
        if (fragment.MoreFragments && (data.Length & 7) != 0)
        {
            host.Count(HostCounter.FragmentMalformed);
            host.IcmpErrors.SendParameterProblem(packet, 0, PayloadLengthOffset, raw);
            return false;
        }

        if (fragment.Offset + data.Length > Ipv6Packet.MaxPayloadBytes)
        {
            host.Count(HostCounter.FragmentMalformed);
            host.IcmpErrors.SendParameterProblem(packet, 0, headerOffset + FragmentOffsetOffset, raw);
            return false;
        }

        // The first fragment must hold all headers (RFC 7112). No other fragment repeats them.
        if (fragment.Offset > 0 && Reassembler.IsTiny(fragment.NextHeader, fragment.Offset, fragment.MoreFragments, data.Length))
        {
            host.Count(HostCounter.FragmentTiny);
            return false;
        }

        if (fragment.Offset > 0 || HasWholeChain(fragment.NextHeader, data))
            return true;
        host.Count(HostCounter.Ipv6BadExtension);
        host.IcmpErrors.SendParameterProblem(packet, IncompleteChain, 0, raw);
        return false;
    }

    // Every header is at least 8 bytes, so the loop is bounded by the data.
    private static bool HasWholeChain(byte next, ReadOnlySpan<byte> data)
    {
        while (next is IpProtocol.HopByHop or IpProtocol.Routing or IpProtocol.DestinationOptions)
        {
            var length = data.Length < 2 ? int.MaxValue : (data[1] + 1) * 8;
            if (length > data.Length)
                return false;
            next = data[0];
            data = data[length..];
        }

        return data.Length >= (next == IpProtocol.Tcp ? TcpSegment.HeaderBytes : next == IpProtocol.NoNext ? 0 : UdpDatagram.HeaderBytes);
    }

    /// <summary>Processes one header of options or routing. Returns false if the packet is dropped.</summary>
    private bool ProcessHeader(in InboundPacket packet, byte type, ReadOnlySpan<byte> header, ReadOnlySpan<byte> raw, int headerOffset,
        ref bool hasRouterAlert)
    {
        if (type == IpProtocol.Routing)
        {
            // This host is the destination and does not forward along a routing header (RFC 8200 section 4.4).
            if (header[3] == 0)
                return true;
            host.Count(HostCounter.Ipv6BadExtension);
            host.IcmpErrors.SendParameterProblem(packet, 0, headerOffset + 2, raw);
            return false;
        }

        // Every option is at least a byte, so the loop is bounded by the header.
        for (var i = 2; i < header.Length;)
        {
            var option = header[i];
            if (option == 0)
            {
                i++;
                continue;
            }

            if (i + 1 >= header.Length || i + 2 + header[i + 1] > header.Length)
            {
                host.Count(HostCounter.Ipv6BadExtension);
                return false;
            }

            if (option == RouterAlert && type == IpProtocol.HopByHop)
                hasRouterAlert = true;
            var action = option == PadOption ? SkipOption : option >> 6;
            if (action != SkipOption)
            {
                host.Count(HostCounter.Ipv6BadExtension);
                if (action == DropAndTell || (action > DropAndTell && !packet.ToGroup))
                    host.IcmpErrors.SendParameterProblem(packet, 2, headerOffset + i, raw);
                return false;
            }

            i += 2 + header[i + 1];
        }

        return true;
    }

    private static InboundPacket With(in InboundPacket packet, byte protocol, ReadOnlySpan<byte> payload, bool hasRouterAlert,
        bool isFragmented) => new()
    {
        Source = packet.Source,
        Destination = packet.Destination,
        Protocol = protocol,
        HopLimit = packet.HopLimit,
        HasRouterAlert = hasRouterAlert,
        IsFragmented = isFragmented,
        TrafficClass = packet.TrafficClass,
        ToGroup = packet.ToGroup,
        FromSelf = packet.FromSelf,
        FrameSource = packet.FrameSource,
        Payload = payload,
    };

    private void Deliver(in InboundPacket packet)
    {
        if (packet.Protocol == IpProtocol.Tcp)
            host.Tcp.Receive(packet);
        else if (packet.Protocol == IpProtocol.Udp)
            host.Udp.Receive(packet);
        else
            host.Icmp.ReceiveV6(packet);
    }
}
