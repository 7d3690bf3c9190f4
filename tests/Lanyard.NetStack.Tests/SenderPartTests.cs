namespace Lanyard.NetStack.Tests;

/// <summary>The timers and limits of the sending half, each alone.</summary>
public class SenderPartTests
{
    private static readonly TcpOptions s_options = new();

    [Fact]
    public void The_retransmission_timer_stops_when_nothing_is_in_flight()
    {
        var timer = new RetransmissionTimer(s_options);
        timer.Restart(10, 500, InFlight(1));
        Assert.Equal(510, timer.Deadline);
        timer.Restart(20, 500, new SentSegments());
        Assert.Equal(long.MaxValue, timer.Deadline);
    }

    [Fact]
    public void The_retransmission_timer_expires_at_the_user_timeout_at_the_latest()
    {
        var timer = new RetransmissionTimer(s_options with { UserTimeout = TimeSpan.FromMilliseconds(1) });
        timer.Restart(10, 5_000, InFlight(1));
        Assert.Equal(1_000, timer.Deadline);
        Assert.False(timer.IsExhausted(999, 0, maxRetries: 0));
        Assert.True(timer.IsExhausted(1_000, 0, maxRetries: 99));
    }

    [Fact]
    public void Retransmissions_end_after_their_number()
    {
        var timer = new RetransmissionTimer(s_options);
        timer.OnTimeout();
        Assert.False(timer.IsExhausted(0, 0, maxRetries: 2));
        timer.OnTimeout();
        Assert.True(timer.IsExhausted(0, 0, maxRetries: 2));
        timer.OnAnswered();
        Assert.False(timer.IsExhausted(0, 0, maxRetries: 2));
    }

    [Fact]
    public void Only_a_timer_that_expired_before_is_hastened()
    {
        var timer = new RetransmissionTimer(s_options);
        Assert.False(timer.TryHasten(5));
        timer.OnTimeout();
        Assert.True(timer.TryHasten(5));
        Assert.Equal((5, 0), (timer.Deadline, timer.Retries));
    }

    [Fact]
    public void Window_probes_come_twice_as_late_each_time()
    {
        var timer = new PersistTimer();
        timer.Update(isBlocked: true, 0, 100);
        Assert.Equal(100, timer.Deadline);
        timer.BackOff(100, 100, max: 1_000);
        Assert.Equal(300, timer.Deadline);
        timer.BackOff(300, 100, max: 350);
        Assert.Equal(650, timer.Deadline);
        timer.Update(isBlocked: false, 700, 100);
        Assert.Equal(long.MaxValue, timer.Deadline);
    }

    [Fact]
    public void A_closed_window_ends_nothing_while_the_peer_answers()
    {
        var timer = new PersistTimer();
        timer.Update(isBlocked: true, 0, 100);
        for (var i = 0; i < 3; i++)
            timer.OnProbeSent();
        Assert.True(timer.IsExhausted(1_000, userTimeout: 0, maxRetries: 2));
        timer.OnAnswered();
        Assert.False(timer.IsExhausted(1_000_000, userTimeout: 0, maxRetries: 2));
        Assert.False(timer.IsExhausted(1_000_000, userTimeout: 500, maxRetries: 2));
    }

    [Fact]
    public void A_paced_burst_is_a_millisecond_of_the_rate()
    {
        var pacer = new Pacer();
        pacer.Begin(1_000_000, rate: 10_000_000);
        var sent = 0;
        for (; !pacer.MustWait(1_000_000); sent++)
            pacer.OnSent(1_000);
        Assert.Equal((11, 1_001_000), (sent, pacer.Deadline));
    }

    [Fact]
    public void Without_a_rate_nothing_waits()
    {
        var pacer = new Pacer();
        pacer.Begin(0, rate: 0);
        pacer.OnSent(1_000_000);
        Assert.False(pacer.MustWait(0));
    }

    [Fact]
    public void An_echo_of_congestion_is_answered_once_for_a_window()
    {
        var ecn = default(EcnState);
        Assert.True(ecn.TryAnswerEcho(1_000, 5_000));
        Assert.False(ecn.TryAnswerEcho(5_000, 9_000));
        Assert.True(ecn.TakeReductionReport());
        Assert.False(ecn.TakeReductionReport());
        Assert.True(ecn.TryAnswerEcho(5_001, 9_000));
    }

    [Fact]
    public void A_congestion_mark_is_echoed_until_the_peer_confirms()
    {
        var ecn = default(EcnState);
        ecn.OnDataReceived(confirmsReduction: false, isMarked: true);
        ecn.OnDataReceived(confirmsReduction: false, isMarked: false);
        Assert.True(ecn.IsEchoing);
        ecn.OnDataReceived(confirmsReduction: true, isMarked: false);
        Assert.False(ecn.IsEchoing);
    }

    [Fact]
    public void A_second_timeout_of_a_long_segment_reveals_a_black_hole()
    {
        var discovery = new PathMtuDiscovery(InFlight(1_400));
        Assert.Equal(1_400, discovery.OnTimeout(1, 1_400, isV4: true, headerBytes: 52));
        Assert.False(discovery.IsSearching);
        Assert.Equal(1_228, discovery.OnTimeout(2, 1_400, isV4: true, headerBytes: 52));
        Assert.True(discovery.IsSearching);
        Assert.Equal(524, discovery.OnTimeout(4, 1_228, isV4: true, headerBytes: 52));
    }

    [Fact]
    public void Timeouts_of_short_segments_reveal_no_black_hole()
    {
        var discovery = new PathMtuDiscovery(InFlight(1_000));
        Assert.Equal(1_400, discovery.OnTimeout(5, 1_400, isV4: false, headerBytes: 72));
        Assert.False(discovery.IsSearching);
    }

    [Fact]
    public void A_size_probe_that_arrives_sets_the_segment_size()
    {
        var segments = InFlight(1_400);
        var discovery = new PathMtuDiscovery(segments);
        discovery.OnTimeout(2, 1_400, isV4: true, headerBytes: 52);
        Assert.Equal(1_400, discovery.NextProbe(0));
        discovery.OnProbeSent(1_400);
        Assert.Equal(0, discovery.NextProbe(0));
        Assert.False(discovery.TryFinishProbe(0, out _));
        Assert.True(discovery.TryFinishProbe(1_400, out var mss));
        Assert.Equal(1_400, mss);
    }

    [Fact]
    public void The_loss_of_a_size_probe_alone_is_no_sign_of_congestion()
    {
        var segments = InFlight(1_400);
        var discovery = new PathMtuDiscovery(segments);
        discovery.OnTimeout(2, 1_400, isV4: true, headerBytes: 52);
        discovery.NextProbe(0);
        discovery.OnProbeSent(1_400);
        segments.Change(ref segments[0], SentState.Lost, SentState.None);
        Assert.False(discovery.HasLossOfCongestion);
        Assert.False(discovery.TryFinishProbe(0, out _));
        Assert.True(discovery.HasLossOfCongestion);
        Assert.InRange(discovery.NextProbe(0), 1_229, 1_399);
    }

    [Fact]
    public void An_older_segment_does_not_update_the_window()
    {
        var sequence = new SendSequence();
        sequence.Start(99);
        sequence.SetWindow(500, 100, 1_000);
        Assert.False(sequence.TryUpdateWindow(499, 100, 2_000));
        Assert.True(sequence.TryUpdateWindow(500, 100, 2_000));
        Assert.Equal((2_000, 2_000), (sequence.Window, sequence.MaxWindow));
    }

    [Fact]
    public void A_window_is_scaled_by_the_peers_shift()
    {
        var sequence = new SendSequence { WindowShift = 3 };
        sequence.Start(99);
        Assert.True(sequence.TryUpdateWindow(500, 100, 10));
        Assert.Equal(80, sequence.Window);
    }

    [Fact]
    public void A_FIN_takes_a_sequence_number()
    {
        var sequence = new SendSequence();
        sequence.Start(99);
        sequence.OnSynAcknowledged();
        sequence.QueueFin();
        Assert.Equal(100, sequence.Take(11, hasFin: true));
        sequence.OnAcknowledged(110);
        Assert.False(sequence.FinAcknowledged);
        sequence.OnAcknowledged(111);
        Assert.True(sequence.FinAcknowledged);
    }

    private static SentSegments InFlight(int length)
    {
        var segments = new SentSegments();
        segments.Add() = new SentSegment { Length = length };
        return segments;
    }
}
