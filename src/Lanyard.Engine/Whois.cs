using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine;

/// <summary>Asks the roots for the identities of nodes that are only known by address.</summary>
internal sealed class Whois(Node node)
{
    private const int MaxRequests = 1_024;
    private const long RetryMs = 500;
    private const long LifeMs = 5_000;

    private readonly Dictionary<NodeAddress, State> _requests = [];

    public long NextDeadlineMs { get; private set; } = long.MaxValue;

    /// <summary>Asks now, unless it was asked just before; asks again until an answer comes or five seconds are over.</summary>
    public void Request(long nowMs, NodeAddress address)
    {
        if (address.IsReserved || address == node.Address)
            return;
        if (_requests.TryGetValue(address, out var state))
        {
            _requests[address] = state with { WantedMs = nowMs };
            return;
        }

        if (_requests.Count >= MaxRequests)
        {
            node.Counters.Drop(DropReason.RateLimited);
            return;
        }

        var sent = Ask(nowMs, address);
        _requests.Add(address, new State(nowMs, sent ? nowMs : long.MinValue / 2));
        NextDeadlineMs = Math.Min(NextDeadlineMs, nowMs + RetryMs);
    }

    public void Resolved(NodeAddress address) => _requests.Remove(address);

    /// <summary>A root is reachable now: what could not be asked is asked.</summary>
    public void RootReachable(long nowMs)
    {
        if (_requests.Count > 0)
            NextDeadlineMs = nowMs;
    }

    public void Poll(long nowMs)
    {
        if (nowMs < NextDeadlineMs)
            return;
        foreach (var (address, state) in _requests.ToArray())
        {
            if (nowMs - state.WantedMs > LifeMs)
                _requests.Remove(address);
            else if (nowMs - state.AskedMs >= RetryMs && Ask(nowMs, address))
                _requests[address] = state with { AskedMs = nowMs };
        }

        NextDeadlineMs = _requests.Count > 0 ? nowMs + RetryMs : long.MaxValue;
    }

    private bool Ask(long nowMs, NodeAddress address)
    {
        if (node.Topology.BestRoot(nowMs, except: address) is not { } root)
            return false;
        var buffer = node.RentBuffer();
        var writer = new ByteWriter(buffer.AsSpan(PacketFormat.HeaderBytes));
        WhoisMessage.Write(ref writer, new[] { address });
        node.Outbound.Send(nowMs, root, Verb.Whois, buffer, PacketFormat.HeaderBytes, writer.Position);
        node.ReturnBuffer(buffer);
        return true;
    }

    private readonly record struct State(long WantedMs, long AskedMs);
}
