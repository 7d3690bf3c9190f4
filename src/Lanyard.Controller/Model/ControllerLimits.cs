namespace Lanyard.Controller;

/// <summary>The limits of a controller. The limits of a record follow from the size of a configuration and are in <see cref="RecordLimits"/>.</summary>
public sealed record ControllerLimits
{
    /// <summary>The maximum number of networks; 10,000 by default.</summary>
    public int MaxNetworks { get; init; } = 10_000;

    /// <summary>The maximum number of members of a network, authorized or not; 100,000 by default. Further nodes are refused.</summary>
    public int MaxMembersPerNetwork { get; init; } = 100_000;

    /// <summary>
    /// The maximum number of recorded strangers (see <see cref="MemberRecord.IsStranger"/>) of a network; 1,000 by default. Beyond
    /// that, the stranger whose last request is the oldest is deleted.
    /// </summary>
    public int MaxStrangersPerNetwork { get; init; } = 1_000;

    /// <summary>
    /// The maximum rate of new strangers over all networks, in a second, after a burst; 20 by default. Further strangers are refused without
    /// a record.
    /// </summary>
    public int NewStrangersPerSecond { get; init; } = 20;

    /// <summary>The maximum burst of new strangers; 1,000 by default.</summary>
    public int NewStrangersBurst { get; init; } = 1_000;

    /// <summary>The minimum interval between a member's requests; 1 second by default. An earlier request gets no reply.</summary>
    public TimeSpan MinRequestInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The time after its last request for which a member is online and gets changes at once; 2 minutes by default. Nodes send a request every minute.
    /// </summary>
    public TimeSpan OnlineWindow { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The maximum length of an API request's body in bytes; 1 MiB by default.</summary>
    public int MaxBodyBytes { get; init; } = 1 << 20;
}
