using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Lanyard.Primitives;
using Lanyard.Proxies;
using Lanyard.Wire;

namespace Lanyard.Service;

/// <summary>A proxy that a service runs.</summary>
/// <param name="Network">The network that the proxy leads to; null for all joined networks.</param>
/// <param name="Options">The proxy's options.</param>
internal sealed record ConfiguredProxy(NetworkId? Network, LanyardProxyOptions Options);

/// <summary>A port that a service forwards.</summary>
/// <param name="Network">The network.</param>
/// <param name="Forward">The source and the destination.</param>
internal sealed record ConfiguredForward(NetworkId Network, LanyardForward Forward);

/// <summary>Reads the proxies and forwards in the section <c>lanyard</c> of <c>local.conf</c>.</summary>
/// <param name="errors">Collects errors.</param>
internal sealed class ProxySectionReader(ConfigurationErrors errors)
{
    // RFC 1929 section 2.
    private const int MaxCredentialBytes = byte.MaxValue;
    private const int MaxIdleSeconds = 24 * 24 * 60 * 60;

    /// <summary>Reads the proxies.</summary>
    public List<ConfiguredProxy> ReadProxies(JsonElement section, string key)
    {
        var proxies = new List<ConfiguredProxy>();
        foreach (var (at, item) in Items(section, "proxies", key))
        {
            if (ReadProxy(at, item) is { } proxy)
                proxies.Add(proxy);
        }

        // Binding the same port twice would fail later, with a less clear error.
        foreach (var twice in proxies.GroupBy(proxy => proxy.Options.LocalEndPoint).Where(group => group.Key.Port != 0 && group.Count() > 1))
            errors.Add(key, $"has two proxies that listen on {twice.Key}: use one proxy with \"protocol\": \"all\"");
        return proxies;
    }

    /// <summary>Reads the forwards.</summary>
    public List<ConfiguredForward> ReadForwards(JsonElement section, string key)
    {
        var forwards = new List<ConfiguredForward>();
        foreach (var (at, item) in Items(section, "forwards", key))
        {
            if (ReadForward(at, item) is { } forward)
                forwards.Add(forward);
        }

        foreach (var twice in forwards.GroupBy(forward => (forward.Forward.Direction, forward.Forward.Bind, forward.Forward.Port, forward.Forward.IsUdp,
            forward.Forward.Direction == LanyardForwardDirection.Remote ? forward.Network : default)).Where(group => group.Key.Port != 0 && group.Count() > 1))
            errors.Add(key, $"has two forwards that listen on the port of {twice.First().Forward}");
        return forwards;
    }

    private IEnumerable<(string Key, JsonElement Item)> Items(JsonElement section, string name, string key)
    {
        if (LocalConfigurationReader.Find(section, name) is not { } list)
            yield break;
        if (list.ValueKind != JsonValueKind.Array)
        {
            errors.Add(key, "is not an array", WithoutText(list));
            yield break;
        }

        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            var at = string.Create(CultureInfo.InvariantCulture, $"{key}[{index++}]");
            if (item.ValueKind == JsonValueKind.Object)
                yield return (at, item);
            else
                errors.Add(at, "is not an object", WithoutText(item));
        }
    }

    // A string in place of a list or an item may contain a password.
    private static JsonElement? WithoutText(JsonElement found) => found.ValueKind == JsonValueKind.String ? null : found;

    private ConfiguredProxy? ReadProxy(string key, JsonElement item)
    {
        NetworkId? network = null;
        var options = new LanyardProxyOptions();
        var hasAddress = false;
        var before = errors.Count;
        foreach (var field in item.EnumerateObject())
        {
            var (at, value) = ($"{key}.{field.Name}", field.Value);
            switch (field.Name)
            {
                case "listen":
                    hasAddress = true;
                    if (ReadListen(value) is { } endpoint)
                        options = options with { LocalEndPoint = endpoint };
                    else
                        errors.Add(at, "is not a port, or an address and a port such as 127.0.0.1:1080", value);
                    break;
                case "protocol":
                    options = options with { Protocols = Choose(at, value, ("socks", LanyardProxyProtocols.Socks), ("http", LanyardProxyProtocols.Http), ("all", LanyardProxyProtocols.All)) };
                    break;
                case "network":
                    network = errors.Network(at, value);
                    break;
                case "outside":
                    options = options with { Outside = Choose(at, value, ("refuse", LanyardOutsidePolicy.Refuse), ("host", LanyardOutsidePolicy.Host)) };
                    break;
                case "user":
                    options = options with { UserName = ReadCredential(at, value) };
                    if (options.UserName?.Contains(':', StringComparison.Ordinal) == true)
                        errors.Add(at, "contains a colon, which separates user and password in HTTP");
                    break;
                case "password":
                    options = options with { Password = ReadCredential(at, value) };
                    break;
                case "maxConnections":
                    options = options with { MaxConnections = ReadNumber(at, value, int.MaxValue) };
                    break;
                case "idleSeconds":
                    options = options with { IdleTimeout = TimeSpan.FromSeconds(ReadNumber(at, value, MaxIdleSeconds)) };
                    break;
                default:
                    errors.Add(at, "is unknown: a proxy has listen, protocol, network, outside, user, password, maxConnections, idleSeconds");
                    break;
            }
        }

        if (!hasAddress)
            errors.Add(key, "has no \"listen\", such as \"listen\": \"127.0.0.1:1080\"");
        if (errors.Count == before && options.UserName is null != options.Password is null)
            errors.Add(key, "has only one of \"user\" and \"password\": set both or neither");
        return errors.Count == before ? new ConfiguredProxy(network, options) : null;
    }

    private ConfiguredForward? ReadForward(string key, JsonElement item)
    {
        NetworkId? network = null;
        LanyardForward? forward = null;
        var before = errors.Count;
        foreach (var field in item.EnumerateObject())
        {
            var at = $"{key}.{field.Name}";
            if (field.Name is not ("network" or "local" or "remote"))
                errors.Add(at, "is unknown: a forward has network, and local or remote");
            else if (field.Name == "network")
                network = errors.Network(at, field.Value);
            else if (forward is not null)
                errors.Add(key, "has both \"local\" and \"remote\": use two forwards");
            else if (errors.Text(at, field.Value) is { } text
                && !LanyardForward.TryParse(field.Name == "local" ? LanyardForwardDirection.Local : LanyardForwardDirection.Remote, text, out forward, out var error))
                errors.Add(at, $"is invalid: {error.TrimEnd('.')}");
        }

        if (errors.Count > before)
            return null;
        if (network is null)
            errors.Add(key, "has no \"network\", a network ID of sixteen hexadecimal digits");
        if (forward is null)
            errors.Add(key, "has neither \"local\" nor \"remote\", such as \"local\": \"8080:10.1.0.2:80\"");
        return errors.Count == before ? new ConfiguredForward(network!.Value, forward!) : null;
    }

    private T Choose<T>(string key, JsonElement value, params ReadOnlySpan<(string Name, T Value)> choices)
    {
        var names = "";
        foreach (var (name, choice) in choices)
        {
            if (value.ValueKind == JsonValueKind.String && value.ValueEquals(name))
                return choice;
            names += names.Length == 0 ? name : $", {name}";
        }

        errors.Add(key, $"is not one of {names}", value);
        return default!;
    }

    // The error must not contain a password.
    private string? ReadCredential(string key, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String && value.GetString() is { } text && Encoding.UTF8.GetByteCount(text) is > 0 and <= MaxCredentialBytes)
            return text;
        errors.Add(key, "is not a string of 1 to 255 bytes");
        return null;
    }

    private int ReadNumber(string key, JsonElement value, int max)
    {
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number > 0 && number <= max)
            return number;
        errors.Add(key, string.Create(CultureInfo.InvariantCulture, $"is not a whole number, 1 to {max}"), value);
        return 1;
    }

    private static IPEndPoint? ReadListen(JsonElement value)
    {
        var text = value.ValueKind switch { JsonValueKind.String => value.GetString()!, JsonValueKind.Number => value.GetRawText(), _ => "" };
        return InetEndpoint.TryParse(text.Contains(':', StringComparison.Ordinal) ? text : $"127.0.0.1:{text}", out var endpoint) ? endpoint.ToIPEndPoint() : null;
    }
}
