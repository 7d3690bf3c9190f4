namespace Lanyard.NetStack;

/// <summary>The keepalive timer (RFC 9293 section 3.8.4).</summary>
internal struct KeepAlive()
{
    private const long MinTime = Microseconds.PerMillisecond;

    /// <summary>When a probe is due, in microseconds; <see cref="long.MaxValue"/> if keepalive is off.</summary>
    public long Deadline { get; private set; } = long.MaxValue;

    /// <summary>Probes sent since the peer was last heard.</summary>
    public int UnansweredProbes { get; private set; }

    /// <summary>Records that the peer was heard: the idle time begins again.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="idle">The idle time before the first probe; zero turns keepalive off.</param>
    public void OnHeard(long now, TimeSpan idle)
    {
        if (Deadline == long.MaxValue && idle == TimeSpan.Zero)
            return;
        UnansweredProbes = 0;
        Restart(now, idle);
    }

    /// <summary>Starts the idle time again, without an answer from the peer.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="idle">The idle time before the first probe, at least a millisecond; zero turns keepalive off.</param>
    public void Restart(long now, TimeSpan idle) => Deadline = idle == TimeSpan.Zero ? long.MaxValue : now + Math.Max(Microseconds.From(idle), MinTime);

    /// <summary>Records a sent probe.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="interval">The time until the next probe, at least a millisecond.</param>
    public void OnProbeSent(long now, TimeSpan interval)
    {
        UnansweredProbes++;
        Deadline = now + Math.Max(Microseconds.From(interval), MinTime);
    }

    /// <summary>Stops the timer.</summary>
    public void Stop() => Deadline = long.MaxValue;
}
