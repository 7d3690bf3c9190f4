namespace Lanyard.Engine;

/// <summary>
/// Remembers which packets were sent lately, so that an OK is taken only as an answer to one of them. Holds the last
/// <see cref="Capacity"/> packet IDs; the lowest 32 bits do not count, since armouring may change some of them.
/// </summary>
internal sealed class ReplyWindow
{
    public const int Capacity = Buckets * Depth;
    private const int Buckets = 512;
    private const int Depth = 32;
    private readonly uint[] _ids = new uint[Capacity];
    private readonly byte[] _next = new byte[Buckets];

    public void Expect(ulong packetId)
    {
        var id = (uint)(packetId >> 32);
        var bucket = (int)(id % Buckets);
        _ids[(bucket * Depth) + _next[bucket]] = id;
        _next[bucket] = (byte)((_next[bucket] + 1) % Depth);
    }

    public bool IsExpected(ulong packetId)
    {
        var id = (uint)(packetId >> 32);
        return _ids.AsSpan((int)(id % Buckets) * Depth, Depth).IndexOf(id) >= 0;
    }
}
