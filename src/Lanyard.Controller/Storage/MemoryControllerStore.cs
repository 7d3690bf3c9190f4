using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>Keeps a controller's records in memory only, for tests and for networks that exist as long as the process.</summary>
public sealed class MemoryControllerStore : IControllerStore
{
    private readonly Dictionary<NetworkId, NetworkRecord> _networks = [];
    private readonly Dictionary<(NetworkId Network, NodeAddress Address), MemberRecord> _members = [];
    private long _signedUntilMs;

    /// <inheritdoc/>
    public bool IsHealthy => true;

    /// <summary>Returns all records.</summary>
    public StoredRecords Load() => new([.. _networks.Values], [.. _members.Values], _signedUntilMs);

    /// <inheritdoc/>
    public void Save(NetworkRecord network)
    {
        ArgumentNullException.ThrowIfNull(network);
        _networks[network.Id] = network;
    }

    /// <inheritdoc/>
    public void Save(MemberRecord member)
    {
        ArgumentNullException.ThrowIfNull(member);
        _members[(member.Network, member.Address)] = member;
    }

    /// <inheritdoc/>
    public void Delete(NetworkId network)
    {
        _networks.Remove(network);
        foreach (var key in _members.Keys.Where(key => key.Network == network).ToList())
            _members.Remove(key);
    }

    /// <inheritdoc/>
    public void Delete(NetworkId network, NodeAddress member) => _members.Remove((network, member));

    /// <inheritdoc/>
    public void SaveSignedUntil(long timeMs) => _signedUntilMs = timeMs;

    /// <inheritdoc/>
    public Task FlushAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;
}
