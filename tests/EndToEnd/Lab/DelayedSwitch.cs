using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using Lanyard.Tests.Shared;

namespace EndToEnd.Lab;

/// <summary>
/// A switch between the hosts of a lab that delays every frame, and separates two hosts on request. Each port is a TAP device to be moved into a namespace.
/// </summary>
internal sealed class DelayedSwitch(TimeSpan oneWay) : IDisposable
{
    private const int EthernetHeader = 14;
    private const int MaxFrame = 2048;

    private readonly BlockingCollection<(long DueTicks, Port From, byte[] Frame)> _underWay = new(10_000);
    private readonly List<Port> _ports = [];
    private readonly ConcurrentQueue<(long Ticks, int From, int To)> _passed = new();
    private volatile Tuple<int, int>? _separated;
    private volatile bool _stop;
    private Thread? _delivery;

    /// <summary>Adds a port. The caller moves its device into the host's namespace.</summary>
    /// <param name="device">The device's name, unique on this machine.</param>
    public void AddPort(string device)
    {
        var port = new Port(new TapDevice(device));
        lock (_ports)
            _ports.Add(port);
        _delivery ??= Start(Deliver);
        port.Reader = Start(() => Read(port));
    }

    /// <summary>Drops all IPv4 packets between two hosts, given by the last bytes of their addresses, from now on. Returns the time, in ticks of <see cref="Stopwatch"/>.</summary>
    public long Separate(int a, int b)
    {
        _separated = Tuple.Create(a, b);
        return Stopwatch.GetTimestamp();
    }

    /// <summary>Ends <see cref="Separate"/>. Returns the time, in ticks of <see cref="Stopwatch"/>.</summary>
    public long Reunite()
    {
        _separated = null;
        return Stopwatch.GetTimestamp();
    }

    /// <summary>The times at which packets from one host to another were sent and not dropped, in ticks of <see cref="Stopwatch"/>.</summary>
    public IEnumerable<long> TimesOfPackets(int from, int to) => _passed.Where(packet => packet.From == from && packet.To == to).Select(packet => packet.Ticks);

    public void Dispose()
    {
        _stop = true;
        foreach (var port in _ports)
            port.Reader?.Join();
        _underWay.CompleteAdding();
        _delivery?.Join();
        foreach (var port in _ports)
            port.Device.Dispose();
        _underWay.Dispose();
    }

    private static Thread Start(ThreadStart run)
    {
        var thread = new Thread(run) { IsBackground = true };
        thread.Start();
        return thread;
    }

    private void Read(Port port)
    {
        var buffer = new byte[MaxFrame];
        while (!_stop)
        {
            port.Device.Wait(100);
            for (int count; (count = port.Device.Read(buffer)) > 0;)
            {
                if (Passes(buffer.AsSpan(0, count)))
                    _underWay.TryAdd((Stopwatch.GetTimestamp() + (long)(oneWay.TotalSeconds * Stopwatch.Frequency), port, buffer.AsSpan(0, count).ToArray()));
            }
        }
    }

    private bool Passes(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < EthernetHeader + 20 || BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) != 0x0800)
            return true;
        var (from, to) = (frame[EthernetHeader + 15], frame[EthernetHeader + 19]);
        if (_separated is var (a, b) && ((from == a && to == b) || (from == b && to == a)))
            return false;
        _passed.Enqueue((Stopwatch.GetTimestamp(), from, to));
        return true;
    }

    private void Deliver()
    {
        foreach (var (dueTicks, from, frame) in _underWay.GetConsumingEnumerable())
        {
            // Rounded up: Sleep counts whole milliseconds, and 0 would spin until the frame is due.
            if (Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), dueTicks) is { Ticks: > 0 } left)
                Thread.Sleep((int)Math.Ceiling(left.TotalMilliseconds));
            lock (_ports)
            {
                foreach (var port in _ports)
                {
                    if (port != from)
                        port.Device.Write(frame);
                }
            }
        }
    }

    private sealed class Port(TapDevice device)
    {
        public TapDevice Device { get; } = device;

        public Thread? Reader { get; set; }
    }
}
