using Lanyard.Wire;

namespace Lanyard.Service;

/// <summary>The section <c>lanyard.intercept</c> of <c>local.conf</c>, for programs whose sockets are redirected. Immutable.</summary>
internal sealed record InterceptSettings
{
    /// <summary>The path of the service's local socket for programs; null for the default in the folder.</summary>
    public string? SocketPath { get; init; }

    /// <summary>The file mode of the socket; null for the default.</summary>
    public UnixFileMode? SocketMode { get; init; }

    /// <summary>The networks that users' programs may use.</summary>
    public InterceptUsers Users { get; init; } = InterceptUsers.Anyone;
}

/// <summary>The networks that users' programs may use. Immutable.</summary>
/// <param name="users">The networks by user ID; null for all networks.</param>
/// <param name="others">The networks of all other users; null for all networks.</param>
internal sealed class InterceptUsers(IReadOnlyDictionary<uint, IReadOnlySet<NetworkId>?> users, IReadOnlySet<NetworkId>? others)
{
    /// <summary>All users that may connect to the socket may use all networks.</summary>
    public static InterceptUsers Anyone { get; } = new(new Dictionary<uint, IReadOnlySet<NetworkId>?>(), null);

    /// <summary>Returns whether a user's programs may use a network. Programs of the superuser and of the service's own user may use all networks.</summary>
    public bool MayUse(uint user, NetworkId network)
    {
        if (user == SystemAccounts.Superuser || user == SystemAccounts.Own)
            return true;
        var networks = users.TryGetValue(user, out var named) ? named : others;
        return networks is null || networks.Contains(network);
    }
}
