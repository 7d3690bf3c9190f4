using System.Buffers;
using Lanyard.Engine.Paths;
using Lanyard.Primitives;
using Lanyard.Wire.Packets;
using Lanyard.Wire;

namespace Lanyard.Engine.Packets;

/// <summary>
/// Packets queued until their sender's identity (direct or relayed) or its credentials for a network are known. Each of the three kinds has its own queue. A full
/// queue drops the oldest packet of its heaviest user.
/// </summary>
internal sealed class WaitingPackets(NodeContext context, ConfirmedEndpoints confirmed)
{
    private const long LifeMs = 5_000;
    private const long ExpiryIntervalMs = 250;

    private readonly List<Entry> _forIdentity = [];
    private readonly List<Entry> _relayedForIdentity = [];
    private readonly List<Entry> _forCredentials = [];
    private long _nextExpiryMs;

    /// <summary>Reads a packet that has waited.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="localSocket">The local socket that received it.</param>
    /// <param name="endpoint">The source endpoint.</param>
    /// <param name="packet">The packet.</param>
    /// <param name="openedWith">The key that opened it; null if it is not opened yet.</param>
    public delegate void PacketReader(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> packet, SessionKey? openedWith);

    /// <summary>Raised for each packet that need not wait any longer.</summary>
    public event PacketReader? Released;

    /// <summary>The time of the next check for expired packets, in milliseconds.</summary>
    public long NextDeadlineMs => IsEmpty ? long.MaxValue : _nextExpiryMs;

    private bool IsEmpty => _forIdentity.Count == 0 && _relayedForIdentity.Count == 0 && _forCredentials.Count == 0;

    /// <summary>Queues a copy of a packet.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="source">The sender in the packet's header.</param>
    /// <param name="localSocket">The local socket that received it.</param>
    /// <param name="endpoint">The source endpoint.</param>
    /// <param name="packet">The packet.</param>
    /// <param name="openedWith">The key that opened it, if it waits for credentials; null if it waits for its sender's identity.</param>
    public void Add(long nowMs, NodeAddress source, int localSocket, in InetEndpoint endpoint, ReadOnlySpan<byte> packet, SessionKey? openedWith)
    {
        var entries = openedWith is not null ? _forCredentials : confirmed.Contains(endpoint) ? _relayedForIdentity : _forIdentity;
        if (entries.Count >= context.Options.MaxWaitingPackets)
        {
            context.Counters.Drop(DropReason.QueueExpired);
            RemoveAt(entries, openedWith is not null ? OldestOfHeaviestPeer(entries) : OldestOfHeaviestPrefix(entries));
        }

        var copy = ArrayPool<byte>.Shared.Rent(packet.Length);
        packet.CopyTo(copy);
        entries.Add(new Entry(source, localSocket, endpoint, copy, packet.Length, openedWith, nowMs));
    }

    /// <summary>Processes the packets queued for a peer's identity (not authenticated yet) or credentials (authenticated).</summary>
    public void Retry(long nowMs, NodeAddress source, bool authenticated)
    {
        if (authenticated)
        {
            Retry(nowMs, source, _forCredentials);
            return;
        }

        Retry(nowMs, source, _forIdentity);
        Retry(nowMs, source, _relayedForIdentity);
    }

    /// <summary>Drops the packets that have waited for five seconds.</summary>
    public void Poll(long nowMs)
    {
        if (nowMs < NextDeadlineMs)
            return;
        _nextExpiryMs = nowMs + ExpiryIntervalMs;
        Expire(nowMs, _forIdentity, DropReason.QueueExpired);
        Expire(nowMs, _relayedForIdentity, DropReason.QueueExpired);
        Expire(nowMs, _forCredentials, DropReason.NotAMember);
    }

    private void Retry(long nowMs, NodeAddress source, List<Entry> entries)
    {
        // Packets queued again go to the end, beyond the count taken here.
        for (int i = 0, count = entries.Count; i < count && i < entries.Count;)
        {
            var entry = entries[i];
            if (entry.Source != source)
            {
                i++;
                continue;
            }

            entries.RemoveAt(i);
            count--;
            Released?.Invoke(nowMs, entry.LocalSocket, entry.Endpoint, entry.Packet.AsSpan(0, entry.Length), entry.OpenedWith);
            ArrayPool<byte>.Shared.Return(entry.Packet);
        }
    }

    private void Expire(long nowMs, List<Entry> entries, DropReason reason)
    {
        for (var i = entries.Count - 1; i >= 0; i--)
        {
            if (nowMs - entries[i].ReceivedMs <= LifeMs)
                continue;
            context.Counters.Drop(reason);
            RemoveAt(entries, i);
        }
    }

    // Entries are in order of arrival.
    private int OldestOfHeaviestPrefix(List<Entry> entries)
    {
        var tally = new PrefixTally(stackalloc ushort[PrefixTally.Slots], context.Secrets.TableKey);
        foreach (var entry in entries)
            tally.Add(entry.Endpoint.Address);
        var (found, most) = (0, 0);
        for (var i = 0; i < entries.Count; i++)
        {
            if (tally.CountOf(entries[i].Endpoint.Address) is var count && count > most)
                (found, most) = (i, count);
        }

        return found;
    }

    private static int OldestOfHeaviestPeer(List<Entry> entries)
    {
        var (found, most) = (0, 0);
        for (var i = 0; i < entries.Count; i++)
        {
            var count = 0;
            foreach (var entry in entries)
                count += entry.Source == entries[i].Source ? 1 : 0;
            if (count > most)
                (found, most) = (i, count);
        }

        return found;
    }

    private static void RemoveAt(List<Entry> entries, int index)
    {
        ArrayPool<byte>.Shared.Return(entries[index].Packet);
        entries.RemoveAt(index);
    }

    private readonly record struct Entry(NodeAddress Source, int LocalSocket, InetEndpoint Endpoint, byte[] Packet, int Length, SessionKey? OpenedWith, long ReceivedMs);
}
