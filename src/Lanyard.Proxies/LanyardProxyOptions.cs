using System.Net;
using System.Text;

namespace Lanyard.Proxies;

/// <summary>What a proxy speaks.</summary>
[Flags]
public enum LanyardProxyProtocols
{
    /// <summary>SOCKS5: CONNECT, BIND and UDP ASSOCIATE (RFC 1928), with user and password where asked for (RFC 1929).</summary>
    Socks = 1,

    /// <summary>HTTP/1.1: CONNECT, and plain requests for <c>http://</c> addresses (RFC 9110 section 9.3.6, RFC 9112 section 3.2.2).</summary>
    Http = 2,

    /// <summary>Both, told apart by the first byte.</summary>
    All = Socks | Http,
}

/// <summary>What becomes of destinations that are not on a virtual network.</summary>
public enum LanyardOutsidePolicy
{
    /// <summary>They are refused, with a reply that says so.</summary>
    Refuse,

    /// <summary>They are reached through the host's own network, and their names looked up there.</summary>
    Host,
}

/// <summary>How a proxy works. Immutable.</summary>
public sealed record LanyardProxyOptions
{
    /// <summary>Where it listens on the host. Default 127.0.0.1, any free port.</summary>
    /// <remarks>Whoever reaches this address may use the virtual network in this node's name: set <see cref="UserName"/> and
    /// <see cref="Password"/> where that is not the loopback address, or where users of this machine should not.</remarks>
    public IPEndPoint LocalEndPoint { get; init; } = new(IPAddress.Loopback, 0);

    /// <summary>What it speaks. Default all, on the one port.</summary>
    public LanyardProxyProtocols Protocols { get; init; } = LanyardProxyProtocols.All;

    /// <summary>The user that clients must name, 1 to 255 bytes of UTF-8; null, the default, asks for none.</summary>
    public string? UserName { get; init; }

    /// <summary>The user's password, 1 to 255 bytes of UTF-8; set with <see cref="UserName"/>, and only with it.</summary>
    public string? Password { get; init; }

    /// <summary>What becomes of destinations that are not on the virtual network. Default <see cref="LanyardOutsidePolicy.Refuse"/>.</summary>
    public LanyardOutsidePolicy Outside { get; init; }

    /// <summary>How many clients are served at a time; more are cut off. Default 1,024.</summary>
    public int MaxConnections { get; init; } = 1_024;

    /// <summary>The longest head of an HTTP request in bytes, 256 to 1 MiB. Default 32 KiB.</summary>
    public int MaxHeaderBytes { get; init; } = 32 * 1024;

    /// <summary>How long a client may take until its request is complete, however it dribbles. Default 10 s.</summary>
    public TimeSpan GreetingTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the way to a destination may take to find: its name, and a connection. Default 30 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the connection that a SOCKS BIND waits for may take to come. Default 2 minutes.</summary>
    public TimeSpan BindTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a connection may carry nothing in either direction before it is cut. Default 2 hours.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromHours(2);

    /// <summary>Throws where they make no sense, as starting a proxy with them would.</summary>
    /// <exception cref="ArgumentException">They contradict each other, or one is out of range.</exception>
    public void Check()
    {
        ArgumentNullException.ThrowIfNull(LocalEndPoint);
        if (Protocols is 0 or > LanyardProxyProtocols.All)
            throw new ArgumentOutOfRangeException(nameof(Protocols), Protocols, "A proxy speaks SOCKS, HTTP or both.");
        if (UserName is null != Password is null)
            throw new ArgumentException("Set LanyardProxyOptions.UserName and Password, or neither.", nameof(Password));
        CheckText(UserName, nameof(UserName));
        CheckText(Password, nameof(Password));
        if (UserName?.Contains(':', StringComparison.Ordinal) == true)
            throw new ArgumentException("A user's name must not hold a colon: HTTP could not tell where it ends.", nameof(UserName));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxConnections, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxHeaderBytes, 256);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxHeaderBytes, 1 << 20);
        CheckTime(GreetingTimeout, nameof(GreetingTimeout));
        CheckTime(ConnectTimeout, nameof(ConnectTimeout));
        CheckTime(BindTimeout, nameof(BindTimeout));
        CheckTime(IdleTimeout, nameof(IdleTimeout));
    }

    // As text: without the password.
    private bool PrintMembers(StringBuilder builder)
    {
        builder.Append("LocalEndPoint = ").Append(LocalEndPoint).Append(", Protocols = ").Append(Protocols).Append(", UserName = ").Append(UserName)
            .Append(", Outside = ").Append(Outside).Append(", MaxConnections = ").Append(MaxConnections);
        return true;
    }

    /// <summary>Times have to be positive, and such that a timer takes them.</summary>
    internal static void CheckTime(TimeSpan time, string name)
    {
        if (time <= TimeSpan.Zero || time > TimeSpan.FromDays(24))
            throw new ArgumentOutOfRangeException(name, time, "The time must be positive, and at most 24 days.");
    }

    private static void CheckText(string? text, string name)
    {
        if (text is not null && Encoding.UTF8.GetByteCount(text) is 0 or > byte.MaxValue)
            throw new ArgumentException("A user's name and password are 1 to 255 bytes long.", name);
    }
}
