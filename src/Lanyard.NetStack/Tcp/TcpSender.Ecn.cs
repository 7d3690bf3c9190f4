namespace Lanyard.NetStack;

// The sender's side of explicit congestion notification (RFC 3168 section 6.1.2).
internal sealed partial class TcpSender
{
    // Echoes up to here are of the congestion that was answered last.
    private long _echoesUntil;
    private bool _tellReduced;

    /// <summary>Whether both ends use explicit congestion notification.</summary>
    public bool UsesEcn { get; set; }

    // The other end tells of congestion on the way to it: as loss, but nothing is missing. Once for a window of data.
    private void OnCongestionEcho()
    {
        if (Unacknowledged <= _echoesUntil)
            return;
        _echoesUntil = Next;
        _tellReduced = true;
        connection.Host.Count(HostCounter.TcpCongestionEchoes);
        if (Recovery.State != RecoveryState.Open)
            return;
        Congestion.OnLoss(Outstanding);
        Congestion.Window = Math.Min(Congestion.Window, Congestion.Threshold);
    }

    // Whether the other end is to be told, with new data, that the window has fallen.
    private bool TakeReducedNote()
    {
        var tell = _tellReduced;
        _tellReduced = false;
        return tell;
    }
}
