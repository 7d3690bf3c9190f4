using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>What a controller tells a node.</summary>
public enum ControllerMessageKind
{
    /// <summary>Its configuration: OK(NETWORK_CONFIG_REQUEST) in answer to a request, else NETWORK_CONFIG.</summary>
    Config,

    /// <summary>There is no such network: ERROR(NETWORK_CONFIG_REQUEST) with OBJ_NOT_FOUND.</summary>
    NotFound,

    /// <summary>The node may not be on the network: ERROR(NETWORK_CONFIG_REQUEST) with NETWORK_ACCESS_DENIED.</summary>
    AccessDenied,

    /// <summary>Another member's certificate no longer counts: NETWORK_CREDENTIALS with the revocation.</summary>
    Revocation,
}

/// <summary>What a controller tells a node, ready to be put into packets.</summary>
public sealed record ControllerMessage
{
    /// <summary>The receiver.</summary>
    public required NodeAddress To { get; init; }

    /// <summary>The network.</summary>
    public required NetworkId Network { get; init; }

    /// <summary>What it is.</summary>
    public required ControllerMessageKind Kind { get; init; }

    /// <summary>For <see cref="ControllerMessageKind.Config"/>: the configuration, its credentials signed.</summary>
    public NetworkConfig? Config { get; init; }

    /// <summary>For <see cref="ControllerMessageKind.Revocation"/>: the revocation, signed.</summary>
    public Revocation? Revocation { get; init; }

    /// <summary>
    /// The packet that this answers; 0 for a configuration or revocation that was not asked for. An error that was not asked for answers the
    /// node's last request once more, as errors cannot stand alone.
    /// </summary>
    public ulong InReplyTo { get; init; }
}

/// <summary>Why a request was answered as it was.</summary>
public enum ControllerReason
{
    /// <summary>The node is a member: it gets its configuration.</summary>
    Member,

    /// <summary>The network is another controller's. Not answered.</summary>
    NotOurNetwork,

    /// <summary>There is no such network.</summary>
    NoSuchNetwork,

    /// <summary>The member asked less than <see cref="ControllerLimits.MinRequestInterval"/> before. Not answered.</summary>
    TooSoon,

    /// <summary>The network is private and the node not authorized. It is recorded for somebody to authorize.</summary>
    NotAuthorized,

    /// <summary>As <see cref="NotAuthorized"/>, but so many unknown nodes ask that this one is not recorded.</summary>
    NotRecorded,

    /// <summary>Another identity of the same address is known.</summary>
    IdentityMismatch,

    /// <summary>The network has as many members as it may have.</summary>
    NetworkFull,
}

/// <summary>A controller's answer to a request.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Message">What to send, or <see langword="null"/> to send nothing.</param>
public readonly record struct ControllerAnswer(ControllerReason Reason, ControllerMessage? Message);
