namespace Lanyard.NetStack;

// Settings that change while the connection lives.
internal sealed partial class TcpSender
{
    /// <summary>Segments are of another size from now on; those in flight stay as they are.</summary>
    public void UseSegmentSize(int mss)
    {
        if (_sizeSearch is not null)
        {
            // What the path was found to carry counts too.
            _sizeSearch.Cap(mss);
            mss = Math.Min(mss, Mss);
        }

        Mss = mss;
        Congestion.SetMss(mss);
    }

    /// <summary>Another algorithm goes on with the window.</summary>
    public void UseCongestion(CongestionAlgorithm algorithm)
    {
        var old = Congestion;
        Congestion = CongestionControl.Create(algorithm, Mss);
        Congestion.TakeOver(old);
        _paces = connection.Options.Pacing || Congestion.NeedsPacing;
    }
}
