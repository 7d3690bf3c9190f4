namespace Lanyard.Primitives;

/// <summary>
/// Counts a table's entries by the <see cref="InetAddress.SourcePrefix"/> of their source, to find the heaviest user when one entry must make way. Prefixes
/// with the same hash count as one.
/// </summary>
public readonly ref struct PrefixTally
{
    /// <summary>The length of the memory for the counts.</summary>
    public const int Slots = 256;

    private readonly Span<ushort> _counts;
    private readonly ulong _key;

    /// <summary>Begins with all counts 0.</summary>
    /// <param name="counts">Memory of <see cref="Slots"/> numbers; its content is lost.</param>
    /// <param name="key">The key of the hash.</param>
    public PrefixTally(Span<ushort> counts, ulong key)
    {
        _counts = counts[..Slots];
        _counts.Clear();
        _key = key;
    }

    /// <summary>Counts an entry.</summary>
    public void Add(InetAddress source) => _counts[Slot(source)]++;

    /// <summary>Returns the number of entries of a source's prefix.</summary>
    public int CountOf(InetAddress source) => _counts[Slot(source)];

    private int Slot(InetAddress source) => (int)(KeyedHash.Of(source.SourcePrefix, _key) % Slots);
}
