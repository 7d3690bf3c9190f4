using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine;

/// <summary>
/// A root's part in making peers meet: where it relays between two, it tells each where it sees the other (RENDEZVOUS), so that both send at
/// about the same time and open their NATs for each other.
/// </summary>
internal sealed class Introductions(Node node)
{
    private const long IntervalMs = 10_000;
    private const int MaxPairs = 65_536;

    private readonly Dictionary<(NodeAddress, NodeAddress), long> _last = [];

    public void Consider(long nowMs, Peer to, NodeAddress from)
    {
        if (node.Topology.FindKnown(from) is not { } other)
            return;
        var pair = to.Address.CompareTo(from) < 0 ? (to.Address, from) : (from, to.Address);
        if (_last.TryGetValue(pair, out var last) && nowMs - last < IntervalMs)
            return;
        if (_last.Count >= MaxPairs)
            Expire(nowMs);
        if (_last.Count >= MaxPairs)
            return;
        _last[pair] = nowMs;
        if (!TryMatch(nowMs, to, other, out var toPath, out var otherPath))
            return;
        node.Counters.Introductions++;

        // Which of the two hears first is left to chance: neither NAT should always be the one that sees an unexpected packet.
        if ((node.Random.Next() & 1) == 0)
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

    public void Expire(long nowMs)
    {
        foreach (var (pair, last) in _last.ToArray())
        {
            if (nowMs - last >= IntervalMs)
                _last.Remove(pair);
        }
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
        var buffer = node.RentBuffer();
        var writer = new ByteWriter(buffer.AsSpan(PacketFormat.HeaderBytes));
        new RendezvousMessage { Peer = about, Endpoint = endpoint }.Write(ref writer);
        node.Outbound.SendTo(nowMs, peer, path.LocalSocket, path.Endpoint, Verb.Rendezvous, buffer, PacketFormat.HeaderBytes, writer.Position);
        node.ReturnBuffer(buffer);
    }
}
