using Lanyard.Primitives;

namespace Lanyard.Service.Intercept;

/// <summary>A socket of a program that is bound to an address that stands for a virtual one. Under the hub's lock.</summary>
/// <param name="cookie">The kernel's socket cookie, which is never reused.</param>
/// <param name="user">The user that created it.</param>
/// <param name="type">The socket type.</param>
/// <param name="near">The address it is bound to in the kernel.</param>
/// <param name="local">The virtual address that <paramref name="near"/> stands for.</param>
/// <param name="traits">The options that apply to its datagrams.</param>
/// <param name="network">The only network that it may use; 0 for any.</param>
/// <param name="tokens">The tokens that authenticate its datagrams.</param>
internal sealed class ProgramSocket(
    ulong cookie, uint user, InterceptSocketType type, InetEndpoint near, InetEndpoint local, SocketTraits traits, ulong network, SocketTokens tokens)
{
    private long _seenAt = Environment.TickCount64;

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

    /// <summary>Whether the socket is a datagram socket that the program never bound, but only sent from or connected.</summary>
    public bool IsClient => (Traits & SocketTraits.Client) != 0;

    /// <summary>The one network that it may use; 0 for any.</summary>
    public ulong Network { get; } = network;

    /// <summary>What authenticates its datagrams.</summary>
    public SocketTokens Tokens { get; } = tokens;

    /// <summary>Of a UDP socket, the far ends that it was connected to last, of which the second one may not be yet.</summary>
    public (InetEndpoint Before, InetEndpoint Last) Connected { get; set; }

    /// <summary>The guard that keeps the loopback alias address of a UDP socket from other programs; null if there is none.</summary>
    public AliasGuard? Guard { get; set; }

    /// <summary>When the system was last asked whether it is still there, in milliseconds of <see cref="Environment.TickCount64"/>.</summary>
    public long SeenAt
    {
        get => Volatile.Read(ref _seenAt);
        set => Volatile.Write(ref _seenAt, value);
    }

    /// <summary>Its latest connection that was asked for.</summary>
    public ConnectAttempt? Attempt { get; set; }

    /// <summary>Where it listens.</summary>
    public ListenGroup? Listener { get; set; }
}

/// <summary>The options of a UDP socket that apply to its datagrams.</summary>
/// <param name="TrafficClass">The type of service or traffic class.</param>
/// <param name="HopLimit">The hop limit of unicast datagrams.</param>
/// <param name="GroupHopLimit">The hop limit of multicast datagrams.</param>
/// <param name="HearsOwn">Whether sockets of this node receive the socket's own multicast datagrams.</param>
internal readonly record struct DatagramSettings(byte TrafficClass, byte HopLimit, byte GroupHopLimit, bool HearsOwn);

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
    Client = 32,
}

/// <summary>A connection that a program asked for. Under the hub's lock.</summary>
internal sealed class ConnectAttempt
{
    /// <summary>How it went: an error number, or 0; null as long as that is not known.</summary>
    public int? Outcome { get; set; }

    /// <summary>The connection that carries the program's data once the attempt succeeds.</summary>
    public ProgramConnection Connection { get; } = new();
}

/// <summary>What the ends of a connection stand for.</summary>
/// <param name="Local">The program's.</param>
/// <param name="Remote">The other.</param>
/// <param name="Near">Where the program's end is in the system.</param>
/// <param name="FarPort">The port, of the address that stands for the other end, that is this connection's; 0 as long as there is none.</param>
/// <param name="Connection">The connection that carries the program's data.</param>
/// <param name="Acceptance">For a connection to a listener, the proof that the listener accepted it.</param>
internal sealed record ConnectionNames(
    InetEndpoint Local, InetEndpoint Remote, ProgramConnection Connection, InetEndpoint Near = default, ushort FarPort = 0, Acceptance? Acceptance = null);

/// <summary>The proof that a listener has accepted a connection, for listeners that close before the service checks.</summary>
/// <param name="listener">The listener's cookie.</param>
internal sealed class Acceptance(ulong listener)
{
    private volatile bool _isAccepted;

    public ulong Listener { get; } = listener;

    /// <summary>Whether the program has reported the accepted connection together with its listener.</summary>
    public bool IsAccepted
    {
        get => _isAccepted;
        set => _isAccepted = value;
    }
}
