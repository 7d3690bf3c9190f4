using Lanyard.Primitives;

namespace Lanyard.Service.Intercept;

/// <summary>A descriptor of a program's socket that another process has as well. What is done to it is done to the program's.</summary>
internal sealed unsafe class SocketDescriptor : IDisposable
{
    private const int SolSocket = Libc.SolSocket;
    private const int SoReuseAddress = 2;
    private const int SoType = 3;
    private const int SoError = 4;
    private const int SoKeepAlive = 9;
    private const int SoOutOfBandInline = 10;
    private const int SoLinger = 13;
    private const int SoReusePort = 15;
    private const int SoReceiveTimeout = 20;
    private const int SoSendTimeout = 21;
    private const int SoProtocol = 38;
    private const int SoDomain = 39;
    private const int SoCookie = 57;
    private const int ProtocolTcp = 6;
    private const int ProtocolUdp = 17;
    private const int ProtocolMultipathTcp = 262;
    private const int ProtocolV6 = 41;
    private const int V6Only = 26;

    // Those that a connection keeps: of SOL_SOCKET, and TCP_NODELAY, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT.
    private static readonly (int Level, int Option)[] s_kept =
    [
        (SolSocket, SoKeepAlive), (SolSocket, SoReuseAddress), (SolSocket, SoReusePort), (SolSocket, SoOutOfBandInline),
        (ProtocolTcp, 1), (ProtocolTcp, 4), (ProtocolTcp, 5), (ProtocolTcp, 6), (ProtocolTcp, 18),
    ];

    private int _descriptor;

    /// <param name="descriptor">It is closed by this.</param>
    public SocketDescriptor(int descriptor)
    {
        _descriptor = descriptor;
        var domain = Option(SolSocket, SoDomain);
        if (domain is not (Libc.DomainV4 or Libc.DomainV6))
            return;
        Type = (Option(SolSocket, SoType), Option(SolSocket, SoProtocol)) switch
        {
            (Libc.StreamType, ProtocolTcp or ProtocolMultipathTcp) => InterceptSocketType.Stream,
            (Libc.DatagramType, ProtocolUdp) => InterceptSocketType.Datagram,
            _ => 0,
        };
        Domain = Type == 0 ? 0 : domain;
    }

    public int Number => _descriptor;

    /// <summary>AF_INET, AF_INET6; or 0, where it is no socket that can be virtual.</summary>
    public int Domain { get; }

    /// <summary>0 where it is none that can be virtual.</summary>
    public InterceptSocketType Type { get; }

    public bool IsNonBlocking => (Libc.Flags(_descriptor, Libc.GetStatusFlags, 0) & Libc.NonBlocking) != 0;

    /// <summary>What the system knows it by: the same through each of its descriptors, and never used again.</summary>
    public ulong Cookie
    {
        get
        {
            ulong cookie = 0;
            var length = sizeof(ulong);
            return Libc.GetOption(_descriptor, SolSocket, SoCookie, &cookie, &length) == 0 ? cookie : 0;
        }
    }

    /// <summary>Who made it, whoever has it now.</summary>
    public uint? User => Libc.TryGetUser(_descriptor, out var user) ? user : null;

    /// <summary>Whether closing it may have to wait for what is under way (<c>SO_LINGER</c>), where nobody else has it.</summary>
    public bool IsLingering
    {
        get
        {
            // struct linger: whether, and how many seconds.
            var linger = stackalloc int[2];
            var length = 2 * sizeof(int);
            return Type == InterceptSocketType.Stream && Libc.GetOption(_descriptor, SolSocket, SoLinger, linger, &length) == 0 && linger[0] != 0 && linger[1] != 0;
        }
    }

    /// <summary>Has closing it wait for nothing.</summary>
    public void StopLingering()
    {
        var linger = 0L;
        _ = Libc.SetOption(_descriptor, SolSocket, SoLinger, &linger, sizeof(long));
    }

    /// <summary>How long receiving, and accepting, waits at most; null: for ever.</summary>
    public TimeSpan? ReceiveTimeout => Time(SoReceiveTimeout);

    /// <summary>How long sending waits at most; null: for ever.</summary>
    public TimeSpan? SendTimeout => Time(SoSendTimeout);

    /// <summary>What its options say.</summary>
    public SocketTraits Traits =>
        (Domain == Libc.DomainV6 ? SocketTraits.V6 : 0)
        | (Domain == Libc.DomainV6 && Option(ProtocolV6, V6Only) != 0 ? SocketTraits.V6Only : 0)
        | (Option(SolSocket, SoReusePort) != 0 ? SocketTraits.ReusePort : 0)
        | (Option(SolSocket, SoReuseAddress) != 0 ? SocketTraits.ReuseAddress : 0);

    public bool TryGetNear(out InetEndpoint near) => TryGetName(isFar: false, out near);

    public bool TryGetFar(out InetEndpoint far) => TryGetName(isFar: true, out far);

    /// <summary>Takes the error that is pending: 0 or an error number.</summary>
    public int TakeError() => Option(SolSocket, SoError);

    /// <summary>What stands for virtual addresses are IPv4's, which a socket of IPv6 alone does not reach.</summary>
    public void ReachV4()
    {
        if (Domain == Libc.DomainV6 && Option(ProtocolV6, V6Only) != 0)
            SetOption(ProtocolV6, V6Only, 0);
    }

    /// <summary>Binds it to an address that stands for its end. 0 or an error number, as all that follow.</summary>
    public int Bind(InetEndpoint near)
    {
        ReachV4();
        // Another user's socket could share the address of one that allows that, and take its datagrams.
        if (Type == InterceptSocketType.Datagram)
            SetOption(SolSocket, SoReuseAddress, 0);
        var name = stackalloc byte[SocketName.MaxBytes];
        var length = SocketName.Write(near, Domain, new Span<byte>(name, SocketName.MaxBytes));
        return Libc.Bind(_descriptor, name, length) == 0 ? 0 : Libc.Error;
    }

    /// <summary>Connects, without waiting: of a TCP socket the answer is <see cref="Errno.InProgress"/> at best, whether or not it is a blocking one.</summary>
    public int Connect(InetEndpoint far)
    {
        var name = stackalloc byte[SocketName.MaxBytes];
        var length = SocketName.Write(far, Domain, new Span<byte>(name, SocketName.MaxBytes));
        var flags = Libc.Flags(_descriptor, Libc.GetStatusFlags, 0);
        var isBlocking = Type == InterceptSocketType.Stream && (flags & Libc.NonBlocking) == 0;
        if (isBlocking)
            _ = Libc.Flags(_descriptor, Libc.SetStatusFlags, flags | Libc.NonBlocking);
        var error = Libc.Connect(_descriptor, name, length) == 0 ? 0 : Libc.Error;
        if (isBlocking)
            _ = Libc.Flags(_descriptor, Libc.SetStatusFlags, flags);
        return error;
    }

    public int Listen(int backlog) => Libc.Listen(_descriptor, backlog) == 0 ? 0 : Libc.Error;

    /// <summary>Whether something is there (<see cref="Libc.PollIn"/>, <see cref="Libc.PollOut"/>) without waiting.</summary>
    public bool IsReady(int what)
    {
        var entry = new Libc.PollEntry { Descriptor = _descriptor, Wanted = (short)what };
        return Libc.Poll(&entry, 1, 0) > 0;
    }

    /// <summary>A new, unbound socket of the same type with this one's options; null where there is none to be had.</summary>
    /// <param name="protocol">Its protocol; 0 is the type's usual one.</param>
    public SocketDescriptor? CreateAlike(int protocol = 0)
    {
        var descriptor = Libc.Socket(Domain, (int)Type | Libc.CloseOnExec, protocol);
        if (descriptor < 0)
            return null;
        var fresh = new SocketDescriptor(descriptor);
        foreach (var (level, option) in s_kept)
            fresh.SetOption(level, option, Option(level, option));
        var linger = 0L;
        var length = sizeof(long);
        if (Libc.GetOption(_descriptor, SolSocket, SoLinger, &linger, &length) == 0)
            _ = Libc.SetOption(descriptor, SolSocket, SoLinger, &linger, length);
        _ = Libc.Flags(descriptor, Libc.SetStatusFlags, Libc.Flags(_descriptor, Libc.GetStatusFlags, 0));
        return fresh;
    }

    public void Dispose()
    {
        var descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0)
            _ = Libc.Close(descriptor);
    }

    private bool TryGetName(bool isFar, out InetEndpoint endpoint)
    {
        var name = stackalloc byte[SocketName.MaxBytes];
        var length = SocketName.MaxBytes;
        endpoint = default;
        return (isFar ? Libc.GetPeerName(_descriptor, name, &length) : Libc.GetSocketName(_descriptor, name, &length)) == 0
            && SocketName.TryRead(new ReadOnlySpan<byte>(name, Math.Min(length, SocketName.MaxBytes)), out endpoint);
    }

    private int Option(int level, int option)
    {
        var value = 0;
        var length = sizeof(int);
        return Libc.GetOption(_descriptor, level, option, &value, &length) == 0 ? value : 0;
    }

    private void SetOption(int level, int option, int value) => _ = Libc.SetOption(_descriptor, level, option, &value, sizeof(int));

    // struct timeval.
    private TimeSpan? Time(int option)
    {
        var value = stackalloc long[2];
        var length = 2 * sizeof(long);
        return Libc.GetOption(_descriptor, SolSocket, option, value, &length) == 0 && (value[0] | value[1]) != 0
            ? TimeSpan.FromSeconds(Math.Min(value[0], int.MaxValue)) + TimeSpan.FromMicroseconds(value[1]) : null;
    }
}
