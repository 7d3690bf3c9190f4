using System.Globalization;
using System.Net;
using System.Text.Json;
using Lanyard.Controller;
using Lanyard.Engine;
using Lanyard.Primitives;

namespace Lanyard.Service;

/// <summary>What a node's folder says in <c>local.conf</c>. Immutable; what it does not say has the value that stands here.</summary>
public sealed record LocalConfiguration
{
    /// <summary>The file's name in the folder.</summary>
    public const string FileName = "local.conf";

    private static readonly JsonElement EmptyDocument = ParseObject("{}");

    /// <summary>The port, 0 for a free one (<c>settings.primaryPort</c>); null where it says none.</summary>
    public int? PrimaryPort { get; init; }

    /// <summary>The local addresses to bind (<c>settings.bind</c>); all where there are none.</summary>
    public IReadOnlyList<IPAddress> Bind { get; init; } = [];

    /// <summary>Beginnings of names of interfaces that are not used (<c>settings.interfacePrefixBlacklist</c>).</summary>
    public IReadOnlyList<string> InterfacePrefixBlacklist { get; init; } = [];

    /// <summary>From where the API may be used beside this machine (<c>settings.allowManagementFrom</c>).</summary>
    public IReadOnlyList<InetPrefix> AllowManagementFrom { get; init; } = [];

    /// <summary>Physical networks that are not used (<c>physical.NETWORK.blacklist</c>).</summary>
    public IReadOnlyList<InetPrefix> BlockedPhysicalNetworks { get; init; } = [];

    /// <summary>Physical networks over which packets go without encryption (<c>physical.NETWORK.trustedPathId</c>).</summary>
    public IReadOnlyList<TrustedPath> TrustedPaths { get; init; } = [];

    /// <summary>The largest UDP payload for physical networks (<c>physical.NETWORK.mtu</c>).</summary>
    public IReadOnlyList<PathMtu> PathMtus { get; init; } = [];

    /// <summary>Where peers may be tried (<c>virtual.ADDRESS.try</c>).</summary>
    public IReadOnlyList<PeerHint> PeerHints { get; init; } = [];

    /// <summary>Physical networks over which one peer is not reached (<c>virtual.ADDRESS.blacklist</c>).</summary>
    public IReadOnlyList<BlockedPath> BlockedPeerNetworks { get; init; } = [];

    /// <summary>The proxies (<c>lanyard.proxies</c>).</summary>
    internal IReadOnlyList<ConfiguredProxy> Proxies { get; init; } = [];

    /// <summary>The forwards (<c>lanyard.forwards</c>).</summary>
    internal IReadOnlyList<ConfiguredForward> Forwards { get; init; } = [];

    /// <summary>How programs whose sockets are redirected are served (<c>lanyard.intercept</c>).</summary>
    internal InterceptSettings Intercept { get; init; } = new();

    /// <summary>What it asks for that has no effect here: each entry names the setting and says why.</summary>
    public IReadOnlyList<string> WithoutEffect { get; init; } = [];

    /// <summary>The values that the file writes in a nonstandard form. Each entry names the key, the value and the value in use.</summary>
    public IReadOnlyList<string> Adjusted { get; init; } = [];

    /// <summary>The whole file, an object; an empty one where there is no file.</summary>
    internal JsonElement Document { get; init; } = EmptyDocument;

    /// <summary>Reads a folder's <c>local.conf</c>. Keys that no node knows are passed over.</summary>
    /// <param name="home">The folder.</param>
    /// <exception cref="LanyardStateException">The file cannot be read, is not JSON, or has a value that makes no sense; the message names the
    /// file, the key and what is expected.</exception>
    public static LocalConfiguration Read(string home)
    {
        var path = Path.Combine(home, FileName);
        return Parse(path, StateFile.TryReadText(path));
    }

    /// <summary>Reads a text as the content of a file.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="text">Its content; null or empty where there is none.</param>
    /// <exception cref="LanyardStateException">As for <see cref="Read"/>.</exception>
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
            // Only where: what is there may be a password.
            var place = new JsonException(string.Create(CultureInfo.InvariantCulture,
                $"line {broken.LineNumber + 1}, byte {broken.BytePositionInLine + 1} is not what JSON has there"), null, broken.LineNumber, broken.BytePositionInLine);
            throw new LanyardStateException(path, $"The file '{path}' is not JSON: {place.Message}.", place);
        }
        catch (InvalidOperationException broken)
        {
            // Half a character, which JSON lets stand (RFC 8259 section 8.2).
            throw new LanyardStateException(path, $"The file '{path}' has a text that is not Unicode: {broken.Message}", broken);
        }
    }

    /// <summary>A node's options with what applies to paths and to sockets.</summary>
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
