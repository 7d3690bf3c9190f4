using Lanyard.Primitives;

namespace Lanyard;

/// <summary>The options of a capture. Immutable.</summary>
public sealed record LanyardCaptureOptions
{
    /// <summary>The number of bytes to keep of each frame, including its 14-byte Ethernet header; 0, the default, for all.</summary>
    public int SnapLength { get; init; }

    /// <summary>The maximum number of bytes queued for writing. Frames beyond it are dropped and counted. Default 16 MiB, at least 256
    /// KiB.</summary>
    public int BufferBytes { get; init; } = 16 << 20;

    /// <summary>After how many frames the capture ends by itself; 0, the default, never.</summary>
    public long MaxFrames { get; init; }

    /// <summary>Whether the stream stays open when the capture has ended. Default false.</summary>
    public bool LeaveOpen { get; init; }
}

/// <summary>
/// Writes the frames that a node sends and receives on a virtual network to a stream, as pcapng with Ethernet headers, times in
/// microseconds and each frame's direction: Wireshark and <c>tcpdump -r</c> read it. Made by <see cref="LanyardNetwork.Capture"/>.
/// </summary>
/// <remarks>
/// Frames are copied as the node handles them and written by a task of the capture's own; a slow stream loses frames, which are counted,
/// and never holds up the node. Packets of the node to itself do not reach the network and are not captured.
/// </remarks>
public sealed class LanyardCapture : IAsyncDisposable
{
    private const int MinBufferBytes = 256 << 10;
    private const int FirstBufferBytes = 64 << 10;

    private readonly object _lock = new();
    private readonly SemaphoreSlim _work = new(0);
    private readonly NetworkPort _port;
    private readonly Stream _stream;
    private readonly LanyardCaptureOptions _options;
    private readonly int _snapLength;
    private readonly int _halfBytes;

    // One is filled while the other is written.
    private byte[] _filling = new byte[FirstBufferBytes];
    private byte[] _writing = new byte[FirstBufferBytes];
    private int _filled;
    private long _frames;
    private long _dropped;
    private bool _isEnding;

    /// <summary>Begins. Under the gate.</summary>
    internal LanyardCapture(NetworkPort port, Stream stream, LanyardCaptureOptions options)
    {
        _port = port;
        _stream = stream;
        _options = options;
        _snapLength = options.SnapLength > 0 ? options.SnapLength : int.MaxValue;
        _halfBytes = Math.Max(options.BufferBytes, MinBufferBytes) / 2;
        _filled = PcapNgFormat.WriteHeader(_filling, port.Engine.Id.ToString(), port.Engine.Mac, options.SnapLength);
        _work.Release();
        port.AddCapture(this);
        Completion = Task.Run(WriteAsync);
    }

    /// <summary>Ends when the capture has: it was disposed of, has all the frames that it was to have, the network was left or the node
    /// ended, or, with that exception, the stream failed.</summary>
    public Task Completion { get; }

    /// <summary>Frames captured.</summary>
    public long Frames => Interlocked.Read(ref _frames);

    /// <summary>Frames not captured because too many waited to be written.</summary>
    public long DroppedFrames => Interlocked.Read(ref _dropped);

    /// <summary>Ends the capture and waits until all that was captured is written. Does not throw where the stream failed:
    /// <see cref="Completion"/> tells.</summary>
    public async ValueTask DisposeAsync()
    {
        End();
        await Task.WhenAny(Completion).ConfigureAwait(false);
    }

    /// <summary>Takes a frame. Under the gate.</summary>
    internal void Record(bool isOutbound, MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> packet)
    {
        var clock = _port.Runtime.Clock;
        var microseconds = clock.Microseconds;
        var time = (clock.ToMs(microseconds) * 1_000) + (microseconds % 1_000);
        lock (_lock)
        {
            if (_isEnding)
                return;
            var kept = Math.Min(packet.Length, Math.Max(0, _snapLength - PcapNgFormat.EthernetBytes));
            var length = PcapNgFormat.FrameBytes(kept);
            if (!TryMakeRoom(length))
            {
                _dropped++;
                return;
            }

            PcapNgFormat.WriteFrame(_filling.AsSpan(_filled, length), time, isOutbound, source, destination, etherType, packet, kept);
            if (_filled == 0)
                _work.Release();
            _filled += length;
            _frames++;
            if (_options.MaxFrames > 0 && _frames >= _options.MaxFrames)
                EndLocked();
        }
    }

    /// <summary>Takes no more frames; what was taken is still written.</summary>
    internal void End()
    {
        lock (_lock)
            EndLocked();
    }

    private void EndLocked()
    {
        if (_isEnding)
            return;
        _isEnding = true;
        _work.Release();
    }

    // Room for the end of the file is always left.
    private bool TryMakeRoom(int length)
    {
        var needed = _filled + length + PcapNgFormat.StatisticsBytes;
        if (needed <= _filling.Length)
            return true;
        if (needed > _halfBytes)
            return false;
        Array.Resize(ref _filling, Math.Min(_halfBytes, Math.Max(needed, _filling.Length * 2)));
        return true;
    }

    private async Task WriteAsync()
    {
        try
        {
            bool isLast;
            do
            {
                await _work.WaitAsync().ConfigureAwait(false);
                isLast = Swap(out var length);
                await _stream.WriteAsync(_writing.AsMemory(0, length)).ConfigureAwait(false);
                await _stream.FlushAsync().ConfigureAwait(false);
            }
            while (!isLast);
        }
        finally
        {
            End();
            using (new GateHold(_port.Runtime))
                _port.RemoveCapture(this);
            if (!_options.LeaveOpen)
                await _stream.DisposeAsync().ConfigureAwait(false);
        }
    }

    // What was filled is to be written. True if nothing follows; then the file's end is part of it.
    private bool Swap(out int length)
    {
        lock (_lock)
        {
            if (_isEnding)
                _filled += PcapNgFormat.WriteStatistics(_filling.AsSpan(_filled), _frames, _dropped);
            length = _filled;
            (_filling, _writing) = (_writing, _filling);
            _filled = 0;
            return _isEnding;
        }
    }
}
