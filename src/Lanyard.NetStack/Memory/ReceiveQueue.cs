namespace Lanyard.NetStack;

/// <summary>What a socket has received and its owner has not taken: each with what is told of it, in buffers of the host, bounded.</summary>
/// <typeparam name="TInfo">What is told of each.</typeparam>
internal sealed class ReceiveQueue<TInfo>(NetworkHost host, HostCounter whenFull)
{
    // What each counts beyond its payload, so that empty ones fill the queue as well.
    private const int OverheadBytes = 256;

    private readonly Queue<(byte[] Buffer, int Length, TInfo Info)> _queue = new();
    private int _bytes;

    public int Count => _queue.Count;

    /// <summary>The length of the oldest; 0 if there is none.</summary>
    public int NextLength => _queue.TryPeek(out var next) ? next.Length : 0;

    /// <summary>Keeps a copy of a payload. False, counted, beyond the limit or where the host has no buffer.</summary>
    public bool TryAdd(ReadOnlySpan<byte> payload, TInfo info, int limitBytes)
    {
        if (_bytes + payload.Length + OverheadBytes > limitBytes)
        {
            host.Count(whenFull);
            return false;
        }

        if (host.Pool.Rent(payload.Length) is not { } buffer)
        {
            host.Count(HostCounter.OutOfMemory);
            return false;
        }

        payload.CopyTo(buffer);
        _bytes += payload.Length + OverheadBytes;
        _queue.Enqueue((buffer, payload.Length, info));
        return true;
    }

    /// <summary>Takes the oldest; what does not fit is cut off. False if there is none.</summary>
    public bool TryTake(Span<byte> destination, out TInfo info)
    {
        if (!_queue.TryDequeue(out var queued))
        {
            info = default!;
            return false;
        }

        info = queued.Info;
        queued.Buffer.AsSpan(0, Math.Min(queued.Length, destination.Length)).CopyTo(destination);
        _bytes -= queued.Length + OverheadBytes;
        host.Pool.Return(queued.Buffer);
        return true;
    }

    public void Clear()
    {
        while (_queue.TryDequeue(out var queued))
            host.Pool.Return(queued.Buffer);
        _bytes = 0;
    }
}
