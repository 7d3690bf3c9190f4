using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>A random exchange between two hosts over random links, with a limited number of frames.</summary>
internal sealed class RandomExchange
{
    // Up to a megabyte in segments of 32 bytes, each with its acknowledgment, takes no time on an instant link.
    private const int MaxFramesAtOneTime = 100_000;
    private const int MaxFrames = 300_000;

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

    public RandomExchange(int seed)
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

    private TcpOptions RandomOptions() => RandomTcpOptions.Next(_random, minBufferBytes: 200, minSegmentBytes: 1) with
    {
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
