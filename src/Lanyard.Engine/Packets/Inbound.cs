using Lanyard.Engine.Paths;
using Lanyard.Engine.Relay;
using Lanyard.Primitives;
using Lanyard.Wire.Packets;

namespace Lanyard.Engine.Packets;

/// <summary>Receives datagrams: relays those for other nodes, joins fragments, and hands over whole packets.</summary>
internal sealed class Inbound(NodeContext context, ConfirmedEndpoints confirmed, PacketRelay relay, PacketReceiver receiver)
{
    private const long ReassemblyLifeMs = 5_000;

    private readonly FragmentBuffer _fragments = new(context.Options.MaxReassemblies, context.Secrets.TableKey);
    private readonly byte[] _joined = new byte[PacketFormat.MaxPacketBytes];

    /// <summary>Receives the datagrams of a run after <see cref="PacketOpener"/> opened their packets.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="localSocket">The local socket that received them.</param>
    /// <param name="endpoint">The source endpoint.</param>
    /// <param name="run">The datagrams. The method changes their bytes.</param>
    /// <param name="datagramBytes">The length of each but the last, which may be shorter.</param>
    /// <param name="opened">The parts of the run.</param>
    public void Receive(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> run, int datagramBytes, OpenedPackets opened)
    {
        foreach (ref readonly var part in opened.Parts)
        {
            context.Counters.DatagramsReceived += datagramBytes > 0 && part.DatagramBytes > datagramBytes ? (part.DatagramBytes + datagramBytes - 1) / datagramBytes : 1;
            context.Counters.BytesReceived += part.DatagramBytes;
            try
            {
                Receive(nowMs, localSocket, endpoint, run.Slice(part.Start, part.PacketBytes), part);
            }
#pragma warning disable CA1031 // The run has other packets, and the caller is the thread that receives: a fault of the node or its host drops one packet only. It is counted and reported.
            catch (Exception e)
#pragma warning restore CA1031
            {
                context.ReportInternalError(e);
            }
        }
    }

    /// <summary>Drops packets whose fragments did not all arrive.</summary>
    public void Expire(long nowMs)
    {
        for (var i = _fragments.DropOlderThan(nowMs - ReassemblyLifeMs); i > 0; i--)
            context.Counters.Drop(DropReason.ReassemblyExpired);
    }

    private void Receive(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> bytes, in OpenedPacket part)
    {
        switch (part.Result)
        {
            case OpenResult.Opened:
                receiver.ReceiveOpened(nowMs, localSocket, endpoint, bytes, part.Key!);
                break;
            case OpenResult.Refused:
                context.Counters.Drop(DropReason.BadMac);
                break;
            case OpenResult.Joined:
                receiver.Receive(nowMs, localSocket, endpoint, bytes);
                break;
            default:
                ReceiveDatagram(nowMs, localSocket, endpoint, bytes);
                break;
        }
    }

    private void ReceiveDatagram(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> datagram)
    {
        switch (Datagram.Classify(datagram))
        {
            case DatagramKind.Packet when PacketView.TryParse(datagram, out var packet):
                ReceivePacket(nowMs, localSocket, endpoint, datagram, packet);
                break;
            case DatagramKind.Fragment when FragmentView.TryParse(datagram, out var fragment):
                if (fragment.Destination == context.Address)
                    Join(nowMs, localSocket, endpoint, _fragments.AddFragment(fragment, endpoint, confirmed.Contains(endpoint), nowMs, _joined, out var length), length);
                else
                    relay.RelayFragment(nowMs, fragment.Destination, datagram);
                break;
            case DatagramKind.Beacon or DatagramKind.HolePunch:
                context.Counters.Drop(DropReason.NotAPacket);
                break;
            default:
                context.Counters.Drop(DropReason.Malformed);
                break;
        }
    }

    private void ReceivePacket(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> datagram, PacketView packet)
    {
        if (packet.Source == context.Address)
            context.Counters.Drop(DropReason.OwnAddress);
        else if (packet.Destination != context.Address)
            relay.RelayPacket(nowMs, endpoint, datagram, packet.Source, packet.Destination);
        else if (packet.IsFragmented)
            Join(nowMs, localSocket, endpoint, _fragments.AddHead(packet, endpoint, confirmed.Contains(endpoint), nowMs, _joined, out var length), length);
        else
            receiver.Receive(nowMs, localSocket, endpoint, datagram);
    }

    private void Join(long nowMs, int localSocket, in InetEndpoint endpoint, FragmentResult result, int length)
    {
        if (result == FragmentResult.Joined)
            receiver.Receive(nowMs, localSocket, endpoint, _joined.AsSpan(0, length));
        else if (result == FragmentResult.Refused)
            context.Counters.Drop(DropReason.RateLimited);
        else if (result != FragmentResult.Waiting)
            context.Counters.Drop(DropReason.BadFragment);
    }
}
