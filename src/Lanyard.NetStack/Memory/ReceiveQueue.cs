namespace Lanyard.NetStack;

/// <summary>The bounded queue of packets that a socket has received, in buffers of the host.</summary>
/// <typeparam name="TInfo">The facts about a packet.</typeparam>
internal sealed class ReceiveQueue<TInfo>(NetworkHost host, HostCounter whenFull)
{
    // The cost of a packet beyond its payload, so that empty packets fill the queue as well.
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

    /// <summary>Dequeues the oldest packet and truncates it to the destination. Returns false if there is none.</summary>
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
