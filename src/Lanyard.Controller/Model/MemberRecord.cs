using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// What a controller knows of a node that is a member of one of its networks, or that asked to be. Immutable: a change is a new record, and
/// records compare by their content.
/// </summary>
public sealed record MemberRecord
{
    /// <summary>The network.</summary>
    public required NetworkId Network { get; init; }

    /// <summary>The node.</summary>
    public required NodeAddress Address { get; init; }

    /// <summary>
    /// The node's public identity in its text form, from its first request on; <see langword="null"/> before. A node of the same address
    /// with another identity is refused.
    /// </summary>
    public string? Identity { get; init; }

    /// <summary>A name for people, <see langword="null"/> where none was given.</summary>
    public string? Name { get; init; }

    /// <summary>Whether the node may be on the network.</summary>
    public bool IsAuthorized { get; init; }

    /// <summary>Whether the node may send frames from and for Ethernet addresses that are not its own.</summary>
    public bool IsActiveBridge { get; init; }

    /// <summary>Whether the node gets only the addresses in <see cref="Addresses"/>, none from pools or derived from its number.</summary>
    public bool NoAutoAssign { get; init; }

    /// <summary>The node's addresses, given by hand or from the network's pools. Those that no route of the network covers are not sent.</summary>
    public EquatableArray<InetAddress> Addresses { get; init; }

    /// <summary>The node's tags.</summary>
    public EquatableArray<MemberTag> Tags { get; init; }

    /// <summary>
    /// The numbers of the node's capabilities; <see langword="null"/> until it is given any or is first sent its configuration, which is when
    /// it gets the network's default ones.
    /// </summary>
    public EquatableArray<uint>? Capabilities { get; init; }

    /// <summary>When the record was made, in milliseconds since 1970.</summary>
    public long CreationTimeMs { get; init; }

    /// <summary>Counts the changes to this record, from 1.</summary>
    public ulong Revision { get; init; }

    /// <summary>When the node was last authorised, in milliseconds since 1970; 0 for never.</summary>
    public long LastAuthorizedTimeMs { get; init; }

    /// <summary>When the node's authorisation was last taken away, in milliseconds since 1970; 0 for never.</summary>
    public long LastDeauthorizedTimeMs { get; init; }

    /// <summary>What the node was last authorised by: "api", "public" or "token"; <see langword="null"/> for nothing.</summary>
    public string? LastAuthorizedCredentialType { get; init; }

    /// <summary>The token the node was last authorised by.</summary>
    public string? LastAuthorizedCredential { get; init; }

    /// <summary>When a sign-on expires, in milliseconds since 1970. Kept for tools; this controller asks for no sign-on.</summary>
    public long AuthenticationExpiryTimeMs { get; init; }

    /// <summary>The version of the node's software, as it last said; -1s before it did.</summary>
    public NodeVersion Version { get; init; } = NodeVersion.Unknown;

    /// <summary>A node that this member reports traces to, before the network's; none by default.</summary>
    public NodeAddress RemoteTraceTarget { get; init; }

    /// <summary>How much the member reports, 0 (normal) to 30 (insane).</summary>
    public int RemoteTraceLevel { get; init; }

    /// <summary>
    /// Whether this is no more than a trace of a node that asked: never authorised, and nothing about it set by hand. Such records are the
    /// ones that make room when there are too many.
    /// </summary>
    public bool IsStranger => !IsAuthorized && LastAuthorizedTimeMs == 0 && LastDeauthorizedTimeMs == 0 && Identity is not null && Name is null
        && Addresses.IsEmpty && Tags.IsEmpty && Capabilities is null && !IsActiveBridge && !NoAutoAssign && RemoteTraceTarget.IsNone;
}

/// <summary>A member's value of a tag.</summary>
/// <param name="Id">The tag's number.</param>
/// <param name="Value">Its value.</param>
public readonly record struct MemberTag(uint Id, uint Value);

/// <summary>The version of a node's software.</summary>
/// <param name="Major">The major version, or -1.</param>
/// <param name="Minor">The minor version, or -1.</param>
/// <param name="Revision">The revision, or -1.</param>
/// <param name="Protocol">The protocol's version, or -1.</param>
public readonly record struct NodeVersion(int Major, int Minor, int Revision, int Protocol)
{
    /// <summary>Nothing is known.</summary>
    public static NodeVersion Unknown => new(-1, -1, -1, -1);
}
