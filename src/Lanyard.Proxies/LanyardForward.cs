using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>Which end of a forward listens.</summary>
public enum LanyardForwardDirection
{
    /// <summary>A port of this host leads to one on the virtual network, as <c>ssh -L</c>.</summary>
    Local,

    /// <summary>A port of this node on the virtual network leads to one that this host reaches, as <c>ssh -R</c>.</summary>
    Remote,
}

/// <summary>A port that leads elsewhere. Immutable.</summary>
/// <param name="Direction">Which end listens.</param>
/// <param name="Port">The port that listens, 0 to 65,535; 0 takes a free one.</param>
/// <param name="Host">Where it leads: an address or name, of the virtual network or of the host's.</param>
/// <param name="HostPort">The port there, 1 to 65,535.</param>
public sealed record LanyardForward(LanyardForwardDirection Direction, ushort Port, string Host, ushort HostPort)
{
    private const string Expected = "[ADDRESS:]PORT:HOST:HOSTPORT[/tcp|/udp], such as 8080:10.1.0.2:80, 127.0.0.1:5353:dns:53/udp or [::1]:80:[fd00::1]:80";

    /// <summary>
    /// The address that listens; none, the default, is 127.0.0.1 of the host, or all of this node's on the virtual network. An unspecified one is all
    /// of its family.
    /// </summary>
    public InetAddress Bind { get; init; }

    /// <summary>Whether datagrams are forwarded, not connections.</summary>
    public bool IsUdp { get; init; }

    /// <summary>Reads what <c>ssh -L</c> and <c>-R</c> take: <c>[ADDRESS:]PORT:HOST:HOSTPORT</c>, IPv6 addresses in brackets, <c>*</c> for all IPv4
    /// addresses (on the virtual network, all), and <c>/udp</c> at the end for datagrams.</summary>
    /// <param name="direction">Which end listens.</param>
    /// <param name="text">The text.</param>
    /// <param name="forward">What it says.</param>
    /// <param name="error">Where it says nothing: why.</param>
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
                return Fails($"'{parts[0]}' is not an IP address to listen on. {Expected} is expected.", out error);
        }

        if (!TryParsePort(parts[^3], out var port))
            return Fails($"'{parts[^3]}' is not a port to listen on, 0 to 65535.", out error);
        if (!TryParsePort(parts[^1], out var hostPort) || hostPort == 0)
            return Fails($"'{parts[^1]}' is not a port to lead to, 1 to 65535.", out error);
        if (parts[^2].Length == 0)
            return Fails($"'{text}' names no host to lead to. {Expected} is expected.", out error);
        if (!InetAddress.TryParse(parts[^2], out _) && parts[^2].AsSpan().IndexOfAny(":/[]") >= 0)
            return Fails($"'{parts[^2]}' is neither an IP address nor a host name. {Expected} is expected.", out error);
        forward = new LanyardForward(direction, port, parts[^2], hostPort) { Bind = bind, IsUdp = isUdp };
        error = null;
        return true;

        static bool Fails(string reason, out string error)
        {
            error = reason;
            return false;
        }
    }

    /// <summary>As <see cref="TryParse"/>, throwing where the text says nothing.</summary>
    /// <exception cref="FormatException">The text is malformed; the message says how.</exception>
    public static LanyardForward Parse(LanyardForwardDirection direction, string text) =>
        TryParse(direction, text, out var forward, out var error) ? forward : throw new FormatException(error);

    /// <summary>As <see cref="TryParse"/> reads it.</summary>
    public override string ToString()
    {
        var bind = Bind.Family == InetFamily.None ? "" : Bind.IsV6 ? $"[{Bind}]:" : $"{Bind}:";
        var host = Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host;
        return string.Create(CultureInfo.InvariantCulture, $"{bind}{Port}:{host}:{HostPort}{(IsUdp ? "/udp" : "")}");
    }

    // At colons that are not in brackets, which are taken off.
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

/// <summary>How a port is forwarded. Immutable.</summary>
public sealed record LanyardForwardOptions
{
    /// <summary>How many connections, or senders of datagrams, are served at a time; more connections are cut off, and of senders the one heard
    /// from longest ago goes. Default 1,024.</summary>
    public int MaxConnections { get; init; } = 1_024;

    /// <summary>How long the way to the destination may take to find: its name, and a connection. Default 30 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a connection may carry nothing in either direction before it is cut. Default 2 hours.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromHours(2);

    /// <summary>How long a sender of datagrams may be silent, and be sent nothing, before it is forgotten. Default 5 minutes.</summary>
    public TimeSpan UdpIdleTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <exception cref="ArgumentException">One is out of range.</exception>
    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxConnections, 1);
        LanyardProxyOptions.CheckTime(ConnectTimeout, nameof(ConnectTimeout));
        LanyardProxyOptions.CheckTime(IdleTimeout, nameof(IdleTimeout));
        LanyardProxyOptions.CheckTime(UdpIdleTimeout, nameof(UdpIdleTimeout));
    }
}
