using Lanyard.Engine;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard.Testing.Tests;

/// <summary>The interruption of traffic when a path dies, when it is repaired, and when a node returns on another port.</summary>
public sealed class PathTests(ITestOutputHelper output)
{
    private const int Runs = 20;
    private const ushort TestEtherType = 0x88b5;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData(10, false)]
    [InlineData(50, false)]
    [InlineData(200, false)]
    [InlineData(10, true)]
    [InlineData(50, true)]
    [InlineData(200, true)]
    public void A_dead_path_is_left_after_half_a_second_or_ten_round_trips(int roundTripMs, bool isOneWay)
    {
        var limitMs = Math.Max(500, 10 * roundTripMs);
        var gaps = new List<long>();
        var returns = new List<long>();
        for (var run = 0; run < Runs; run++)
        {
            var pair = new TalkingPair((ulong)run + 1, roundTripMs, isOneWay);
            pair.Internet.Run(TimeSpan.FromMilliseconds(3_000 + (run * 37)));
            var cutMs = pair.Internet.NowMs;
            pair.Internet.Cut(pair.A.Host, pair.B.Host);
            var first = pair.FirstSentThatArrives(cutMs);

            gaps.Add(first - cutMs);
            pair.Internet.Run(TimeSpan.FromSeconds(5));
            var mendMs = pair.Internet.NowMs;
            pair.Internet.Mend(pair.A.Host, pair.B.Host);
            Assert.True(pair.Internet.RunUntil(() => pair.A.IsDirectTo(pair.B.Address) && (isOneWay || pair.B.IsDirectTo(pair.A.Address)), Soon));
            returns.Add(pair.Internet.NowMs - mendMs);
        }

        gaps.Sort();
        returns.Sort();
        output.WriteLine($"RTT {roundTripMs} ms{(isOneWay ? ", one way" : "")}: frames lost for {gaps[0]} to {gaps[^1]} ms (median {gaps[Runs / 2]}), direct again after {returns[0]} to {returns[^1]} ms");
        Assert.InRange(gaps[^1], 1, limitMs);
        Assert.InRange(returns[^1], 0, 2_000);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(50)]
    [InlineData(200)]
    public void Paths_that_fail_together_are_abandoned_together(int roundTripMs)
    {
        var gaps = new List<long>();
        for (var run = 0; run < Runs; run++)
        {
            var pair = new TalkingPair((ulong)run + 1, roundTripMs, isOneWay: false, ports: 3);
            pair.Internet.Run(TimeSpan.FromMilliseconds(10_000 + (run * 37)));
            Assert.InRange(pair.A.Node.FindPeer(pair.Internet.NowMs, pair.B.Address)!.Paths.Count(path => path.IsAlive), 3, int.MaxValue);
            var changes = pair.A.PathChanges + pair.B.PathChanges;
            pair.Internet.Run(TimeSpan.FromSeconds(20));
            Assert.Equal(changes, pair.A.PathChanges + pair.B.PathChanges);
            var cutMs = pair.Internet.NowMs;
            pair.Internet.Cut(pair.A.Host, pair.B.Host);
            gaps.Add(pair.FirstSentThatArrives(cutMs) - cutMs);
        }

        gaps.Sort();
        output.WriteLine($"RTT {roundTripMs} ms, several paths: frames lost for {gaps[0]} to {gaps[^1]} ms (median {gaps[Runs / 2]})");
        Assert.InRange(gaps[^1], 1, Math.Max(500, 10 * roundTripMs));
    }

    [Fact]
    public void The_round_trip_time_is_measured_anew_under_traffic()
    {
        // A first reply is slow: code is compiled, names are looked up, a radio wakes.
        var pair = new TalkingPair(11, roundTripMs: 1_000, isOneWay: false);
        pair.Internet.Link = pair.Internet.Link with { Latency = TimeSpan.FromMilliseconds(5), Jitter = TimeSpan.Zero };
        pair.Internet.Run(TimeSpan.FromSeconds(8));
        var cutMs = pair.Internet.NowMs;
        pair.Internet.Cut(pair.A.Host, pair.B.Host);
        Assert.InRange(pair.FirstSentThatArrives(cutMs) - cutMs, 1, 500);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(50)]
    [InlineData(200)]
    public void A_TCP_stream_goes_on_as_soon_as_its_dead_path_is_left(int roundTripMs)
    {
        var stalls = new List<long>();
        for (var run = 0; run < Runs; run++)
        {
            var pair = new TalkingPair((ulong)run + 1, roundTripMs, isOneWay: false);
            var stream = new Stream(pair);
            pair.Internet.Run(TimeSpan.FromMilliseconds(3_000 + (run * 37)));
            pair.Internet.Cut(pair.A.Host, pair.B.Host);
            stream.Longest = 0;
            pair.Internet.Run(TimeSpan.FromSeconds(6));
            stalls.Add(stream.Longest);
            Assert.True(stream.IsWhole);
        }

        stalls.Sort();
        output.WriteLine($"RTT {roundTripMs} ms: the stream stands still for {stalls[0]} to {stalls[^1]} ms (median {stalls[Runs / 2]})");

        // Plus the packets in flight on the dead path, and the longer relayed path.
        Assert.InRange(stalls[^1], 1, Math.Max(500, 10 * roundTripMs) + (2 * roundTripMs));
    }

    [Theory]
    [InlineData(0.05)]
    [InlineData(0.1)]
    public void A_path_that_loses_packets_is_kept(double loss)
    {
        var pair = new TalkingPair(7, roundTripMs: 50, isOneWay: false);
        pair.Internet.Run(TimeSpan.FromSeconds(2));
        var changes = pair.A.PathChanges + pair.B.PathChanges;
        pair.Internet.Link = pair.Internet.Link with { Loss = loss };
        pair.Internet.Run(TimeSpan.FromSeconds(120));
        Assert.Equal(changes, pair.A.PathChanges + pair.B.PathChanges);
    }

    [Theory]
    [InlineData(10, true)]
    [InlineData(100, true)]
    [InlineData(10, false)]
    [InlineData(100, false)]
    public void A_node_that_returns_on_another_port_is_answered_from_its_first_frame_on(int roundTripMs, bool keepsState)
    {
        var pair = new TalkingPair(3, roundTripMs, isOneWay: false);
        pair.Internet.Run(TimeSpan.FromSeconds(3));
        pair.B.Kill();
        pair.Internet.Run(TimeSpan.FromMilliseconds(300));
        var again = pair.B.Host.Start(pair.B.Node.Identity, pair.Lan.Planet, port: 9994, state: keepsState ? pair.B.State : null);
        var port = again.Join(pair.Lan.Network);
        Assert.True(pair.Internet.RunUntil(() => port.IsUp, Soon));

        // A sends a frame every 10 ms. The first one that arrives after B's frame is the answer.
        long sentMs = -1, answeredMs = -1;
        var arrivedMs = -1L;
        pair.PortA.FrameTap = (_, _, type, _) => arrivedMs = type == TestEtherType && arrivedMs < 0 ? pair.Internet.NowMs : arrivedMs;
        port.FrameTap = (_, _, type, _) => answeredMs = type == TestEtherType && answeredMs < 0 && arrivedMs >= 0 ? pair.Internet.NowMs : answeredMs;
        Assert.True(pair.Internet.RunUntil(() =>
        {
            if (answeredMs < 0 && pair.Internet.NowMs >= sentMs + 100)
            {
                sentMs = pair.Internet.NowMs;
                TalkingPair.SendFrame(again, port, pair.PortA, sentMs);
            }

            return answeredMs >= 0;
        }, Soon));
        output.WriteLine($"RTT {roundTripMs} ms: the answer came {answeredMs - arrivedMs} ms after the first frame");
        Assert.InRange(answeredMs - arrivedMs, 0, roundTripMs + 250);
    }

    /// <summary>Two members that exchange a frame with its sending time every 10 ms.</summary>
    private sealed class TalkingPair
    {
        private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

        public TalkingPair(ulong seed, int roundTripMs, bool isOneWay, int ports = 1)
        {
            Lan = new Lan(seed, new LinkOptions { Latency = TimeSpan.FromMilliseconds(roundTripMs / 2.0), Jitter = TimeSpan.FromMilliseconds(roundTripMs / 20.0) });
            PortA = Lan.AddMember(out var a);
            PortB = Lan.AddMember(out var b);
            (A, B) = (a, b);
            for (var i = 1; i < ports; i++)
            {
                a.OpenPort((ushort)(a.Port + i));
                b.OpenPort((ushort)(b.Port + i));
            }

            Assert.True(Internet.RunUntil(() => PortA.IsUp && PortB.IsUp, Soon));
            Talk(A, PortA, PortB);
            if (!isOneWay)
                Talk(B, PortB, PortA);
            Assert.True(Internet.RunUntil(() => A.IsDirectTo(B.Address) && B.IsDirectTo(A.Address), Soon));
        }

        public Lan Lan { get; }

        public SimulatedInternet Internet => Lan.Internet;

        public SimulatedNode A { get; }

        public SimulatedNode B { get; }

        public SimulatedPort PortA { get; }

        public SimulatedPort PortB { get; }

        /// <summary>Returns the sending time of the first frame sent after a time that arrives at B.</summary>
        public long FirstSentThatArrives(long afterMs)
        {
            var first = -1L;
            PortB.FrameTap = (_, _, type, bytes) =>
            {
                if (type == TestEtherType && first < 0 && BitConverter.ToInt64(bytes) is var sent && sent > afterMs)
                    first = sent;
            };
            Assert.True(Internet.RunUntil(() => first >= 0, Soon));
            PortB.FrameTap = null;
            return first;
        }

        public static void SendFrame(SimulatedNode from, SimulatedPort fromPort, SimulatedPort toPort, long nowMs)
        {
            var buffer = new byte[Node.FrameHeadroom + 64 + Node.FrameTailroom];
            BitConverter.TryWriteBytes(buffer.AsSpan(Node.FrameHeadroom), nowMs);
            from.Node.SendFrame(nowMs, fromPort.Network, new OutgoingFrame
            {
                Source = fromPort.Network.Mac, Destination = toPort.Network.Mac, EtherType = TestEtherType, Buffer = buffer, Start = Node.FrameHeadroom, Length = 64,
            });
            from.Wake();
        }

        private void Talk(SimulatedNode from, SimulatedPort fromPort, SimulatedPort toPort)
        {
            if (!from.IsAlive)
                return;
            SendFrame(from, fromPort, toPort, Internet.NowMs);
            Internet.Schedule(Interval, () => Talk(from, fromPort, toPort));
        }
    }

    /// <summary>A TCP stream from A to B, 100 bytes every 10 ms.</summary>
    private sealed class Stream : ITcpEvents, ITcpListenEvents
    {
        private readonly TalkingPair _pair;
        private readonly byte[] _buffer = new byte[65_536];
        private TcpConnection _sender = null!;
        private byte _nextSent;
        private byte _nextReceived;
        private long _lastMs;

        public Stream(TalkingPair pair)
        {
            _pair = pair;
            Assert.Equal(NetError.None, pair.PortB.Host!.ListenTcp(new InetEndpoint(default, 80), this, out _));
            var far = new InetEndpoint(pair.PortB.AddressOf(InetFamily.IPv4), 80);
            Assert.Equal(NetError.None, pair.PortA.Host!.ConnectTcp(pair.Internet.NowMicroseconds, far, this, out var sender));
            _sender = sender!;
            pair.A.Wake();
        }

        public long Longest { get; set; }

        public bool IsWhole { get; private set; } = true;

        public void OnAcceptable(TcpListenSocket listener)
        {
            if (listener.TryAccept(this, out var connection))
                OnReadable(connection);
        }

        public void OnClosed(TcpListenSocket listener, NetError reason)
        {
        }

        public void OnConnected(TcpConnection connection)
        {
            if (ReferenceEquals(connection, _sender))
                Write();
        }

        public void OnReadable(TcpConnection connection)
        {
            for (int count; (count = connection.Read(_pair.Internet.NowMicroseconds, _buffer)) > 0;)
            {
                foreach (var value in _buffer.AsSpan(0, count))
                    IsWhole &= value == _nextReceived++;
                Longest = Math.Max(Longest, _pair.Internet.NowMs - _lastMs);
                _lastMs = _pair.Internet.NowMs;
            }
        }

        public void OnWritable(TcpConnection connection)
        {
        }

        public void OnClosed(TcpConnection connection, NetError reason) => IsWhole = false;

        private void Write()
        {
            for (var i = 0; i < 100; i++)
                _buffer[i] = _nextSent++;
            IsWhole &= _sender.Write(_pair.Internet.NowMicroseconds, _buffer.AsSpan(0, 100)) == 100;
            _pair.A.Wake();
            _pair.Internet.Schedule(TimeSpan.FromMilliseconds(10), Write);
        }
    }
}
