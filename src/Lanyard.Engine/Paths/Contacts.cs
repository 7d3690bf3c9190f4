using Lanyard.Engine.Packets;
using Lanyard.Engine.Peers;
using Lanyard.Primitives;

namespace Lanyard.Engine.Paths;

/// <summary>
/// Tries to reach peers at endpoints that were suggested: by a root's introduction, by the peer itself, or by memory. Each is tried a few
/// times, since the first datagrams may only open the NATs on the way, or get lost.
/// </summary>
internal sealed class Contacts(NodeContext context, PathPolicy policy, PacketSender sender)
{
    private const int MaxAttempts = 256;
    private const int MaxAttemptsOfPeer = 32;
    private const long HintIntervalMs = 5_000;
    private static readonly long[] DelaysMs = [250, 600, 1_500];

    private readonly List<Attempt> _attempts = [];

    public long NextDeadlineMs { get; private set; } = long.MaxValue;

    /// <summary>Sends a probe at once, or after a delay, and again until a path to the endpoint is known.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="peer">The peer to contact.</param>
    /// <param name="localSocket">The socket to send from; -1 leaves the choice to the host.</param>
    /// <param name="endpoint">The suggested endpoint.</param>
    /// <param name="chargedTo">The peer that suggested it, whose budget of bytes to unconfirmed endpoints pays for the probes; null for this node's own knowledge.</param>
    /// <param name="delayMs">The time until the first probe, in milliseconds.</param>
    public void Try(long nowMs, Peer peer, int localSocket, in InetEndpoint endpoint, Peer? chargedTo, long delayMs = 0)
    {
        if (peer.HasActivePathTo(endpoint, nowMs) || !policy.Permits(peer, localSocket, endpoint))
            return;
        var ofPeer = 0;
        foreach (var attempt in _attempts)
        {
            if (attempt.Peer != peer)
                continue;
            if (attempt.Endpoint == endpoint)
                return;
            ofPeer++;
        }

        if (delayMs == 0)
            sender.Probe(nowMs, peer, localSocket, endpoint, chargedTo);
        if (ofPeer >= MaxAttemptsOfPeer || _attempts.Count >= (peer.SharesNetwork(nowMs) ? MaxAttempts : MaxAttempts / 2))
        {
            context.Counters.Drop(DropReason.RateLimited);
            return;
        }

        var next = nowMs + (delayMs == 0 ? DelaysMs[0] : delayMs);
        _attempts.Add(new Attempt(peer, localSocket, endpoint, chargedTo, 0, next));
        NextDeadlineMs = Math.Min(NextDeadlineMs, next);
    }

    /// <summary>Tries where the user says that a peer may be, now and then while there is something to send and no path to it.</summary>
    public void TryHints(long nowMs, Peer peer)
    {
        var isTime = false;
        foreach (var hint in context.Options.PeerHints)
        {
            if (hint.Peer != peer.Address)
                continue;
            isTime |= peer.Hints.TryPass(nowMs, HintIntervalMs);
            if (!isTime || !policy.Permits(peer, -1, hint.Endpoint))
                continue;
            // It may never have heard of this node, and then there may be no root that it could ask.
            if (peer.LastReceivedMs < 0)
                sender.SendHello(nowMs, peer, -1, hint.Endpoint);
            Try(nowMs, peer, -1, hint.Endpoint, chargedTo: null);
        }
    }

    public void Poll(long nowMs)
    {
        if (nowMs < NextDeadlineMs)
            return;
        NextDeadlineMs = long.MaxValue;
        for (var i = _attempts.Count - 1; i >= 0; i--)
        {
            var attempt = _attempts[i];
            if (attempt.NextMs <= nowMs)
            {
                if (attempt.Peer.HasActivePathTo(attempt.Endpoint, nowMs))
                {
                    _attempts.RemoveAt(i);
                    continue;
                }

                sender.Probe(nowMs, attempt.Peer, attempt.LocalSocket, attempt.Endpoint, attempt.ChargedTo);
                if (attempt.Tries + 1 == DelaysMs.Length)
                {
                    _attempts.RemoveAt(i);
                    continue;
                }

                attempt = attempt with { Tries = attempt.Tries + 1, NextMs = nowMs + DelaysMs[attempt.Tries + 1] };
                _attempts[i] = attempt;
            }

            NextDeadlineMs = Math.Min(NextDeadlineMs, attempt.NextMs);
        }
    }

    private readonly record struct Attempt(Peer Peer, int LocalSocket, InetEndpoint Endpoint, Peer? ChargedTo, int Tries, long NextMs);
}
