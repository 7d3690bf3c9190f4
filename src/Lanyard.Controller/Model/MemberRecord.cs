using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// A member of a network, or a node that requested to join. Immutable: a change creates a new record. Records are compared by content.
/// </summary>
public sealed record MemberRecord
{
    /// <summary>The network.</summary>
    public required NetworkId Network { get; init; }

    /// <summary>The node.</summary>
    public required NodeAddress Address { get; init; }

    /// <summary>
    /// The node's public identity in text form, recorded with its first request; <see langword="null"/> before. The controller refuses another identity with the same
    /// address.
    /// </summary>
    public string? Identity { get; init; }

    /// <summary>The display name; <see langword="null"/> if unset.</summary>
    public string? Name { get; init; }

    /// <summary>Whether the node is authorized.</summary>
    public bool IsAuthorized { get; init; }

    /// <summary>Whether the node may send frames from and for Ethernet addresses that are not its own.</summary>
    public bool IsActiveBridge { get; init; }

    /// <summary>Whether the node gets only the addresses in <see cref="Addresses"/>, none from pools or derived from its address.</summary>
    public bool NoAutoAssign { get; init; }

    /// <summary>The node's addresses, assigned manually or from the network's pools. Addresses outside every route are not sent.</summary>
    public EquatableArray<InetAddress> Addresses { get; init; }

    /// <summary>The node's tags.</summary>
    public EquatableArray<MemberTag> Tags { get; init; }

    /// <summary>
    /// The IDs of the node's capabilities. <see langword="null"/> until set; the first configuration then sets the network's default capabilities.
    /// </summary>
    public EquatableArray<uint>? Capabilities { get; init; }

    /// <summary>The creation time in milliseconds since 1970.</summary>
    public long CreationTimeMs { get; init; }

    /// <summary>The number of changes to this record, from 1.</summary>
    public ulong Revision { get; init; }

    /// <summary>The time of the last authorization in milliseconds since 1970; 0 if none.</summary>
    public long LastAuthorizedTimeMs { get; init; }

    /// <summary>The time of the last deauthorization in milliseconds since 1970; 0 if none.</summary>
    public long LastDeauthorizedTimeMs { get; init; }

    /// <summary>The reason for the last authorization: "api", "public" or "token"; <see langword="null"/> if none.</summary>
    public string? LastAuthorizedCredentialType { get; init; }

    /// <summary>The token of the last authorization by token.</summary>
    public string? LastAuthorizedCredential { get; init; }

    /// <summary>The expiry time of a sign-on in milliseconds since 1970. Kept for tools; this controller requires no sign-on.</summary>
    public long AuthenticationExpiryTimeMs { get; init; }

    /// <summary>The software version that the node last reported; <see cref="MemberVersion.Unknown"/> before.</summary>
    public MemberVersion Version { get; init; } = MemberVersion.Unknown;

    /// <summary>The node that this member reports traces to in place of the network's; none by default.</summary>
    public NodeAddress RemoteTraceTarget { get; init; }

    /// <summary>The level of detail of the reports, 0 (normal) to 30 (insane).</summary>
    public int RemoteTraceLevel { get; init; }

    /// <summary>
    /// Whether the record only results from a request: never authorized, and nothing set manually. When a network has too many records, strangers are deleted first.
    /// </summary>
    public bool IsStranger => !IsAuthorized && LastAuthorizedTimeMs == 0 && LastDeauthorizedTimeMs == 0 && Identity is not null && Name is null
        && Addresses.IsEmpty && Tags.IsEmpty && Capabilities is null && !IsActiveBridge && !NoAutoAssign && RemoteTraceTarget.IsNone;
}

/// <summary>A member's value of a tag.</summary>
/// <param name="Id">The tag's number.</param>
/// <param name="Value">The value.</param>
public readonly record struct MemberTag(uint Id, uint Value);

/// <summary>The version of a node's software.</summary>
/// <param name="Major">The major version, or -1.</param>
/// <param name="Minor">The minor version, or -1.</param>
/// <param name="Revision">The revision, or -1.</param>
/// <param name="Protocol">The protocol version, or -1.</param>
public readonly record struct MemberVersion(int Major, int Minor, int Revision, int Protocol)
{
    /// <summary>The version of a node that has not reported one: -1 in each part.</summary>
    public static MemberVersion Unknown => new(-1, -1, -1, -1);
}
