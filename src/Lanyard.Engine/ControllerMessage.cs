using Lanyard.Wire;

namespace Lanyard.Engine;

/// <summary>The kinds of messages from a controller to a node.</summary>
public enum ControllerMessageKind
{
    /// <summary>A configuration: OK(NETWORK_CONFIG_REQUEST) in reply to a request, otherwise NETWORK_CONFIG.</summary>
    Config,

    /// <summary>The network does not exist: ERROR(NETWORK_CONFIG_REQUEST) with OBJ_NOT_FOUND.</summary>
    NotFound,

    /// <summary>The node is not authorized: ERROR(NETWORK_CONFIG_REQUEST) with NETWORK_ACCESS_DENIED.</summary>
    AccessDenied,

    /// <summary>A credential of another member is revoked: NETWORK_CREDENTIALS with the revocation.</summary>
    Revocation,
}

/// <summary>A message from a controller to a node.</summary>
public sealed record ControllerMessage
{
    /// <summary>The receiver.</summary>
    public required NodeAddress To { get; init; }

    /// <summary>The network.</summary>
    public required NetworkId Network { get; init; }

    /// <summary>The kind of message.</summary>
    public required ControllerMessageKind Kind { get; init; }

    /// <summary>The configuration with signed credentials; set if <see cref="Kind"/> is <see cref="ControllerMessageKind.Config"/>.</summary>
    public NetworkConfig? Config { get; init; }

    /// <summary>The signed revocation; set if <see cref="Kind"/> is <see cref="ControllerMessageKind.Revocation"/>.</summary>
    public Revocation? Revocation { get; init; }

    /// <summary>
    /// The packet that this replies to; 0 for a configuration or revocation that was not requested. A refusal that was not requested replies to the node's last
    /// request again, because an ERROR always names a packet.
    /// </summary>
    public ulong InReplyTo { get; init; }

    /// <summary>Creates a message that pushes a new configuration, which the member did not request.</summary>
    public static ControllerMessage Push(NodeAddress to, NetworkConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return new ControllerMessage { To = to, Network = config.NetworkId, Kind = ControllerMessageKind.Config, Config = config };
    }

    /// <summary>Creates a message that revokes a credential.</summary>
    public static ControllerMessage Revoke(NodeAddress to, Revocation revocation)
    {
        ArgumentNullException.ThrowIfNull(revocation);
        return new ControllerMessage { To = to, Network = revocation.NetworkId, Kind = ControllerMessageKind.Revocation, Revocation = revocation };
    }
}
