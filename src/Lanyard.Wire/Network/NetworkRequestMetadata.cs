using System.Diagnostics.CodeAnalysis;

namespace Lanyard.Wire;

/// <summary>
/// A node's description of itself in a request for its configuration (NETWORK_CONFIG_REQUEST): versions and limits.
/// A dictionary of at most <see cref="NetworkLimits.RequestMetadataLength"/> bytes. The defaults are those of a current node.
/// </summary>
public sealed record NetworkRequestMetadata
{
    /// <summary>The vendor number that nodes of the protocol's makers send.</summary>
    public const ulong VendorZeroTier = 1;

    /// <summary>The newest form of the configuration that the node reads.</summary>
    public ulong ConfigVersion { get; init; } = NetworkConfig.FormatVersion;

    /// <summary>The vendor of the node's software; 0 if unknown.</summary>
    public ulong Vendor { get; init; } = VendorZeroTier;

    /// <summary>The protocol's version.</summary>
    public ulong ProtocolVersion { get; init; } = 12;

    /// <summary>The software's major version.</summary>
    public ulong MajorVersion { get; init; } = 1;

    /// <summary>The software's minor version.</summary>
    public ulong MinorVersion { get; init; } = 14;

    /// <summary>The software's revision.</summary>
    public ulong Revision { get; init; } = 1;

    /// <summary>The maximum number of rules of a network.</summary>
    public ulong MaxRules { get; init; } = NetworkLimits.Rules;

    /// <summary>The maximum number of capabilities.</summary>
    public ulong MaxCapabilities { get; init; } = NetworkLimits.Capabilities;

    /// <summary>The maximum number of rules of a capability.</summary>
    public ulong MaxCapabilityRules { get; init; } = NetworkLimits.CapabilityRules;

    /// <summary>The maximum number of tags.</summary>
    public ulong MaxTags { get; init; } = NetworkLimits.Tags;

    /// <summary>Flags; none is defined.</summary>
    public ulong Flags { get; init; }

    /// <summary>The version of the rules that the node applies; for 0, a controller sends only the rule "accept".</summary>
    public ulong RulesEngineRevision { get; init; } = 1;

    /// <summary>The operating system and processor, as in <c>linux/x86_64</c>; empty if unknown.</summary>
    public string Platform { get; init; } = "";

    /// <summary>A token that authorizes the node without an operator; empty if there is none.</summary>
    public string AuthToken { get; init; } = "";

    /// <summary>
    /// Reads metadata. Missing fields are 0 or empty. Never fails: an empty dictionary is valid.
    /// </summary>
    public static NetworkRequestMetadata Parse(ReadOnlySpan<byte> text)
    {
        var dictionary = new DictionaryReader(text[..Math.Min(text.Length, NetworkLimits.RequestMetadataLength)]);
        return new NetworkRequestMetadata
        {
            ConfigVersion = dictionary.GetNumber(Key.ConfigVersion),
            Vendor = dictionary.GetNumber(Key.Vendor),
            ProtocolVersion = dictionary.GetNumber(Key.ProtocolVersion),
            MajorVersion = dictionary.GetNumber(Key.MajorVersion),
            MinorVersion = dictionary.GetNumber(Key.MinorVersion),
            Revision = dictionary.GetNumber(Key.Revision),
            MaxRules = dictionary.GetNumber(Key.MaxRules),
            MaxCapabilities = dictionary.GetNumber(Key.MaxCapabilities),
            MaxCapabilityRules = dictionary.GetNumber(Key.MaxCapabilityRules),
            MaxTags = dictionary.GetNumber(Key.MaxTags),
            Flags = dictionary.GetNumber(Key.Flags),
            RulesEngineRevision = dictionary.GetNumber(Key.RulesEngineRevision),
            Platform = dictionary.GetText(Key.Platform),
            AuthToken = dictionary.GetText(Key.AuthToken),
        };
    }

    /// <summary>Writes metadata, byte for byte as the protocol's nodes do.</summary>
    /// <returns>False if it is longer than <see cref="NetworkLimits.RequestMetadataLength"/>.</returns>
    public bool TryWrite([NotNullWhen(true)] out byte[]? text)
    {
        var dictionary = new DictionaryWriter(NetworkLimits.RequestMetadataLength);
        dictionary.Add(Key.ConfigVersion, ConfigVersion);
        dictionary.Add(Key.Vendor, Vendor);
        dictionary.Add(Key.ProtocolVersion, ProtocolVersion);
        dictionary.Add(Key.MajorVersion, MajorVersion);
        dictionary.Add(Key.MinorVersion, MinorVersion);
        dictionary.Add(Key.Revision, Revision);
        dictionary.Add(Key.MaxRules, MaxRules);
        dictionary.Add(Key.MaxCapabilities, MaxCapabilities);
        dictionary.Add(Key.MaxCapabilityRules, MaxCapabilityRules);
        dictionary.Add(Key.MaxTags, MaxTags);
        dictionary.Add(Key.Flags, Flags);
        dictionary.Add(Key.RulesEngineRevision, RulesEngineRevision);
        if (Platform.Length > 0)
            dictionary.Add(Key.Platform, Platform);
        if (AuthToken.Length > 0)
            dictionary.Add(Key.AuthToken, AuthToken);
        text = dictionary.Overflowed ? null : dictionary.ToArray();
        return text is not null;
    }

    private static class Key
    {
        public const string ConfigVersion = "v";
        public const string Vendor = "vend";
        public const string ProtocolVersion = "pv";
        public const string MajorVersion = "majv";
        public const string MinorVersion = "minv";
        public const string Revision = "revv";
        public const string MaxRules = "mr";
        public const string MaxCapabilities = "mc";
        public const string MaxCapabilityRules = "mcr";
        public const string MaxTags = "mt";
        public const string Flags = "f";
        public const string RulesEngineRevision = "revr";
        public const string Platform = "o";
        public const string AuthToken = "a";
    }
}
