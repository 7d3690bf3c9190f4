using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>A socket of a program that is bound to an address that stands for a virtual one. Under the lock of <see cref="SocketTable"/>.</summary>
/// <param name="cookie">What the system knows it by: never used again.</param>
/// <param name="owner">Who made it, and the one network that it may use.</param>
/// <param name="type">TCP or UDP.</param>
/// <param name="near">Where it is bound in the system.</param>
/// <param name="local">What <paramref name="near"/> represents.</param>
internal sealed class ProgramSocket(ulong cookie, SocketOwner owner, InterceptSocketType type, InetEndpoint near, InetEndpoint local)
{
    private long _seenAt = Environment.TickCount64;

    public ulong Cookie { get; } = cookie;

    /// <summary>Who made it, and the one network that it may use.</summary>
    public SocketOwner Owner { get; } = owner;

    /// <summary>The user ID of who made it.</summary>
    public uint User => Owner.User;

    /// <summary>The ID of the one network that it may use; 0 for any.</summary>
    public ulong Network => Owner.Network;

    public InterceptSocketType Type { get; } = type;

    /// <summary>Where it is bound in the system.</summary>
    public InetEndpoint Near { get; } = near;

    /// <summary>What that stands for: of unspecified address where it is bound to all of them, none where it was never bound.</summary>
    public InetEndpoint Local { get; } = local;

    /// <summary>What its options say.</summary>
    public SocketTraits Traits { get; init; }

    /// <summary>Whether its datagrams are ICMP echo requests and replies.</summary>
    public bool IsEcho => (Traits & SocketTraits.Echo) != 0;

    /// <summary>Whether the socket is a datagram socket that the program never bound, but only sent from or connected.</summary>
    public bool IsClient => (Traits & SocketTraits.Client) != 0;

    /// <summary>Whether a later service takes it up: it listens, or receives datagrams.</summary>
    public bool IsRemembered => Listener is not null
        || (this is { Type: InterceptSocketType.Datagram, IsEcho: false } && (!IsClient || !Connected.Last.IsNone));

    /// <summary>What authenticates its datagrams.</summary>
    public required SocketTokens Tokens { get; init; }

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

/// <summary>A connection that a program asked for. Under the lock of <see cref="SocketTable"/>.</summary>
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
