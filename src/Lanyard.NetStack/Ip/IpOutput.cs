using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Sends IPv4 and IPv6 packets with their headers, and in fragments if a datagram is longer than the path carries.</summary>
internal sealed class IpOutput(NetworkHost host)
{
    /// <summary>The traffic class of packets that may be marked for congestion instead of dropped: ECT(0) (RFC 3168 section 5).</summary>
    public const byte EcnCapable = 2;

    // The number of counters of IPv4 identifications. Destinations share them by a keyed hash.
    private const int IdentificationCounters = 64;

    private readonly ushort[] _identifications = new ushort[IdentificationCounters];

    /// <summary>Returns the header's length for the family of an address.</summary>
    public static int HeaderBytes(InetAddress address) => address.IsV4 ? Ipv4Packet.HeaderBytes : Ipv6Packet.HeaderBytes;

    /// <summary>Returns the largest packet that goes to a destination unfragmented, in bytes.</summary>
    public int PathMtu(InetAddress destination) =>
        host.AddressTable.IsLocal(destination) ? host.Mtu : Math.Min(host.Mtu, host.PathMtus.Get(destination));

    /// <summary>
    /// Writes the IP header of one unfragmented packet and returns room for its payload; empty if the packet must be dropped. The caller fills the room and
    /// calls <see cref="Commit"/>.
    /// </summary>
    public Span<byte> Begin(scoped in Hop hop, InetAddress source, InetAddress destination, byte protocol, byte hopLimit, int length,
        bool dontFragment = true, byte trafficClass = 0)
    {
        if (source.IsV4)
        {
            var packet = host.Output.Begin(hop, NetworkHost.EtherTypeIPv4, Ipv4Packet.HeaderBytes + length);
            if (packet.IsEmpty)
                return default;
            // A packet that nobody may fragment needs no identification (RFC 6864 section 4.1).
            Ipv4Packet.WriteHeader(packet, source, destination, protocol, hopLimit, trafficClass,
                dontFragment ? (ushort)0 : NextIdentification(source, destination, protocol), dontFragment, false, 0, length);
            return packet[Ipv4Packet.HeaderBytes..];
        }
        else
        {
            var packet = host.Output.Begin(hop, NetworkHost.EtherTypeIPv6, Ipv6Packet.HeaderBytes + length);
            if (packet.IsEmpty)
                return default;
            Ipv6Packet.WriteHeader(packet, source, destination, protocol, hopLimit, trafficClass, length);
            return packet[Ipv6Packet.HeaderBytes..];
        }
    }

    /// <summary>Sends the packet that <see cref="Begin"/> began.</summary>
    public void Commit(InetAddress source, int length) => host.Output.Commit(HeaderBytes(source) + length);

    /// <summary>Sends a datagram whose transport header, checksum included, is ready, in fragments if needed.</summary>
    public NetError SendDatagram(in Hop hop, InetAddress source, InetAddress destination, byte protocol, byte hopLimit, bool dontFragment,
        ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload, byte trafficClass = 0)
    {
        if (hop.Kind == HopKind.None)
        {
            host.Count(HostCounter.NoRoute);
            return NetError.NoRoute;
        }

        var length = header.Length + payload.Length;
        if (length > (source.IsV4 ? Ipv4Packet.MaxPayloadBytes : Ipv6Packet.MaxPayloadBytes))
            return NetError.MessageTooLong;
        var mtu = destination.IsMulticast ? host.Mtu : PathMtu(destination);
        if (HeaderBytes(source) + length > mtu)
        {
            if (!dontFragment)
                return SendFragments(hop, source, destination, protocol, hopLimit, mtu, header, payload, trafficClass);
            host.Count(HostCounter.PacketTooBig);
            return NetError.MessageTooLong;
        }

        var span = Begin(hop, source, destination, protocol, hopLimit, length, dontFragment, trafficClass);
        if (span.IsEmpty)
            return NetError.LimitReached;
        header.CopyTo(span);
        payload.CopyTo(span[header.Length..]);
        Commit(source, length);
        return NetError.None;
    }

    private NetError SendFragments(in Hop hop, InetAddress source, InetAddress destination, byte protocol, byte hopLimit, int mtu,
        ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload, byte trafficClass)
    {
        var ipHeader = HeaderBytes(source);
        var fragmentHeader = source.IsV4 ? 0 : Ipv6FragmentHeader.Bytes;
        var step = (mtu - ipHeader - fragmentHeader) & ~7;
        var total = header.Length + payload.Length;
        // Strangers must not predict the identification (RFC 7739 sections 5.1 and 5.3).
        var identification = source.IsV4 ? NextIdentification(source, destination, protocol) : (uint)host.Secrets.Next();
        for (var offset = 0; offset < total; offset += step)
        {
            var length = Math.Min(step, total - offset);
            var more = offset + length < total;
            var packet = host.Output.Begin(hop, source.IsV4 ? NetworkHost.EtherTypeIPv4 : NetworkHost.EtherTypeIPv6,
                ipHeader + fragmentHeader + length);
            if (packet.IsEmpty)
                return NetError.LimitReached;
            if (source.IsV4)
            {
                Ipv4Packet.WriteHeader(packet, source, destination, protocol, hopLimit, trafficClass, (ushort)identification, false, more, offset,
                    length);
            }
            else
            {
                Ipv6Packet.WriteHeader(packet, source, destination, IpProtocol.Fragment, hopLimit, trafficClass, fragmentHeader + length);
                new Ipv6FragmentHeader(protocol, offset, more, identification).Write(packet[ipHeader..]);
            }

            var data = packet[(ipHeader + fragmentHeader)..];
            if (offset < header.Length)
            {
                var head = Math.Min(header.Length - offset, length);
                header.Slice(offset, head).CopyTo(data);
                payload[..(length - head)].CopyTo(data[head..]);
            }
            else
            {
                payload.Slice(offset - header.Length, length).CopyTo(data);
            }

            host.Output.Commit(packet.Length);
            host.Count(HostCounter.FragmentsSent);
        }

        return NetError.None;
    }

    private ushort NextIdentification(InetAddress source, InetAddress destination, byte protocol)
    {
        var hash = host.Secrets.Hash(HostSecrets.Purpose.Identification, source.V4, destination.V4, protocol);
        return (ushort)((hash >> 32) + _identifications[hash % IdentificationCounters]++);
    }
}
