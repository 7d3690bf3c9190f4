using Lanyard.Primitives;

namespace Lanyard.NetStack;

// How a connection opens, ends, and tells its owner.
public sealed partial class TcpConnection
{
    private const int DefaultMssV4 = 536;
    private const int DefaultMssV6 = 1220;

    private const int MinSegmentBytes = 32;

    private Raise _raise;
    private NetError _softError;
    private int _peerMss;
    private bool _usesSack;
    private bool _isDisposed;

    [Flags]
    private enum Raise : byte
    {
        None = 0,
        Connected = 1,
        Readable = 2,
        Writable = 4,
        Closed = 8,
    }

    /// <summary>Neighbors in the list of half-open or of waiting connections that this one is in.</summary>
    internal TcpConnection? ListPrevious { get; set; }

    /// <summary>See <see cref="ListPrevious"/>.</summary>
    internal TcpConnection? ListNext { get; set; }

    /// <summary>Whether it waits in the host's queue of connections to settle.</summary>
    internal bool IsMarked { get; set; }

    internal long TimeWaitSince { get; private set; }

    /// <summary>The segment size of an end that names none (RFC 9293 section 3.7.1).</summary>
    internal static int DefaultMss(InetAddress remote) => remote.IsV4 ? DefaultMssV4 : DefaultMssV6;

    /// <summary>Tells a host's timestamps to one address from those to another.</summary>
    internal static uint TimestampOffset(NetworkHost host, InetAddress local, InetAddress remote) => (uint)host.Secrets.Hash(
        HostSecrets.Purpose.TimestampOffset, local.V6High, local.V6Low ^ local.V4, remote.V6High, remote.V6Low ^ remote.V4);

    /// <summary>Sends the SYN of an active open.</summary>
    internal void Open(long now)
    {
        State = TcpState.SynSent;
        _connectUntil = now + Microseconds.From(Options.ConnectTimeout);
        Receiver.WindowShift = TcpReceiver.ChooseShift(Options.MaxReceiveBufferBytes);
        Sender.Start(SequenceNumber.First(ChooseInitialSequence(now)));
        TransmitSyn(now);
        Mark();
    }

    /// <summary>Takes the SYN of a passive open and answers it.</summary>
    internal void OpenPassively(long now, in TcpSegment syn)
    {
        State = TcpState.SynReceived;
        _connectUntil = now + Microseconds.From(Options.ConnectTimeout);
        Receiver.WindowShift = TcpReceiver.ChooseShift(Options.MaxReceiveBufferBytes);
        Sender.Start(SequenceNumber.First(ChooseInitialSequence(now)));
        TakeSyn(now, SynOffer.From(syn));
        TransmitSyn(now);
        Mark();
    }

    /// <summary>Takes the acknowledgement that brought a cookie back: the state is what it would be had the SYN been kept.</summary>
    internal void OpenByCookie(long now, in SynOffer offer, in TcpSegment segment)
    {
        State = TcpState.SynReceived;
        _connectUntil = now + Microseconds.From(Options.ConnectTimeout);
        // When the SYN was answered is not known, so nothing is learned from the time it took.
        _synRetries = 1;
        Receiver.WindowShift = TcpReceiver.ChooseShift(Options.MaxReceiveBufferBytes);
        Sender.Start(SequenceNumber.First(segment.Acknowledgment - 1));
        TakeSyn(now, offer);
        Receiver.Start(_initialReceiveSequence, offered: true);
        _lastAckSent = Receiver.Next;
        Receive(now, RemoteMac, segment, marked: false);
    }

    /// <summary>An ICMP error quotes a segment of this connection. Returns whether it can really be one.</summary>
    internal bool OnIcmpError(uint quotedSequence, IcmpError error)
    {
        // Only what is in flight can have met an error (RFC 5927 section 4.1).
        var sequence = SequenceNumber.Unwrap(quotedSequence, Sender.Unacknowledged);
        if (State is TcpState.Closed or TcpState.TimeWait || sequence < Sender.Unacknowledged || sequence >= Sender.Next)
            return false;
        if (error.Error == NetError.MessageTooLong)
        {
            Host.PathMtus.Lower(RemoteEndpoint.Address, error.Mtu);
            if (State is not (TcpState.SynSent or TcpState.SynReceived))
                Sender.LowerMss(ChooseSendMss(), Host.Now);
            Mark();
            return true;
        }

        // Established connections outlive errors, which may be forged or pass (RFC 5927 section 5.2); what opens need not.
        if (error.IsHard && (State is TcpState.SynSent or TcpState.SynReceived))
            Fail(error.Error);
        else
            _softError = error.Error;
        return true;
    }

    /// <summary>Handles the failure to resolve a neighbor's address.</summary>
    /// <returns>Whether the connection is opening through that neighbor and must fail.</returns>
    internal bool OnNeighborFailed(NeighborEntry neighbor)
    {
        if (!ReferenceEquals(_hop.Neighbor, neighbor))
            return false;
        _softError = NetError.HostUnreachable;
        return State == TcpState.SynSent;
    }

    internal void OnPathChanged(MacAddress neighbor, long now)
    {
        if (!IsNextHop(neighbor))
            return;
        if (State is TcpState.SynSent or TcpState.SynReceived && _synRetries > 0)
            _synAt = now;
        else if (!Sender.RetransmitSoon(now))
            return;
        Mark();
    }

    /// <summary>Ends the connection with an error, without a word to the other end.</summary>
    internal void Fail(NetError error)
    {
        if (State == TcpState.Closed)
            return;
        if (State is TcpState.SynSent or TcpState.SynReceived)
            Host.Count(HostCounter.TcpFailedOpens);
        Finish(error);
    }

    /// <summary>TIME_WAIT is over, or cut short.</summary>
    internal void EndTimeWait() => Finish(NetError.None);

    /// <summary>Brings the owner up to date, then sends what is due. Called when a batch ends.</summary>
    internal void Settle(long now)
    {
        RaiseEvents();
        if (State != TcpState.Closed)
            Output(now);
        SettleTimers();
    }

    /// <summary>Has the connection settled when the batch ends.</summary>
    internal void Mark() => Host.Mark(this);

    private uint ChooseInitialSequence(long now)
    {
        // RFC 6528: a clock of 4 microseconds plus a keyed function of the addresses and ports.
        var local = LocalEndpoint.Address;
        var remote = RemoteEndpoint.Address;
        var hash = Host.Secrets.Hash(HostSecrets.Purpose.InitialSequence, local.V6High, local.V6Low ^ local.V4, remote.V6High,
            remote.V6Low ^ remote.V4,
            ((ulong)LocalEndpoint.Port << 16) | RemoteEndpoint.Port);
        return (uint)hash + (uint)(now / 4);
    }

    private void TakeSyn(long now, in SynOffer offer)
    {
        var offered = State == TcpState.SynSent;
        _initialReceiveSequence = SequenceNumber.First(offer.Sequence);
        Receiver.Start(_initialReceiveSequence, offered);
        _peerMss = offer.Mss > 0 ? offer.Mss : DefaultMss(RemoteEndpoint.Address);
        _usesSack = Options.SelectiveAcknowledgments && offer.SackPermitted;
        UsesTimestamps = Options.Timestamps && offer.HasTimestamp;
        Sender.UsesEcn = Options.Ecn != EcnMode.Off && offer.Ecn && (!offered || AsksForEcn);
        AdoptUserTimeout(offer.UserTimeoutSeconds);
        if (Options.WindowScaling && offer.WindowShift >= 0)
        {
            Sender.WindowShift = offer.WindowShift;
        }
        else
        {
            Sender.WindowShift = 0;
            Receiver.WindowShift = 0;
        }

        _usesWindowShift = Options.WindowScaling && offer.WindowShift >= 0;
        if (!UsesTimestamps)
            return;
        _recentTimestamp = offer.Timestamp;
        _recentTimestampAt = now;
    }

    private void Establish(long now, in TcpSegment segment)
    {
        // The acknowledgment of a SYN shows that the neighbor is there (RFC 4861 section 7.3.1).
        _hop.Neighbor?.Confirm(now);
        if (_synRetries == 0)
            Sender.Rtt.AddSample(now - _synSentAt);
        _synAt = long.MaxValue;
        _connectUntil = long.MaxValue;
        _softError = NetError.None;
        Sender.Establish(ChooseSendMss(), _usesSack);
        // The window of a SYN is never scaled (RFC 7323 section 2.2).
        Sender.SetWindow(Receiver.Next, Sender.Unacknowledged, (long)segment.Window << (segment.Has(TcpFlags.Syn) ? 0 : Sender.WindowShift));
        State = Sender.FinQueued ? TcpState.FinWait1 : TcpState.Established;
        OnHeard(now);
        if (Listener is { } listener)
        {
            Host.Count(HostCounter.TcpPassiveOpens);
            listener.OnEstablished(this);
        }
        else
        {
            Host.Count(HostCounter.TcpActiveOpens);
            _raise |= Raise.Connected;
            if (_wantsWritable)
                _raise |= Raise.Writable;
            _wantsWritable = false;
        }
    }

    /// <summary>Adapts the segment size to the host's new MTU.</summary>
    internal void OnMtuChanged(long now)
    {
        if (State is TcpState.SynSent or TcpState.SynReceived or TcpState.Closed or TcpState.TimeWait)
            return;
        var mss = ChooseSendMss();
        if (mss < Sender.Mss)
            Sender.LowerMss(mss, now);
        else
            Sender.UseSegmentSize(mss);
        Mark();
    }

    private int ChooseSendMss()
    {
        var timestamps = UsesTimestamps ? TcpSegmentOptions.TimestampBytes : 0;
        var mss = Math.Min(_peerMss - timestamps, SegmentBytesOf(Host.Ip.PathMtu(RemoteEndpoint.Address)));
        if (Options.MaxSegmentBytes > 0)
            mss = Math.Min(mss, Options.MaxSegmentBytes - timestamps);
        return Math.Max(mss, MinSegmentBytes);
    }

    /// <summary>The payload of a segment in a packet of a size. The options that every segment carries come out of it (RFC 6691).</summary>
    internal int SegmentBytesOf(int packet) => packet - IpOutput.HeaderBytes(RemoteEndpoint.Address) - TcpSegment.HeaderBytes
        - (UsesTimestamps ? TcpSegmentOptions.TimestampBytes : 0);

    private void EnterTimeWait(long now)
    {
        var entered = State != TcpState.TimeWait;
        State = TcpState.TimeWait;
        TimeWaitSince = now;
        _stateUntil = now + Microseconds.From(Options.TimeWait);
        if (!entered)
            return;
        Sender.Dispose();
        _lingerAt = long.MaxValue;
        _keepAliveAt = long.MaxValue;
        _raise |= Raise.Closed;
        Host.Tcp.OnTimeWait(this);
        Mark();
    }

    private void Finish(NetError error)
    {
        var wasWaiting = State == TcpState.TimeWait;
        var wasHalfOpen = State == TcpState.SynReceived;
        State = TcpState.Closed;
        Error = error;
        Sender.Dispose();
        Host.Timers.Remove(_timer);
        _isDisposed = true;
        Host.Tcp.OnFinished(this, wasWaiting);
        Listener?.OnFinished(this, wasHalfOpen);
        if (IsAppClosed || ReadableBytes == 0)
            Receiver.Buffer.Dispose();
        else
            Receiver.Buffer.DropOutOfOrder();
        if (!wasWaiting)
            _raise |= Raise.Closed;
        Mark();
    }

    private void RaiseEvents()
    {
        var raise = _raise;
        _raise = Raise.None;
        var events = Events;
        // Its owner hears of nothing more, and need not be kept: those that wait out TIME_WAIT are many.
        if (IsAppClosed && State is TcpState.Closed or TcpState.TimeWait)
            Events = null;
        if (raise == Raise.None || events is null)
            return;
        if ((raise & Raise.Connected) != 0)
            events.OnConnected(this);
        if ((raise & Raise.Readable) != 0 && !IsAppClosed)
            events.OnReadable(this);
        if ((raise & Raise.Writable) != 0 && !IsAppClosed)
            events.OnWritable(this);
        if ((raise & Raise.Closed) != 0)
            events.OnClosed(this, Error);
    }
}
