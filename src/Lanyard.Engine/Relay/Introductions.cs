using Lanyard.Engine.Packets;
using Lanyard.Engine.Paths;
using Lanyard.Engine.Peers;
using Lanyard.Primitives;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Relay;

/// <summary>
/// A root's part in making peers meet: where it relays between two, it tells each where it sees the other (RENDEZVOUS), so that both send at
/// about the same time and open their NATs for each other.
/// </summary>
internal sealed class Introductions(NodeContext context, PeerTable peers, PathPolicy policy, PacketSender sender)
{
    private const long IntervalMs = 10_000;

    // Pairs are remembered in sets of a table of fixed size; only a root that relays has one. In a full set the pair introduced longest ago makes way.
    private const int SetBits = 14;
    private const int PairsInSet = 4;

    private Entry[]? _table;

    /// <summary>Introduces a pair, unless it was introduced just before.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="to">The peer that a packet was passed on to.</param>
    /// <param name="from">The node that the packet says it comes from.</param>
    /// <param name="endpoint">The source endpoint of the packet: no other endpoint can have <paramref name="from"/> introduced.</param>
    public void Consider(long nowMs, Peer to, NodeAddress from, in InetEndpoint endpoint)
    {
        if (peers.Find(from) is not { } other || !policy.IsConfirmed(other, endpoint) || !IsDue(nowMs, to.Address, from))
            return;
        if (!TryMatch(nowMs, to, other, out var toPath, out var otherPath))
            return;
        context.Counters.Introductions++;

        // Which of the two hears first is left to chance: neither NAT should always be the one that sees an unexpected packet.
        if ((context.Random.Next() & 1) == 0)
        {
            Tell(nowMs, to, toPath, other.Address, otherPath.Endpoint);
            Tell(nowMs, other, otherPath, to.Address, toPath.Endpoint);
        }
        else
        {
            Tell(nowMs, other, otherPath, to.Address, toPath.Endpoint);
            Tell(nowMs, to, toPath, other.Address, otherPath.Endpoint);
        }
    }

    private bool IsDue(long nowMs, NodeAddress a, NodeAddress b)
    {
        var (low, high) = a.CompareTo(b) < 0 ? (a, b) : (b, a);
        _table ??= new Entry[PairsInSet << SetBits];
        var first = (int)(KeyedHash.Of(low.Value, high.Value, context.Secrets.TableKey) >> (32 - SetBits)) * PairsInSet;
        var oldest = first;
        for (var i = first; i < first + PairsInSet; i++)
        {
            if (_table[i].Low == low && _table[i].High == high)
            {
                if (nowMs - _table[i].LastMs < IntervalMs)
                    return false;
                oldest = i;
                break;
            }

            if (_table[i].LastMs < _table[oldest].LastMs)
                oldest = i;
        }

        _table[oldest] = new Entry(low, high, nowMs);
        return true;
    }

    // The endpoints that are most likely to reach each other: of the highest scope that both have, IPv6 before IPv4.
    private static bool TryMatch(long nowMs, Peer a, Peer b, out Path pathA, out Path pathB)
    {
        for (var scope = IpScopes.Count - 1; scope > 0; scope--)
        {
            foreach (var family in (ReadOnlySpan<InetFamily>)[InetFamily.IPv6, InetFamily.IPv4])
            {
                if (Best(a, (IpScope)scope, family) is { } first && Best(b, (IpScope)scope, family) is { } second)
                {
                    pathA = first;
                    pathB = second;
                    return true;
                }
            }
        }

        pathA = pathB = null!;
        return false;

        Path? Best(Peer peer, IpScope scope, InetFamily family)
        {
            Path? best = null;
            foreach (var path in peer.Paths)
            {
                if (path.Scope == scope && path.Endpoint.Address.Family == family && !path.IsExpired(nowMs)
                    && (best is null || path.Cost(nowMs) < best.Cost(nowMs)))
                    best = path;
            }

            return best;
        }
    }

    private void Tell(long nowMs, Peer peer, Path path, NodeAddress about, in InetEndpoint endpoint)
    {
        using var buffer = context.Buffers.Rent();
        var writer = buffer.CreateWriter();
        new RendezvousMessage { Peer = about, Endpoint = endpoint }.Write(ref writer);
        sender.SendTo(nowMs, peer, path.LocalSocket, path.Endpoint, buffer.Complete(Verb.Rendezvous, writer));
    }

    private readonly record struct Entry(NodeAddress Low, NodeAddress High, long LastMs);
}
