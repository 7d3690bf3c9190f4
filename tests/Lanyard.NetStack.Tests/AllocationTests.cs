using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>For tests that look at the whole process's memory.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public class Alone;

[Collection(nameof(Alone))]
public class AllocationTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Ten_thousand_segments_sent_and_received_allocate_nothing(bool v6)
    {
        var pair = new Pair();
        var (client, server) = Transfer.Start(pair, 0, 0, v6, setup: app => app.Finish = false);
        Assert.True(pair.RunUntil(() => server.Apps.Count == 1));
        client.ToSend = 70_000_000;
        client.Pump();
        var app = server.Apps[0];
        while (app.Received < 30_000_000)
            pair.Step(long.MaxValue);
        var segments = pair.A.Counters[HostCounter.TcpSegmentsSent];
        var before = GC.GetAllocatedBytesForCurrentThread();
        while (app.Received < 65_000_000)
            pair.Step(long.MaxValue);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(pair.A.Counters[HostCounter.TcpSegmentsSent] - segments > 10_000);
        Assert.Equal(0, allocated);
        Assert.False(app.Corrupted);
    }

    [Fact]
    public void Requests_and_answers_allocate_nothing()
    {
        var pair = new Pair();
        var (client, server) = Transfer.Start(pair, 0, 0, setup: app => app.Finish = false);
        Assert.True(pair.RunUntil(() => server.Apps.Count == 1));
        var (near, far) = (client.Connection, server.Apps[0].Connection);
        near.Events = far.Events = null;
        var buffer = new byte[64];
        void RoundTrips(int count)
        {
            for (var i = 0; i < count; i++)
            {
                near.Write(pair.Now, buffer);
                while (far.ReadableBytes < 64)
                    pair.Step(long.MaxValue);
                far.Write(pair.Now, buffer.AsSpan(0, far.Read(pair.Now, buffer)));
                while (near.ReadableBytes < 64)
                    pair.Step(long.MaxValue);
                near.Read(pair.Now, buffer);
            }
        }

        RoundTrips(200);
        var before = GC.GetAllocatedBytesForCurrentThread();
        RoundTrips(5_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Datagrams_allocate_nothing()
    {
        var pair = new Pair();
        pair.B.OpenUdp(new InetEndpoint(default, 9), null, out var server);
        pair.A.OpenUdp(default, null, out var client);
        var buffer = new byte[1_000];
        void Send(int count)
        {
            for (var i = 0; i < count; i++)
            {
                client!.SendTo(pair.Now, new InetEndpoint(Pair.B4, 9), buffer);
                while (server!.Pending == 0)
                    pair.Step(long.MaxValue);
                server.TryReceive(buffer, out _);
            }
        }

        Send(200);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Send(5_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void An_idle_connection_holds_no_buffer_and_little_else()
    {
        var pair = new Pair();
        pair.B.ListenTcp(new InetEndpoint(default, 1), null, out var listener, backlog: 10_000);
        var events = new RecordedEvents();
        // One after the other, so that what the pool keeps for later stays small.
        void Connect(int count)
        {
            for (var i = 0; i < count; i++)
            {
                pair.A.ConnectTcp(pair.Now, new InetEndpoint(Pair.B4, 1), events, out var connection);
                connection!.Write(pair.Now, new byte[100]);
                pair.Run(1_000);
                Assert.True(listener!.TryAccept(null, out var accepted));
                accepted.Consume(pair.Now, accepted.ReadableBytes);
            }

            pair.Run(1_000_000);
        }

        Connect(200);
        var before = GC.GetTotalMemory(true);
        Connect(1_000);
        var each = (GC.GetTotalMemory(true) - before) / 2_000;
        Assert.Equal((0, 0), (pair.A.Pool.Outstanding, pair.B.Pool.Outstanding));
        Assert.InRange(each, 1, 2_500);
    }
}
