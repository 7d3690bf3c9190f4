namespace Lanyard.NetStack;

// Settings that change while the connection lives.
internal sealed partial class TcpSender
{
    /// <summary>Segments are of another size from now on; those in flight stay as they are.</summary>
    public void UseSegmentSize(int mss)
    {
        _sizeSearch = null;
        Recovery.SizeProbeEnd = 0;
        Mss = mss;
        Congestion.SetMss(mss);
    }

    /// <summary>Another algorithm goes on with the window.</summary>
    public void UseCongestion(CongestionAlgorithm algorithm)
    {
        var old = Congestion;
        Congestion = CongestionControl.Create(algorithm, Mss);
        Congestion.TakeOver(old);
        _paces |= Congestion.NeedsPacing;
    }
}
