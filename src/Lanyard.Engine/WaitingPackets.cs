using System.Buffers;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Engine;

/// <summary>
/// Packets queued until their sender's identity (direct or relayed) or its credentials for a network are known. Each of the three kinds has its own queue. A full
/// queue drops the oldest packet of its heaviest user.
/// </summary>
internal sealed class WaitingPackets(Node node)
{
    private const long LifeMs = 5_000;

    private readonly List<Entry> _forIdentity = [];
    private readonly List<Entry> _relayedForIdentity = [];
    private readonly List<Entry> _forCredentials = [];

    public bool IsEmpty => _forIdentity.Count == 0 && _relayedForIdentity.Count == 0 && _forCredentials.Count == 0;

    /// <summary>Queues a copy of a packet.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="source">The sender in the packet's header.</param>
    /// <param name="localSocket">The local socket that received it.</param>
    /// <param name="endpoint">The source endpoint.</param>
    /// <param name="packet">The packet.</param>
    /// <param name="isAuthenticated">Whether the packet is authenticated and waits for credentials only.</param>
    public void Add(long nowMs, NodeAddress source, int localSocket, in InetEndpoint endpoint, ReadOnlySpan<byte> packet, bool isAuthenticated)
    {
        var entries = isAuthenticated ? _forCredentials : node.Topology.Endpoints.Contains(endpoint) ? _relayedForIdentity : _forIdentity;
        if (entries.Count >= node.Options.MaxWaitingPackets)
        {
            node.Counters.Drop(DropReason.QueueExpired);
            RemoveAt(entries, isAuthenticated ? OldestOfHeaviestPeer(entries) : OldestOfHeaviestPrefix(entries));
        }

        var copy = ArrayPool<byte>.Shared.Rent(packet.Length);
        packet.CopyTo(copy);
        entries.Add(new Entry(source, localSocket, endpoint, copy, packet.Length, nowMs));
    }

    /// <summary>Processes the packets queued for a peer's identity (not authenticated yet) or credentials (authenticated).</summary>
    public void Retry(long nowMs, NodeAddress source, bool authenticated)
    {
        if (authenticated)
        {
            Retry(nowMs, source, _forCredentials, isAuthenticated: true);
            return;
        }

        Retry(nowMs, source, _forIdentity, isAuthenticated: false);
        Retry(nowMs, source, _relayedForIdentity, isAuthenticated: false);
    }

    public void Expire(long nowMs)
    {
        Expire(nowMs, _forIdentity, DropReason.QueueExpired);
        Expire(nowMs, _relayedForIdentity, DropReason.QueueExpired);
        Expire(nowMs, _forCredentials, DropReason.NotAMember);
    }

    private void Retry(long nowMs, NodeAddress source, List<Entry> entries, bool isAuthenticated)
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
            node.Inbound.ProcessWaiting(nowMs, entry.LocalSocket, entry.Endpoint, entry.Packet.AsSpan(0, entry.Length), isAuthenticated);
            ArrayPool<byte>.Shared.Return(entry.Packet);
        }
    }

    private void Expire(long nowMs, List<Entry> entries, DropReason reason)
    {
        for (var i = entries.Count - 1; i >= 0; i--)
        {
            if (nowMs - entries[i].ReceivedMs <= LifeMs)
                continue;
            node.Counters.Drop(reason);
            RemoveAt(entries, i);
        }
    }

    // Entries are in order of arrival.
    private int OldestOfHeaviestPrefix(List<Entry> entries)
    {
        var tally = new PrefixTally(stackalloc ushort[PrefixTally.Slots], node.Secrets.TableKey);
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

    private readonly record struct Entry(NodeAddress Source, int LocalSocket, InetEndpoint Endpoint, byte[] Packet, int Length, long ReceivedMs);
}
