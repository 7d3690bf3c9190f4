namespace Lanyard.Controller;

/// <summary>How much a controller takes on. What a record may hold is fixed by what a member can be sent, and is not found here.</summary>
public sealed record ControllerLimits
{
    /// <summary>How many networks there may be; 10,000 by default.</summary>
    public int MaxNetworks { get; init; } = 10_000;

    /// <summary>How many members one network may have, authorized or not; 100,000 by default. A node that comes beyond that is refused.</summary>
    public int MaxMembersPerNetwork { get; init; } = 100_000;

    /// <summary>
    /// How many nodes that merely asked (see <see cref="MemberRecord.IsStranger"/>) are remembered for one network; 1,000 by default. Beyond
    /// that the one that has not asked for longest is forgotten.
    /// </summary>
    public int MaxStrangersPerNetwork { get; init; } = 1_000;

    /// <summary>
    /// How many such nodes are newly remembered in a second over all networks, after a burst; 20 by default. The others are refused without
    /// a record.
    /// </summary>
    public int NewStrangersPerSecond { get; init; } = 20;

    /// <summary>How many such nodes may be newly remembered in one burst; 1,000 by default.</summary>
    public int NewStrangersBurst { get; init; } = 1_000;

    /// <summary>How long after a member's request its next one is left unanswered; 1 second by default.</summary>
    public TimeSpan MinRequestInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long after its last request a member counts as online, and gets changes at once; 2 minutes by default. Nodes ask once a minute.</summary>
    public TimeSpan OnlineWindow { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The longest body of an API request, in bytes; 1 MiB by default.</summary>
    public int MaxBodyBytes { get; init; } = 1 << 20;
}
