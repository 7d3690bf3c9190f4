using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>Finds the end of a chunked body (RFC 9112 section 7.1), byte by byte, without storing it.</summary>
internal struct ChunkScanner
{
    private const int MaxSizeDigits = 15;

    // The limit for the extensions of a chunk, and for all trailer lines.
    private const int MaxLineBytes = 8_192;

    private State _state;
    private long _left;
    private int _count;

    private enum State
    {
        Size,
        Extension,
        SizeEnd,
        Data,
        DataReturn,
        DataEnd,
        TrailerStart,
        Trailer,
        TrailerEnd,
        LastEnd,
        Done,
        Malformed,
    }

    /// <summary>Whether the body is complete.</summary>
    public readonly bool IsDone => _state == State.Done;

    /// <summary>Processes received bytes.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="used">The number of these bytes that belong to the body.</param>
    /// <returns>False if the body is malformed.</returns>
    public bool TryAdvance(ReadOnlySpan<byte> bytes, out int used)
    {
        used = 0;
        while (used < bytes.Length && _state is not (State.Done or State.Malformed))
        {
            if (_state == State.Data)
            {
                var taken = (int)Math.Min(_left, bytes.Length - used);
                used += taken;
                _left -= taken;
                if (_left == 0)
                    _state = State.DataReturn;
                continue;
            }

            _state = Next(bytes[used++]);
        }

        return _state != State.Malformed;
    }

    private State Next(byte letter)
    {
        switch (_state)
        {
            case State.Size when Digit(letter) is >= 0 and var digit:
                _left = (_left << 4) | (uint)digit;
                return ++_count > MaxSizeDigits ? State.Malformed : State.Size;
            case State.Size when _count > 0 && letter is (byte)';' or (byte)' ' or (byte)'\t':
                _count = 0;
                return State.Extension;
            case State.Size when _count > 0 && letter == '\r':
                return State.SizeEnd;
            case State.Extension:
                return letter == '\r' ? State.SizeEnd : letter == '\n' || ++_count > MaxLineBytes ? State.Malformed : State.Extension;
            case State.SizeEnd when letter == '\n':
                _count = 0;
                return _left == 0 ? State.TrailerStart : State.Data;
            case State.DataReturn when letter == '\r':
                return State.DataEnd;
            case State.DataEnd when letter == '\n':
                _count = 0;
                return State.Size;
            case State.TrailerStart when letter == '\r':
                return State.LastEnd;
            case State.TrailerStart or State.Trailer:
                if (letter == '\r' && _state == State.Trailer)
                    return State.TrailerEnd;
                return letter == '\n' || ++_count > MaxLineBytes ? State.Malformed : State.Trailer;
            case State.TrailerEnd when letter == '\n':
                return State.TrailerStart;
            case State.LastEnd when letter == '\n':
                return State.Done;
            default:
                return State.Malformed;
        }
    }

    private static int Digit(byte letter) => letter switch
    {
        >= (byte)'0' and <= (byte)'9' => letter - '0',
        >= (byte)'a' and <= (byte)'f' => letter - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => letter - 'A' + 10,
        _ => -1,
    };
}

/// <summary>
/// A client's end that returns only the head and the body of one request. Later bytes are dropped, because they could be meant for another server. Disposing ends the client's
/// connection.
/// </summary>
internal sealed class HttpBodyEnd(BufferedEnd client, HttpProxyRequest request) : StreamEnd
{
    private readonly byte[] _scratch = new byte[512];
    private ReadOnlyMemory<byte> _head = request.Head;
    private ChunkScanner _chunks;
    private long _left = request.BodyLength;

    public override InetEndpoint Local => client.Local;

    public override InetEndpoint Remote => client.Remote;

    private bool IsOver => request.BodyKind == HttpBodyKind.Chunked ? _chunks.IsDone : _left == 0;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer)
    {
        if (_head.Length > 0)
        {
            var taken = Math.Min(_head.Length, buffer.Length);
            _head[..taken].CopyTo(buffer);
            _head = _head[taken..];
            return taken;
        }

        if (IsOver)
        {
            while (await client.ReadAsync(_scratch).ConfigureAwait(false) > 0)
            {
            }

            return 0;
        }

        if (buffer.IsEmpty)
            return await client.ReadAsync(buffer).ConfigureAwait(false);
        var read = await client.ReadAsync(buffer).ConfigureAwait(false);
        if (read == 0)
            throw new IOException("The client closed the connection in the middle of its request.");
        if (request.BodyKind == HttpBodyKind.Chunked)
            return _chunks.TryAdvance(buffer.Span[..read], out var used) ? used : throw new IOException("The client's request is malformed: its body is not chunked.");
        read = (int)Math.Min(read, _left);
        _left -= read;
        return read;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer) => client.WriteAsync(buffer);

    public override void ShutdownSend() => client.ShutdownSend();

    public override void Abort() => client.Abort();

    public override void Dispose() => client.Dispose();
}
