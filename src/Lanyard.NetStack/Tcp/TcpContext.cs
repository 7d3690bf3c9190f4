using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>The facts of one connection that its parts share: endpoints, settings, what both ends agreed to, and statistics.</summary>
internal sealed class TcpContext(NetworkHost host, InetEndpoint local, InetEndpoint remote, TcpOptions options)
{
    /// <summary>The counts that <see cref="TcpInfo"/> shows.</summary>
    public TcpStatistics Statistics = new();

    /// <summary>The timestamps.</summary>
    public TcpTimestamps Timestamps = new(TcpTimestamps.OffsetOf(host.Secrets, local.Address, remote.Address));

    /// <summary>Explicit congestion notification.</summary>
    public EcnState Ecn;

    /// <summary>The timer of the handshake.</summary>
    public SynTimer SynTimer = new();

    /// <summary>Limits the challenge acknowledgments.</summary>
    public ChallengeLimiter Challenges = new();

    /// <summary>The next hop to the remote endpoint.</summary>
    public NextHop NextHop = new();

    /// <summary>The host.</summary>
    public NetworkHost Host { get; } = host;

    /// <summary>The local endpoint.</summary>
    public InetEndpoint Local { get; } = local;

    /// <summary>The remote endpoint.</summary>
    public InetEndpoint Remote { get; } = remote;

    /// <summary>The Ethernet address that the peer's SYN came from; the default until it has come.</summary>
    public MacAddress RemoteMac { get; set; }

    /// <summary>The settings.</summary>
    public TcpOptions Options { get; set; } = options;

    /// <summary>The MSS of the peer's SYN in bytes, or the default.</summary>
    public int PeerMss { get; set; }

    /// <summary>Whether both ends use selective acknowledgments.</summary>
    public bool UsesSack { get; set; }

    /// <summary>Whether both ends scale windows.</summary>
    public bool UsesWindowScaling { get; set; }

    /// <summary>Whether the next acknowledgment tells the peer of a changed user timeout (RFC 5482).</summary>
    public bool ReportsUserTimeout { get; set; }

    /// <summary>The checksum of the pseudo header without the length.</summary>
    public uint PseudoHeader { get; } = InternetChecksum.PseudoHeader(local.Address, remote.Address, IpProtocol.Tcp, 0);

    /// <summary>The bytes that timestamps take in every segment.</summary>
    public int TimestampBytes => Timestamps.IsEnabled ? TcpSegmentOptions.TimestampBytes : 0;

    /// <summary>The bytes of a packet with data that are not payload.</summary>
    public int HeaderBytes => IpOutput.HeaderBytes(Remote.Address) + TcpSegment.HeaderBytes + TimestampBytes;

    /// <summary>Counts an event.</summary>
    /// <param name="counter">The counter.</param>
    public void Count(HostCounter counter) => Host.Count(counter);

    /// <summary>Whether packets to the peer currently go to an Ethernet address.</summary>
    /// <param name="mac">The Ethernet address.</param>
    public bool IsNextHop(MacAddress mac) => NextHop.Is(mac, Host.Mac);
}
