using System.Buffers;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Engine;

/// <summary>Packets that came before what is needed to read them: their sender's identity, or its credentials for a network.</summary>
internal sealed class WaitingPackets(Node node)
{
    private const long LifeMs = 5_000;
    private readonly List<Entry> _entries = [];

    public bool IsEmpty => _entries.Count == 0;

    /// <summary>Keeps a copy of a packet; the one that has waited longest makes way where there are too many.</summary>
    public void Add(long nowMs, NodeAddress source, int localSocket, in InetEndpoint endpoint, ReadOnlySpan<byte> packet, bool isAuthenticated)
    {
        if (_entries.Count >= node.Options.MaxWaitingPackets)
        {
            node.Counters.Drop(DropReason.QueueExpired);
            RemoveAt(0);
        }

        var copy = ArrayPool<byte>.Shared.Rent(packet.Length);
        packet.CopyTo(copy);
        _entries.Add(new Entry(source, localSocket, endpoint, copy, packet.Length, isAuthenticated, nowMs));
    }

    /// <summary>Processes what waits for a peer's identity (not authenticated yet) or credentials (authenticated).</summary>
    public void Retry(long nowMs, NodeAddress source, bool authenticated)
    {
        // What has to wait once more is added at the end, beyond the count taken here.
        for (int i = 0, count = _entries.Count; i < count && i < _entries.Count;)
        {
            var entry = _entries[i];
            if (entry.Source != source || entry.IsAuthenticated != authenticated)
            {
                i++;
                continue;
            }

            _entries.RemoveAt(i);
            count--;
            node.Inbound.Process(nowMs, entry.LocalSocket, entry.Endpoint, entry.Packet.AsSpan(0, entry.Length), authenticated);
            ArrayPool<byte>.Shared.Return(entry.Packet);
        }
    }

    public void Expire(long nowMs)
    {
        for (var i = _entries.Count - 1; i >= 0; i--)
        {
            if (nowMs - _entries[i].ReceivedMs <= LifeMs)
                continue;
            node.Counters.Drop(_entries[i].IsAuthenticated ? DropReason.NotAMember : DropReason.QueueExpired);
            RemoveAt(i);
        }
    }

    private void RemoveAt(int index)
    {
        ArrayPool<byte>.Shared.Return(_entries[index].Packet);
        _entries.RemoveAt(index);
    }

    private readonly record struct Entry(
        NodeAddress Source, int LocalSocket, InetEndpoint Endpoint, byte[] Packet, int Length, bool IsAuthenticated, long ReceivedMs);
}
