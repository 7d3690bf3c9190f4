namespace Lanyard.NetStack;

/// <summary>The states of a TCP connection, RFC 9293 section 3.3.2.</summary>
public enum TcpState : byte
{
    /// <summary>Not opened yet, or ended.</summary>
    Closed = 0,

    /// <summary>A SYN was sent.</summary>
    SynSent,

    /// <summary>A SYN was received and answered.</summary>
    SynReceived,

    /// <summary>Open in both directions.</summary>
    Established,

    /// <summary>This end has sent FIN, which is not acknowledged yet.</summary>
    FinWait1,

    /// <summary>The peer has acknowledged this end's FIN, and may still send.</summary>
    FinWait2,

    /// <summary>The peer has sent FIN. This end may still send.</summary>
    CloseWait,

    /// <summary>Both ends have sent FIN at the same time. This end's FIN is not acknowledged yet.</summary>
    Closing,

    /// <summary>The peer has sent FIN, then this end, whose FIN is not acknowledged yet.</summary>
    LastAck,

    /// <summary>Closed. The addresses and ports stay reserved until old segments have left the network.</summary>
    TimeWait,
}
