using System.Buffers;
using Lanyard.Engine.Peers;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Packets;

/// <summary>
/// Packets to unknown or unreachable peers, which wait until there is a way to send them. Copies of multicast frames have half of the queue at most, and a full queue
/// drops them first: other nodes name their receivers.
/// </summary>
internal sealed class PacketQueue(NodeContext context)
{
    private const long LifeMs = 5_000;

    private readonly LinkedList<Entry> _entries = new();
    private int _multicast;

    /// <summary>Sends a packet of the queue. Returns false if there is no way yet; the packet then stays.</summary>
    public delegate bool TrySend(long nowMs, NodeAddress destination, in OutgoingPacket packet);

    public bool IsEmpty => _entries.Count == 0;

    /// <summary>Adds a copy of a packet.</summary>
    public void Add(long nowMs, NodeAddress destination, in OutgoingPacket packet)
    {
        var isMulticast = packet.Reason == WhoisReason.Multicast;
        if (isMulticast && _multicast >= context.Options.MaxQueuedPackets / 2)
            DropFirst(isMulticast: true);
        else if (_entries.Count >= context.Options.MaxQueuedPackets)
            DropFirst(isMulticast: _multicast > 0);
        var copy = ArrayPool<byte>.Shared.Rent(packet.Length);
        packet.Payload.CopyTo(copy);
        _entries.AddLast(new Entry(destination, packet.Verb, copy, packet.Length, packet.IsCompressible, packet.Subject, packet.Reason, nowMs));
        _multicast += isMulticast ? 1 : 0;
    }

    /// <summary>Sends the packets to a peer in order.</summary>
    public void Send(long nowMs, NodeAddress destination, TrySend trySend)
    {
        for (var entry = _entries.First; entry is not null;)
        {
            var next = entry.Next;
            if (entry.Value.Destination == destination)
                Send(nowMs, entry, trySend);
            entry = next;
        }
    }

    /// <summary>Sends all packets to which there is a way, and drops those that have waited for too long.</summary>
    public void SendAll(long nowMs, PeerTable peers, TrySend trySend)
    {
        for (var entry = _entries.First; entry is not null;)
        {
            var next = entry.Next;
            var isKnown = peers.Find(entry.Value.Destination) is not null;
            if ((!isKnown || !Send(nowMs, entry, trySend)) && nowMs - entry.Value.QueuedMs > LifeMs)
            {
                context.Counters.Drop(isKnown ? DropReason.NoPath : DropReason.QueueExpired);
                Remove(entry);
            }

            entry = next;
        }
    }

    private bool Send(long nowMs, LinkedListNode<Entry> entry, TrySend trySend)
    {
        var queued = entry.Value;
        using var buffer = context.Buffers.Rent();
        queued.Bytes.AsSpan(0, queued.Length).CopyTo(buffer.Bytes[PacketFormat.HeaderBytes..]);
        var packet = new OutgoingPacket(queued.Verb, buffer.Bytes, PacketFormat.HeaderBytes, queued.Length)
        {
            IsCompressible = queued.IsCompressible,
            Subject = queued.Subject,
            Reason = queued.Reason,
        };
        if (!trySend(nowMs, queued.Destination, packet))
            return false;
        Remove(entry);
        return true;
    }

    private void DropFirst(bool isMulticast)
    {
        context.Counters.Drop(DropReason.QueueExpired);
        for (var entry = _entries.First; entry is not null; entry = entry.Next)
        {
            if (entry.Value.Reason == WhoisReason.Multicast == isMulticast)
            {
                Remove(entry);
                return;
            }
        }
    }

    private void Remove(LinkedListNode<Entry> entry)
    {
        ArrayPool<byte>.Shared.Return(entry.Value.Bytes);
        _multicast -= entry.Value.Reason == WhoisReason.Multicast ? 1 : 0;
        _entries.Remove(entry);
    }

    private readonly record struct Entry(
        NodeAddress Destination, Verb Verb, byte[] Bytes, int Length, bool IsCompressible, ulong Subject, WhoisReason Reason, long QueuedMs);
}
