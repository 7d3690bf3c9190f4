using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>A node at one moment.</summary>
public sealed record LanyardNodeStatus
{
    /// <summary>The node's address.</summary>
    public required NodeAddress Address { get; init; }

    /// <summary>Whether it reaches a root, or is one.</summary>
    public required bool IsOnline { get; init; }

    /// <summary>Whether the planet or a moon names it a root.</summary>
    public required bool IsRoot { get; init; }

    /// <summary>Since when it has been running, UTC.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The node's clock, which never goes back: milliseconds since 1970.</summary>
    public required long ClockMs { get; init; }

    /// <summary>Its physical endpoints on this machine that peers are told.</summary>
    public required IReadOnlyList<InetEndpoint> LocalEndpoints { get; init; }

    /// <summary>The endpoints under which roots and peers say they see it.</summary>
    public required IReadOnlyList<InetEndpoint> SurfaceEndpoints { get; init; }

    /// <summary>The number of datagrams that the system did not accept: it had no route, or its queue was full.</summary>
    public required long SendFailures { get; init; }

    /// <summary>The planet's number and edition; zeros without one.</summary>
    public required (ulong Id, long Timestamp) Planet { get; init; }

    /// <summary>Reads the status of a running node. Under the gate.</summary>
    internal static LanyardNodeStatus Of(NodeRuntime runtime, DateTimeOffset startedAt) => new()
    {
        Address = runtime.Engine.Address,
        IsOnline = runtime.Engine.IsOnline,
        IsRoot = runtime.Engine.IsRoot,
        StartedAt = startedAt,
        ClockMs = runtime.NowMs,
        LocalEndpoints = runtime.LocalEndpoints,
        SendFailures = runtime.SendFailures,
        SurfaceEndpoints = runtime.Engine.SurfaceAddresses(),
        Planet = runtime.Engine.Planet is { } planet ? (planet.Id, planet.Timestamp) : default,
    };
}
