using Lanyard.Primitives;

namespace Lanyard.Engine;

/// <summary>
/// One way to reach a peer: a local socket and a physical endpoint that answered us. A path that stops answering is noticed by what was
/// sent over it: where nothing comes back it is probed, and where the probes stay unanswered it becomes suspect, which takes the traffic to
/// another path or to a relay within seconds; probing goes on, and the first packet from it makes it good again.
/// </summary>
internal sealed class Path(int localSocket, InetEndpoint endpoint)
{
    /// <summary>A path from which nothing came for so long is forgotten.</summary>
    public const long ExpirationMs = 243_000;

    /// <summary>With nothing sent for so long, a packet is sent to keep NATs open.</summary>
    public const long HeartbeatMs = 14_000;

    private const long AliveMs = HeartbeatMs + 5_000;
    private const long FirstProbeMs = 1_500;
    private const long ProbeIntervalMs = 500;
    private const int ProbesUntilSuspect = 3;
    private const long SuspectProbeIntervalMs = 5_000;
    private const int UnknownLatencyMs = 0xffff;

    private long _firstUnansweredMs = -1;
    private long _nextProbeMs;
    private int _probesUnanswered;

    public int LocalSocket { get; } = localSocket;

    public InetEndpoint Endpoint { get; } = endpoint;

    public IpScope Scope { get; } = IpScopes.Of(endpoint.Address);

    /// <summary>When an authentic packet last came over this path, straight from the peer.</summary>
    public long LastReceivedMs { get; private set; }

    /// <summary>When something was last sent over it.</summary>
    public long LastSentMs { get; private set; }

    /// <summary>Smoothed round-trip time; <see cref="UnknownLatencyMs"/> until one was measured.</summary>
    public int LatencyMs { get; private set; } = UnknownLatencyMs;

    public bool IsLatencyKnown => LatencyMs < UnknownLatencyMs;

    /// <summary>Above 1 where the peer redirected us here.</summary>
    public int Priority { get; set; } = 1;

    /// <summary>Whether probes stayed unanswered, or the path was reset and has not spoken since.</summary>
    public bool IsSuspect { get; private set; }

    /// <summary>Whether something was sent to which nothing has come back yet: the owner then calls <see cref="ShouldProbe"/> now and then.</summary>
    public bool IsUnanswered => _firstUnansweredMs >= 0;

    /// <summary>Whether <see cref="Liveness"/> has it on its list.</summary>
    public bool IsWatched { get; set; }

    /// <summary>When <see cref="ShouldProbe"/> may next say yes.</summary>
    public long NextProbeMs => _nextProbeMs;

    public bool IsExpired(long nowMs) => nowMs - LastReceivedMs >= ExpirationMs;

    public bool IsAlive(long nowMs) => !IsSuspect && nowMs - LastReceivedMs < AliveMs;

    public bool NeedsHeartbeat(long nowMs) => nowMs - LastSentMs >= HeartbeatMs;

    public void NoteReceived(long nowMs)
    {
        LastReceivedMs = nowMs;
        _firstUnansweredMs = -1;
        _probesUnanswered = 0;
        IsSuspect = false;
    }

    /// <summary>Notes that something was sent. True if from now on an answer is waited for.</summary>
    public bool NoteSent(long nowMs)
    {
        LastSentMs = nowMs;
        if (IsUnanswered)
            return false;
        _firstUnansweredMs = nowMs;
        _nextProbeMs = nowMs + FirstProbeMs;
        return true;
    }

    /// <summary>Notes an answer to what came over this path: it opens NATs as anything does, but waits for nothing itself.</summary>
    public void NoteReplied(long nowMs) => LastSentMs = nowMs;

    /// <summary>No answer is waited for any more.</summary>
    public void StopWaiting() => _firstUnansweredMs = -1;

    /// <summary>Whether a probe is due; counts it as sent.</summary>
    public bool ShouldProbe(long nowMs)
    {
        if (!IsUnanswered || nowMs < _nextProbeMs)
            return false;
        if (_probesUnanswered >= ProbesUntilSuspect)
            IsSuspect = true;
        _probesUnanswered++;
        _nextProbeMs = nowMs + (IsSuspect ? SuspectProbeIntervalMs : ProbeIntervalMs);
        return true;
    }

    /// <summary>Not to be used until it speaks again: the network under it has changed.</summary>
    public void Distrust(long nowMs)
    {
        IsSuspect = true;
        _firstUnansweredMs = nowMs;
        _probesUnanswered = ProbesUntilSuspect;
        _nextProbeMs = nowMs + ProbeIntervalMs;
    }

    public void NoteLatency(long roundTripMs)
    {
        var sample = (int)Math.Clamp(roundTripMs, 0, UnknownLatencyMs - 1);
        LatencyMs = IsLatencyKnown ? (LatencyMs + sample) / 2 : sample;
    }

    /// <summary>Lower is better: latency, weighted by how near the scope says the peer is.</summary>
    public long Cost(long nowMs)
    {
        var age = Math.Min(nowMs - LastReceivedMs, HeartbeatMs * 10);
        var latency = age < AliveMs && !IsSuspect ? LatencyMs : LatencyMs + UnknownLatencyMs + age;
        return latency * (IpScopes.Count - (int)Scope) / Priority;
    }
}
