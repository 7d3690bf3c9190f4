namespace Lanyard.NetStack;

/// <summary>The states of a TCP connection, RFC 9293 section 3.3.2.</summary>
public enum TcpState : byte
{
    /// <summary>No connection, or none any more.</summary>
    Closed = 0,

    /// <summary>A SYN was sent.</summary>
    SynSent,

    /// <summary>A SYN was received and answered.</summary>
    SynReceived,

    /// <summary>Open both ways.</summary>
    Established,

    /// <summary>This end has finished sending; that is not acknowledged yet.</summary>
    FinWait1,

    /// <summary>This end has finished sending and the other knows; it may still send.</summary>
    FinWait2,

    /// <summary>The other end has finished sending; this end may still send.</summary>
    CloseWait,

    /// <summary>Both ends finished at once; this end's finish is not acknowledged yet.</summary>
    Closing,

    /// <summary>The other end has finished, then this one; not acknowledged yet.</summary>
    LastAck,

    /// <summary>Closed; the addresses and ports stay reserved until stray segments have died.</summary>
    TimeWait,
}
