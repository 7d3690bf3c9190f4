namespace Lanyard.NetStack;

// Explicit congestion notification as the receiver sees it (RFC 3168 section 6.1.3), and the user timeout on the wire (RFC 5482).
public sealed partial class TcpConnection
{
    // What asks for congestion notification may be what a path drops: two tries with it, then without (RFC 3168 section 6.1.1.1).
    private const int SynsWithEcn = 2;

    // RFC 5482 section 3.1: bounds of what the other end may ask for.
    private const long MinAdoptedTimeout = 100;
    private const long MaxAdoptedTimeout = 3_600;

    // Whether the packet at hand was marked, and whether the other end is to hear of marks until it says that it has.
    private bool _isMarked;
    private bool _echoesCongestion;

    // Whether a user timeout that was changed is still to be told.
    private bool _tellsUserTimeout;

    private bool AsksForEcn => Options.Ecn == EcnMode.Request && _synRetries < SynsWithEcn;

    private void TakeCongestionMark(in TcpSegment segment)
    {
        if (segment.Has(TcpFlags.Cwr))
            _echoesCongestion = false;
        if (!_isMarked)
            return;
        Host.Count(HostCounter.TcpCongestionMarks);
        _echoesCongestion = true;
        Receiver.AckNow();
    }

    private void AdoptUserTimeout(int seconds)
    {
        if (Options.NegotiateUserTimeout && Options.UserTimeout == TimeSpan.Zero && seconds > 0)
            Sender.UserTimeout = Math.Min(Math.Max(seconds, MinAdoptedTimeout), MaxAdoptedTimeout) * Microseconds.PerSecond;
    }

    private void TellUserTimeout()
    {
        if (!Options.NegotiateUserTimeout || Options.UserTimeout == TimeSpan.Zero
            || State is not (TcpState.Established or TcpState.CloseWait))
            return;
        _tellsUserTimeout = true;
        Receiver.AckNow();
    }

    private int WriteUserTimeout(Span<byte> options) => Options.NegotiateUserTimeout && Options.UserTimeout > TimeSpan.Zero
        ? TcpSegmentOptions.WriteUserTimeout(options, Math.Max(1, (long)Options.UserTimeout.TotalSeconds))
        : 0;
}
