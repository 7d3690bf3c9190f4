using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// Persists a controller's records. The controller holds all records in memory: it loads them once, then reports each change. The calls that report changes return
/// immediately and do not fail; a store on a disk writes asynchronously, in order. <see cref="FlushAsync"/> completes when everything is written. One controller uses a
/// store, from one thread at a time; <see cref="FlushAsync"/> and <see cref="IsHealthy"/> may be called from any thread.
/// </summary>
public interface IControllerStore
{
    /// <summary>Whether writing works: false from a failed write until the next successful one.</summary>
    bool IsHealthy { get; }

    /// <summary>Loads all records. Called once, before any other method.</summary>
    /// <exception cref="ControllerStoreException">The records cannot be read.</exception>
    StoredRecords Load();

    /// <summary>Saves a new or changed network.</summary>
    void Save(NetworkRecord network);

    /// <summary>Saves a new or changed member. Its network was saved before.</summary>
    void Save(MemberRecord member);

    /// <summary>Deletes a network and its members.</summary>
    void Delete(NetworkId network);

    /// <summary>Deletes a member.</summary>
    void Delete(NetworkId network, NodeAddress member);

    /// <summary>Saves an upper bound of the timestamps of signed credentials, in milliseconds since 1970.</summary>
    void SaveSignedUntil(long timeMs);

    /// <summary>Waits until all changes reported before this call are written.</summary>
    /// <exception cref="ControllerStoreException">A write failed. The store keeps the changes and retries.</exception>
    Task FlushAsync(CancellationToken cancellationToken = default);
}

/// <summary>The records of a store.</summary>
/// <param name="Networks">The networks.</param>
/// <param name="Members">The members of all of them.</param>
/// <param name="SignedUntilMs">The last value of <see cref="IControllerStore.SaveSignedUntil"/>; 0 if none.</param>
public sealed record StoredRecords(IReadOnlyList<NetworkRecord> Networks, IReadOnlyList<MemberRecord> Members, long SignedUntilMs = 0);

/// <summary>Thrown when a controller's records cannot be read or written. The message names the file and the remedy.</summary>
public sealed class ControllerStoreException : Exception
{
    /// <summary>Creates the exception with a message.</summary>
    public ControllerStoreException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    public ControllerStoreException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
