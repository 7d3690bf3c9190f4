using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>The events of a <see cref="FrameSocket"/>. The rules of <see cref="ITcpEvents"/> apply.</summary>
public interface IFrameEvents
{
    /// <summary>Raised when a frame has arrived. Call <see cref="FrameSocket.TryReceive"/> until it returns false.</summary>
    /// <param name="socket">The socket.</param>
    void OnReadable(FrameSocket socket);
}

/// <summary>The settings of a socket for Ethernet frames. Immutable.</summary>
public sealed record FrameOptions
{
    /// <summary>The capacity of the receive queue in bytes; each frame counts its payload and 256 bytes. Further frames are dropped. Default
    /// 1 MiB.</summary>
    public int ReceiveBufferBytes { get; init; } = 1 << 20;
}

/// <summary>The Ethernet header of a frame.</summary>
/// <param name="Source">The Ethernet source.</param>
/// <param name="Destination">The Ethernet destination; may be a group.</param>
/// <param name="EtherType">The Ethernet type.</param>
/// <param name="Length">The length of the payload in bytes. If the buffer was shorter, the rest is lost.</param>
public readonly record struct FrameInfo(MacAddress Source, MacAddress Destination, ushort EtherType, int Length);

/// <summary>Sends and receives Ethernet frames. Created by <see cref="NetworkHost.OpenFrames"/>.</summary>
public sealed class FrameSocket
{
    /// <summary>The first number that is an Ethernet type rather than a length.</summary>
    public const ushort FirstEtherType = 0x0600;

    private const int MaxGroups = 64;

    private readonly NetworkHost _host;
    private readonly ReceiveQueue<FrameInfo> _queue;
    private readonly List<MacAddress> _groups = [];
    private bool _closed;

    internal FrameSocket(NetworkHost host, ushort etherType, IFrameEvents? events, FrameOptions options)
    {
        _host = host;
        _queue = new ReceiveQueue<FrameInfo>(host, HostCounter.FrameQueueFull);
        EtherType = etherType;
        Events = events;
        Options = options;
    }

    /// <summary>The handler of events.</summary>
    public IFrameEvents? Events { get; set; }

    /// <summary>The Ethernet type received; 0 for all.</summary>
    public ushort EtherType { get; }

    /// <summary>The settings; may be replaced at any time.</summary>
    public FrameOptions Options { get; set; }

    /// <summary>The number of frames to receive.</summary>
    public int Pending => _queue.Count;

    /// <summary>Frames dropped because the queue was full.</summary>
    public long Dropped { get; private set; }

    internal bool IsMarkedReadable { get; set; }

    /// <summary>Sends a frame from the port's own Ethernet address.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="destination">The Ethernet destination; may be a group.</param>
    /// <param name="etherType">The Ethernet type, 0x0600 or more.</param>
    /// <param name="payload">The bytes after the Ethernet header: 1 byte to the MTU.</param>
    /// <returns><see cref="NetError.None"/> if the frame was sent, or the reason of the failure.</returns>
    public NetError Send(long now, MacAddress destination, ushort etherType, ReadOnlySpan<byte> payload)
    {
        if (_closed)
            return NetError.Closed;
        if (payload.Length > _host.Mtu)
            return NetError.MessageTooLong;
        if (payload.IsEmpty || etherType < FirstEtherType || destination == _host.Mac)
            return NetError.NoRoute;
        _host.BeginBatch(now);
        var frame = _host.Output.Begin(Hop.ToMac(destination), etherType, payload.Length);
        if (!frame.IsEmpty)
        {
            payload.CopyTo(frame);
            _host.Output.Commit(payload.Length);
        }

        var error = frame.IsEmpty ? NetError.LimitReached : NetError.None;
        _host.EndBatch(now);
        return error;
    }

    /// <summary>Receives the oldest pending frame.</summary>
    /// <param name="destination">The buffer for the bytes after the Ethernet header. Bytes that do not fit are lost.</param>
    /// <param name="info">The frame's header and full length.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryReceive(Span<byte> destination, out FrameInfo info) => _queue.TryTake(destination, out info);

    /// <summary>Joins an Ethernet group, so that the host receives its frames.</summary>
    /// <param name="group">A group address.</param>
    /// <returns>Whether the socket has joined now; false if it had joined before, or has joined 64 groups.</returns>
    /// <exception cref="ArgumentException">The address is not a group address.</exception>
    public bool JoinGroup(MacAddress group)
    {
        if (!group.IsMulticast)
            throw new ArgumentException($"{group} is not a group address.", nameof(group));
        if (_closed || _groups.Count >= MaxGroups || _groups.Contains(group))
            return false;
        _groups.Add(group);
        _host.AddressTable.Join(group);
        return true;
    }

    /// <summary>Leaves an Ethernet group.</summary>
    /// <param name="group">The group.</param>
    /// <returns>Whether the socket was a member.</returns>
    public bool LeaveGroup(MacAddress group)
    {
        if (!_groups.Remove(group))
            return false;
        _host.AddressTable.Leave(group);
        return true;
    }

    /// <summary>Closes the socket. Frames not received are lost.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void Close(long now)
    {
        if (_closed)
            return;
        _closed = true;
        _host.BeginBatch(now);
        foreach (var group in _groups)
            _host.AddressTable.Leave(group);
        _groups.Clear();
        _queue.Clear();
        _host.Frames.Close(this);
        _host.EndBatch(now);
    }

    internal bool Receives(ushort etherType) => EtherType == 0 || EtherType == etherType;

    internal void Deliver(FrameInfo info, ReadOnlySpan<byte> payload)
    {
        if (!_queue.TryAdd(payload, info, Options.ReceiveBufferBytes))
        {
            Dropped++;
            return;
        }

        _host.Count(HostCounter.FrameDelivered);
        _host.Settling.Add(this);
    }

    internal void RaiseReadable()
    {
        IsMarkedReadable = false;
        if (!_closed && _queue.Count > 0)
            Events?.OnReadable(this);
    }
}
