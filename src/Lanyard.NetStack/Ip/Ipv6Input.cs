using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Receives IPv6 packets (RFC 8200), walking at most <see cref="MaxExtensionHeaders"/> extension headers. Nothing is
/// forwarded.</summary>
internal sealed class Ipv6Input(NetworkHost host)
{
    /// <summary>Extension headers that one packet may have.</summary>
    public const int MaxExtensionHeaders = 8;

    // What to do with an option that is not known: the top two bits of its type (RFC 8200 section 4.2). 1 drops, 3 tells only unicast
    // senders.
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
        if (source.IsMulticast || source.IsLoopback || (!fromSelf && addresses.IsLocal(source)))
        {
            host.Count(HostCounter.Ipv6BadSource);
            return;
        }

        var toGroup = destination.IsMulticast;
        if (toGroup ? !addresses.IsJoined(destination) : !addresses.IsLocal(destination) || toGroupMac)
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
            TrafficClass = packet.TrafficClass,
            ToGroup = toGroup,
            FromSelf = fromSelf,
            FrameSource = frameSource,
            Payload = packet.Payload,
        };
        Walk(inbound, bytes[..(Ipv6Packet.HeaderBytes + packet.Payload.Length)]);
    }

    private void Walk(in InboundPacket packet, ReadOnlySpan<byte> raw)
    {
        var next = packet.Protocol;
        var payload = packet.Payload;
        // Where the field lies that named the header at hand: what an error points to.
        var pointer = 6;
        byte[]? buffer = null;
        for (var headers = 0; ; headers++)
        {
            if (next is IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.IcmpV6)
            {
                Deliver(With(packet, next, payload));
                break;
            }

            if (next == IpProtocol.NoNext)
                break;
            if (next is not (IpProtocol.HopByHop or IpProtocol.Routing or IpProtocol.DestinationOptions or IpProtocol.Fragment)
                || (next == IpProtocol.HopByHop && headers > 0))
            {
                host.Count(HostCounter.Ipv6UnknownHeader);
                if (buffer is null)
                    host.Icmp.SendParameterProblem(packet, 1, pointer, raw);
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
                // Fragments within a reassembled datagram make no sense.
                if (buffer is not null || !Ipv6FragmentHeader.TryParse(payload, out var fragment))
                {
                    host.Count(HostCounter.Ipv6BadExtension);
                    break;
                }

                next = fragment.NextHeader;
                payload = payload[length..];
                pointer = raw.Length - payload.Length - length;
                // A whole datagram with a fragment header is not held up by fragments of the same name (RFC 6946).
                if (fragment.Offset == 0 && !fragment.MoreFragments)
                    continue;
                var key = new FragmentKey(packet.Source, packet.Destination, fragment.Identification, fragment.NextHeader);
                if (!host.Reassembler.TryAdd(key, fragment.Offset, fragment.MoreFragments, payload, raw[..(raw.Length - payload.Length)],
                    out payload, out buffer))
                    break;
                continue;
            }

            if (!ProcessHeader(packet, next, payload[..length], raw, buffer is null ? raw.Length - payload.Length : 0))
                break;
            next = payload[0];
            pointer = buffer is null ? raw.Length - payload.Length : 0;
            payload = payload[length..];
        }

        if (buffer is not null)
            host.Pool.Return(buffer);
    }

    /// <summary>Heeds one header of options or routing. False if the packet goes no further.</summary>
    private bool ProcessHeader(in InboundPacket packet, byte type, ReadOnlySpan<byte> header, ReadOnlySpan<byte> raw, int headerOffset)
    {
        if (type == IpProtocol.Routing)
        {
            // This host is the destination; a route that goes on is not followed (RFC 8200 section 4.4).
            if (header[3] == 0)
                return true;
            host.Count(HostCounter.Ipv6BadExtension);
            host.Icmp.SendParameterProblem(packet, 0, headerOffset + 2, raw);
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

            var action = option == 1 ? SkipOption : option >> 6;
            if (action != SkipOption)
            {
                host.Count(HostCounter.Ipv6BadExtension);
                if (action == DropAndTell || (action > DropAndTell && !packet.ToGroup))
                    host.Icmp.SendParameterProblem(packet, 2, headerOffset + i, raw);
                return false;
            }

            i += 2 + header[i + 1];
        }

        return true;
    }

    private static InboundPacket With(in InboundPacket packet, byte protocol, ReadOnlySpan<byte> payload) => new()
    {
        Source = packet.Source,
        Destination = packet.Destination,
        Protocol = protocol,
        HopLimit = packet.HopLimit,
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
