namespace Lanyard.Engine.Networks;

/// <summary>The owner of an IP address on a network, as its controller certifies.</summary>
public enum AddressOwner
{
    /// <summary>Nothing is attested.</summary>
    Unknown,

    /// <summary>The claimant's.</summary>
    Claimant,

    /// <summary>Another member's, or this node's.</summary>
    Other,
}
