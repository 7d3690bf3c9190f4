using Lanyard.Engine;

namespace Lanyard.Controller;

/// <summary>The outcome of a request.</summary>
public enum ControllerReason
{
    /// <summary>The node is a member and gets its configuration.</summary>
    Member,

    /// <summary>The network belongs to another controller. The node gets no reply.</summary>
    NotOurNetwork,

    /// <summary>The network does not exist.</summary>
    NoSuchNetwork,

    /// <summary>The member's previous request is less than <see cref="ControllerLimits.MinRequestInterval"/> ago. The node gets no reply.</summary>
    TooSoon,

    /// <summary>The network is private and the node is not authorized. The node is recorded, so that it can be authorized.</summary>
    NotAuthorized,

    /// <summary>As <see cref="NotAuthorized"/>, but the node is not recorded because too many unknown nodes send requests.</summary>
    NotRecorded,

    /// <summary>The controller knows another identity with the same address.</summary>
    IdentityMismatch,

    /// <summary>The network has the maximum number of members.</summary>
    NetworkFull,
}

/// <summary>A controller's reply to a request.</summary>
/// <param name="Reason">The outcome.</param>
/// <param name="Message">The message to send; <see langword="null"/> for no reply.</param>
public readonly record struct ControllerReply(ControllerReason Reason, ControllerMessage? Message);
