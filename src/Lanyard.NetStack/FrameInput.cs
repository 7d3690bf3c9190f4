using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Receives Ethernet frames and the host's packets to itself, and passes each to the protocol of its Ethernet type.</summary>
internal sealed class FrameInput(NetworkHost host)
{
    private readonly Ipv4Input _ipv4 = new(host);
    private readonly Ipv6Input _ipv6 = new(host);

    // The largest MTU so far. Neighbors that do not know a smaller MTU yet still send frames of this length.
    private int _longestFrame = host.Mtu;

    /// <summary>Accepts frames as long as a new MTU allows.</summary>
    /// <param name="mtu">The new MTU in bytes.</param>
    public void OnMtuChanged(int mtu) => _longestFrame = Math.Max(_longestFrame, mtu);

    /// <summary>Receives a frame from the port.</summary>
    /// <param name="source">The Ethernet source.</param>
    /// <param name="destination">The Ethernet destination.</param>
    /// <param name="etherType">The Ethernet type.</param>
    /// <param name="payload">The bytes after the Ethernet header.</param>
    public void Receive(MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> payload)
    {
        host.Count(HostCounter.FramesReceived);
        host.Counters.Add(HostCounter.BytesReceived, payload.Length);
        if (destination != host.Mac && !destination.IsMulticast)
            host.Count(HostCounter.FrameNotForUs);
        else if (source.IsMulticast || source == host.Mac)
            host.Count(HostCounter.FrameBadSource);
        else if (payload.Length > _longestFrame)
            host.Count(HostCounter.FrameTooLong);
        else
        {
            var isReceivedBySocket = host.Frames.HasSockets && host.Frames.Receive(source, destination, etherType, payload);
            Dispatch(source, destination.IsMulticast, false, etherType, payload, isReceivedBySocket);
        }
    }

    /// <summary>Receives a packet that the host sent to itself, and returns its buffer to the pool.</summary>
    /// <param name="packet">The packet.</param>
    public void ReceiveLoopback(HeldPacket packet)
    {
        host.Count(HostCounter.LoopbackPackets);
        Dispatch(host.Mac, false, true, packet.EtherType, packet.Buffer.AsSpan(0, packet.Length), false);
        host.Pool.Return(packet.Buffer);
    }

    private void Dispatch(MacAddress source, bool toGroupMac, bool fromSelf, ushort etherType, ReadOnlySpan<byte> payload,
        bool isReceivedBySocket)
    {
        switch (etherType)
        {
            case NetworkHost.EtherTypeIPv4:
                _ipv4.Receive(source, toGroupMac, fromSelf, payload);
                break;
            case NetworkHost.EtherTypeIPv6:
                _ipv6.Receive(source, toGroupMac, fromSelf, payload);
                break;
            case NetworkHost.EtherTypeArp:
                host.Arp.Receive(source, payload);
                break;
            default:
                if (!isReceivedBySocket)
                    host.Count(HostCounter.FrameUnknownType);
                break;
        }
    }
}
