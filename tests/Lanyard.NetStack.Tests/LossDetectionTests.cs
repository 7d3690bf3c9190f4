namespace Lanyard.NetStack.Tests;

/// <summary>The parts of loss detection and recovery, each alone.</summary>
public class LossDetectionTests
{
    private const int Mss = 1_000;
    private const long Rtt = 20_000;

    [Fact]
    public void A_segment_sent_before_a_delivered_one_is_lost_after_the_reordering_window()
    {
        var segments = Flight(3);
        var rack = new RackDetector();
        var rtt = Measured();
        rack.OnDelivered(Rtt + 2, segments[2], echoIsOlder: false, Rtt);
        segments.Change(ref segments[2], SentState.Sacked, SentState.None);
        rack.Detect(segments, Rtt + 2, 0, isRecovering: false, rtt);
        Assert.Equal(0, segments.Lost);
        Assert.Equal(Rtt + (Rtt / 4), rack.Deadline);
        rack.Detect(segments, rack.Deadline, 0, isRecovering: false, rtt);
        Assert.Equal(Mss, segments.Lost);
    }

    [Fact]
    public void During_recovery_a_segment_is_lost_without_a_reordering_window()
    {
        var segments = Flight(2);
        var rack = new RackDetector();
        rack.OnDelivered(Rtt + 1, segments[1], echoIsOlder: false, Rtt);
        rack.Detect(segments, Rtt + 1, 0, isRecovering: true, Measured());
        Assert.Equal((Mss, long.MaxValue), (segments.Lost, rack.Deadline));
    }

    [Fact]
    public void A_segment_delivered_before_an_earlier_one_shows_reordering()
    {
        var segments = Flight(2);
        var rack = new RackDetector();
        rack.OnDelivered(Rtt, segments[1], echoIsOlder: false, Rtt);
        Assert.False(rack.ReorderingSeen);
        rack.OnDelivered(Rtt, segments[0], echoIsOlder: false, Rtt);
        Assert.True(rack.ReorderingSeen);
    }

    [Fact]
    public void A_report_of_duplicates_widens_the_reordering_window_once_in_a_round_trip()
    {
        var segments = Flight(2);
        var rack = new RackDetector();
        rack.OnDuplicateReported(unacknowledged: 0, next: 2_000);
        rack.OnDuplicateReported(unacknowledged: 1_000, next: 2_000);
        rack.OnDelivered(Rtt + 1, segments[1], echoIsOlder: false, Rtt);
        rack.Detect(segments, Rtt + 1, 0, isRecovering: false, Measured());
        Assert.Equal(Rtt + (2 * (Rtt / 4)), rack.Deadline);
    }

    [Fact]
    public void Three_duplicates_show_a_loss()
    {
        var duplicates = default(DuplicateAcknowledgments);
        Assert.False(duplicates.OnDuplicate(Mss, 5_000));
        Assert.False(duplicates.OnDuplicate(Mss, 5_000));
        Assert.True(duplicates.OnDuplicate(Mss, 5_000));
        Assert.Equal(3 * Mss, duplicates.Bytes);
    }

    [Fact]
    public void Duplicates_stand_for_no_more_than_was_sent()
    {
        var duplicates = default(DuplicateAcknowledgments);
        duplicates.OnDuplicate(Mss, 500);
        duplicates.OnDuplicate(Mss, 500);
        Assert.Equal(500, duplicates.Bytes);
    }

    [Fact]
    public void A_partial_acknowledgment_deflates_by_what_it_acknowledges_beyond_one_segment()
    {
        var duplicates = default(DuplicateAcknowledgments);
        for (var i = 0; i < 4; i++)
            duplicates.OnDuplicate(Mss, 10_000);
        duplicates.OnPartialAcknowledgment(3_000, Mss);
        Assert.Equal(2_000, duplicates.Bytes);
    }

    [Fact]
    public void The_window_falls_in_proportion_to_what_is_delivered()
    {
        var reduction = default(ProportionalRateReduction);
        reduction.Begin(10_000);
        Assert.Equal(9_000 + 500, reduction.Reduce(1_000, 9_000, 5_000, Mss));
        reduction.OnSent(500);
        Assert.Equal(8_000 + 500, reduction.Reduce(1_000, 8_000, 5_000, Mss));
    }

    [Fact]
    public void Below_the_threshold_the_window_grows_by_what_is_delivered_and_a_segment()
    {
        var reduction = default(ProportionalRateReduction);
        reduction.Begin(10_000);
        Assert.Equal(2_000 + 2_000, reduction.Reduce(1_000, 2_000, 5_000, Mss));
    }

    [Fact]
    public void A_probe_is_due_after_two_round_trips()
    {
        var probe = new TailLossProbe();
        probe.Schedule(100, Rtt, segments: 2, retransmissionDeadline: 1_000_000);
        Assert.Equal(100 + (2 * Rtt), probe.Deadline);
    }

    [Fact]
    public void No_probe_is_due_if_the_retransmission_timer_expires_earlier()
    {
        var probe = new TailLossProbe();
        probe.Schedule(100, Rtt, segments: 2, retransmissionDeadline: Rtt);
        Assert.Equal(long.MaxValue, probe.Deadline);
    }

    [Fact]
    public void A_probe_that_is_acknowledged_once_repaired_a_loss()
    {
        var probe = new TailLossProbe();
        probe.OnSent(5_000, isRetransmission: true);
        Assert.False(probe.OnAcknowledged(5_000, isDuplicate: false));
        Assert.True(probe.IsInFlight);
        Assert.True(probe.OnAcknowledged(6_000, isDuplicate: false));
        Assert.False(probe.IsInFlight);
    }

    [Fact]
    public void A_probe_that_arrived_twice_repaired_nothing()
    {
        var probe = new TailLossProbe();
        probe.OnSent(5_000, isRetransmission: true);
        Assert.True(probe.TryAnswerByDuplicate(5_000));
        Assert.False(probe.OnAcknowledged(6_000, isDuplicate: false));
    }

    [Fact]
    public void Retransmissions_that_are_all_reported_as_duplicates_are_spurious()
    {
        var spurious = default(SpuriousRetransmission);
        spurious.Begin(1_000);
        spurious.OnRetransmitted(1, isRecovering: true);
        spurious.OnRetransmitted(2, isRecovering: true);
        spurious.OnDuplicateReported(1_000);
        Assert.False(spurious.TryTake());
        spurious.OnDuplicateReported(2_000);
        Assert.True(spurious.TryTake());
        Assert.False(spurious.TryTake());
    }

    [Fact]
    public void An_echo_from_before_the_retransmission_shows_that_it_is_spurious()
    {
        var spurious = default(SpuriousRetransmission);
        spurious.Begin(1_000);
        spurious.OnEarlierEcho(new SentSegment { Start = 1_000, Length = Mss });
        Assert.False(spurious.TryTake());
        spurious.OnEarlierEcho(new SentSegment { Start = 1_000, Length = Mss, State = SentState.EverRetransmitted });
        Assert.True(spurious.TryTake());
    }

    [Fact]
    public void A_segment_sent_once_that_arrives_after_a_timeout_shows_that_the_timeout_is_spurious()
    {
        var spurious = default(SpuriousRetransmission);
        spurious.Begin(1_000);
        spurious.OnDeliveredAfterTimeout(new SentSegment { Start = 5_000, Length = Mss }, recoveryPoint: 5_000);
        Assert.False(spurious.TryTake());
        spurious.OnDeliveredAfterTimeout(new SentSegment { Start = 2_000, Length = Mss }, recoveryPoint: 5_000);
        Assert.True(spurious.TryTake());
    }

    [Fact]
    public void A_canceled_recovery_is_never_spurious()
    {
        var spurious = default(SpuriousRetransmission);
        spurious.Begin(1_000);
        spurious.OnRetransmitted(1, isRecovering: true);
        spurious.Cancel();
        spurious.OnDuplicateReported(1_000);
        Assert.False(spurious.TryTake());
    }

    [Fact]
    public void Three_selective_acknowledgments_begin_recovery_at_half_of_the_window()
    {
        var (sequence, segments) = (Sequence(10), Flight(10));
        var recovery = new LossRecovery(segments, sequence) { UseSack = true };
        var congestion = CongestionControl.Create(CongestionAlgorithm.Reno, Mss);
        for (var i = 1; i <= 3; i++)
        {
            recovery.OnDelivered(Rtt + i, segments[i], echoIsOlder: false, Rtt);
            segments.Change(ref segments[i], SentState.Sacked, SentState.None);
        }

        Assert.True(recovery.OnAcknowledged(Rtt + 3, new AckProgress(0, 3 * Mss, true), congestion, Measured()));
        Assert.Equal((RecoveryState.Recovery, 5_000, Mss), (recovery.State, congestion.Threshold, segments.LostUnsent));
    }

    [Fact]
    public void A_timeout_marks_every_segment_lost_that_is_not_selectively_acknowledged()
    {
        var (sequence, segments) = (Sequence(3), Flight(3));
        var recovery = new LossRecovery(segments, sequence) { UseSack = true };
        segments.Change(ref segments[1], SentState.Sacked, SentState.None);
        recovery.OnTimeout(CongestionControl.Create(CongestionAlgorithm.Reno, Mss), isFirst: true);
        Assert.Equal((RecoveryState.Loss, 2 * Mss, 0), (recovery.State, segments.Lost, recovery.Pipe));
    }

    private static RttEstimator Measured()
    {
        var rtt = RttEstimator.Create();
        rtt.AddSample(Rtt);
        return rtt;
    }

    // Full segments from sequence number 0 on, sent a microsecond after each other.
    private static SentSegments Flight(int count)
    {
        var segments = new SentSegments();
        for (var i = 0; i < count; i++)
            segments.Add() = new SentSegment { Start = i * Mss, Length = Mss, SentAt = i, FirstSentAt = i };
        return segments;
    }

    private static SendSequence Sequence(int count)
    {
        var sequence = new SendSequence();
        sequence.Start(-1);
        sequence.OnSynAcknowledged();
        sequence.Take(count * Mss, hasFin: false);
        return sequence;
    }
}
