namespace Lanyard;

/// <summary>
/// Stores a node's state in memory, for tests and for nodes that need no state at the next start. Several nodes may use it one after the
/// other.
/// </summary>
public sealed class LanyardMemoryStore : ILanyardStore
{
    private readonly object _lock = new();
    private readonly SortedDictionary<string, byte[]> _values = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public byte[]? Load(string name)
    {
        lock (_lock)
            return _values.TryGetValue(name, out var value) ? (byte[])value.Clone() : null;
    }

    /// <inheritdoc/>
    public void Save(string name, ReadOnlySpan<byte> value)
    {
        lock (_lock)
            _values[name] = value.ToArray();
    }

    /// <inheritdoc/>
    public void Delete(string name)
    {
        lock (_lock)
            _values.Remove(name);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> List(string folder)
    {
        lock (_lock)
            return _values.Keys.Where(name => name.StartsWith(folder + "/", StringComparison.Ordinal)).ToArray();
    }
}
