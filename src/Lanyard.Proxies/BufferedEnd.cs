using System.Buffers;
using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>A client's end whose first bytes are inspected before they are relayed. One reader at a time.</summary>
internal sealed class BufferedEnd(StreamEnd inner) : StreamEnd
{
    private const int FirstBytes = 1_024;

    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private Task<bool>? _filling;

    public override InetEndpoint Local => inner.Local;

    public override InetEndpoint Remote => inner.Remote;

    /// <summary>The bytes that were read and not consumed.</summary>
    public ReadOnlySpan<byte> Buffered => _buffer.AsSpan(_start, _end - _start);

    public override bool HasMore => _start < _end || (_filling is null && inner.HasMore);

    /// <summary>Reads more bytes into the buffer.</summary>
    /// <returns>False at the end of the stream.</returns>
    public Task<bool> FillAsync() => _filling = FillOnceAsync(_filling);

    /// <summary>Consumes some of <see cref="Buffered"/>.</summary>
    public void Consume(int bytes) => _start += bytes;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer)
    {
        if (_filling is { } filling)
        {
            await filling.ConfigureAwait(false);
            _filling = null;
        }

        var length = Math.Min(_end - _start, buffer.Length);
        if (_end > _start)
        {
            _buffer.AsSpan(_start, length).CopyTo(buffer.Span);
            _start += length;
            if (_start == _end)
                ReturnBuffer();
            return length;
        }

        return await inner.ReadAsync(buffer).ConfigureAwait(false);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer) => inner.WriteAsync(buffer);

    public override void ShutdownSend() => inner.ShutdownSend();

    public override void Abort() => inner.Abort();

    public override void Dispose()
    {
        inner.Dispose();
        // A pending read still uses the buffer. Leave the buffer to the garbage collector then.
        if (_filling is null or { IsCompleted: true })
            ReturnBuffer();
    }

    private async Task<bool> FillOnceAsync(Task<bool>? before)
    {
        if (before is not null && !await before.ConfigureAwait(false))
            return false;
        if (_end == _buffer.Length)
            MakeRoom();
        var read = await inner.ReadAsync(_buffer.AsMemory(_end)).ConfigureAwait(false);
        _end += read;
        return read > 0;
    }

    private void MakeRoom()
    {
        var length = _end - _start;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(FirstBytes, length * 2));
        _buffer.AsSpan(_start, length).CopyTo(larger);
        ReturnBuffer();
        _buffer = larger;
        _start = 0;
        _end = length;
    }

    private void ReturnBuffer()
    {
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _start = _end = 0;
    }
}
