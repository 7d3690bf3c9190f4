using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>Two hosts exchange a limited number of frames, whatever the link does, and send nothing after all connections have ended.</summary>
public class SilenceTests
{
    // Up to a megabyte in segments of 32 bytes, each with its acknowledgment, takes no time on an instant link.
    private const int MaxFramesAtOneTime = 100_000;
    private const int MaxFrames = 300_000;

    [Fact]
    public void Two_hosts_fall_silent_after_a_closed_exchange() => RunExchanges(1, 150);

    [Fact(Explicit = true)]
    public void Two_hosts_fall_silent_after_many_more_closed_exchanges() => RunExchanges(1_000, 20_000);

    [Fact]
    public void Keepalive_probes_are_answered_as_often_as_they_come()
    {
        var pair = new Pair(new LinkOptions { Delay = 10_000 });
        var options = new TcpOptions { KeepAliveIdle = TimeSpan.FromMilliseconds(500), KeepAliveInterval = TimeSpan.FromMilliseconds(50) };
        var (client, _) = Transfer.Start(pair, 1_000, 1_000, options: options, setup: app => app.Finish = false);
        pair.Run(600_000_000);
        Assert.Equal(TcpState.Established, client.Connection.State);
        Assert.InRange(pair.A.Counters[HostCounter.TcpChallengeAcks] + pair.B.Counters[HostCounter.TcpChallengeAcks], 1_000, 1_300);
        Assert.Equal(0, pair.A.Counters[HostCounter.TcpChallengeAcksLimited] + pair.B.Counters[HostCounter.TcpChallengeAcksLimited]);
    }

    [Fact]
    public void The_shortest_timeouts_let_time_pass()
    {
        var pair = new Pair();
        var options = new TcpOptions
        {
            MinRto = TimeSpan.Zero,
            MaxRto = TimeSpan.Zero,
            UserTimeout = TimeSpan.FromSeconds(1),
            KeepAliveIdle = TimeSpan.FromTicks(1),
            KeepAliveInterval = TimeSpan.Zero,
            InitialReceiveBufferBytes = 10_000,
            MaxReceiveBufferBytes = 10_000,
        };
        var (client, server) = Transfer.Start(pair, 50_000, 0, options: options, setup: app => (app.PauseReading, app.Finish) = (true, false));

        // The receive window is closed.
        pair.Run(1_000_000);
        Assert.Equal(TcpState.Established, client.Connection.State);
        Assert.InRange(pair.A.Counters[HostCounter.TcpWindowProbes], 900, 1_100);
        server.Apps[0].PauseReading = false;
        server.Apps[0].Drain();
        pair.Run(10_000);
        Assert.Equal(50_000, server.Apps[0].Received);

        // The link is broken.
        pair.AtoB.Options = new LinkOptions { Drop = _ => true };
        server.Apps[0].ToSend += 100;
        server.Apps[0].Pump();
        Assert.True(pair.RunUntil(() => server.Apps[0].Closed, 1_100_000));
        Assert.Equal(NetError.TimedOut, server.Apps[0].Reason);
        Assert.InRange(pair.B.Counters[HostCounter.TcpTimeouts], 500, 1_100);
    }

    [Fact]
    public void A_connection_that_stops_pacing_has_no_deadline_in_the_past()
    {
        var pair = new Pair(new LinkOptions { Delay = 10_000, BitsPerSecond = 10_000_000 });
        var options = new TcpOptions { Congestion = CongestionAlgorithm.Bbr };
        var (client, server) = Transfer.Start(pair, 1_000_000, 0, options: options);
        pair.Run(300_000);
        Assert.InRange(pair.A.NextDeadline, pair.Now + 1, pair.Now + 5_000);
        client.Connection.Configure(pair.Now, options with { Congestion = CongestionAlgorithm.Cubic });
        pair.Run(5_000);
        pair.A.Poll(pair.Now);
        Assert.InRange(pair.A.NextDeadline, pair.Now + 1, long.MaxValue);
        Assert.True(pair.RunUntil(() => client.Closed && server.Apps is [{ Closed: true }]));
    }

    [Fact]
    public void A_segment_that_the_peer_refuses_is_not_retransmitted_without_end_at_one_time()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, synOptions: [2, 4, 0x05, 0xb4, 1, 1, 4, 2]);
        raw.Write(5_840);
        Assert.Equal(4, raw.All().Count);
        var isn = raw.Syn.Sequence + 1;
        var sack = new byte[12];
        (sack[0], sack[1], sack[2], sack[3]) = (1, 1, 5, 10);
        BinaryPrimitives.WriteUInt32BigEndian(sack.AsSpan(4), isn + 1_460);
        BinaryPrimitives.WriteUInt32BigEndian(sack.AsSpan(8), isn + 5_840);
        raw.Send(TcpFlags.Ack, 0, 0, options: sack);
        Assert.Equal(0u, Assert.Single(raw.All()).Sequence);
        for (var i = 0; i < 100; i++)
            raw.Send(TcpFlags.Ack, 0, 0, options: sack);
        Assert.Empty(raw.All());

        // The retransmission may be lost, so there is one more.
        peer.Advance(1);
        Assert.Equal(0u, Assert.Single(raw.All()).Sequence);
        raw.Send(TcpFlags.Ack, 0, 0, options: sack);
        peer.Advance(100_000);
        Assert.Empty(raw.All());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1_000)]
    [InlineData(150_000)]
    [InlineData(400_000)]
    public void Two_ends_that_disagree_about_the_stream_do_not_acknowledge_each_other_without_end(long delay)
    {
        var pair = new Pair(new LinkOptions { Delay = delay });
        Frame? last = null;
        pair.AtoB.Tap = frame => last = new Frame { Bytes = frame.Packet.ToArray(), Length = frame.Length };
        var (client, server) = Transfer.Start(pair, 1_000, 1_000, setup: app => app.Finish = false);
        Assert.True(pair.RunUntil(() => client.Received == 1_000 && server.Apps is [{ Received: 1_000 }]));
        pair.Run(20_000_000);

        // A stranger makes B believe that A has sent more.
        var forged = Forge(last!.Packet, "forged"u8);
        var frames = 0;
        pair.AtoB.Tap = pair.BtoA.Tap = _ => frames++;
        pair.B.Receive(pair.Now, Pair.MacA, Pair.MacB, NetworkHost.EtherTypeIPv4, forged);
        pair.Run(300_000_000);
        var inFiveMinutes = frames;
        pair.Run(3_000_000_000);
        Assert.True(frames == inFiveMinutes && frames is > 0 and < 100, $"{inFiveMinutes} frames in five minutes, {frames} in an hour");
    }

    // The last acknowledgment from A to B again, with data.
    private static byte[] Forge(ReadOnlySpan<byte> original, ReadOnlySpan<byte> data)
    {
        var forged = new byte[original.Length + data.Length];
        original.CopyTo(forged);
        data.CopyTo(forged.AsSpan(original.Length));
        Ipv4Packet.WriteHeader(forged, Pair.A4, Pair.B4, IpProtocol.Tcp, 64, 0, 0, false, false, 0, forged.Length - Ipv4Packet.HeaderBytes);
        var bytes = forged.AsSpan(Ipv4Packet.HeaderBytes);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[16..], 0);
        TcpSegment.WriteChecksum(bytes, InternetChecksum.PseudoHeader(Pair.A4, Pair.B4, IpProtocol.Tcp, bytes.Length));
        return forged;
    }

    private static void RunExchanges(int firstSeed, int count)
    {
        var failures = new List<string>();
        for (var seed = firstSeed; seed < firstSeed + count && failures.Count < 10; seed++)
        {
            if (new Exchange(seed).Run() is { } failure)
                failures.Add(failure);
        }

        Assert.True(failures.Count == 0, string.Join("\n", failures));
    }

    /// <summary>One random exchange.</summary>
    private sealed class Exchange
    {
        private readonly int _seed;
        private readonly Random _random;
        private readonly Pair _pair;
        private readonly List<StreamApp> _apps = [];
        private readonly List<Frame> _recorded = [];
        private readonly TcpOptions _options;
        private readonly string _links;
        private long _frames;
        private long _framesAt;
        private long _framesAtOneTime;

        public Exchange(int seed)
        {
            _seed = seed;
            _random = new Random(seed);
            _options = RandomOptions();
            var (up, down) = (RandomLink(), RandomLink());
            _links = $"{up} | {down} | {_options}";
            var (mtu, limits) = (RandomMtu(), new HostLimits());
            if (_random.Next(4) == 0)
                limits = limits with { BufferBytes = 20_000 + _random.Next(400_000) };
            _pair = new Pair(up, seed, host => host with { Mtu = mtu, DetectDuplicateAddresses = _random.Next(2) == 0, Limits = limits }, down)
            {
                BatchFrames = 1 + _random.Next(64),
            };
            _pair.AtoB.Tap = Count;
            _pair.BtoA.Tap = Count;
        }

        /// <summary>Returns a description of the failure, or null.</summary>
        public string? Run()
        {
            var server = new AcceptAll(MakeApp);
            _pair.A.ListenTcp(new InetEndpoint(default, 80), server, out _, options: _options);
            _pair.B.ListenTcp(new InetEndpoint(default, 80), server, out _, options: _options);
            var connections = 1 + _random.Next(3);
            for (var i = 0; i < connections; i++)
                Open();
            var changes = _random.Next(12);
            for (var i = 0; i < changes; i++)
            {
                if (!Advance(_random.Next(2) == 0 ? _random.NextInt64(2_000) : _random.NextInt64(1_000_000)))
                    return Describe("exchange");
                Change();
            }

            if (!Advance(_random.NextInt64(20_000_000)))
                return Describe("transfer");
            if (_random.Next(2) == 0)
                _pair.AtoB.Options = _pair.BtoA.Options = new LinkOptions { Delay = _random.Next(2) * _random.Next(200_000) };
            foreach (var app in _apps)
                End(app);
            if (!Advance(2_000_000_000))
                return Describe("end");
            foreach (var app in _apps.Where(app => app.Attached))
                app.Connection.Abort(_pair.Now);
            if (!Advance(200_000_000))
                return Describe("abort");
            var before = _frames;
            if (!Advance(4_000_000_000) || _frames - before > 200)
                return Describe($"silence ({_frames - before} frames)");
            return _pair.A.Tcp.Count + _pair.B.Tcp.Count > 0 ? Describe("connections") : null;
        }

        private void Count(Frame frame)
        {
            _frames++;
            if (_pair.Now != _framesAt)
                (_framesAt, _framesAtOneTime) = (_pair.Now, 0);
            _framesAtOneTime++;
            if (_random.Next(10) == 0)
            {
                if (_recorded.Count == 50)
                    _recorded.RemoveAt(0);
                _recorded.Add(new Frame { Bytes = frame.Packet.ToArray(), Length = frame.Length, Source = frame.Source, Destination = frame.Destination,
                    EtherType = frame.EtherType });
            }
        }

        private string Describe(string phase)
        {
            var last = new List<string>();
            var start = _pair.Now;
            void Note(string from, Frame frame)
            {
                var at = frame.EtherType == NetworkHost.EtherTypeIPv4 ? 20 : 40;
                if (frame.EtherType == NetworkHost.EtherTypeArp)
                {
                    last.Add($"{from} ARP");
                    return;
                }

                var proto = frame.Packet[at == 20 ? 9 : 6];
                if (proto != 6 || !TcpSegment.TryParse(frame.Packet[at..], out var s))
                {
                    last.Add($"{from} proto {proto} type {frame.Packet[at]}");
                    return;
                }

                var sack = "";
                for (var i = 0; i < s.Options.SackBlocks; i++)
                    sack += $" {s.Options.SackStart(i)}-{s.Options.SackEnd(i)}";
                last.Add($"+{_pair.Now - start} {from} {s.SourcePort}>{s.DestinationPort} {s.Flags} seq {s.Sequence} len {s.Payload.Length} ack {s.Acknowledgment} win {s.Window}{sack}");
            }

            _pair.AtoB.Tap = frame => Note("A", frame);
            _pair.BtoA.Tap = frame => Note("B", frame);
            for (var i = 0; i < 100 && last.Count < 30 && _pair.Step(_pair.Now + 100_000_000); i++)
            {
            }

            var states = string.Join("; ", _apps.Where(app => app.Attached).Select(app => $"{app.Connection.LocalEndpoint} {app.Connection.State}"));
            return $"seed {_seed}: {phase}: {_frames} frames, {_framesAtOneTime} at one time\n  {_links}\n  {states}\n  A next {_pair.A.NextDeadline - start} B next {_pair.B.NextDeadline - start}\n  "
                + string.Join("\n  ", last.Take(30));
        }

        // Advances within the limits. Returns false if a limit is exceeded.
        private bool Advance(long microseconds)
        {
            var end = _pair.Now + microseconds;
            var (at, steps) = (_pair.Now, 0);
            while (_pair.Step(end))
            {
                if (_pair.Now != at)
                    (at, steps) = (_pair.Now, 0);
                if (++steps > MaxFramesAtOneTime || _framesAtOneTime > MaxFramesAtOneTime || _frames > MaxFrames)
                    return false;
            }

            return true;
        }

        private StreamApp MakeApp()
        {
            var app = new StreamApp(() => _pair.Now, _random.Next(3) == 0 ? 0 : _random.Next(400_000), seed: _random.Next())
            {
                Verify = false,
                RandomSizes = _random.Next(2) == 0,
                Finish = _random.Next(2) == 0,
                PauseReading = _random.Next(4) == 0,
            };
            _apps.Add(app);
            return app;
        }

        private void Open()
        {
            var (v6, fromA) = (_random.Next(2) == 0, _random.Next(2) == 0);
            var host = fromA ? _pair.A : _pair.B;
            var kind = _random.Next(8);
            var self = kind == 0 ? fromA : !fromA;
            var address = self ? (v6 ? Pair.A6 : Pair.A4) : v6 ? Pair.B6 : Pair.B4;
            var local = kind switch
            {
                // Both hosts connect to each other, or a host to itself.
                0 => new InetEndpoint(address, 90),
                1 => new InetEndpoint(default, 90),
                _ => default,
            };
            Connect(host, new InetEndpoint(address, kind is 0 or 1 ? (ushort)90 : (ushort)80), local);
            if (kind == 1)
                Connect(fromA ? _pair.B : _pair.A, new InetEndpoint(fromA ? (v6 ? Pair.A6 : Pair.A4) : v6 ? Pair.B6 : Pair.B4, 90), local);
        }

        private void Connect(NetworkHost host, InetEndpoint remote, InetEndpoint local)
        {
            var app = MakeApp();
            if (host.ConnectTcp(_pair.Now, remote, app, out var connection, local, _options) == NetError.None)
                app.Attach(connection!);
        }

        private void Change()
        {
            var (link, host) = _random.Next(2) == 0 ? (_pair.AtoB, _pair.A) : (_pair.BtoA, _pair.B);
            var app = _apps[_random.Next(_apps.Count)];
            switch (_random.Next(12))
            {
                case 10 or 11 when _recorded.Count > 0:
                    Replay(_recorded[^1]);
                    break;
                case 0:
                    link.Options = RandomLink();
                    break;
                case 1:
                    host.SetMtu(_pair.Now, RandomMtu());
                    break;
                case 2 when app.Attached:
                    app.Connection.Configure(_pair.Now, RandomOptions());
                    break;
                case 3:
                    End(app);
                    break;
                case 4:
                    // An old frame arrives again.
                    if (_recorded.Count > 0)
                        Replay(_recorded[_random.Next(_recorded.Count)]);
                    break;
                case 5 when app.Attached:
                    app.PauseReading = !app.PauseReading;
                    app.Drain();
                    break;
                case 6 when app.Attached:
                    app.ToSend += _random.Next(200_000);
                    app.Pump();
                    break;
                case 7:
                    host.PathChanged(_pair.Now, host == _pair.A ? Pair.MacB : Pair.MacA);
                    break;
                case 8:
                    Open();
                    break;
                default:
                    // The black hole is found, or an earlier one ends.
                    var limit = 200 + _random.Next(2_000);
                    link.Options = link.Options with { Drop = _random.Next(3) == 0 ? null : frame => frame.Length > limit };
                    break;
            }
        }

        private void Replay(Frame frame)
        {
            var host = frame.Source == Pair.MacA ? _pair.B : _pair.A;
            if (_random.Next(2) == 0)
                Forge(frame);
            host.Receive(_pair.Now, frame.Source, frame.Destination, frame.EtherType, frame.Packet);
        }

        // Other numbers or flags, with a checksum that is right.
        private void Forge(Frame frame)
        {
            var v6 = frame.EtherType == NetworkHost.EtherTypeIPv6;
            var header = v6 ? Ipv6Packet.HeaderBytes : Ipv4Packet.HeaderBytes;
            if (frame.EtherType == NetworkHost.EtherTypeArp || frame.Packet[v6 ? 6 : 9] != IpProtocol.Tcp)
                return;
            var segment = frame.Bytes.AsSpan(header, frame.Length - header);
            switch (_random.Next(3))
            {
                case 0:
                    var field = segment[(4 + (_random.Next(2) * 4))..];
                    BinaryPrimitives.WriteUInt32BigEndian(field, BinaryPrimitives.ReadUInt32BigEndian(field) + (uint)_random.Next(-3_000, 3_000));
                    break;
                case 1:
                    segment[13] ^= (byte)(1 << _random.Next(8));
                    break;
                default:
                    BinaryPrimitives.WriteUInt16BigEndian(segment[14..], (ushort)_random.Next(3));
                    break;
            }

            BinaryPrimitives.WriteUInt16BigEndian(segment[16..], 0);
            var addresses = frame.Packet.Slice(v6 ? 8 : 12, v6 ? 32 : 8);
            var half = addresses.Length / 2;
            TcpSegment.WriteChecksum(segment, InternetChecksum.PseudoHeader(InetAddress.FromBytes(addresses[..half]), InetAddress.FromBytes(addresses[half..]),
                IpProtocol.Tcp, segment.Length));
        }

        private void End(StreamApp app)
        {
            if (!app.Attached)
                return;
            switch (_random.Next(4))
            {
                case 0:
                    app.Connection.Abort(_pair.Now);
                    break;
                case 1:
                    app.Connection.Close(_pair.Now, linger: _random.Next(1_000_000));
                    break;
                case 2:
                    app.Connection.ShutdownSend(_pair.Now);
                    break;
                default:
                    app.Connection.Close(_pair.Now);
                    break;
            }
        }

        private int RandomMtu() => _random.Next(3) switch
        {
            0 => 1_280,
            1 => 2_800,
            _ => 1_280 + _random.Next(8_000),
        };

        private LinkOptions RandomLink()
        {
            var instant = _random.Next(2) == 0;
            var limit = 200 + _random.Next(2_000);
            return new LinkOptions
            {
                Delay = instant ? 0 : _random.Next(2) == 0 ? _random.Next(1_000) : _random.Next(300_000),
                Jitter = !instant && _random.Next(3) == 0 ? 1 + _random.Next(5_000) : 0,
                Loss = _random.Next(2) == 0 ? 0 : _random.NextDouble() * 0.2,
                Duplicate = !instant && _random.Next(3) == 0 ? _random.NextDouble() * 0.2 : 0,
                Corrupt = !instant && _random.Next(4) == 0 ? _random.NextDouble() * 0.05 : 0,
                Reorder = !instant && _random.Next(3) == 0 ? _random.NextDouble() * 0.2 : 0,
                BitsPerSecond = !instant && _random.Next(3) == 0 ? 1_000_000 + _random.Next(100_000_000) : 0,
                QueueBytes = 20_000 + _random.Next(300_000),
                MarkAboveBytes = _random.Next(2) * 10_000,
                Drop = _random.Next(4) == 0 ? frame => frame.Length > limit : null,
            };
        }

        private TcpOptions RandomOptions() => new()
        {
            NoDelay = _random.Next(2) == 0,
            Timestamps = _random.Next(4) != 0,
            SelectiveAcknowledgments = _random.Next(3) != 0,
            WindowScaling = _random.Next(4) != 0,
            Congestion = (CongestionAlgorithm)_random.Next(3),
            Pacing = _random.Next(4) == 0,
            Ecn = (EcnMode)_random.Next(3),
            InitialReceiveBufferBytes = _random.Next(2) == 0 ? 256 << 10 : 200 + _random.Next(100_000),
            InitialSendBufferBytes = _random.Next(2) == 0 ? 256 << 10 : 200 + _random.Next(100_000),
            MaxSegmentBytes = _random.Next(4) == 0 ? 1 + _random.Next(1_000) : 0,
            Retries = 1 + _random.Next(15),
            KeepAliveIdle = _random.Next(3) == 0 ? TimeSpan.FromMilliseconds(_random.Next(100_000)) : TimeSpan.Zero,
            KeepAliveInterval = TimeSpan.FromMilliseconds(_random.Next(50_000)),
            UserTimeout = _random.Next(4) == 0 ? TimeSpan.FromMilliseconds(_random.Next(60_000)) : TimeSpan.Zero,
            NegotiateUserTimeout = _random.Next(4) == 0,
            QuickAck = _random.Next(4) == 0,
            TimeWait = TimeSpan.FromMilliseconds(_random.Next(3) == 0 ? _random.Next(1_000) : 60_000),
            FinWait = TimeSpan.FromMilliseconds(_random.Next(3) == 0 ? _random.Next(1_000) : 60_000),
            DelayedAck = TimeSpan.FromMilliseconds(_random.Next(3) == 0 ? _random.Next(3) : 40),
            MaxRto = TimeSpan.FromMilliseconds(_random.Next(6) == 0 ? _random.Next(1_000) : 60_000),
            MinRto = TimeSpan.FromMilliseconds(_random.Next(3) == 0 ? _random.Next(300) : 200),
            Linger = _random.Next(4) == 0 ? TimeSpan.FromSeconds(_random.Next(10)) : null,
        };
    }
}
