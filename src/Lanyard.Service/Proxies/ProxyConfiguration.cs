using System.Globalization;
using System.Net;
using System.Text.Json;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Service;

/// <summary>A proxy that a service runs.</summary>
/// <param name="Network">The network it leads into; null for all that are joined.</param>
/// <param name="Options">How it works.</param>
internal sealed record ConfiguredProxy(NetworkId? Network, LanyardProxyOptions Options);

/// <summary>A port that a service forwards.</summary>
/// <param name="Network">The network.</param>
/// <param name="Forward">From where to where.</param>
internal sealed record ConfiguredForward(NetworkId Network, LanyardForward Forward);

/// <summary>What the section <c>lanyard</c> of <c>local.conf</c> says about proxies and forwards.</summary>
internal sealed class ProxyConfiguration
{
    private const string Section = "lanyard";

    /// <summary>The proxies.</summary>
    public List<ConfiguredProxy> Proxies { get; } = [];

    /// <summary>The forwards.</summary>
    public List<ConfiguredForward> Forwards { get; } = [];

    /// <summary>What is wrong, each with its place in the file; empty where nothing is.</summary>
    public List<string> Errors { get; } = [];

    /// <summary>Reads a folder's <c>local.conf</c>. What is wrong in it is said in <see cref="Errors"/>.</summary>
    /// <exception cref="LanyardStateException">The file cannot be read.</exception>
    public static ProxyConfiguration Read(string home) =>
        StateFiles.TryRead(Path.Combine(home, LocalConfiguration.FileName)) is { } text ? Parse(text) : new ProxyConfiguration();

    /// <summary>Reads the file's text.</summary>
    public static ProxyConfiguration Parse(string text)
    {
        var configuration = new ProxyConfiguration();
        try
        {
            using var document = JsonDocument.Parse(text);
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty(Section, out var section))
                return configuration;
            if (section.ValueKind != JsonValueKind.Object)
            {
                configuration.Errors.Add($"{Section}: an object is expected.");
                return configuration;
            }

            configuration.ReadList(section, "proxies", configuration.ReadProxy);
            configuration.ReadList(section, "forwards", configuration.ReadForward);
            configuration.FindDuplicates();
        }
        catch (JsonException broken)
        {
            configuration.Errors.Add($"It is not JSON: {broken.Message}");
        }

        return configuration;
    }

    private void ReadList(JsonElement section, string name, Action<string, JsonElement> read)
    {
        if (!section.TryGetProperty(name, out var list))
            return;
        if (list.ValueKind != JsonValueKind.Array)
        {
            Errors.Add($"{Section}.{name}: a list is expected.");
            return;
        }

        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"{Section}.{name}[{index++}]");
            if (item.ValueKind == JsonValueKind.Object)
                read(path, item);
            else
                Errors.Add($"{path}: an object is expected.");
        }
    }

    private void ReadProxy(string path, JsonElement item)
    {
        NetworkId? network = null;
        var options = new LanyardProxyOptions();
        var hasAddress = false;
        var before = Errors.Count;
        foreach (var field in item.EnumerateObject())
        {
            var at = $"{path}.{field.Name}";
            switch (field.Name)
            {
                case "listen" when ReadText(at, field.Value) is { } text:
                    hasAddress = true;
                    if (TryParseListen(text, out var endpoint))
                        options = options with { LocalEndPoint = endpoint };
                    else
                        Errors.Add($"{at}: '{text}' is not a port, or an address and a port such as 127.0.0.1:1080.");
                    break;
                case "protocol" when ReadText(at, field.Value) is { } text:
                    if (text is "socks" or "http" or "all")
                        options = options with { Protocols = text == "socks" ? LanyardProxyProtocols.Socks : text == "http" ? LanyardProxyProtocols.Http : LanyardProxyProtocols.All };
                    else
                        Errors.Add($"{at}: '{text}' is none of socks, http and all.");
                    break;
                case "network" when ReadText(at, field.Value) is { } text:
                    network = ReadNetwork(at, text);
                    break;
                case "outside" when ReadText(at, field.Value) is { } text:
                    if (text is "refuse" or "host")
                        options = options with { Outside = text == "host" ? LanyardOutsidePolicy.Host : LanyardOutsidePolicy.Refuse };
                    else
                        Errors.Add($"{at}: '{text}' is neither refuse nor host.");
                    break;
                case "user" when ReadText(at, field.Value) is { } text:
                    options = options with { UserName = text };
                    break;
                case "password" when ReadText(at, field.Value) is { } text:
                    options = options with { Password = text };
                    break;
                case "maxConnections" when ReadNumber(at, field.Value) is { } number:
                    options = options with { MaxConnections = number };
                    break;
                case "idleSeconds" when ReadNumber(at, field.Value) is { } number:
                    options = options with { IdleTimeout = TimeSpan.FromSeconds(number) };
                    break;
                case "listen" or "protocol" or "network" or "outside" or "user" or "password" or "maxConnections" or "idleSeconds":
                    break;
                default:
                    Errors.Add($"{at}: it is not known; a proxy has listen, protocol, network, outside, user, password, maxConnections, idleSeconds.");
                    break;
            }
        }

        if (!hasAddress)
            Errors.Add($"{path}: 'listen' is missing, such as \"listen\": \"127.0.0.1:1080\".");
        if (Errors.Count > before)
            return;
        try
        {
            options.Check();
            Proxies.Add(new ConfiguredProxy(network, options));
        }
        catch (ArgumentException wrong)
        {
            Errors.Add($"{path}: {wrong.Message}");
        }
    }

    private void ReadForward(string path, JsonElement item)
    {
        NetworkId? network = null;
        LanyardForward? forward = null;
        var before = Errors.Count;
        foreach (var field in item.EnumerateObject())
        {
            var at = $"{path}.{field.Name}";
            if (field.Name is not ("network" or "local" or "remote"))
                Errors.Add($"{at}: it is not known; a forward has network, and local or remote.");
            else if (ReadText(at, field.Value) is not { } text)
                continue;
            else if (field.Name == "network")
                network = ReadNetwork(at, text);
            else if (forward is not null)
                Errors.Add($"{path}: it says both local and remote; make two forwards of it.");
            else if (!LanyardForward.TryParse(field.Name == "local" ? LanyardForwardDirection.Local : LanyardForwardDirection.Remote, text, out forward, out var error))
                Errors.Add($"{at}: {error}");
        }

        if (Errors.Count > before)
            return;
        if (network is null)
            Errors.Add($"{path}: 'network' is missing: the network's ID, sixteen hexadecimal digits.");
        else if (forward is null)
            Errors.Add($"{path}: it says neither 'local' nor 'remote', such as \"local\": \"8080:10.1.0.2:80\".");
        else
            Forwards.Add(new ConfiguredForward(network.Value, forward));
    }

    // The same port twice would fail later, and less clearly.
    private void FindDuplicates()
    {
        foreach (var twice in Proxies.GroupBy(proxy => proxy.Options.LocalEndPoint).Where(group => group.Key.Port != 0 && group.Count() > 1))
            Errors.Add($"{Section}.proxies: two proxies listen on {twice.Key}; one that speaks all protocols does for both.");
        foreach (var twice in Forwards.GroupBy(forward => (forward.Forward.Direction, forward.Forward.Bind, forward.Forward.Port, forward.Forward.IsUdp,
            forward.Forward.Direction == LanyardForwardDirection.Remote ? forward.Network : default)).Where(group => group.Key.Port != 0 && group.Count() > 1))
            Errors.Add($"{Section}.forwards: two forwards listen on the port of {twice.First().Forward}.");
    }

    private string? ReadText(string at, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
            return value.GetString();
        if (value.ValueKind == JsonValueKind.Number && at.EndsWith(".listen", StringComparison.Ordinal))
            return value.GetRawText();
        Errors.Add($"{at}: a text is expected.");
        return null;
    }

    private int? ReadNumber(string at, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number > 0)
            return number;
        Errors.Add($"{at}: a whole number above 0 is expected.");
        return null;
    }

    private NetworkId? ReadNetwork(string at, string text)
    {
        if (NetworkId.TryParse(text, out var network))
            return network;
        Errors.Add($"{at}: '{text}' is not a network's ID, which is sixteen hexadecimal digits.");
        return null;
    }

    private static bool TryParseListen(string text, out IPEndPoint endpoint)
    {
        endpoint = new IPEndPoint(IPAddress.Loopback, 0);
        if (!InetEndpoint.TryParse(text.Contains(':', StringComparison.Ordinal) ? text : $"127.0.0.1:{text}", out var parsed))
            return false;
        endpoint = parsed.ToIPEndPoint();
        return true;
    }
}
