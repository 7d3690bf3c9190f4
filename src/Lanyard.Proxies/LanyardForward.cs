using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>Which end of a forward listens.</summary>
public enum LanyardForwardDirection
{
    /// <summary>A port of this host forwards to a port on the virtual network, like <c>ssh -L</c>.</summary>
    Local,

    /// <summary>A port of this node on the virtual network forwards to a port that this host reaches, like <c>ssh -R</c>.</summary>
    Remote,
}

/// <summary>A forwarded port. Immutable.</summary>
/// <param name="Direction">Which end listens.</param>
/// <param name="Port">The port that listens, 0 to 65,535; 0 selects a free port.</param>
/// <param name="Host">The destination: an address or name of the virtual network or of the host's network.</param>
/// <param name="HostPort">The destination port, 1 to 65,535.</param>
public sealed record LanyardForward(LanyardForwardDirection Direction, ushort Port, string Host, ushort HostPort)
{
    private const string Expected = "[ADDRESS:]PORT:HOST:HOSTPORT[/tcp|/udp], such as 8080:10.1.0.2:80, 127.0.0.1:5353:dns:53/udp or [::1]:80:[fd00::1]:80";

    /// <summary>
    /// The address that listens. The default, none, is 127.0.0.1 of the host, or all of this node's addresses on the virtual network. An unspecified
    /// address means all addresses of its family.
    /// </summary>
    public InetAddress Bind { get; init; }

    /// <summary>Whether datagrams are forwarded, not connections.</summary>
    public bool IsUdp { get; init; }

    /// <summary>Parses the syntax of <c>ssh -L</c> and <c>-R</c>: <c>[ADDRESS:]PORT:HOST:HOSTPORT</c>, IPv6 addresses in brackets, <c>*</c> for all IPv4
    /// addresses (on the virtual network, all addresses), and <c>/udp</c> at the end for datagrams.</summary>
    /// <param name="direction">Which end listens.</param>
    /// <param name="text">The text.</param>
    /// <param name="forward">The forward.</param>
    /// <param name="error">The reason if the text is invalid.</param>
    public static bool TryParse(
        LanyardForwardDirection direction, string? text, [NotNullWhen(true)] out LanyardForward? forward, [NotNullWhen(false)] out string? error)
    {
        forward = null;
        error = $"'{text}' is not {Expected}.";
        if (text is null)
            return false;
        var slash = text.LastIndexOf('/');
        var isUdp = slash >= 0 && text[slash..] == "/udp";
        if (slash >= 0 && !isUdp && text[slash..] != "/tcp")
            return false;
        var parts = Split(slash < 0 ? text : text[..slash]);
        if (parts.Count is not (3 or 4))
            return false;
        InetAddress bind = default;
        if (parts.Count == 4)
        {
            if (parts[0] == "*")
                bind = direction == LanyardForwardDirection.Local ? InetAddress.FromV4(0) : default;
            else if (parts[0] == "localhost" && direction == LanyardForwardDirection.Local)
                bind = default;
            else if (!InetAddress.TryParse(parts[0], out bind))
                return Fails($"'{parts[0]}' is not an IP address to listen on. Use {Expected}.", out error);
        }

        if (!TryParsePort(parts[^3], out var port))
            return Fails($"'{parts[^3]}' is not a port to listen on, 0 to 65535.", out error);
        if (!TryParsePort(parts[^1], out var hostPort) || hostPort == 0)
            return Fails($"'{parts[^1]}' is not a destination port, 1 to 65535.", out error);
        if (parts[^2].Length == 0)
            return Fails($"'{text}' has no destination host. Use {Expected}.", out error);
        if (!InetAddress.TryParse(parts[^2], out _) && parts[^2].AsSpan().IndexOfAny(":/[]") >= 0)
            return Fails($"'{parts[^2]}' is neither an IP address nor a host name. Use {Expected}.", out error);
        forward = new LanyardForward(direction, port, parts[^2], hostPort) { Bind = bind, IsUdp = isUdp };
        error = null;
        return true;

        static bool Fails(string reason, out string error)
        {
            error = reason;
            return false;
        }
    }

    /// <summary>Parses like <see cref="TryParse"/>, but throws if the text is invalid.</summary>
    /// <exception cref="FormatException">The text is malformed; the message gives the reason.</exception>
    public static LanyardForward Parse(LanyardForwardDirection direction, string text) =>
        TryParse(direction, text, out var forward, out var error) ? forward : throw new FormatException(error);

    /// <summary>Returns the text that <see cref="TryParse"/> reads.</summary>
    public override string ToString()
    {
        var bind = Bind.Family == InetFamily.None ? "" : Bind.IsV6 ? $"[{Bind}]:" : $"{Bind}:";
        var host = Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host;
        return string.Create(CultureInfo.InvariantCulture, $"{bind}{Port}:{host}:{HostPort}{(IsUdp ? "/udp" : "")}");
    }

    // Splits at colons outside of brackets, and removes the brackets.
    private static List<string> Split(string text)
    {
        var parts = new List<string>();
        var start = 0;
        var isInBrackets = false;
        for (var i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && text[i] is '[' or ']')
                isInBrackets = text[i] == '[';
            else if (i == text.Length || (text[i] == ':' && !isInBrackets))
            {
                var part = text[start..i];
                parts.Add(part.Length > 2 && part[0] == '[' && part[^1] == ']' ? part[1..^1] : part);
                start = i + 1;
            }
        }

        return parts;
    }

    private static bool TryParsePort(string text, out ushort port) => ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port);
}

/// <summary>The options of a forward. Immutable.</summary>
public sealed record LanyardForwardOptions
{
    /// <summary>The maximum number of connections, or senders of datagrams, at a time. Further connections are cut off; a further sender replaces the sender that has been
    /// silent longest. Default 1,024.</summary>
    public int MaxConnections { get; init; } = 1_024;

    /// <summary>The time limit for reaching the destination: resolving its name, and connecting. Default 30 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The time after which a connection without data in either direction is cut. Default 2 hours.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromHours(2);

    /// <summary>The time after which a sender of datagrams without traffic in either direction is forgotten. Default 5 minutes.</summary>
    public TimeSpan UdpIdleTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <exception cref="ArgumentException">An option is out of range.</exception>
    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxConnections, 1);
        LanyardProxyOptions.CheckTime(ConnectTimeout, nameof(ConnectTimeout));
        LanyardProxyOptions.CheckTime(IdleTimeout, nameof(IdleTimeout));
        LanyardProxyOptions.CheckTime(UdpIdleTimeout, nameof(UdpIdleTimeout));
    }
}
