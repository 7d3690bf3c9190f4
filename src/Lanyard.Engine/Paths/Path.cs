using Lanyard.Primitives;

namespace Lanyard.Engine.Paths;

/// <summary>
/// One way to reach a peer: a local socket and a physical endpoint that answered us. A path that stops answering is noticed by what was
/// sent over it: where nothing comes back it is probed, and where the probes stay unanswered it becomes suspect, which takes the traffic to
/// another path or to a relay after eight round trips (400 ms at least); probing goes on, and the first packet from it makes it good again.
/// </summary>
internal sealed class Path(int localSocket, InetEndpoint endpoint)
{
    /// <summary>A path from which nothing came for so long is forgotten.</summary>
    public const long ExpirationMs = 243_000;

    /// <summary>With nothing sent for so long, a packet is sent to keep NATs open.</summary>
    public const long HeartbeatMs = 14_000;

    private const long AliveMs = HeartbeatMs + 5_000;

    // The probe schedule in units of the round-trip time: a path is suspect 8 units after the first unanswered packet. One-way traffic, and replies over another path,
    // leave every path unanswered: the late first probe limits its probes to five a second, and nodes answer about 16 ECHOs a second.
    private const int FirstProbeUnits = 4;
    private const int ProbeUnits = 1;
    private const int MinUnitMs = 50;
    private const int MaxUnitMs = 1_000;
    private const int UnknownUnitMs = 150;
    private const int ProbesUntilDoubt = 2;
    private const int ProbesUntilSuspect = 4;
    private const long SuspectProbeIntervalMs = 1_000;
    private const long IdleSuspectProbeIntervalMs = 5_000;
    private const int UnknownLatencyMs = 0xffff;
    private const long LatencyIntervalMs = 5_000;
    private const int LatencyWeight = 4;

    private long _firstUnansweredMs = -1;
    private long _nextProbeMs;
    private int _probesUnanswered;
    private long _lastLatencyMs;

    public int LocalSocket { get; } = localSocket;

    public InetEndpoint Endpoint { get; } = endpoint;

    public IpScope Scope { get; } = IpScopes.Of(endpoint.Address);

    /// <summary>When an authentic packet last came over this path, straight from the peer.</summary>
    public long LastReceivedMs { get; private set; }

    /// <summary>When something was last sent over it.</summary>
    public long LastSentMs { get; private set; }

    /// <summary>Smoothed round-trip time; <see cref="UnknownLatencyMs"/> until one was measured.</summary>
    public int LatencyMs { get; private set; } = UnknownLatencyMs;

    /// <summary>Whether the last measurement of the round-trip time is older than five seconds.</summary>
    public bool NeedsLatency(long nowMs) => nowMs - _lastLatencyMs >= LatencyIntervalMs;

    /// <summary>The number of round-trip times measured.</summary>
    public int Latencies { get; private set; }

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

    /// <summary>Whether the path has been silent for longer than a round trip.</summary>
    public bool IsQuiet(long nowMs) => nowMs - LastReceivedMs > UnitMs;

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
        _nextProbeMs = nowMs + (FirstProbeUnits * UnitMs);
        return true;
    }

    /// <summary>Notes an answer to what came over this path: it opens NATs as anything does, but waits for nothing itself.</summary>
    public void NoteReplied(long nowMs) => LastSentMs = nowMs;

    /// <summary>No answer is waited for any more.</summary>
    public void StopWaiting() => _firstUnansweredMs = -1;

    /// <summary>Whether a probe is due; counts it as sent.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="isInUse">Whether frames are exchanged with the peer. Its suspect paths are then probed every second instead of every five.</param>
    public bool ShouldProbe(long nowMs, bool isInUse)
    {
        if (!IsUnanswered || nowMs < _nextProbeMs)
            return false;
        if (_probesUnanswered >= ProbesUntilSuspect)
            IsSuspect = true;
        _probesUnanswered++;
        _nextProbeMs = nowMs + (!IsSuspect ? ProbeUnits * UnitMs : isInUse ? SuspectProbeIntervalMs : IdleSuspectProbeIntervalMs);
        return true;
    }

    /// <summary>
    /// Whether enough probes stayed unanswered to doubt the peer's other paths as well: paths that share a link die together, and must not be found dead one after
    /// the other.
    /// </summary>
    public bool IsInDoubt => _probesUnanswered >= ProbesUntilDoubt;

    /// <summary>Doubts the path because another path of the peer is in doubt. The caller sends a probe.</summary>
    public void Doubt(long nowMs)
    {
        _firstUnansweredMs = nowMs;
        _probesUnanswered = ProbesUntilDoubt;
        _nextProbeMs = nowMs + (ProbeUnits * UnitMs);
    }

    /// <summary>Not to be used until it speaks again: the network under it has changed.</summary>
    public void Distrust(long nowMs)
    {
        IsSuspect = true;
        _firstUnansweredMs = nowMs;
        _probesUnanswered = ProbesUntilSuspect;
        _nextProbeMs = nowMs + (ProbeUnits * UnitMs);
    }

    private int UnitMs => IsLatencyKnown ? Math.Clamp(LatencyMs, MinUnitMs, MaxUnitMs) : UnknownUnitMs;

    /// <summary>Notes a measured round-trip time. A lower one replaces the estimate at once: the first measurement often includes a peer's start.</summary>
    public void NoteLatency(long nowMs, long roundTripMs)
    {
        var sample = (int)Math.Clamp(roundTripMs, 0, UnknownLatencyMs - 1);
        LatencyMs = sample > LatencyMs && IsLatencyKnown ? LatencyMs + ((sample - LatencyMs + LatencyWeight - 1) / LatencyWeight) : sample;
        _lastLatencyMs = nowMs;
        Latencies++;
    }

    /// <summary>Lower is better: latency, weighted by how near the scope says the peer is.</summary>
    public long Cost(long nowMs)
    {
        var age = Math.Min(nowMs - LastReceivedMs, HeartbeatMs * 10);
        var latency = age < AliveMs && !IsSuspect ? LatencyMs : LatencyMs + UnknownLatencyMs + age;
        return latency * (IpScopes.Count - (int)Scope) / Priority;
    }
}
