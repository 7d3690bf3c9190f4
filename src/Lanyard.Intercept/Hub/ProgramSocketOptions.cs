using System.Net.Sockets;
using Lanyard.Intercept.Linux;
using Lanyard.NetStack;

namespace Lanyard.Intercept.Hub;

/// <summary>The end-to-end options of a program's TCP socket.</summary>
internal sealed record ProgramSocketOptions
{
    private const int SoKeepAlive = 9;
    private const int KeepIdle = 4; // TCP_KEEPIDLE
    private const int KeepInterval = 5; // TCP_KEEPINTVL
    private const int KeepCount = 6; // TCP_KEEPCNT
    private const int MaxSegment = 2; // TCP_MAXSEG
    private const int UsualMaxSegment = 536;
    private const int CongestionName = 13; // TCP_CONGESTION
    private const int UserTimeoutMs = 18; // TCP_USER_TIMEOUT
    private const int IpTos = 1;
    private const int IpTtl = 2;
    private const int V6UnicastHops = 16;
    private const int V6TrafficClass = 67;
    private const int ProtocolV4 = 0;
    private const int ProtocolV6 = 41;

    // A probe count that no program uses marks keepalive that the service enabled.
    private const int OwnKeepCount = 127;
    private const int OwnKeepInterval = 1;
    private static readonly (int Option, int Value)[] s_usual = [(KeepIdle, 7_200), (KeepInterval, 75), (KeepCount, 9)];

    // The virtual connection ends a little after the program's kernel decides.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan MaxLead = TimeSpan.FromSeconds(5);

    /// <summary>The default keepalive idle time, when the program sets none: a connection then detects a vanished peer within 15 minutes.</summary>
    private static readonly TimeSpan UsualKeepIdle = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan UsualKeepInterval = TimeSpan.FromSeconds(30);
    private const int UsualKeepCount = 10;

    /// <summary>Whether <c>SO_KEEPALIVE</c> is on.</summary>
    public bool IsKeptAlive { get; private init; }

    /// <summary>The keepalive idle time (<c>TCP_KEEPIDLE</c>).</summary>
    public TimeSpan Idle { get; private init; }

    /// <summary>The time between keepalive probes (<c>TCP_KEEPINTVL</c>).</summary>
    public TimeSpan Interval { get; private init; }

    /// <summary>The number of unanswered keepalive probes that end the connection (<c>TCP_KEEPCNT</c>).</summary>
    public int Probes { get; private init; }

    /// <summary>The time limit of unacknowledged data (<c>TCP_USER_TIMEOUT</c>); zero for none.</summary>
    public TimeSpan UserTimeout { get; private init; }

    /// <summary>The time by which the probe of the peer precedes the keepalive probe of the program's kernel.</summary>
    public TimeSpan Lead => Idle / 2 < MaxLead ? Idle / 2 : MaxLead;

    private CongestionAlgorithm Congestion { get; init; }

    private int? MaxSegmentBytes { get; init; }

    private (byte V4, byte V6) HopLimit { get; init; } = (64, 64);

    private (byte V4, byte V6) TrafficClass { get; init; }

    /// <summary>
    /// Reads the options of a socket. With <c>TCP_USER_TIMEOUT</c>, the kernel detects a silent peer only while its own data is unacknowledged, but the service
    /// acknowledges all data. The service therefore enables <c>SO_KEEPALIVE</c> with that time limit.
    /// </summary>
    /// <param name="descriptor">The socket.</param>
    /// <param name="isOpening">Whether the socket is about to connect.</param>
    public static ProgramSocketOptions Read(SocketDescriptor descriptor, bool isOpening)
    {
        var userTimeoutMs = descriptor.Option(Libc.Tcp, UserTimeoutMs);
        var isOn = descriptor.Option(Libc.SolSocket, SoKeepAlive) != 0;
        var isOwn = isOn && descriptor.Option(Libc.Tcp, KeepCount) == OwnKeepCount;
        if (userTimeoutMs > 0 && (!isOn || isOwn))
        {
            descriptor.SetOption(Libc.Tcp, KeepIdle, Math.Clamp(userTimeoutMs / 2_000, 1, short.MaxValue));
            descriptor.SetOption(Libc.Tcp, KeepInterval, OwnKeepInterval);
            descriptor.SetOption(Libc.Tcp, KeepCount, OwnKeepCount);
            descriptor.SetOption(Libc.SolSocket, SoKeepAlive, 1);
            (isOn, isOwn) = (true, true);
        }
        else if (isOwn)
        {
            descriptor.SetOption(Libc.SolSocket, SoKeepAlive, 0);
            foreach (var (option, value) in s_usual)
                descriptor.SetOption(Libc.Tcp, option, value);
        }

        var maxSegment = isOpening ? descriptor.Option(Libc.Tcp, MaxSegment) : UsualMaxSegment;
        var isV6 = descriptor.Domain == Libc.DomainV6;
        return new ProgramSocketOptions
        {
            IsKeptAlive = isOn && !isOwn,
            Idle = TimeSpan.FromSeconds(Math.Max(1, descriptor.Option(Libc.Tcp, KeepIdle))),
            Interval = TimeSpan.FromSeconds(Math.Max(1, descriptor.Option(Libc.Tcp, KeepInterval))),
            Probes = descriptor.Option(Libc.Tcp, KeepCount),
            UserTimeout = TimeSpan.FromMilliseconds(Math.Max(0, userTimeoutMs)),
            MaxSegmentBytes = maxSegment == UsualMaxSegment ? null : maxSegment,
            Congestion = descriptor.TextOption(Libc.Tcp, CongestionName) switch
            {
                "reno" => CongestionAlgorithm.Reno,
                "bbr" => CongestionAlgorithm.Bbr,
                _ => CongestionAlgorithm.Cubic,
            },
            HopLimit = ((byte)descriptor.Option(ProtocolV4, IpTtl), isV6 ? (byte)descriptor.Option(ProtocolV6, V6UnicastHops) : (byte)64),
            TrafficClass = ((byte)descriptor.Option(ProtocolV4, IpTos), isV6 ? (byte)descriptor.Option(ProtocolV6, V6TrafficClass) : (byte)0),
        };
    }

    /// <summary>
    /// Starts the kernel's keepalive timer of a connected socket. The kernel starts the timer on connecting and accepting, but not after a simultaneous open.
    /// Setting the idle time starts it.
    /// </summary>
    public static void StartTimer(SocketDescriptor descriptor)
    {
        if (descriptor.Option(Libc.SolSocket, SoKeepAlive) != 0)
            descriptor.SetOption(Libc.Tcp, KeepIdle, Math.Max(1, descriptor.Option(Libc.Tcp, KeepIdle)));
    }

    /// <summary>Returns the same options for a virtual connection.</summary>
    /// <param name="usual">The current options of the virtual connection.</param>
    /// <param name="family">The address family of the virtual connection.</param>
    public TcpOptions Of(TcpOptions usual, AddressFamily family)
    {
        var isV6 = family == AddressFamily.InterNetworkV6;
        return usual with
        {
            KeepAliveIdle = IsKeptAlive ? Idle - Lead : UsualKeepIdle,
            KeepAliveInterval = IsKeptAlive ? Interval : UsualKeepInterval,
            KeepAliveProbes = IsKeptAlive ? Probes + 1 + (int)((Lead + Margin) / Interval) : UsualKeepCount,
            UserTimeout = UserTimeout == TimeSpan.Zero ? TimeSpan.Zero : UserTimeout + (UserTimeout / 2) + Margin,
            Congestion = Congestion,
            MaxSegmentBytes = MaxSegmentBytes ?? usual.MaxSegmentBytes,
            HopLimit = Math.Max((byte)1, isV6 ? HopLimit.V6 : HopLimit.V4),
            TrafficClass = isV6 ? TrafficClass.V6 : TrafficClass.V4,
        };
    }
}
