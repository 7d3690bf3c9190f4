using System.Net;
using System.Text;

namespace Lanyard.Proxies;

/// <summary>The protocols of a proxy.</summary>
[Flags]
public enum LanyardProxyProtocols
{
    /// <summary>SOCKS5: CONNECT, BIND and UDP ASSOCIATE (RFC 1928), with user and password if required (RFC 1929).</summary>
    Socks = 1,

    /// <summary>HTTP/1.1: CONNECT, and plain requests for <c>http://</c> addresses (RFC 9110 section 9.3.6, RFC 9112 section 3.2.2).</summary>
    Http = 2,

    /// <summary>Both protocols, distinguished by the first byte.</summary>
    All = Socks | Http,
}

/// <summary>The handling of destinations that are not on a virtual network.</summary>
public enum LanyardOutsidePolicy
{
    /// <summary>Refuses them, with a reply that says so.</summary>
    Refuse,

    /// <summary>Connects to them through the host's own network, and resolves their names there.</summary>
    Host,
}

/// <summary>The options of a proxy. Immutable.</summary>
public sealed record LanyardProxyOptions
{
    /// <summary>The endpoint of the host to listen on. Default 127.0.0.1, any free port.</summary>
    /// <remarks>Every program that reaches this endpoint can use the virtual network under this node's identity. Set <see cref="UserName"/> and
    /// <see cref="Password"/> if the address is not a loopback address, or if other users of this machine must not use the network.</remarks>
    public IPEndPoint LocalEndPoint { get; init; } = new(IPAddress.Loopback, 0);

    /// <summary>The protocols. Default: all, on one port.</summary>
    public LanyardProxyProtocols Protocols { get; init; } = LanyardProxyProtocols.All;

    /// <summary>The user name that clients must send, 1 to 255 bytes of UTF-8; null, the default, requires no authentication.</summary>
    public string? UserName { get; init; }

    /// <summary>The user's password, 1 to 255 bytes of UTF-8; set with <see cref="UserName"/>, and only with it.</summary>
    public string? Password { get; init; }

    /// <summary>The handling of destinations that are not on the virtual network. Default <see cref="LanyardOutsidePolicy.Refuse"/>.</summary>
    public LanyardOutsidePolicy Outside { get; init; }

    /// <summary>The maximum number of clients at a time; further clients are cut off. Default 1,024.</summary>
    public int MaxConnections { get; init; } = 1_024;

    /// <summary>The longest head of an HTTP request in bytes, 256 to 1 MiB. Default 32 KiB.</summary>
    public int MaxHeaderBytes { get; init; } = 32 * 1024;

    /// <summary>The time limit for a client to send its complete request. Default 10 s.</summary>
    public TimeSpan GreetingTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The time limit for reaching a destination: resolving its name, and connecting. Default 30 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The time limit for the connection that a SOCKS BIND expects. Default 2 minutes.</summary>
    public TimeSpan BindTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The time after which a connection without data in either direction is cut. Default 2 hours.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromHours(2);

    /// <summary>Throws if the options are invalid, like starting a proxy with them.</summary>
    /// <exception cref="ArgumentException">Options contradict each other, or an option is out of range.</exception>
    public void Check()
    {
        ArgumentNullException.ThrowIfNull(LocalEndPoint);
        if (Protocols is 0 or > LanyardProxyProtocols.All)
            throw new ArgumentOutOfRangeException(nameof(Protocols), Protocols, "The protocols of a proxy are SOCKS, HTTP or both.");
        if (UserName is null != Password is null)
            throw new ArgumentException("Set LanyardProxyOptions.UserName and Password, or neither.", nameof(Password));
        CheckText(UserName, nameof(UserName));
        CheckText(Password, nameof(Password));
        if (UserName?.Contains(':', StringComparison.Ordinal) == true)
            throw new ArgumentException("A user name must not contain a colon, which ends the user name in HTTP.", nameof(UserName));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxConnections, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxHeaderBytes, 256);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxHeaderBytes, 1 << 20);
        CheckTime(GreetingTimeout, nameof(GreetingTimeout));
        CheckTime(ConnectTimeout, nameof(ConnectTimeout));
        CheckTime(BindTimeout, nameof(BindTimeout));
        CheckTime(IdleTimeout, nameof(IdleTimeout));
    }

    // The text omits the password.
    private bool PrintMembers(StringBuilder builder)
    {
        builder.Append("LocalEndPoint = ").Append(LocalEndPoint).Append(", Protocols = ").Append(Protocols).Append(", UserName = ").Append(UserName)
            .Append(", Outside = ").Append(Outside).Append(", MaxConnections = ").Append(MaxConnections);
        return true;
    }

    /// <summary>Throws unless a time is positive and within the range of a timer.</summary>
    internal static void CheckTime(TimeSpan time, string name)
    {
        if (time <= TimeSpan.Zero || time > TimeSpan.FromDays(24))
            throw new ArgumentOutOfRangeException(name, time, "The time must be positive, and at most 24 days.");
    }

    private static void CheckText(string? text, string name)
    {
        if (text is not null && Encoding.UTF8.GetByteCount(text) is 0 or > byte.MaxValue)
            throw new ArgumentException("A user name and a password must be 1 to 255 bytes long.", name);
    }
}
