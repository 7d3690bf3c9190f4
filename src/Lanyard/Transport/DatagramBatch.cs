using Lanyard.Primitives;

namespace Lanyard;

/// <summary>The datagrams that were received in one go. Belongs to the thread that receives.</summary>
internal sealed class DatagramBatch
{
    private readonly Entry[] _entries;

    /// <summary>Makes room.</summary>
    /// <param name="bytes">For so many bytes of datagrams.</param>
    /// <param name="capacity">For so many datagrams at most.</param>
    public DatagramBatch(int bytes, int capacity)
    {
#if NET
        Bytes = GC.AllocateUninitializedArray<byte>(bytes, pinned: true);
#else
        Bytes = new byte[bytes];
#endif
        _entries = new Entry[capacity];
    }

    public int Count { get; private set; }

    public bool HasRoom => Count < _entries.Length;

    /// <summary>The array under all of it. It does not move in memory.</summary>
    public byte[] Bytes { get; }

    public void Clear() => Count = 0;

    /// <summary>A datagram was received; one for which there is no room is lost.</summary>
    public void Add(int offset, int length, in InetEndpoint source)
    {
        if (HasRoom)
            _entries[Count++] = new Entry(offset, length, source);
    }

    public Span<byte> Datagram(int index) => Bytes.AsSpan(_entries[index].Offset, _entries[index].Length);

    public ref readonly InetEndpoint Source(int index) => ref _entries[index].Source;

    private readonly struct Entry(int offset, int length, InetEndpoint source)
    {
        public readonly int Offset = offset;
        public readonly int Length = length;
        public readonly InetEndpoint Source = source;
    }
}
