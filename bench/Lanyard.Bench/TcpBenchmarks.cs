using BenchmarkDotNet.Attributes;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard.Bench;

/// <summary>Two TCP/IP hosts connected by a queue without delay or loss, to measure only the work of TCP and IP.</summary>
[Config(typeof(ThroughputConfig))]
public class TcpStreamBenchmarks
{
    private readonly HostPair _pair = new();
    private byte[] _data = [];

    /// <summary>What an operation moves, in bytes.</summary>
    [Params(1 << 20)]
    public int Length { get; set; }

    [GlobalSetup]
    public void Setup() => _data = new byte[Length];

    /// <summary>One way, read as it comes; both ends' work.</summary>
    [Benchmark]
    public void Stream() => _pair.Stream(_data);
}

/// <summary>Like <see cref="TcpStreamBenchmarks"/>, with small messages.</summary>
[Config(typeof(InProcessConfig))]
public class TcpMessageBenchmarks
{
    private readonly HostPair _pair = new();
    private readonly byte[] _message = new byte[64];

    /// <summary>There and back; both ends' work.</summary>
    [Benchmark]
    public void RoundTripOf64Bytes() => _pair.RoundTrip(_message);
}

/// <summary>Two hosts and one connection.</summary>
internal sealed class HostPair : ITcpEvents, ITcpListenEvents
{
    private static readonly MacAddress s_macA = new(0x020000000001);
    private static readonly MacAddress s_macB = new(0x020000000002);
    private static readonly InetAddress s_addressB = InetAddress.Parse("10.0.0.2");

    private readonly Wire _toA = new(s_macB);
    private readonly Wire _toB = new(s_macA);
    private readonly NetworkHost _a;
    private readonly NetworkHost _b;
    private readonly TcpConnection _near;
    private readonly byte[] _buffer = new byte[64 << 10];
    private TcpConnection? _far;
    private long _now = 1_000_000;

    public HostPair()
    {
        _a = Host(s_macA, "10.0.0.1", _toB);
        _b = Host(s_macB, "10.0.0.2", _toA);
        _b.ListenTcp(new InetEndpoint(default, 1), this, out _);
        _a.ConnectTcp(_now, new InetEndpoint(s_addressB, 1), this, out var near);
        _near = near!;
        while (_far is null)
            Step();
    }

    public void Stream(ReadOnlySpan<byte> data)
    {
        var left = data.Length;
        while (left > 0)
        {
            data = data[_near.Write(_now, data)..];
            Step();
            while (_far!.Read(_now, _buffer) is var count and > 0)
                left -= count;
        }
    }

    public void RoundTrip(ReadOnlySpan<byte> message)
    {
        _near.Write(_now, message);
        Receive(_far!, message.Length);
        _far!.Write(_now, _buffer.AsSpan(0, message.Length));
        Receive(_near, message.Length);
    }

    void ITcpEvents.OnConnected(TcpConnection connection)
    {
    }

    void ITcpEvents.OnReadable(TcpConnection connection)
    {
    }

    void ITcpEvents.OnWritable(TcpConnection connection)
    {
    }

    void ITcpEvents.OnClosed(TcpConnection connection, NetError reason)
    {
    }

    void ITcpListenEvents.OnAcceptable(TcpListenSocket listener) => listener.TryAccept(this, out _far);

    void ITcpListenEvents.OnClosed(TcpListenSocket listener, NetError reason)
    {
    }

    private static NetworkHost Host(MacAddress mac, string address, Wire wire) => new(
        new NetworkHostOptions { Mac = mac, Secret = new byte[16], Addresses = [new InetPrefix(InetAddress.Parse(address), 24)] }, wire);

    private void Receive(TcpConnection connection, int bytes)
    {
        while (connection.ReadableBytes < bytes)
            Step();
        connection.Read(_now, _buffer.AsSpan(0, bytes));
    }

    /// <summary>Hands over what is under way; time passes only where nothing is.</summary>
    private void Step()
    {
        if (!_toB.Deliver(_now, _b) & !_toA.Deliver(_now, _a))
            _now = Math.Max(_now + 1, Math.Min(_now + 1_000, Math.Min(_a.NextDeadline, _b.NextDeadline)));
        _a.Poll(_now);
        _b.Poll(_now);
    }

    /// <summary>One direction: frames in a ring, each in a buffer of its own.</summary>
    private sealed class Wire(MacAddress source) : IFrameSink
    {
        private const int Slots = 8192;
        private readonly byte[][] _frames = new byte[Slots][];
        private readonly (MacAddress Destination, ushort EtherType, int Length)[] _headers = new (MacAddress, ushort, int)[Slots];
        private int _first;
        private int _count;

        public Span<byte> Rent(MacAddress destination, ushort etherType, int length)
        {
            if (_count == Slots)
                return default;
            var slot = (_first + _count) % Slots;
            _headers[slot] = (destination, etherType, 0);
            var frame = _frames[slot] ??= new byte[2800];
            return frame.AsSpan(0, length);
        }

        public void Commit(int length) => _headers[(_first + _count++) % Slots].Length = length;

        public void Flush()
        {
        }

        public bool Deliver(long now, NetworkHost host)
        {
            if (_count == 0)
                return false;
            host.BeginBatch(now);
            for (var batch = Math.Min(_count, 64); batch > 0; batch--)
            {
                var (destination, etherType, length) = _headers[_first];
                host.Receive(now, source, destination, etherType, _frames[_first].AsSpan(0, length));
                _first = (_first + 1) % Slots;
                _count--;
            }

            host.EndBatch(now);
            return true;
        }
    }
}
