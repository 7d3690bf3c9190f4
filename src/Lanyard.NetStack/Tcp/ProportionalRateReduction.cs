namespace Lanyard.NetStack;

/// <summary>Reduces the congestion window during fast recovery in proportion to what is delivered (RFC 6937). Sizes are in bytes.</summary>
internal struct ProportionalRateReduction
{
    private long _delivered;
    private long _sent;
    private long _flight;

    /// <summary>Begins a recovery.</summary>
    /// <param name="flight">The bytes in flight, more than 0.</param>
    public void Begin(long flight)
    {
        _delivered = 0;
        _sent = 0;
        _flight = flight;
    }

    /// <summary>Counts what is sent.</summary>
    /// <param name="bytes">The size of the segment.</param>
    public void OnSent(int bytes) => _sent += bytes;

    /// <summary>Counts what was delivered and returns the window.</summary>
    /// <param name="delivered">The bytes that the acknowledgment reports as delivered.</param>
    /// <param name="pipe">The estimated number of bytes in flight.</param>
    /// <param name="threshold">The slow start threshold.</param>
    /// <param name="mss">The segment size.</param>
    public long Reduce(long delivered, long pipe, long threshold, int mss)
    {
        _delivered += delivered;
        long quota;
        if (pipe > threshold)
        {
            quota = ((_delivered * threshold) + _flight - 1) / _flight;
            quota -= _sent;
        }
        else
        {
            var limit = Math.Max(_delivered - _sent, delivered) + mss;
            quota = Math.Min(threshold - pipe, limit);
        }

        return pipe + Math.Max(0, quota);
    }
}
