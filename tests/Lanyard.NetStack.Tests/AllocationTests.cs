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

    [Theory]
    [InlineData(CongestionAlgorithm.Cubic, true)]
    [InlineData(CongestionAlgorithm.Bbr, true)]
    [InlineData(CongestionAlgorithm.Reno, false)]
    public void Pacing_congestion_notification_and_repairs_allocate_nothing_for_each_segment(CongestionAlgorithm algorithm, bool pacing)
    {
        var pair = new Pair(new LinkOptions { Delay = 2_000, BitsPerSecond = 400_000_000, MarkAboveBytes = 50_000, Loss = 0.001 },
            back: new LinkOptions { Delay = 2_000 });
        var options = new TcpOptions { Congestion = algorithm, Pacing = pacing, Ecn = EcnMode.Request, MaxReceiveBufferBytes = 512 << 10,
            MaxSendBufferBytes = 512 << 10 };
        var (client, server) = Transfer.Start(pair, 0, 0, options: options, setup: app => app.Finish = false);
        Assert.True(pair.RunUntil(() => server.Apps.Count == 1));
        client.ToSend = 80_000_000;
        client.Pump();
        var app = server.Apps[0];
        while (app.Received < 40_000_000)
            pair.Step(long.MaxValue);
        var before = GC.GetAllocatedBytesForCurrentThread();
        while (app.Received < 75_000_000)
            pair.Step(long.MaxValue);
        // Blocks of buffers that are fuller than ever before; nothing for each of 12,000 segments.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000);
        Assert.True(client.Connection.GetInfo().FastRecoveries > 2);
    }

    [Fact]
    public void Requests_and_answers_allocate_nothing()
    {
        var pair = new Pair();
        var (client, server) = Transfer.Start(pair, 0, 0, setup: app => app.Finish = false);
        Assert.True(pair.RunUntil(() => server.Apps.Count == 1));
        var (near, far) = (client.Connection, server.Apps[0].Connection);
        near.Events = far.Events = null;
        near.ReceiveInto(default);
        far.ReceiveInto(default);
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
    public void Ten_thousand_idle_connections_hold_at_most_two_kilobytes_each()
    {
        // Only the end that accepts is a host; the other one is made by hand and holds nothing.
        var peer = new RawPeer();
        peer.Host.ListenTcp(new InetEndpoint(default, 80), null, out var listener);
        byte[] offer = [2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 3, 3, 9, 0];
        var stamps = new byte[TcpSegmentOptions.TimestampBytes];
        var payload = new byte[100];
        void Connect(int first, int count)
        {
            for (var i = first; i < first + count; i++)
            {
                var port = (ushort)(1_024 + i);
                peer.ReceiveTcp(port, 80, TcpFlags.Syn, 100, 0, options: offer);
                var answer = peer.NextTcp()!;
                TcpSegmentOptions.WriteTimestamp(stamps, 2, answer.Timestamp!.Value);
                peer.ReceiveTcp(port, 80, TcpFlags.Ack | TcpFlags.Psh, 101, answer.Sequence + 1, payload, options: stamps);
                Assert.True(listener!.TryAccept(null, out var connection));
                connection.Consume(peer.Now, connection.ReadableBytes);
                connection.Write(peer.Now, payload);
                peer.ReceiveTcp(port, 80, TcpFlags.Ack, 201, answer.Sequence + 101, options: stamps);
                Assert.Equal(0, connection.UnacknowledgedBytes);
                peer.Frames.Clear();
            }

            peer.Advance(10_000_000);
        }

        Connect(0, 200);
        var before = GC.GetTotalMemory(true);
        Connect(200, 10_000);
        var each = (GC.GetTotalMemory(true) - before) / 10_000;
        Assert.Equal((10_200, 0L), (peer.Host.Tcp.Count, peer.Host.Pool.Outstanding));
        Assert.Equal(long.MaxValue, peer.Host.NextDeadline);
        Assert.InRange(each, 1, 2_000);
        TestContext.Current.TestOutputHelper?.WriteLine($"{each} bytes a connection");
    }

    [Fact]
    public void A_connection_that_was_busy_gives_its_memory_back_when_it_is_silent()
    {
        var pair = new Pair(new LinkOptions { Delay = 5_000, Loss = 0.001 });
        var (client, server) = Transfer.Start(pair, 20_000_000, 0, setup: app => app.Finish = false);
        client.Finish = false;
        Assert.True(pair.RunUntil(() => server.Apps is [{ Received: 20_000_000 }]));
        Assert.True(pair.RunUntil(() => client.Connection.UnacknowledgedBytes == 0));
        Assert.True(client.Connection.Sender.Segments.IsTrimmable);
        pair.Run(10_000_000);
        Assert.False(client.Connection.Sender.Segments.IsTrimmable || client.Connection.Sender.Buffer.IsTrimmable
            || server.Apps[0].Connection.Receiver.Buffer.IsTrimmable);
        Assert.Equal(long.MaxValue, pair.A.NextDeadline);
        client.ToSend += 100_000;
        client.Pump();
        Assert.True(pair.RunUntil(() => server.Apps is [{ Received: 20_100_000 }]));
        Assert.False(server.Apps[0].Corrupted);
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
