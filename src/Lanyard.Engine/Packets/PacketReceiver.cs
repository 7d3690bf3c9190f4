using Lanyard.Engine.Paths;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Verbs;
using Lanyard.Primitives;
using Lanyard.Wire.Compression;
using Lanyard.Wire.Crypto;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine.Packets;

/// <summary>Receives whole packets for this node: authenticates and expands them, and hands them to their verbs.</summary>
internal sealed class PacketReceiver(NodeContext context, PeerTable peers, PathPolicy policy, PeerAdmission admission, VerbDispatcher verbs)
{
    /// <summary>Receives a packet that is not opened yet. Its bytes are decrypted in place.</summary>
    public void Receive(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> bytes)
    {
        if (!PacketView.TryParse(bytes, out var packet))
            context.Counters.Drop(DropReason.Malformed);
        else if (packet is { Suite: CipherSuite.Poly1305, Verb: Verb.Hello })
            admission.ReceiveHello(nowMs, localSocket, endpoint, bytes, packet);
        else if (peers.Find(packet.Source) is not { } peer)
            admission.ReceiveUnknown(nowMs, localSocket, endpoint, bytes, packet);
        else if (Authenticate(peer, endpoint, bytes, packet))
            Read(nowMs, peer, localSocket, endpoint, packet);
    }

    /// <summary>Receives a packet that was opened before, with the key of its sender at that time.</summary>
    public void ReceiveOpened(long nowMs, int localSocket, in InetEndpoint endpoint, ReadOnlySpan<byte> bytes, SessionKey key)
    {
        // Another node may have got the sender's address meanwhile.
        if (!PacketView.TryParse(bytes, out var packet) || peers.Find(packet.Source) is not { } peer || !ReferenceEquals(peer.Key, key))
            context.Counters.Drop(DropReason.BadMac);
        else
            Read(nowMs, peer, localSocket, endpoint, packet);
    }

    /// <summary>Receives a packet that was queued for its sender's identity or credentials. Never throws.</summary>
    public void ReceiveWaiting(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> bytes, SessionKey? openedWith)
    {
        try
        {
            if (openedWith is not null)
                ReceiveOpened(nowMs, localSocket, endpoint, bytes, openedWith);
            else
                Receive(nowMs, localSocket, endpoint, bytes);
        }
#pragma warning disable CA1031 // Other packets are queued behind this one, and another packet released it: a fault drops this packet only. It is counted and reported.
        catch (Exception e)
#pragma warning restore CA1031
        {
            context.ReportInternalError(e);
        }
    }

    private bool Authenticate(Peer peer, in InetEndpoint endpoint, Span<byte> bytes, PacketView packet)
    {
        if (packet.Suite == CipherSuite.TrustedPath)
        {
            if (packet.TrustedPathId != 0 && packet.TrustedPathId == policy.TrustedPathTo(endpoint.Address))
                return true;
            context.Counters.Drop(DropReason.UntrustedPath);
            return false;
        }

        if (peer.Key.TryDearmor(bytes))
            return true;
        context.Counters.Drop(DropReason.BadMac);
        return false;
    }

    private void Read(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, PacketView packet)
    {
        if (!packet.IsCompressed)
        {
            verbs.Dispatch(IncomingPacket.Of(nowMs, peer, localSocket, endpoint, packet, packet.Payload));
            return;
        }

        using var expanded = context.Buffers.Rent();
        if (PayloadCompression.TryExpand(packet.Payload, expanded.Bytes[..PacketFormat.MaxPayloadBytes], out var length))
            verbs.Dispatch(IncomingPacket.Of(nowMs, peer, localSocket, endpoint, packet, expanded.Bytes[..length]));
        else
            context.Counters.Drop(DropReason.BadCompression);
    }
}
