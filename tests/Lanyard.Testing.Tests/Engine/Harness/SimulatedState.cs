using Lanyard.Engine;

namespace Lanyard.Testing.Tests;

/// <summary>The state that a simulated node keeps over restarts.</summary>
internal sealed class SimulatedState
{
    private readonly Dictionary<(StateKind, ulong), byte[]> _entries = [];

    /// <summary>How many things are kept.</summary>
    public int Count => _entries.Count;

    internal byte[]? Load(StateKind kind, ulong id) => _entries.GetValueOrDefault((kind, id));

    internal IReadOnlyList<ulong> List(StateKind kind) => [.. _entries.Keys.Where(key => key.Item1 == kind).Select(key => key.Item2).OrderBy(id => id)];

    internal void Save(StateKind kind, ulong id, ReadOnlySpan<byte> state) => _entries[(kind, id)] = state.ToArray();

    internal void Delete(StateKind kind, ulong id) => _entries.Remove((kind, id));
}
