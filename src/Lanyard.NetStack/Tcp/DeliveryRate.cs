namespace Lanyard.NetStack;

/// <summary>The delivery rate that one acknowledgment shows.</summary>
internal struct RateSample
{
    /// <summary>Bytes delivered over <see cref="Interval"/>.</summary>
    public long Delivered;

    /// <summary>The interval in microseconds; 0 if the sample measures nothing.</summary>
    public long Interval;

    /// <summary>All bytes delivered before the sampled segment was sent.</summary>
    public long PriorDelivered;

    /// <summary>All bytes delivered.</summary>
    public long TotalDelivered;

    /// <summary>Whether the application, not the path, limited the rate.</summary>
    public bool AppLimited;

    /// <summary>The rate in bytes a second; 0 if the sample measures nothing.</summary>
    public readonly long BytesPerSecond => Interval <= 0 ? 0 : Delivered * Microseconds.PerSecond / Interval;
}

/// <summary>
/// Estimates the delivery rate (draft-ietf-ccwg-bbr section 4.1): the bytes delivered between the transmission and the acknowledgment of a segment, over
/// the longer of the times that sending and acknowledging took. Times are in microseconds.
/// </summary>
internal struct DeliveryRate
{
    private long _delivered;
    private long _deliveredAt;
    private long _firstSentAt;
    private long _appLimitedUntil;

    /// <summary>Bytes delivered since the connection began.</summary>
    public readonly long Delivered => _delivered;

    /// <summary>The rate of the last valid sample in bytes a second.</summary>
    public long Latest { get; private set; }

    /// <summary>Whether the application limited <see cref="Latest"/>.</summary>
    public bool LatestAppLimited { get; private set; }

    /// <summary>Records in a segment that is sent, or retransmitted, what was delivered so far.</summary>
    public void OnSent(ref SentSegment segment, long now, bool isFirstInFlight)
    {
        if (isFirstInFlight)
        {
            _firstSentAt = now;
            _deliveredAt = now;
        }

        segment.Delivered = _delivered;
        segment.DeliveredAt = _deliveredAt;
        segment.FlightSentAt = _firstSentAt;
        segment.State = _appLimitedUntil != 0 ? segment.State | SentState.AppLimited : segment.State & ~SentState.AppLimited;
    }

    /// <summary>Counts a segment that has arrived at the peer. Of all segments that one acknowledgment covers, the one sent last makes the sample.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="sampled">The segment of the sample so far, of the same acknowledgment; replaced if this segment was sent later.</param>
    public void OnDelivered(in SentSegment segment, long now, ref SentSegment sampled)
    {
        _delivered += segment.Length;
        _deliveredAt = now;
        if (sampled.DeliveredAt != 0 && segment.Delivered < sampled.Delivered)
            return;
        sampled = segment;
        _firstSentAt = segment.SentAt;
    }

    /// <summary>Records that the application has written no more than was sent. Until that is delivered, samples do not measure the path.</summary>
    public void OnAppLimited(long pipe) => _appLimitedUntil = Math.Max(_delivered + pipe, 1);

    /// <summary>Returns the sample of an acknowledgment.</summary>
    /// <param name="sampled">The segment of the sample; the default if the acknowledgment covers none.</param>
    /// <param name="minRtt">The lowest round-trip time. A shorter interval measures nothing.</param>
    public RateSample Take(in SentSegment sampled, long minRtt)
    {
        if (_appLimitedUntil != 0 && _delivered > _appLimitedUntil)
            _appLimitedUntil = 0;
        var sample = new RateSample { TotalDelivered = _delivered, PriorDelivered = sampled.Delivered, AppLimited = sampled.Is(SentState.AppLimited) };
        if (sampled.DeliveredAt != 0)
        {
            sample.Delivered = _delivered - sampled.Delivered;
            sample.Interval = Math.Max(sampled.SentAt - sampled.FlightSentAt, _deliveredAt - sampled.DeliveredAt);
            if (sample.Interval < minRtt)
                sample.Interval = 0;
        }

        if (sample.Interval > 0)
        {
            Latest = sample.BytesPerSecond;
            LatestAppLimited = sample.AppLimited;
        }

        return sample;
    }
}
