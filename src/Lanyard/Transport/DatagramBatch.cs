using Lanyard.Engine.Packets;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>
/// What was received in one go: runs of datagrams, each from one source, one behind the other and of one length but for a shorter last one.
/// Belongs to the thread that receives.
/// </summary>
internal sealed class DatagramBatch
{
    private readonly Entry[] _entries;
    private readonly OpenedPackets[] _opened;

    /// <summary>Makes room.</summary>
    /// <param name="bytes">For so many bytes of datagrams.</param>
    /// <param name="capacity">For so many runs at most.</param>
    public DatagramBatch(int bytes, int capacity)
    {
#if NET
        Bytes = GC.AllocateUninitializedArray<byte>(bytes, pinned: true);
#else
        Bytes = new byte[bytes];
#endif
        _entries = new Entry[capacity];
        _opened = new OpenedPackets[capacity];
        for (var i = 0; i < capacity; i++)
            _opened[i] = new OpenedPackets();
    }

    public int Count { get; private set; }

    public bool HasRoom => Count < _entries.Length;

    /// <summary>The array under all of it. It does not move in memory.</summary>
    public byte[] Bytes { get; }

    /// <summary>Whether much more waits in the system, as far as it tells.</summary>
    public bool IsBacklogged { get; set; }

    public void Clear() => Count = 0;

    /// <summary>A run was received.</summary>
    public void Add(int offset, int length, int datagramBytes, in InetEndpoint source) =>
        _entries[Count++] = new Entry(offset, length, datagramBytes, source);

    public Span<byte> Run(int index) => Bytes.AsSpan(_entries[index].Offset, _entries[index].Length);

    /// <summary>The length of a run's datagrams.</summary>
    public int DatagramBytes(int index) => _entries[index].DatagramBytes;

    /// <summary>The opened packets of a run.</summary>
    public OpenedPackets Opened(int index) => _opened[index];

    public ref readonly InetEndpoint Source(int index) => ref _entries[index].Source;

    private readonly struct Entry(int offset, int length, int datagramBytes, InetEndpoint source)
    {
        public readonly int Offset = offset;
        public readonly int Length = length;
        public readonly int DatagramBytes = datagramBytes;
        public readonly InetEndpoint Source = source;
    }
}
