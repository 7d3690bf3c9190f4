namespace Lanyard.NetStack.Tests;

/// <summary>
/// One end of a TCP connection as an app: writes a stream of known bytes and checks the one it reads. Chunk sizes come from the seed.
/// </summary>
internal sealed class StreamApp : ITcpEvents
{
    private const int PatternBytes = 65_521;

    private readonly Func<long> _clock;
    private readonly byte[] _send;
    private readonly byte[] _expect;
    private readonly byte[] _scratch = new byte[65_536];
    private readonly Random _random;
    private TcpConnection? _connection;
    private int _awaited;

    public StreamApp(Func<long> clock, long toSend, int sendSeed = 1, int expectSeed = 2, int seed = 0)
    {
        _clock = clock;
        ToSend = toSend;
        _send = Pattern(sendSeed);
        _expect = Pattern(expectSeed);
        _random = new Random(seed);
    }

    /// <summary>Bytes to write before the stream is finished.</summary>
    public long ToSend { get; set; }

    /// <summary>Whether to finish sending when all is written.</summary>
    public bool Finish { get; set; } = true;

    /// <summary>Whether reads and writes have random sizes.</summary>
    public bool RandomSizes { get; set; }

    /// <summary>Whether what is read is compared.</summary>
    public bool Verify { get; set; } = true;

    /// <summary>While set, nothing is read.</summary>
    public bool PauseReading { get; set; }

    public long Sent { get; private set; }

    public long Received { get; private set; }

    public bool Connected { get; private set; }

    public bool Ended { get; private set; }

    public bool Closed { get; private set; }

    public NetError Reason { get; private set; }

    public bool Corrupted { get; private set; }

    public bool Attached => _connection is not null;

    public TcpConnection Connection => _connection!;

    public void Attach(TcpConnection connection)
    {
        _connection = connection;
        Connected = connection.State != TcpState.SynSent;
        Pump();
        Drain();
    }

    public void OnConnected(TcpConnection connection)
    {
        Connected = true;
        _connection ??= connection;
        Pump();
    }

    public void OnReadable(TcpConnection connection) => Drain();

    public void OnWritable(TcpConnection connection) => Pump();

    public void OnClosed(TcpConnection connection, NetError reason)
    {
        _connection ??= connection;
        Drain();
        Closed = true;
        Reason = reason;
    }

    public void Pump()
    {
        var connection = _connection!;
        while (Sent < ToSend)
        {
            var from = (int)(Sent % PatternBytes);
            var count = (int)Math.Min(ToSend - Sent, PatternBytes - from);
            if (RandomSizes)
                count = Math.Min(count, 1 + _random.Next(_random.Next(4) == 0 ? 40_000 : 3_000));
            var taken = connection.Write(_clock(), _send.AsSpan(from, count));
            Sent += taken;
            if (taken < count)
                return;
        }

        if (Finish)
            connection.ShutdownSend(_clock());
    }

    public void Drain()
    {
        if (PauseReading)
            return;
        var connection = _connection!;
        while (true)
        {
            var from = (int)(Received % PatternBytes);
            var want = Math.Min(_scratch.Length, PatternBytes - from);
            if (RandomSizes)
                want = Math.Min(want, 1 + _random.Next(20_000));
            if (_awaited > 0)
                want = _awaited;
            var count = connection.Read(_clock(), _scratch.AsSpan(0, want));
            if (count == 0)
            {
                _awaited = RandomSizes && _random.Next(2) == 0 ? 0 : want;
                connection.ReceiveInto(_scratch.AsMemory(0, _awaited));
                break;
            }

            _awaited = 0;
            if (Verify && !_scratch.AsSpan(0, count).SequenceEqual(_expect.AsSpan(from, count)))
                Corrupted = true;
            Received += count;
        }

        Ended |= connection.ReceiveEnded;
    }

    /// <summary>The known stream of a seed, which repeats.</summary>
    public static byte[] Pattern(int seed)
    {
        var bytes = new byte[PatternBytes];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}

/// <summary>Accepts connections and gives each to an app.</summary>
internal sealed class AcceptAll(Func<StreamApp> make) : ITcpListenEvents
{
    public List<StreamApp> Apps { get; } = [];

    public void OnAcceptable(TcpListenSocket listener)
    {
        while (true)
        {
            var app = make();
            if (!listener.TryAccept(app, out var connection))
                return;
            Apps.Add(app);
            app.Attach(connection);
        }
    }

    /// <summary>The reason why the listener was closed; none while it is open.</summary>
    public NetError Reason { get; private set; }

    public void OnClosed(TcpListenSocket listener, NetError reason) => Reason = reason;
}
