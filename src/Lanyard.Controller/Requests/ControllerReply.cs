using Lanyard.Engine;

namespace Lanyard.Controller;

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
public readonly record struct ControllerReply(ControllerReason Reason, ControllerMessage? Message);
