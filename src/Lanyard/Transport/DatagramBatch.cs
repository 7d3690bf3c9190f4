using Lanyard.Primitives;

namespace Lanyard;

/// <summary>Room for the datagrams that are received in one go. Belongs to the thread that receives.</summary>
internal sealed class DatagramBatch
{
    /// <summary>
    /// The most datagrams in one go: few enough to stay in the processor's cache and to keep others waiting for the gate but briefly.
    /// </summary>
    public const int Capacity = 32;

    /// <summary>The longest datagram in bytes that nodes send, with room to see that one is too long.</summary>
    public const int SlotBytes = 10_240;

    private readonly byte[] _bytes = new byte[Capacity * SlotBytes];
    private readonly int[] _lengths = new int[Capacity];
    private readonly InetEndpoint[] _sources = new InetEndpoint[Capacity];

    public int Count { get; private set; }

    public bool HasRoom => Count < Capacity;

    /// <summary>The array under all of it.</summary>
    public byte[] Array => _bytes;

    /// <summary>Where in <see cref="Array"/> the next datagram goes: <see cref="SlotBytes"/> bytes.</summary>
    public int NextOffset => Count * SlotBytes;

    public void Clear() => Count = 0;

    /// <summary>The next datagram was received.</summary>
    public void Add(int length, InetEndpoint source)
    {
        _lengths[Count] = length;
        _sources[Count] = source;
        Count++;
    }

    public Span<byte> Datagram(int index) => _bytes.AsSpan(index * SlotBytes, _lengths[index]);

    public ref readonly InetEndpoint Source(int index) => ref _sources[index];
}
