namespace Lanyard.Controller;

/// <summary>What a controller did since it was made.</summary>
public readonly record struct ControllerCounters
{
    /// <summary>Requests, answered or not.</summary>
    public long Requests { get; init; }

    /// <summary>Configurations given in answer to requests.</summary>
    public long Configs { get; init; }

    /// <summary>Configurations given because something changed.</summary>
    public long Pushes { get; init; }

    /// <summary>Memberships revoked.</summary>
    public long Revocations { get; init; }

    /// <summary>Requests for networks that are not there (or are another controller's).</summary>
    public long NoSuchNetwork { get; init; }

    /// <summary>Requests too soon after the one before.</summary>
    public long TooSoon { get; init; }

    /// <summary>Requests of nodes that are not authorized, recorded or not.</summary>
    public long NotAuthorized { get; init; }

    /// <summary>Of these, requests of nodes that were not recorded because too many asked.</summary>
    public long NotRecorded { get; init; }

    /// <summary>Requests of an address that is known with another identity.</summary>
    public long IdentityMismatch { get; init; }

    /// <summary>Requests to join a network that is full.</summary>
    public long NetworkFull { get; init; }

    /// <summary>Nodes that had merely asked, forgotten to make room for others.</summary>
    public long StrangersForgotten { get; init; }

    /// <summary>Configurations without an address that a pool should have given but had none free.</summary>
    public long PoolExhausted { get; init; }
}
