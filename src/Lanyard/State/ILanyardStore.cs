namespace Lanyard;

/// <summary>
/// Stores a node's state between runs: small named values, in the layout of a node's folder (<c>identity.secret</c>, <c>identity.public</c>,
/// <c>planet</c>, <c>moons.d/ID.moon</c>, <c>networks.d/ID.conf</c>, <c>networks.d/ID.local.conf</c>, <c>peers.d/ADDRESS.peer</c>).
/// </summary>
/// <remarks>One node at a time uses a store. It calls from any thread, but calls never overlap. Calls should be quick.</remarks>
public interface ILanyardStore
{
    /// <summary>Returns a value; null if it does not exist.</summary>
    /// <exception cref="LanyardStateException">The value exists, but cannot be read.</exception>
    byte[]? Load(string name);

    /// <summary>Stores a value, atomically replacing the old value.</summary>
    /// <exception cref="LanyardStateException">The value cannot be written. The old value stays.</exception>
    void Save(string name, ReadOnlySpan<byte> value);

    /// <summary>Deletes a value, if it exists.</summary>
    /// <exception cref="LanyardStateException">The value cannot be deleted.</exception>
    void Delete(string name);

    /// <summary>Returns the names of the values in a folder such as <c>networks.d</c>, each with the folder as a prefix.</summary>
    /// <exception cref="LanyardStateException">The folder cannot be read.</exception>
    IReadOnlyList<string> List(string folder);
}
