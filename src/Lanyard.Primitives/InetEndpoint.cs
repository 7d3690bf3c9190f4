using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace Lanyard.Primitives;

/// <summary>An IP address and a port. <see langword="default"/> is "none".</summary>
/// <param name="Address">The address.</param>
/// <param name="Port">The port, 0 to 65535.</param>
public readonly record struct InetEndpoint(InetAddress Address, ushort Port)
{
    /// <summary>Whether this is the default value.</summary>
    public bool IsNone => Address.Family == InetFamily.None;

    /// <summary>From the framework's type.</summary>
    public static InetEndpoint FromIPEndPoint(IPEndPoint endpoint)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        return new(InetAddress.FromIPAddress(endpoint.Address), (ushort)endpoint.Port);
    }

    /// <summary>To the framework's type.</summary>
    /// <exception cref="InvalidOperationException">This is the default value.</exception>
    public IPEndPoint ToIPEndPoint() => new(Address.ToIPAddress(), Port);

    /// <summary>Parses <c>1.2.3.4:567</c>, <c>[::1]:567</c> and the protocol's own <c>1.2.3.4/567</c> and <c>::1/567</c>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out InetEndpoint endpoint)
    {
        endpoint = default;
        if (text is null)
            return false;
        var cut = text.LastIndexOf('/');
        if (cut < 0)
            cut = text.LastIndexOf(':');
        if (cut <= 0)
            return false;
        var host = text[..cut];
        if (text[cut] == ':')
        {
            if (host.StartsWith('[') && host.EndsWith(']'))
                host = host[1..^1];
            else if (host.Contains(':', StringComparison.Ordinal))
                return false;
        }

        // .NET's number parsers skip trailing NUL characters.
        if (!InetAddress.TryParse(host, out var address) || text[^1] == '\0'
            || !ushort.TryParse(text.AsSpan(cut + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            return false;
        endpoint = new InetEndpoint(address, port);
        return true;
    }

    /// <summary>As <see cref="TryParse"/>, throwing where the text is not an endpoint.</summary>
    /// <exception cref="FormatException">The text is not an endpoint.</exception>
    public static InetEndpoint Parse(string text) =>
        TryParse(text, out var endpoint) ? endpoint : throw new FormatException($"'{text}' is not an IP endpoint such as 192.0.2.1:9993.");

    /// <summary>The protocol's own text form, <c>1.2.3.4/567</c>, as identity tools and JSON APIs write it.</summary>
    public string ToSlashString() => string.Create(CultureInfo.InvariantCulture, $"{Address}/{Port}");

    /// <summary>The usual text form: <c>1.2.3.4:567</c> or <c>[::1]:567</c>; empty for the default value.</summary>
    public override string ToString() => IsNone ? "" : Address.IsV6
        ? string.Create(CultureInfo.InvariantCulture, $"[{Address}]:{Port}")
        : string.Create(CultureInfo.InvariantCulture, $"{Address}:{Port}");
}
