using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Engine.Rules;

/// <summary>A frame as rules look at it.</summary>
public readonly ref struct RuleFrame
{
    /// <summary>Whether it was received from another member; else it is about to be sent to one.</summary>
    public required bool IsInbound { get; init; }

    /// <summary>This node.</summary>
    public required NodeAddress Self { get; init; }

    /// <summary>The node that sends it.</summary>
    public required NodeAddress Source { get; init; }

    /// <summary>The node that it is for; none for a multicast that is about to be sent.</summary>
    public required NodeAddress Destination { get; init; }

    /// <summary>The sender's Ethernet address.</summary>
    public required MacAddress SourceMac { get; init; }

    /// <summary>The receiver's Ethernet address.</summary>
    public required MacAddress DestinationMac { get; init; }

    /// <summary>The Ethernet type.</summary>
    public required ushort EtherType { get; init; }

    /// <summary>The VLAN; 0 if there is none.</summary>
    public ushort VlanId { get; init; }

    /// <summary>The payload of the frame.</summary>
    public required ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>The length that rules on the frame size match, in bytes: the payload's, unless the packet was reassembled from several frames.</summary>
    public required int FrameLength { get; init; }

    /// <summary>A random number, new for each frame, that <see cref="RuleType.MatchRandom"/> draws from.</summary>
    public ulong Random { get; init; }
}

/// <summary>The credentials of a member, as rules match them. An implementation reports only credentials that are valid now.</summary>
public interface IRuleCredentials
{
    /// <summary>The member's value of a tag.</summary>
    /// <param name="id">The tag.</param>
    /// <param name="value">The value.</param>
    /// <returns>Whether it has the tag.</returns>
    bool TryGetTag(uint id, out uint value);

    /// <summary>Whether an IP address is certified to be the member's.</summary>
    bool Owns(InetAddress address);

    /// <summary>Whether an Ethernet address is certified to be the member's.</summary>
    bool Owns(MacAddress address);
}

/// <summary>This node's own credentials on a network, as its configuration holds them.</summary>
/// <param name="config">The configuration.</param>
public sealed class OwnRuleCredentials(NetworkConfig config) : IRuleCredentials
{
    /// <inheritdoc/>
    public bool TryGetTag(uint id, out uint value)
    {
        var found = config.TryGetTag(id, out var tag);
        value = found ? tag!.Value : 0;
        return found;
    }

    /// <inheritdoc/>
    public bool Owns(InetAddress address)
    {
        foreach (var certificate in config.CertificatesOfOwnership)
        {
            if (certificate.Owns(address))
                return true;
        }

        return false;
    }

    /// <inheritdoc/>
    public bool Owns(MacAddress address)
    {
        foreach (var certificate in config.CertificatesOfOwnership)
        {
            if (certificate.Owns(address))
                return true;
        }

        return false;
    }
}
