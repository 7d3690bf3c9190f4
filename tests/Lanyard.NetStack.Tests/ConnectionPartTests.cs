using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>The state, timers and options of a connection, each alone.</summary>
public class ConnectionPartTests
{
    private readonly Owner _owner = new();
    private readonly SendSequence _sequence = new();
    private readonly ConnectionState _state;

    public ConnectionPartTests()
    {
        var host = new RawPeer().Host;
        var options = new TcpOptions { KeepAliveIdle = TimeSpan.FromMilliseconds(7) };
        _state = new ConnectionState(
            new TcpContext(host, new InetEndpoint(Pair.A4, 1), new InetEndpoint(Pair.B4, 2), options), _sequence, _owner);
        _sequence.Start(99);
        _state.BeginOpening(TcpState.SynSent);
        _sequence.OnSynAcknowledged();
    }

    [Fact]
    public void An_end_that_closes_first_waits_in_TIME_WAIT()
    {
        _state.Establish();
        Finish();
        Assert.Equal(TcpState.FinWait1, _state.State);
        _state.OnFinAcknowledged(10);
        Assert.Equal(TcpState.FinWait2, _state.State);
        _state.OnFinReceived(20);
        Assert.Equal((TcpState.TimeWait, 60_000_020, "established time-wait"), (_state.State, _state.Deadline, _owner.Calls));
    }

    [Fact]
    public void An_end_that_closes_last_is_finished_by_the_acknowledgment_of_its_FIN()
    {
        _state.Establish();
        _state.OnFinReceived(10);
        Assert.Equal(TcpState.CloseWait, _state.State);
        Finish();
        Assert.Equal(TcpState.LastAck, _state.State);
        _state.OnFinAcknowledged(20);
        Assert.Equal((TcpState.Closed, NetError.None, "established LastAck"), (_state.State, _state.Error, _owner.Calls));
    }

    [Fact]
    public void Ends_that_close_at_once_pass_through_CLOSING()
    {
        _state.Establish();
        Finish();
        _state.OnFinReceived(10);
        Assert.Equal(TcpState.Closing, _state.State);
        _state.OnFinAcknowledged(20);
        Assert.Equal(TcpState.TimeWait, _state.State);
    }

    [Fact]
    public void A_stream_finished_while_connecting_begins_in_FIN_WAIT_1()
    {
        _sequence.QueueFin();
        _state.OnSendShutdown();
        Assert.Equal(TcpState.SynSent, _state.State);
        _state.Establish();
        Assert.Equal(TcpState.FinWait1, _state.State);
    }

    [Fact]
    public void Only_a_closed_application_limits_FIN_WAIT_2()
    {
        _state.Establish();
        Finish();
        _state.OnFinAcknowledged(10);
        Assert.Equal(long.MaxValue, _state.Deadline);
        _state.OnClosedByApplication(20);
        Assert.Equal(60_000_020, _state.Deadline);
    }

    [Fact]
    public void A_timeout_gives_the_last_soft_error_as_its_reason()
    {
        _state.Establish();
        _state.OnSoftError(NetError.HostUnreachable);
        _state.TimeOut();
        Assert.Equal(NetError.HostUnreachable, _state.Error);
    }

    [Fact]
    public void A_soft_error_is_forgotten_when_the_peer_is_heard()
    {
        _state.Establish();
        _state.OnSoftError(NetError.HostUnreachable);
        _state.OnHeard(10);
        _state.TimeOut();
        Assert.Equal(NetError.TimedOut, _state.Error);
    }

    [Fact]
    public void The_keepalive_timer_runs_until_TIME_WAIT()
    {
        _state.Establish();
        _state.OnHeard(10);
        Assert.Equal(7_010, _state.KeepAlive.Deadline);
        _state.EnterTimeWait(20);
        _state.OnHeard(30);
        Assert.Equal(long.MaxValue, _state.KeepAlive.Deadline);
    }

    [Fact]
    public void Keepalive_probes_are_counted_until_the_peer_is_heard()
    {
        var keepAlive = new KeepAlive();
        keepAlive.OnProbeSent(100, TimeSpan.Zero);
        Assert.Equal((1_100, 1), (keepAlive.Deadline, keepAlive.UnansweredProbes));
        keepAlive.OnHeard(200, TimeSpan.FromMilliseconds(1));
        Assert.Equal((1_200, 0), (keepAlive.Deadline, keepAlive.UnansweredProbes));
    }

    [Fact]
    public void A_SYN_is_repeated_twice_as_late_each_time()
    {
        var timer = new SynTimer();
        timer.Begin(0, TimeSpan.FromSeconds(30));
        timer.OnSent(0);
        Assert.Equal(1_000_000, timer.Deadline);
        timer.OnRetransmission();
        timer.OnSent(1_000_000);
        Assert.Equal(3_000_000, timer.Deadline);
        Assert.True(timer.IsExhausted(30_000_000));
    }

    [Fact]
    public void A_repeated_SYN_does_not_measure_the_round_trip_time()
    {
        var timer = new SynTimer();
        timer.OnSent(100);
        Assert.Equal(50, timer.MeasureRtt(150));
        timer.OnRetransmission();
        Assert.Equal(-1, timer.MeasureRtt(150));
    }

    [Fact]
    public void A_segment_with_an_older_timestamp_is_too_old()
    {
        var timestamps = new TcpTimestamps(0);
        timestamps.Enable(0, 100);
        Assert.True(timestamps.IsTooOld(1, Stamped(99)));
        Assert.False(timestamps.IsTooOld(1, Stamped(100)));
        Assert.False(timestamps.IsTooOld(25L * 86_400 * 1_000_000, Stamped(99)));
    }

    [Fact]
    public void Of_segments_acknowledged_together_the_earliest_timestamp_is_echoed()
    {
        var timestamps = new TcpTimestamps(0);
        timestamps.Enable(0, 100);
        timestamps.LastAckSent = 500;
        timestamps.OnReceived(1, Stamped(110), 500);
        timestamps.OnReceived(1, Stamped(120), 600);
        Assert.Equal(110u, timestamps.Recent);
    }

    [Fact]
    public void A_write_that_found_no_memory_may_be_tried_again_soon()
    {
        var events = new ConnectionEvents();
        Assert.False(events.WantWritable(0, isMemoryShort: false));
        Assert.Equal(long.MaxValue, events.WriteRetryDeadline);
        Assert.True(events.WantWritable(0, isMemoryShort: true));
        Assert.Equal(50_000, events.WriteRetryDeadline);
    }

    private static TcpSegmentOptions Stamped(uint timestamp)
    {
        var bytes = new byte[TcpSegmentOptions.TimestampBytes];
        TcpSegmentOptions.WriteTimestamp(bytes, timestamp, 0);
        Assert.True(TcpSegmentOptions.TryParse(bytes, out var options));
        return options;
    }

    private void Finish()
    {
        _sequence.QueueFin();
        _state.OnSendShutdown();
        _sequence.Take(1, hasFin: true);
        if (_state.State == TcpState.LastAck)
            _sequence.OnAcknowledged(_sequence.Next);
    }

    private sealed class Owner : IConnectionOwner
    {
        public string Calls { get; private set; } = "";

        public bool IsFromListener => false;

        public bool HasBacklogRoom => true;

        public void RequestSettle()
        {
        }

        public void OnEstablished() => Calls += "established";

        public void OnTimeWait() => Calls += " time-wait";

        public void OnFinished(TcpState from) => Calls += $" {from}";
    }
}
