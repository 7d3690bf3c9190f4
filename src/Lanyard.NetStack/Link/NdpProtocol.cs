using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>
/// IPv6 neighbor discovery (RFC 4861): solicitations and advertisements. Addresses are given centrally, so routers are not listened to.
/// Messages that show that another host has an address of this host go to <see cref="AddressConflicts"/>.
/// </summary>
internal sealed class NdpProtocol(NetworkHost host)
{
    public const byte RouterSolicitation = 133;
    public const byte RouterAdvertisement = 134;
    public const byte NeighborSolicitation = 135;
    public const byte NeighborAdvertisement = 136;
    public const byte Redirect = 137;

    private const byte NoOption = 0;
    private const byte SourceLinkOption = 1;
    private const byte TargetLinkOption = 2;
    private const int FixedBytes = 24;
    private const int LinkOptionBytes = 8;
    private const byte SolicitedFlag = 0x40;
    private const byte OverrideFlag = 0x20;
    private const byte NdpHopLimit = 255;

    private RateLimiter _replies = new(host.Options.Limits.RepliesPerSecond);

    /// <summary>Takes an ICMPv6 message of types 133 to 137 whose checksum is right.</summary>
    public void Receive(MacAddress frameSource, InetAddress source, InetAddress destination, byte hopLimit, ReadOnlySpan<byte> message)
    {
        var type = message[0];
        if (type is not (NeighborSolicitation or NeighborAdvertisement))
        {
            host.Count(HostCounter.NdpIgnored);
            return;
        }

        host.Count(HostCounter.NdpReceived);
        if (hopLimit != NdpHopLimit || message[1] != 0 || message.Length < FixedBytes
            || !TryFindLinkOption(message[FixedBytes..], type == NeighborSolicitation ? SourceLinkOption : TargetLinkOption, out var mac))
        {
            host.Count(HostCounter.NdpMalformed);
            return;
        }

        var target = InetAddress.FromBytes(message.Slice(8, 16));
        if (target.IsMulticast)
            host.Count(HostCounter.NdpMalformed);
        else if (mac is not null && mac != frameSource)
            host.Count(HostCounter.NdpForged);
        else if (type == NeighborSolicitation)
            ReceiveSolicitation(frameSource, source, destination, target, mac is not null);
        else
            ReceiveAdvertisement(frameSource, target, message[4], destination.IsMulticast);
    }

    /// <summary>Asks for a neighbor's Ethernet address: all that could be it, or the one it was last known at.</summary>
    public void SendSolicitation(InetAddress target, MacAddress? lastKnown)
    {
        if (!host.Routing.TrySelectSource(target, out var source))
            return;
        host.Count(HostCounter.NdpSolicitationsSent);
        // An address that may belong to another host must not enter the tables of neighbors (RFC 4429 section 2.1).
        var option = host.Conflicts.IsOptimistic(source) ? NoOption : SourceLinkOption;
        var destination = lastKnown is null ? Ipv6Addresses.SolicitedNode(target) : target;
        Send(lastKnown ?? AddressTable.MulticastMac(destination), source, destination, NeighborSolicitation, 0, target, option);
    }

    /// <summary>Asks whether another host has an address of this one (RFC 4862 section 5.4.2).</summary>
    public void SendProbe(InetAddress address)
    {
        host.Count(HostCounter.NdpSolicitationsSent);
        var group = Ipv6Addresses.SolicitedNode(address);
        Send(AddressTable.MulticastMac(group), InetAddress.AnyV6, group, NeighborSolicitation, 0, address, NoOption);
    }

    /// <summary>Announces an address of this host to its neighbors.</summary>
    public void Announce(InetAddress address)
    {
        host.Count(HostCounter.NdpAdvertisementsSent);
        Send(AddressTable.MulticastMac(Ipv6Addresses.AllNodes), address, Ipv6Addresses.AllNodes, NeighborAdvertisement, OverrideFlag,
            address, TargetLinkOption);
    }

    private void ReceiveSolicitation(MacAddress frameSource, InetAddress source, InetAddress destination, InetAddress target, bool tellsMac)
    {
        if (!host.AddressTable.IsLocal(target))
        {
            host.Count(HostCounter.NdpNotForUs);
            return;
        }

        var probe = source.IsUnspecified;
        if (probe && (tellsMac || !Ipv6Addresses.IsSolicitedNode(destination)))
        {
            host.Count(HostCounter.NdpMalformed);
            return;
        }

        if (!probe && host.IsForged(source, frameSource))
        {
            host.Count(HostCounter.NdpForged);
            return;
        }

        var isOptimistic = host.Conflicts.IsOptimistic(target);
        if (probe && isOptimistic && host.IsForged(target, frameSource))
        {
            host.Count(HostCounter.NdpForged);
            host.Conflicts.OnForged(target, frameSource);
            return;
        }

        if (probe && isOptimistic)
        {
            // Another host checks the same address: neither may use it (RFC 4862 section 5.4.3).
            host.Count(HostCounter.NdpConflict);
            host.Conflicts.OnClaimed(target, frameSource);
            return;
        }

        if (!_replies.TryTake(host.Now))
        {
            host.Count(HostCounter.NeighborRateLimited);
            return;
        }

        if (!probe && tellsMac && host.Routing.IsOnLink(source))
            host.Neighbors.LearnFromRequest(source, frameSource);
        host.Count(HostCounter.NdpAdvertisementsSent);
        if (probe)
            Announce(target);
        else
            Send(frameSource, target, source, NeighborAdvertisement, (byte)(SolicitedFlag | (isOptimistic ? 0 : OverrideFlag)), target, TargetLinkOption);
    }

    private void ReceiveAdvertisement(MacAddress frameSource, InetAddress target, byte flags, bool multicast)
    {
        if (host.IsForged(target, frameSource))
        {
            host.Count(HostCounter.NdpForged);
            host.Conflicts.OnForged(target, frameSource);
            return;
        }

        if (host.AddressTable.IsLocal(target))
        {
            host.Count(HostCounter.NdpConflict);
            host.Conflicts.OnClaimed(target, frameSource);
            return;
        }

        var solicited = (flags & SolicitedFlag) != 0;
        if (solicited && multicast)
        {
            host.Count(HostCounter.NdpMalformed);
            return;
        }

        if (!host.Neighbors.TryGet(target, out var entry))
        {
            host.Count(HostCounter.NdpNotForUs);
            return;
        }

        // Without the override flag a different address only shows that the one in use is not certain (RFC 4861 section 7.2.5).
        if ((flags & OverrideFlag) == 0 && entry!.State is not (NeighborState.Incomplete or NeighborState.Failed) && frameSource != entry.Mac)
            return;
        entry!.Learn(host.Now, frameSource, confirmed: solicited);
    }

    private void Send(MacAddress mac, InetAddress source, InetAddress destination, byte type, byte flags, InetAddress target, byte option)
    {
        var length = option == NoOption ? FixedBytes : FixedBytes + LinkOptionBytes;
        var packet = host.Output.Begin(Hop.ToMac(mac), NetworkHost.EtherTypeIPv6, Ipv6Packet.HeaderBytes + length);
        if (packet.IsEmpty)
            return;
        Ipv6Packet.WriteHeader(packet, source, destination, IpProtocol.IcmpV6, NdpHopLimit, 0, length);
        var message = packet[Ipv6Packet.HeaderBytes..];
        message[0] = type;
        message[1] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], (uint)flags << 24);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], 0);
        target.Write(message[8..]);
        if (option != NoOption)
        {
            message[FixedBytes] = option;
            message[FixedBytes + 1] = 1;
            host.Mac.Write(message[(FixedBytes + 2)..]);
        }

        BinaryPrimitives.WriteUInt16BigEndian(message[2..], InternetChecksum.Finish(
            InternetChecksum.PseudoHeader(source, destination, IpProtocol.IcmpV6, length) + InternetChecksum.Sum(message)));
        host.Output.Commit(packet.Length);
    }

    // Every option is at least 8 bytes, so the loop is bounded by the message. False if one is malformed.
    private static bool TryFindLinkOption(ReadOnlySpan<byte> options, byte wanted, out MacAddress? mac)
    {
        mac = null;
        while (!options.IsEmpty)
        {
            if (options.Length < 2)
                return false;
            var length = options[1] * 8;
            if (length == 0 || length > options.Length)
                return false;
            if (options[0] == wanted && mac is null)
            {
                var address = MacAddress.Read(options[2..]);
                if (address.IsMulticast)
                    return false;
                mac = address;
            }

            options = options[length..];
        }

        return true;
    }
}
