namespace Lanyard.Controller;

/// <summary>Counters of a controller since it was created.</summary>
public readonly record struct ControllerCounters
{
    /// <summary>Requests, with or without a reply.</summary>
    public long Requests { get; init; }

    /// <summary>Configurations sent in reply to requests.</summary>
    public long Configs { get; init; }

    /// <summary>Configurations sent because of a change.</summary>
    public long Pushes { get; init; }

    /// <summary>Revoked memberships.</summary>
    public long Revocations { get; init; }

    /// <summary>Requests for networks that do not exist or belong to another controller.</summary>
    public long NoSuchNetwork { get; init; }

    /// <summary>Requests too soon after the member's previous request.</summary>
    public long TooSoon { get; init; }

    /// <summary>Requests from nodes that are not authorized, recorded or not.</summary>
    public long NotAuthorized { get; init; }

    /// <summary>Of these, requests from nodes that were not recorded because of a limit.</summary>
    public long NotRecorded { get; init; }

    /// <summary>Requests from an address that is known with another identity.</summary>
    public long IdentityMismatch { get; init; }

    /// <summary>Requests to join a full network.</summary>
    public long NetworkFull { get; init; }

    /// <summary>Records of strangers deleted to make room for others.</summary>
    public long StrangersForgotten { get; init; }

    /// <summary>Addresses that were not assigned because the pools had no free address.</summary>
    public long PoolExhausted { get; init; }
}
