using System.Globalization;
using System.Net;
using System.Text.Json;
using Lanyard.Controller;
using Lanyard.Engine;
using Lanyard.Primitives;

namespace Lanyard.Service;

/// <summary>The configuration in a folder's <c>local.conf</c>, with defaults for missing settings. Immutable.</summary>
public sealed record LocalConfiguration
{
    /// <summary>The file's name in the folder.</summary>
    public const string FileName = "local.conf";

    private static readonly JsonElement EmptyDocument = ParseObject("{}");

    /// <summary>The port, 0 for a free port (<c>settings.primaryPort</c>); null if not set.</summary>
    public int? PrimaryPort { get; init; }

    /// <summary>The local addresses to bind (<c>settings.bind</c>); empty for all.</summary>
    public IReadOnlyList<IPAddress> Bind { get; init; } = [];

    /// <summary>Name prefixes of interfaces that are not used (<c>settings.interfacePrefixBlacklist</c>).</summary>
    public IReadOnlyList<string> InterfacePrefixBlacklist { get; init; } = [];

    /// <summary>The networks, in addition to this machine, that may use the API (<c>settings.allowManagementFrom</c>).</summary>
    public IReadOnlyList<InetPrefix> AllowManagementFrom { get; init; } = [];

    /// <summary>Physical networks that are not used (<c>physical.NETWORK.blacklist</c>).</summary>
    public IReadOnlyList<InetPrefix> BlockedPhysicalNetworks { get; init; } = [];

    /// <summary>Physical networks over which packets are not encrypted (<c>physical.NETWORK.trustedPathId</c>).</summary>
    public IReadOnlyList<LanyardTrustedPath> TrustedPaths { get; init; } = [];

    /// <summary>The maximum UDP payload on physical networks (<c>physical.NETWORK.mtu</c>).</summary>
    public IReadOnlyList<LanyardPathMtu> PathMtus { get; init; } = [];

    /// <summary>Endpoints at which to try peers (<c>virtual.ADDRESS.try</c>).</summary>
    public IReadOnlyList<LanyardPeerHint> PeerHints { get; init; } = [];

    /// <summary>Physical networks that are not used for a peer (<c>virtual.ADDRESS.blacklist</c>).</summary>
    public IReadOnlyList<BlockedPath> BlockedPeerNetworks { get; init; } = [];

    /// <summary>The proxies (<c>lanyard.proxies</c>).</summary>
    internal IReadOnlyList<ConfiguredProxy> Proxies { get; init; } = [];

    /// <summary>The forwards (<c>lanyard.forwards</c>).</summary>
    internal IReadOnlyList<ConfiguredForward> Forwards { get; init; } = [];

    /// <summary>The settings for programs whose sockets are redirected (<c>lanyard.intercept</c>).</summary>
    internal InterceptSettings Intercept { get; init; } = new();

    /// <summary>The settings without effect in this service. Each entry contains the setting and the reason.</summary>
    public IReadOnlyList<string> WithoutEffect { get; init; } = [];

    /// <summary>The values that the file writes in a nonstandard form. Each entry names the key, the value and the value in use.</summary>
    public IReadOnlyList<string> Adjusted { get; init; } = [];

    /// <summary>The complete file, an object; empty if the file is missing.</summary>
    internal JsonElement Document { get; init; } = EmptyDocument;

    /// <summary>Reads a folder's <c>local.conf</c>. Ignores unknown keys.</summary>
    /// <param name="home">The folder.</param>
    /// <exception cref="LanyardStateException">The file cannot be read, is not JSON, or has an invalid value. The message names the file, the key and the expected
    /// value.</exception>
    public static LocalConfiguration Read(string home)
    {
        var path = Path.Combine(home, FileName);
        return Parse(path, StateFile.TryReadText(path));
    }

    /// <summary>Parses the content of a file.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="text">The content; null or empty if the file is missing.</param>
    /// <exception cref="LanyardStateException">The content is invalid; see <see cref="Read"/>.</exception>
    internal static LocalConfiguration Parse(string path, string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return new LocalConfiguration();
        try
        {
            return new LocalConfigurationReader(path).Read(ParseObject(text));
        }
        catch (JsonException broken)
        {
            // Report only the position, because the content may be a password.
            var place = new JsonException(string.Create(CultureInfo.InvariantCulture,
                $"line {broken.LineNumber + 1}, byte {broken.BytePositionInLine + 1} is not valid JSON"), null, broken.LineNumber, broken.BytePositionInLine);
            throw new LanyardStateException(path, $"The file '{path}' is not JSON: {place.Message}.", place);
        }
        catch (InvalidOperationException broken)
        {
            // A lone surrogate, which JSON permits (RFC 8259 section 8.2).
            throw new LanyardStateException(path, $"The file '{path}' contains a string that is not valid Unicode: {broken.Message}", broken);
        }
    }

    /// <summary>Returns a node's options with the settings for paths and sockets.</summary>
    internal LanyardOptions Apply(LanyardOptions options) => options with
    {
        BindAddresses = Bind.Count > 0 ? Bind : options.BindAddresses,
        ExcludedInterfacePrefixes = [.. options.ExcludedInterfacePrefixes, .. InterfacePrefixBlacklist],
        BlockedPhysicalNetworks = [.. options.BlockedPhysicalNetworks, .. BlockedPhysicalNetworks],
        BlockedPeerNetworks = [.. options.BlockedPeerNetworks, .. BlockedPeerNetworks],
        TrustedPaths = [.. TrustedPaths, .. options.TrustedPaths],
        PathMtus = [.. PathMtus, .. options.PathMtus],
        PeerHints = [.. PeerHints, .. options.PeerHints],
    };

    private static JsonElement ParseObject(string text)
    {
        using var document = JsonDocument.Parse(text);
        JsonTexts.RequireUnicode(document.RootElement);
        return document.RootElement.Clone();
    }
}
