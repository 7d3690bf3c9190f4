using Lanyard.Wire;

namespace Lanyard.Service;

/// <summary>What the section <c>lanyard.intercept</c> of <c>local.conf</c> says about programs whose sockets are redirected. Immutable.</summary>
internal sealed record InterceptSettings
{
    /// <summary>The local socket that programs find the service at; null for the one in the folder.</summary>
    public string? SocketPath { get; init; }

    /// <summary>Who may ask at all; null for the default.</summary>
    public UnixFileMode? SocketMode { get; init; }

    /// <summary>Which users' programs may use which networks.</summary>
    public InterceptUsers Users { get; init; } = InterceptUsers.Anyone;
}

/// <summary>Which users' programs may use which networks. Immutable.</summary>
/// <param name="users">The networks of users, by their numbers; null for all networks.</param>
/// <param name="others">The networks of all other users; null for all networks.</param>
internal sealed class InterceptUsers(IReadOnlyDictionary<uint, IReadOnlySet<NetworkId>?> users, IReadOnlySet<NetworkId>? others)
{
    /// <summary>Who can ask may use all networks.</summary>
    public static InterceptUsers Anyone { get; } = new(new Dictionary<uint, IReadOnlySet<NetworkId>?>(), null);

    /// <summary>Whether a user's programs may use a network. The superuser's and those of the service's own user may always.</summary>
    public bool MayUse(uint user, NetworkId network)
    {
        if (user == SystemAccounts.Superuser || user == SystemAccounts.Own)
            return true;
        var networks = users.TryGetValue(user, out var named) ? named : others;
        return networks is null || networks.Contains(network);
    }
}
