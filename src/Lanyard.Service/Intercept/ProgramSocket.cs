using Lanyard.Primitives;

namespace Lanyard.Service.Intercept;

/// <summary>A socket of a program that is bound to an address that stands for a virtual one. Under the hub's lock.</summary>
/// <param name="cookie">What the system knows it by: never used again.</param>
internal sealed class ProgramSocket(ulong cookie, uint user, InterceptSocketType type, InetEndpoint near, InetEndpoint local, SocketTraits traits, ulong network)
{
    public ulong Cookie { get; } = cookie;

    /// <summary>Who made it.</summary>
    public uint User { get; } = user;

    public InterceptSocketType Type { get; } = type;

    /// <summary>Where it is bound in the system.</summary>
    public InetEndpoint Near { get; } = near;

    /// <summary>What that stands for: of unspecified address where it is bound to all of them, none where it was never bound.</summary>
    public InetEndpoint Local { get; } = local;

    public SocketTraits Traits { get; } = traits;

    /// <summary>Whether its datagrams are ICMP echo requests and replies.</summary>
    public bool IsEcho => (Traits & SocketTraits.Echo) != 0;

    /// <summary>The one network that it may use; 0 for any.</summary>
    public ulong Network { get; } = network;

    /// <summary>Its latest connection that was asked for.</summary>
    public ConnectAttempt? Attempt { get; set; }

    /// <summary>Where it listens.</summary>
    public ListenGroup? Listener { get; set; }
}

/// <summary>What a socket's own options say.</summary>
[Flags]
internal enum SocketTraits
{
    None = 0,
    V6 = 1,
    V6Only = 2,
    ReusePort = 4,
    ReuseAddress = 8,
    Echo = 16,
}

/// <summary>A connection that a program asked for. Under the hub's lock.</summary>
internal sealed class ConnectAttempt
{
    /// <summary>How it went: an error number, or 0; null as long as that is not known.</summary>
    public int? Outcome { get; set; }
}

/// <summary>What the ends of a connection stand for.</summary>
/// <param name="Local">The program's.</param>
/// <param name="Remote">The other.</param>
/// <param name="FarPort">The port, of the address that stands for the other end, that is really this connection's.</param>
internal sealed record ConnectionNames(InetEndpoint Local, InetEndpoint Remote, ushort FarPort = 0);
