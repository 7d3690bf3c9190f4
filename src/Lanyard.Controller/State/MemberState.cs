using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>A member in memory: its record, and its presence, which is not stored. Guarded by the controller's lock.</summary>
internal sealed class MemberState(MemberRecord record)
{
    // Protocol version 7 came with version 1.2.
    private const int FirstProtocolWithRules = 7;

    public MemberRecord Record { get; set; } = record;

    /// <summary>The time of the last request in milliseconds since 1970; <see langword="null"/> before the first.</summary>
    public long? LastRequestMs { get; set; }

    /// <summary>The source endpoint of the last request; none if it was relayed.</summary>
    public InetEndpoint LastEndpoint { get; set; }

    /// <summary>The packet ID of the last request.</summary>
    public ulong LastPacketId { get; set; }

    /// <summary>The node's description of itself in its last request.</summary>
    public NetworkRequestMetadata Metadata { get; set; } = new();

    /// <summary>The node's identity: from its last request, or from its record (<see cref="TryRestoreIdentity"/>).</summary>
    public Identity? Identity { get; set; }

    /// <summary>The timestamp of the last credentials in milliseconds since 1970.</summary>
    public long LastIssuedMs { get; set; }

    /// <summary>The time up to which the member's certificates are revoked, in milliseconds since 1970.</summary>
    public long RevokedUpToMs { get; set; }

    /// <summary>Whether the last message to the node was a configuration. Such a node is notified when its authorization ends.</summary>
    public bool HasConfig { get; set; }

    /// <summary>Whether the member was authorized before the controller started, so that it may have a configuration.</summary>
    public bool WasMember { get; init; }

    /// <summary>Whether a notification of the member is queued.</summary>
    public bool IsNotificationQueued { get; set; }

    /// <summary>Whether the record is deleted.</summary>
    public bool IsDeleted { get; set; }

    /// <summary>The member's position in the network's list of strangers; <see langword="null"/> if it is not a stranger.</summary>
    public LinkedListNode<MemberState>? StrangerNode { get; set; }

    /// <summary>Returns whether the last request arrived within <paramref name="window"/>. A clock that is set back does not make a member offline.</summary>
    public bool IsOnline(long nowMs, TimeSpan window) => LastRequestMs is { } last && nowMs - last < (long)window.TotalMilliseconds;

    /// <summary>Restores the identity and version of a member that has sent no request since a restart from its record.</summary>
    public bool TryRestoreIdentity()
    {
        if (Identity is not null)
            return true;
        if (!Identity.TryParse(Record.Identity, out var identity))
            return false;
        Identity = identity;
        var version = Record.Version;
        Metadata = new NetworkRequestMetadata
        {
            ProtocolVersion = (ulong)version.Protocol, MajorVersion = (ulong)version.Major, MinorVersion = (ulong)version.Minor, Revision = (ulong)version.Revision,
            RulesEngineRevision = version.Protocol >= FirstProtocolWithRules ? 1u : 0u,
        };
        return true;
    }
}
