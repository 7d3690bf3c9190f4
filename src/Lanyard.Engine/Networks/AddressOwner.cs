namespace Lanyard.Engine.Networks;

/// <summary>Whose an IP address is on a network, as its controller attests.</summary>
public enum AddressOwner
{
    /// <summary>Nothing is attested.</summary>
    Unknown,

    /// <summary>The claimant's.</summary>
    Claimant,

    /// <summary>Another member's, or this node's.</summary>
    Other,
}
