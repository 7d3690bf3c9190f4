using Lanyard.Engine.Paths;
using Lanyard.Primitives;

namespace Lanyard.Engine.Tests.Parts;

/// <summary>A single path: liveness, probing and cost.</summary>
public sealed class PathTests
{
    private const long Now = 1_800_000_000_000;
    private readonly Paths.Path _path = Heard("46.0.0.1/9993");

    [Fact]
    public void A_path_is_alive_for_nineteen_seconds_after_a_packet()
    {
        Assert.True(_path.IsAlive(Now + 18_999));
        Assert.False(_path.IsAlive(Now + 19_000));
    }

    [Fact]
    public void A_path_expires_four_minutes_after_a_packet()
    {
        Assert.False(_path.IsExpired(Now + 242_999));
        Assert.True(_path.IsExpired(Now + 243_000));
    }

    [Fact]
    public void A_path_needs_a_heartbeat_fourteen_seconds_after_it_was_used()
    {
        _path.NoteSent(Now);
        Assert.False(_path.NeedsHeartbeat(Now + 13_999));
        Assert.True(_path.NeedsHeartbeat(Now + 14_000));
    }

    [Fact]
    public void An_unanswered_path_is_probed_after_four_round_trips()
    {
        _path.NoteLatency(Now, 100);
        Assert.True(_path.NoteSent(Now));
        Assert.False(_path.NoteSent(Now + 1), "It waits already.");
        Assert.False(_path.ShouldProbe(Now + 399, isInUse: true));
        Assert.True(_path.ShouldProbe(Now + 400, isInUse: true));
    }

    [Fact]
    public void Four_unanswered_probes_make_a_path_suspect_after_eight_round_trips()
    {
        _path.NoteLatency(Now, 100);
        _path.NoteSent(Now);
        for (var i = 4; i < 8; i++)
        {
            Assert.True(_path.ShouldProbe(Now + (i * 100), isInUse: true));
            Assert.False(_path.IsSuspect, $"It is suspect after {i} round trips.");
        }

        Assert.True(_path.ShouldProbe(Now + 800, isInUse: true));
        Assert.True(_path.IsSuspect);
        Assert.False(_path.IsAlive(Now + 800));
    }

    [Theory]
    [InlineData(true, 1_000)]
    [InlineData(false, 5_000)]
    public void A_suspect_path_is_probed_more_often_while_its_peer_is_in_use(bool isInUse, long intervalMs)
    {
        _path.Distrust(Now);
        var first = _path.NextProbeMs;
        Assert.True(_path.ShouldProbe(first, isInUse));
        Assert.Equal(first + intervalMs, _path.NextProbeMs);
    }

    [Fact]
    public void A_packet_makes_a_suspect_path_good_again()
    {
        _path.Distrust(Now);
        Assert.True(_path.IsSuspect);
        _path.NoteReceived(Now + 10);
        Assert.True(_path.IsAlive(Now + 10));
        Assert.False(_path.IsUnanswered);
    }

    [Fact]
    public void A_reply_is_sent_at_once()
    {
        _path.NoteReplied(Now + 5);
        Assert.Equal(Now + 5, _path.LastSentMs);
        Assert.False(_path.IsUnanswered);
    }

    [Fact]
    public void A_doubted_path_is_probed_after_one_round_trip()
    {
        _path.NoteLatency(Now, 100);
        _path.Doubt(Now);
        Assert.True(_path.IsInDoubt);
        Assert.Equal(Now + 100, _path.NextProbeMs);
    }

    [Fact]
    public void A_lower_round_trip_time_counts_at_once_and_a_higher_one_by_a_quarter()
    {
        _path.NoteLatency(Now, 200);
        _path.NoteLatency(Now, 100);
        Assert.Equal(100, _path.LatencyMs);
        _path.NoteLatency(Now, 200);
        Assert.Equal(125, _path.LatencyMs);
        Assert.Equal(3, _path.Latencies);
    }

    [Fact]
    public void The_round_trip_time_is_measured_again_after_five_seconds()
    {
        _path.NoteLatency(Now, 100);
        Assert.False(_path.NeedsLatency(Now + 4_999));
        Assert.True(_path.NeedsLatency(Now + 5_000));
    }

    [Fact]
    public void A_private_address_costs_less_than_a_global_one_of_the_same_latency()
    {
        var near = Heard("192.168.0.1/9993");
        near.NoteLatency(Now, 100);
        _path.NoteLatency(Now, 100);
        Assert.True(near.Cost(Now) < _path.Cost(Now), $"{near.Cost(Now)} and {_path.Cost(Now)}");
    }

    [Fact]
    public void A_silent_path_costs_more_the_longer_it_is_silent()
    {
        _path.NoteLatency(Now, 100);
        Assert.True(_path.Cost(Now + 20_000) > _path.Cost(Now));
        Assert.True(_path.Cost(Now + 30_000) > _path.Cost(Now + 20_000));
    }

    private static Paths.Path Heard(string endpoint)
    {
        var path = new Paths.Path(0, InetEndpoint.Parse(endpoint));
        path.NoteReceived(Now);
        return path;
    }
}
