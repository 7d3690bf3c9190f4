namespace Lanyard.NetStack;

/// <summary>Reno: one segment a round trip, halved on loss (RFC 5681).</summary>
internal sealed class RenoCongestionControl(int mss) : CongestionControl(mss)
{
    private long _acknowledged;

    protected override void Avoid(long now, long bytes, bool limited, long rtt)
    {
        if (!limited)
            return;
        _acknowledged += bytes;
        while (_acknowledged >= Window)
        {
            _acknowledged -= Window;
            Window += Mss;
        }
    }

    protected override long Reduce(long flight)
    {
        _acknowledged = 0;
        return flight / 2;
    }
}
