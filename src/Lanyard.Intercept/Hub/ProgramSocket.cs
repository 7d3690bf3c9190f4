using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>A socket of a program that is bound on virtual networks. Guarded by the lock of <see cref="SocketTable"/>.</summary>
/// <param name="cookie">The kernel's cookie (<c>SO_COOKIE</c>), which is never reused.</param>
/// <param name="owner">The user that created the socket, and the networks that it may use.</param>
/// <param name="type">TCP or UDP.</param>
/// <param name="near">The system address and port that the socket is bound to.</param>
/// <param name="local">The virtual address and port that <paramref name="near"/> represents.</param>
internal sealed class ProgramSocket(ulong cookie, SocketOwner owner, InterceptSocketType type, InetEndpoint near, InetEndpoint local)
{
    private long _seenAt = Environment.TickCount64;

    public ulong Cookie { get; } = cookie;

    /// <summary>The user that created the socket, and the networks that it may use.</summary>
    public SocketOwner Owner { get; } = owner;

    /// <summary>The user ID of the user that created the socket.</summary>
    public uint User => Owner.User;

    /// <summary>The ID of the only network that the socket may use; 0 for any.</summary>
    public ulong Network => Owner.Network;

    public InterceptSocketType Type { get; } = type;

    /// <summary>The system address and port that the socket is bound to: the near end.</summary>
    public InetEndpoint Near { get; } = near;

    /// <summary>
    /// The virtual address and port that <see cref="Near"/> represents; the unspecified address for the wildcard address; none for a socket that was never
    /// bound.
    /// </summary>
    public InetEndpoint Local { get; } = local;

    /// <summary>The values of the socket's options.</summary>
    public SocketTraits Traits { get; init; }

    /// <summary>Whether the datagrams are ICMP echo requests and replies.</summary>
    public bool IsEcho => (Traits & SocketTraits.Echo) != 0;

    /// <summary>Whether the socket is a datagram socket that the program never bound, but only sent from or connected.</summary>
    public bool IsClient => (Traits & SocketTraits.Client) != 0;

    /// <summary>Whether the next service process adopts the socket: it listens, or receives datagrams.</summary>
    public bool IsRemembered => Listener is not null
        || (this is { Type: InterceptSocketType.Datagram, IsEcho: false } && (!IsClient || !Connected.Last.IsNone));

    /// <summary>The tokens that authenticate the datagrams.</summary>
    public required SocketTokens Tokens { get; init; }

    /// <summary>The last two far ends of a UDP socket's connections. The kernel may not have connected it to the last one yet.</summary>
    public (InetEndpoint Before, InetEndpoint Last) Connected { get; set; }

    /// <summary>The guard that keeps the loopback alias address of a UDP socket from other programs; null if there is none.</summary>
    public AliasGuard? Guard { get; set; }

    /// <summary>The time at which the system last reported the socket, in milliseconds of <see cref="Environment.TickCount64"/>.</summary>
    public long SeenAt
    {
        get => Volatile.Read(ref _seenAt);
        set => Volatile.Write(ref _seenAt, value);
    }

    /// <summary>The latest connection attempt.</summary>
    public ConnectAttempt? Attempt { get; set; }

    /// <summary>The virtual port that the socket listens on; null if it does not listen.</summary>
    public ListenGroup? Listener { get; set; }
}

/// <summary>A connection attempt of a program. Guarded by the lock of <see cref="SocketTable"/>.</summary>
internal sealed class ConnectAttempt
{
    /// <summary>The outcome: an errno, or 0; null while it is pending.</summary>
    public int? Outcome { get; set; }

    /// <summary>The connection that carries the program's data once the attempt succeeds.</summary>
    public ProgramConnection Connection { get; } = new();
}

/// <summary>The addresses that the ends of a loopback connection represent.</summary>
/// <param name="Local">The program's virtual address and port.</param>
/// <param name="Remote">The peer's address and port.</param>
/// <param name="Near">The near end.</param>
/// <param name="FarPort">The port of the far end; 0 until it has one.</param>
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
