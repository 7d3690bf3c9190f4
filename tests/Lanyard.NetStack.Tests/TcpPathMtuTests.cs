namespace Lanyard.NetStack.Tests;

/// <summary>Paths that swallow long packets without a word.</summary>
public class TcpPathMtuTests
{
    [Theory]
    [InlineData(1_400, false)]
    [InlineData(1_400, true)]
    [InlineData(2_000, false)]
    [InlineData(700, false)]
    public void Data_gets_through_and_the_largest_size_that_does_is_found(int limit, bool v6)
    {
        var pair = new Pair(new LinkOptions { Delay = 5_000, Drop = frame => frame.Length > limit });
        var (client, server) = Transfer.Start(pair, 5_000_000, 0, v6);
        Assert.True(pair.RunUntil(() => server.Apps is [{ Ended: true }], 60_000_000));
        Assert.False(server.Apps[0].Corrupted);
        var headers = (v6 ? 40 : 20) + 32;
        Assert.InRange(client.Connection.GetInfo().SendSegmentBytes, limit - headers - 33, limit - headers);
        Assert.True(pair.A.Counters[HostCounter.TcpBlackHoles] >= 1);
        // Trying costs segments, not the window.
        Assert.InRange(client.Connection.GetInfo().FastRecoveries, 0, 1);
    }

    [Fact]
    public void After_an_outage_the_first_try_brings_the_size_back()
    {
        var down = false;
        var pair = new Pair(new LinkOptions { Delay = 5_000, Drop = _ => down });
        var (client, server) = Transfer.Start(pair, 40_000_000, 0);
        Assert.True(pair.RunUntil(() => server.Apps is [{ Received: > 1_000_000 }]));
        var before = client.Connection.GetInfo().SendSegmentBytes;
        down = true;
        pair.Run(3_000_000);
        Assert.True(client.Connection.GetInfo().SendSegmentBytes < before);
        down = false;
        Assert.True(pair.RunUntil(() => server.Apps is [{ Ended: true }]));
        Assert.Equal(before, client.Connection.GetInfo().SendSegmentBytes);
        Assert.Equal(1, pair.A.Counters[HostCounter.TcpSizeProbes]);
    }

    [Fact]
    public void A_path_that_has_become_wider_is_noticed_after_a_while()
    {
        var limit = 1_400;
        var pair = new Pair(new LinkOptions { Delay = 5_000, Drop = frame => frame.Length > limit });
        var (client, server) = Transfer.Start(pair, 3_000_000, 0, setup: app => app.Finish = false);
        client.Finish = false;
        Assert.True(pair.RunUntil(() => server.Apps is [{ Received: 3_000_000 }]));
        limit = 2_800;
        pair.Run(500_000_000);
        client.ToSend += 1_000_000;
        client.Pump();
        pair.Run(10_000_000);
        Assert.InRange(client.Connection.GetInfo().SendSegmentBytes, 1_200, 1_348);
        pair.Run(120_000_000);
        client.ToSend += 1_000_000;
        client.Pump();
        Assert.True(pair.RunUntil(() => server.Apps is [{ Received: 5_000_000 }]));
        Assert.Equal(2_748, client.Connection.GetInfo().SendSegmentBytes);
    }

    [Fact]
    public void A_search_tries_the_largest_first_then_halves_and_rests_when_it_knows()
    {
        var search = new SegmentSizeSearch(2_748);
        search.Restart(1_228);
        Assert.Equal(2_748, search.Next(0));
        search.OnLost();
        var tried = 1;
        while (search.Next(0) is var size and > 0)
        {
            tried++;
            if (size <= 1_348)
                Assert.Equal(size, search.OnArrived());
            else
                search.OnLost();
        }

        Assert.InRange(tried, 3, 8);
        Assert.Equal(0, search.Next(599_000_000));
        Assert.Equal(2_748, search.Next(600_000_000));
        search.Cap(1_300);
        Assert.InRange(search.Next(600_000_000), 0, 1_300);
    }
}
