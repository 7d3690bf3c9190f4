namespace Lanyard.NetStack.Tests;

/// <summary>Segments leave in bursts where more is to be sent than the window admits.</summary>
public class TcpBurstTests
{
    [Fact]
    public void A_full_window_opens_by_a_part_of_it_before_more_is_sent()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        raw.Write(60_000);
        var first = raw.All();
        Assert.Equal(10, first.Count);
        var mss = first[0].Payload.Length;

        raw.Send(TcpFlags.Ack, 0, mss);
        Assert.Empty(raw.All());

        raw.Send(TcpFlags.Ack, 0, 2 * mss);
        raw.Send(TcpFlags.Ack, 0, 3 * mss);
        Assert.InRange(raw.All().Count, 4, 6);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Whatever_is_acknowledged_at_a_time_everything_is_sent_without_a_timer(int segments)
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer);
        const int Total = 60_001;
        raw.Write(Total);
        raw.Connection.Close(peer.Now);
        var received = new Queue<SentTcp>();
        long acknowledged = 0;
        var hasFin = false;
        for (var round = 0; round < 1_000 && !hasFin; round++)
        {
            foreach (var sent in raw.All())
                received.Enqueue(sent);
            Assert.NotEmpty(received);
            for (var i = 0; i < segments && received.TryDequeue(out var sent); i++)
            {
                acknowledged += sent.Payload.Length;
                hasFin |= (sent.Flags & TcpFlags.Fin) != 0;
            }

            raw.Send(TcpFlags.Ack, 0, acknowledged);
        }

        Assert.True(hasFin);
        Assert.Equal(Total, acknowledged);
        Assert.Equal(0, peer.Host.Counters[HostCounter.TcpRetransmissions]);
    }
}
