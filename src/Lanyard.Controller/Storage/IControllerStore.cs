using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// Where a controller keeps its records. The controller holds them all in memory: it loads them once and then says what changed. The calls
/// that say so return at once and do not fail; a store that writes to a disk does it behind them, in order, and
/// <see cref="FlushAsync"/> tells when, and whether, it is done. A store has one controller, which calls it from one thread at a time,
/// except <see cref="FlushAsync"/> and <see cref="IsHealthy"/>, which may be called from any.
/// </summary>
public interface IControllerStore
{
    /// <summary>Whether what was said so far is, or will shortly be, stored: false after a write failed and until one succeeds.</summary>
    bool IsHealthy { get; }

    /// <summary>Everything stored. To be called once, before anything else.</summary>
    /// <exception cref="ControllerStoreException">It cannot be read.</exception>
    StoredRecords Load();

    /// <summary>A network is new or changed.</summary>
    void Save(NetworkRecord network);

    /// <summary>A member is new or changed; its network was saved before.</summary>
    void Save(MemberRecord member);

    /// <summary>A network is no more, nor are its members.</summary>
    void Delete(NetworkId network);

    /// <summary>A member is no more.</summary>
    void Delete(NetworkId network, NodeAddress member);

    /// <summary>Waits until everything said before this call is stored.</summary>
    /// <exception cref="ControllerStoreException">It could not be stored. It is not forgotten: the store goes on trying.</exception>
    Task FlushAsync(CancellationToken cancellationToken = default);
}

/// <summary>Everything that a store holds.</summary>
/// <param name="Networks">The networks.</param>
/// <param name="Members">The members of all of them.</param>
public sealed record StoredRecords(IReadOnlyList<NetworkRecord> Networks, IReadOnlyList<MemberRecord> Members);

/// <summary>A controller's records cannot be read or written. The message names the file and says what to do.</summary>
public sealed class ControllerStoreException : Exception
{
    /// <summary>With a message for people.</summary>
    public ControllerStoreException(string message)
        : base(message)
    {
    }

    /// <summary>With a message for people and the cause.</summary>
    public ControllerStoreException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
