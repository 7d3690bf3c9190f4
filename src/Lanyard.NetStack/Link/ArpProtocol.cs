using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>ARP for IPv4 over Ethernet (RFC 826), with the announcements and the conflict detection of RFC 5227.</summary>
internal sealed class ArpProtocol(NetworkHost host)
{
    private RateLimiter _replies = new(host.Options.Limits.RepliesPerSecond);

    public void Receive(MacAddress source, ReadOnlySpan<byte> payload)
    {
        host.Count(HostCounter.ArpReceived);
        if (!ArpPacket.TryParse(payload, out var packet) || packet.SenderMac.IsMulticast || packet.SenderMac != source
            || packet.SenderAddress.IsMulticast || packet.SenderAddress == InetAddress.BroadcastV4)
        {
            host.Count(HostCounter.ArpMalformed);
            return;
        }

        if (!packet.SenderAddress.IsUnspecified && host.IsForged(packet.SenderAddress, packet.SenderMac))
        {
            host.Count(HostCounter.ArpForged);
            host.Conflicts.OnForged(packet.SenderAddress, packet.SenderMac);
            return;
        }

        if (host.AddressTable.IsLocal(packet.SenderAddress))
        {
            host.Count(HostCounter.ArpConflict);
            host.Conflicts.OnClaimed(packet.SenderAddress, packet.SenderMac);
            return;
        }

        var isForThisHost = host.AddressTable.IsLocal(packet.TargetAddress);
        var isKnown = host.Neighbors.TryGet(packet.SenderAddress, out var neighbor);
        if (isKnown)
            neighbor!.Learn(host.Now, packet.SenderMac, confirmed: packet.IsReply && isForThisHost && packet.TargetMac == host.Mac);
        if (!isForThisHost)
        {
            if (!isKnown)
                host.Count(HostCounter.ArpNotForUs);
            return;
        }

        if (packet.IsReply)
            return;
        if (!_replies.TryTake(host.Now))
        {
            host.Count(HostCounter.NeighborRateLimited);
            return;
        }

        // A probe (RFC 5227) comes from 0.0.0.0, so it does not tell the sender's address.
        if (!isKnown && !packet.SenderAddress.IsUnspecified && host.Routing.IsOnLink(packet.SenderAddress))
            host.Neighbors.LearnFromRequest(packet.SenderAddress, packet.SenderMac);
        host.Count(HostCounter.ArpRepliesSent);
        Send(packet.SenderMac, new ArpPacket(true, host.Mac, packet.TargetAddress, packet.SenderMac, packet.SenderAddress));
    }

    /// <summary>Requests a neighbor's Ethernet address.</summary>
    public void SendRequest(InetAddress target, MacAddress destination)
    {
        if (!host.Routing.TrySelectSource(target, out var source))
            return;
        host.Count(HostCounter.ArpRequestsSent);
        Send(destination, new ArpPacket(false, host.Mac, source, default, target));
    }

    /// <summary>Announces an address of this host to its neighbors.</summary>
    public void Announce(InetAddress address)
    {
        host.Count(HostCounter.ArpRequestsSent);
        Send(MacAddress.Broadcast, new ArpPacket(false, host.Mac, address, default, address));
    }

    private void Send(MacAddress destination, ArpPacket packet)
    {
        var span = host.Output.Begin(Hop.ToMac(destination), NetworkHost.EtherTypeArp, ArpPacket.Bytes);
        if (span.IsEmpty)
            return;
        packet.Write(span);
        host.Output.Commit(ArpPacket.Bytes);
    }
}
