using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Receives IPv4 packets (RFC 791, RFC 1122 section 3.2.1). Skips options, follows no source routes and
/// forwards nothing.</summary>
internal sealed class Ipv4Input(NetworkHost host)
{
    public void Receive(MacAddress frameSource, bool toGroupMac, bool fromSelf, ReadOnlySpan<byte> bytes)
    {
        host.Count(HostCounter.Ipv4Received);
        if (!Ipv4Packet.TryParse(bytes, out var packet))
        {
            host.Count(HostCounter.Ipv4Malformed);
            return;
        }

        if (!packet.HasValidChecksum)
        {
            host.Count(HostCounter.Ipv4BadChecksum);
            return;
        }

        var source = packet.Source;
        var destination = packet.Destination;
        var addresses = host.AddressTable;
        if (source.IsMulticast || source.IsLoopback || addresses.IsBroadcast(source) || (!fromSelf && addresses.IsLocal(source)))
        {
            host.Count(HostCounter.Ipv4BadSource);
            return;
        }

        var toGroup = false;
        if (!addresses.IsLocal(destination))
        {
            toGroup = destination.IsMulticast ? addresses.IsJoined(destination) : addresses.IsBroadcast(destination);
            if (!toGroup)
            {
                host.Count(HostCounter.Ipv4NotForUs);
                return;
            }
        }
        else if (source.IsUnspecified)
        {
            // A host without an address sends to all (RFC 1122 section 3.2.1.3).
            host.Count(HostCounter.Ipv4BadSource);
            return;
        }
        else if (toGroupMac)
        {
            // A unicast packet in a group frame (RFC 1122 section 3.3.6).
            host.Count(HostCounter.Ipv4NotForUs);
            return;
        }

        var payload = packet.Payload;
        byte[]? buffer = null;
        if (packet.IsFragment)
        {
            if (Reassembler.IsTiny(packet.Protocol, packet.FragmentOffset, packet.MoreFragments, payload.Length))
            {
                host.Count(HostCounter.FragmentTiny);
                return;
            }

            var key = new FragmentKey(frameSource, source, destination, packet.Identification, packet.Protocol);
            if (!host.Reassembler.TryAdd(key, packet.FragmentOffset, packet.MoreFragments, payload, bytes[..packet.HeaderLength],
                out payload, out buffer))
                return;
            if (!host.Reassembler.IsPermitted(MacOf(destination, toGroupMac), key, packet.HopLimit, packet.TrafficClass, payload))
            {
                host.Pool.Return(buffer!);
                return;
            }
        }

        var inbound = new InboundPacket
        {
            Source = source,
            Destination = destination,
            Protocol = packet.Protocol,
            HopLimit = packet.HopLimit,
            TrafficClass = InboundPacket.Mark(packet.TrafficClass, host.IsBacklogged),
            ToGroup = toGroup,
            FromSelf = fromSelf,
            FrameSource = frameSource,
            Payload = payload,
        };
        Deliver(inbound);
        if (buffer is not null)
            host.Pool.Return(buffer);
    }

    private MacAddress MacOf(InetAddress destination, bool isGroup) =>
        !isGroup ? host.Mac : destination.IsMulticast ? AddressTable.MulticastMac(destination) : MacAddress.Broadcast;

    private void Deliver(in InboundPacket packet)
    {
        switch (packet.Protocol)
        {
            case IpProtocol.Tcp:
                host.Tcp.Receive(packet);
                break;
            case IpProtocol.Udp:
                host.Udp.Receive(packet);
                break;
            case IpProtocol.Icmp:
                host.Icmp.ReceiveV4(packet);
                break;
            case IpProtocol.Igmp:
                IgmpFormat.Receive(host, packet);
                break;
            default:
                host.Count(HostCounter.Ipv4UnknownProtocol);
                host.IcmpErrors.SendProtocolUnreachable(packet);
                break;
        }
    }
}
