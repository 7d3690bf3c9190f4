namespace Lanyard;

/// <summary>
/// Keeps a node's state over restarts: small named values, in the layout of a node's folder (<c>identity.secret</c>, <c>identity.public</c>,
/// <c>planet</c>, <c>moons.d/ID.moon</c>, <c>networks.d/ID.conf</c>, <c>networks.d/ID.local.conf</c>, <c>peers.d/ADDRESS.peer</c>).
/// </summary>
/// <remarks>Used by one node at a time, which calls it from any thread, but never from two at once. Calls should be quick.</remarks>
public interface ILanyardStore
{
    /// <summary>A value; null where there is none.</summary>
    /// <exception cref="LanyardStateException">It is there, but cannot be read.</exception>
    byte[]? Load(string name);

    /// <summary>Keeps a value in the place of the old one: all of it, or, where that fails, nothing.</summary>
    /// <exception cref="LanyardStateException">It cannot be written.</exception>
    void Save(string name, ReadOnlySpan<byte> value);

    /// <summary>Forgets a value. Does nothing where there is none.</summary>
    /// <exception cref="LanyardStateException">It cannot be deleted.</exception>
    void Delete(string name);

    /// <summary>The names in a folder such as <c>networks.d</c>, each with the folder in front.</summary>
    /// <exception cref="LanyardStateException">The folder cannot be read.</exception>
    IReadOnlyList<string> List(string folder);
}
