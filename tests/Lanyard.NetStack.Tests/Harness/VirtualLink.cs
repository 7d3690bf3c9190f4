using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>What one direction of a virtual link does to frames. Probabilities are 0 to 1, times in microseconds.</summary>
internal sealed record LinkOptions
{
    public long Delay { get; init; }

    /// <summary>A random extra delay up to so much, which reorders.</summary>
    public long Jitter { get; init; }

    /// <summary>How probable it is that a frame is held back by <see cref="ReorderDelay"/>.</summary>
    public double Reorder { get; init; }

    public long ReorderDelay { get; init; } = 1_000;

    public double Loss { get; init; }

    public double Duplicate { get; init; }

    public double Corrupt { get; init; }

    /// <summary>0 for no limit.</summary>
    public long BitsPerSecond { get; init; }

    /// <summary>Bytes that wait for the bandwidth before frames are dropped.</summary>
    public int QueueBytes { get; init; } = 256 << 10;

    /// <summary>Bytes waiting for the bandwidth beyond which packets that may be marked for congestion are; 0 marks none.</summary>
    public int MarkAboveBytes { get; init; }

    /// <summary>Decides, beside chance, which frames are lost.</summary>
    public Func<Frame, bool>? Drop { get; init; }
}

/// <summary>A frame as it travels.</summary>
internal sealed class Frame
{
    public byte[] Bytes = new byte[256];
    public int Length;
    public MacAddress Source;
    public MacAddress Destination;
    public ushort EtherType;

    public ReadOnlySpan<byte> Packet => Bytes.AsSpan(0, Length);
}

/// <summary>One direction of a link in virtual time, with faults from a seed. Frames are recycled, so a warm link allocates
/// nothing.</summary>
internal sealed class VirtualLink(LinkOptions options, int seed, Func<long> clock, MacAddress source) : IFrameSink
{
    private readonly Random _random = new(seed);
    private readonly PriorityQueue<Frame, (long At, long Order)> _traveling = new();
    private readonly Queue<Frame> _instant = new();
    private readonly Stack<Frame> _free = new();
    private Frame? _rented;
    private long _order;
    private long _busyUntil;

    public LinkOptions Options { get; set; } = options;

    /// <summary>Sees every frame that is sent, before faults.</summary>
    public Action<Frame>? Tap { get; set; }

    public int Flushes { get; private set; }

    public long Lost { get; private set; }

    public long Marked { get; private set; }

    public long NextArrival => _instant.Count > 0 ? 0 : _traveling.TryPeek(out _, out var key) ? key.At : long.MaxValue;

    public Span<byte> Rent(MacAddress destination, ushort etherType, int length)
    {
        _rented ??= Take(length);
        if (_rented.Bytes.Length < length)
            _rented.Bytes = new byte[length];
        _rented.Destination = destination;
        _rented.EtherType = etherType;
        _rented.Source = source;
        return _rented.Bytes.AsSpan(0, length);
    }

    public void Commit(int length)
    {
        var frame = _rented!;
        _rented = null;
        frame.Length = length;
        Send(frame);
    }

    public void Flush() => Flushes++;

    /// <summary>Puts a frame on the link from outside a host.</summary>
    public void Send(Frame frame)
    {
        Tap?.Invoke(frame);
        var link = Options;
        if ((link.Drop is { } drop && drop(frame)) || (link.Loss > 0 && _random.NextDouble() < link.Loss))
        {
            Lose(frame);
            return;
        }

        if (link is { Delay: 0, Jitter: 0, BitsPerSecond: 0, Reorder: 0, Duplicate: 0, Corrupt: 0 })
        {
            _instant.Enqueue(frame);
            return;
        }

        var now = clock();
        var at = now + link.Delay;
        if (link.BitsPerSecond > 0)
        {
            var start = Math.Max(now, _busyUntil);
            var waiting = (start - now) * link.BitsPerSecond / 8_000_000;
            if (waiting > link.QueueBytes)
            {
                Lose(frame);
                return;
            }

            if (link.MarkAboveBytes > 0 && waiting > link.MarkAboveBytes)
                Mark(frame);

            _busyUntil = start + Math.Max(1, frame.Length * 8_000_000L / link.BitsPerSecond);
            at = _busyUntil + link.Delay;
        }

        if (link.Jitter > 0)
            at += _random.NextInt64(link.Jitter);
        if (link.Reorder > 0 && _random.NextDouble() < link.Reorder)
            at += link.ReorderDelay;
        if (link.Duplicate > 0 && _random.NextDouble() < link.Duplicate)
        {
            var copy = Take(frame.Length);
            frame.Packet.CopyTo(copy.Bytes);
            (copy.Length, copy.Source, copy.Destination, copy.EtherType) = (frame.Length, frame.Source, frame.Destination, frame.EtherType);
            _traveling.Enqueue(copy, (at + _random.NextInt64(2_000), _order++));
        }

        if (link.Corrupt > 0 && _random.NextDouble() < link.Corrupt)
            frame.Bytes[_random.Next(frame.Length)] ^= (byte)(1 << _random.Next(8));
        _traveling.Enqueue(frame, (at, _order++));
    }

    /// <summary>Takes a frame that has arrived; give it back with <see cref="Recycle"/>.</summary>
    public bool TryTake(long now, out Frame frame)
    {
        if (_instant.TryDequeue(out frame!))
            return true;
        return _traveling.TryPeek(out _, out var key) && key.At <= now && _traveling.TryDequeue(out frame!, out _);
    }

    public void Recycle(Frame frame) => _free.Push(frame);

    // What a router does instead of dropping (RFC 3168 section 5).
    private void Mark(Frame frame)
    {
        var v6 = frame.EtherType == NetworkHost.EtherTypeIPv6;
        var shift = v6 ? 4 : 0;
        if (frame.EtherType == NetworkHost.EtherTypeArp || ((frame.Bytes[1] >> shift) & 3) is 0 or 3)
            return;
        frame.Bytes[1] |= (byte)(3 << shift);
        Marked++;
        if (v6)
            return;
        var header = frame.Bytes.AsSpan(0, Ipv4Packet.HeaderBytes);
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], InternetChecksum.Finish(InternetChecksum.Sum(header)));
    }

    private void Lose(Frame frame)
    {
        Lost++;
        Recycle(frame);
    }

    private Frame Take(int length)
    {
        if (!_free.TryPop(out var frame))
            frame = new Frame();
        if (frame.Bytes.Length < length)
            frame.Bytes = new byte[Math.Max(length, 4096)];
        return frame;
    }
}
