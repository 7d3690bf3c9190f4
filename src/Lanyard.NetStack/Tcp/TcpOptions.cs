namespace Lanyard.NetStack;

/// <summary>A congestion control algorithm.</summary>
public enum CongestionAlgorithm : byte
{
    /// <summary>CUBIC, RFC 9438.</summary>
    Cubic = 0,

    /// <summary>Reno's additive increase and halving, RFC 5681.</summary>
    Reno,

    /// <summary>BBR, version 1: by delivery rate and round-trip time instead of loss. Always paced.</summary>
    Bbr,
}

/// <summary>When explicit congestion notification (RFC 3168) is used.</summary>
public enum EcnMode : byte
{
    /// <summary>If the peer asks for it: for accepted connections only.</summary>
    Accept = 0,

    /// <summary>For accepted connections, and requested for opened ones.</summary>
    Request,

    /// <summary>Never.</summary>
    Off,
}

/// <summary>The settings of a TCP connection. Immutable; see <see cref="TcpConnection.Configure"/>.</summary>
public sealed record TcpOptions
{
    /// <summary>Sends small segments at once instead of waiting for acknowledgments (Nagle's algorithm off). Default true.</summary>
    public bool NoDelay { get; init; } = true;

    /// <summary>The size in bytes that the receive buffer, and with it the window, starts at. Default 256 KiB.</summary>
    public int InitialReceiveBufferBytes { get; init; } = 256 << 10;

    /// <summary>The size in bytes that the receive buffer may grow to. Default 4 MiB, at most 1 GiB.</summary>
    public int MaxReceiveBufferBytes { get; init; } = 4 << 20;

    /// <summary>The size in bytes that the send buffer starts at. Default 256 KiB.</summary>
    public int InitialSendBufferBytes { get; init; } = 256 << 10;

    /// <summary>The size in bytes that the send buffer may grow to. Default 4 MiB, at most 1 GiB.</summary>
    public int MaxSendBufferBytes { get; init; } = 4 << 20;

    /// <summary>The idle time before keepalive probes start, at least 1 ms; zero, the default, sends none.</summary>
    public TimeSpan KeepAliveIdle { get; init; } = TimeSpan.Zero;

    /// <summary>The time between keepalive probes, at least 1 ms. Default 75 s.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(75);

    /// <summary>The number of unanswered keepalive probes after which the connection ends. Default 9.</summary>
    public int KeepAliveProbes { get; init; } = 9;

    /// <summary>The time that sent data may stay unacknowledged before the connection ends. Zero, the default, applies <see cref="Retries"/> instead.</summary>
    public TimeSpan UserTimeout { get; init; } = TimeSpan.Zero;

    /// <summary>The number of retransmissions of a segment in a row before the connection ends. Default 15 (more than 100 s, RFC 9293 section
    /// 3.8.3).</summary>
    public int Retries { get; init; } = 15;

    /// <summary>The maximum time of the handshake, at either end. Default 30 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The lower bound of the retransmission timeout, at least 1 ms. Default 200 ms.</summary>
    public TimeSpan MinRto { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The upper bound of the retransmission timeout, at least 1 ms. Default 60 s.</summary>
    public TimeSpan MaxRto { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The maximum delay of an acknowledgment that waits for data. Default 40 ms, at most 500 ms (RFC 9293 section 3.8.6.3).</summary>
    public TimeSpan DelayedAck { get; init; } = TimeSpan.FromMilliseconds(40);

    /// <summary>The time that a closed connection's addresses and ports stay reserved (TIME-WAIT). Default 60 s.</summary>
    public TimeSpan TimeWait { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The time that a connection closed by the application waits for the peer's FIN (FIN-WAIT-2). Default 60 s.</summary>
    public TimeSpan FinWait { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The congestion control algorithm. Default CUBIC.</summary>
    public CongestionAlgorithm Congestion { get; init; } = CongestionAlgorithm.Cubic;

    /// <summary>Sends at the congestion control's rate, in bursts of about a millisecond, instead of as fast as the window allows. Default
    /// false; BBR is paced in any case.</summary>
    public bool Pacing { get; init; }

    /// <summary>When explicit congestion notification is used (RFC 3168). Default <see cref="EcnMode.Accept"/>: some paths
    /// drop SYNs that ask for it, and an answer to such a SYN risks nothing.</summary>
    public EcnMode Ecn { get; init; }

    /// <summary>Announces <see cref="UserTimeout"/> to the peer, in the SYN and when it changes. If it is zero, adopts the peer's timeout: at least 100 s, at
    /// most an hour (RFC 5482). Default false.</summary>
    public bool NegotiateUserTimeout { get; init; }

    /// <summary>Offers window scaling (RFC 7323). Default true.</summary>
    public bool WindowScaling { get; init; } = true;

    /// <summary>Offers timestamps (RFC 7323). Default true.</summary>
    public bool Timestamps { get; init; } = true;

    /// <summary>Offers selective acknowledgments (RFC 2018). Default true.</summary>
    public bool SelectiveAcknowledgments { get; init; } = true;

    /// <summary>The largest segment payload to offer and to send, in bytes; 0 for the largest that the MTU allows. Default 0.</summary>
    public int MaxSegmentBytes { get; init; }

    /// <summary>The hop limit (TTL) of packets sent. Default 64.</summary>
    public byte HopLimit { get; init; } = 64;

    /// <summary>The type of service (IPv4) or traffic class (IPv6) of packets sent. Its two lowest bits belong to ECN and are ignored.
    /// Default 0.</summary>
    public byte TrafficClass { get; init; }

    /// <summary>Acknowledges every segment at once rather than every second one or after <see cref="DelayedAck"/>. Default false.</summary>
    public bool QuickAck { get; init; }

    /// <summary>
    /// How long written data may still be sent after the application has closed the connection, before the connection is reset; zero resets it at once. Null,
    /// the default, sets no limit while the peer answers.
    /// </summary>
    public TimeSpan? Linger { get; init; }
}
