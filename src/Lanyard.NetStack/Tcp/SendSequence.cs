namespace Lanyard.NetStack;

/// <summary>The send sequence variables of a connection (RFC 9293 section 3.3.1), unwrapped to 64 bits, and the state of its FIN.</summary>
internal sealed class SendSequence
{
    // The sequence and acknowledgment numbers of the segment that updated the window last: SND.WL1 and SND.WL2.
    private long _windowSequence;
    private long _windowAcknowledgment;

    /// <summary>The sequence number of the stream's first byte.</summary>
    public long First { get; private set; }

    /// <summary>The first sequence number not acknowledged: SND.UNA.</summary>
    public long Unacknowledged { get; private set; }

    /// <summary>The next sequence number to send: SND.NXT.</summary>
    public long Next { get; private set; }

    /// <summary>The peer's window in bytes from <see cref="Unacknowledged"/>: SND.WND.</summary>
    public long Window { get; private set; }

    /// <summary>The largest window that the peer ever offered.</summary>
    public long MaxWindow { get; private set; }

    /// <summary>The scale shift of the peer's windows.</summary>
    public int WindowShift { get; set; }

    /// <summary>Whether the application has finished sending.</summary>
    public bool FinQueued { get; private set; }

    /// <summary>Whether the FIN was sent.</summary>
    public bool FinSent { get; private set; }

    /// <summary>Whether the peer has acknowledged the FIN.</summary>
    public bool FinAcknowledged => FinSent && Unacknowledged == Next;

    /// <summary>The sequence numbers sent and not acknowledged.</summary>
    public long Outstanding => Next - Unacknowledged;

    /// <summary>The bytes that the peer's window admits beyond those sent; negative after the peer has shrunk the window.</summary>
    public long Usable => Unacknowledged + Window - Next;

    /// <summary>The bytes of the stream sent so far, each counted once.</summary>
    public long SentOffset => Next - First;

    /// <summary>Starts with the SYN, which takes the first sequence number.</summary>
    /// <param name="initial">The initial sequence number.</param>
    public void Start(long initial)
    {
        Unacknowledged = initial;
        Next = initial + 1;
        First = initial + 1;
    }

    /// <summary>Records the acknowledgment of the SYN.</summary>
    public void OnSynAcknowledged() => Unacknowledged = First;

    /// <summary>Requests the FIN after the last byte.</summary>
    public void QueueFin() => FinQueued = true;

    /// <summary>Takes the sequence numbers of a new segment. Returns the first.</summary>
    /// <param name="length">The sequence numbers that it takes.</param>
    /// <param name="hasFin">Whether the last is the FIN.</param>
    public long Take(int length, bool hasFin)
    {
        var sequence = Next;
        Next += length;
        FinSent |= hasFin;
        return sequence;
    }

    /// <summary>Whether an acknowledgment number lies within what was sent and not too far back (RFC 5961 section 5.2).</summary>
    /// <param name="ack">The acknowledgment number.</param>
    public bool Admits(long ack) => ack <= Next && ack >= Unacknowledged - Math.Max(MaxWindow, 1);

    /// <summary>Advances <see cref="Unacknowledged"/>.</summary>
    /// <param name="ack">The acknowledgment number.</param>
    public void OnAcknowledged(long ack) => Unacknowledged = ack;

    /// <summary>Sets the window.</summary>
    /// <param name="sequence">The sequence number of the segment that brought the window.</param>
    /// <param name="ack">The acknowledgment number of that segment.</param>
    /// <param name="window">The window in bytes.</param>
    public void SetWindow(long sequence, long ack, long window)
    {
        Window = window;
        MaxWindow = Math.Max(MaxWindow, window);
        _windowSequence = sequence;
        _windowAcknowledgment = ack;
    }

    /// <summary>Updates the window, unless the segment is older than the one that updated it last.</summary>
    /// <param name="sequence">The sequence number of the segment.</param>
    /// <param name="ack">The acknowledgment number of the segment.</param>
    /// <param name="field">The window field.</param>
    /// <returns>Whether the window has another size now.</returns>
    public bool TryUpdateWindow(long sequence, long ack, ushort field)
    {
        if (sequence < _windowSequence || (sequence == _windowSequence && ack < _windowAcknowledgment))
            return false;
        var window = (long)field << WindowShift;
        // The window counts from the acknowledgment that brought it.
        var changed = window != Window;
        SetWindow(sequence, ack, window);
        return changed;
    }
}
