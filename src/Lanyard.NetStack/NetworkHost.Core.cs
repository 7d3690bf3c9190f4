using Lanyard.Primitives;

namespace Lanyard.NetStack;

// What the parts of the host share: time, memory, each other; and how a batch ends.
public sealed partial class NetworkHost
{
    // One Poll does no more than so much; what is left is due at once again.
    private const int MaxTimersPerPoll = 100_000;

    // Packets to the host itself may beget others; after so many rounds the rest waits for the next call.
    private const int MaxSettleRounds = 64;
    private const long PoolTrimInterval = 5_000_000;

    private readonly Ipv4Input _ipv4;
    private readonly Ipv6Input _ipv6;
    private readonly PoolTrimmer _poolTrimmer;
    private readonly Queue<TcpConnection> _marked = new();
    private readonly Queue<TcpListenSocket> _markedListeners = new();
    private readonly Queue<UdpSocket> _markedSockets = new();
    private readonly Queue<FrameSocket> _markedFrameSockets = new();
    private int _depth;
    private bool _isShutDown;

    // The largest MTU so far: a neighbor may not know of a smaller one yet.
    private int _longestFrame;

    /// <summary>The time of the call at hand.</summary>
    internal long Now { get; private set; }

    internal HostSecrets Secrets { get; }

    internal BufferPool Pool { get; }

    internal TimerQueue Timers { get; } = new();

    internal AddressTable AddressTable { get; }

    internal AddressConflicts Conflicts { get; }

    internal AddressSelection Selection { get; }

    internal GroupMembership IgmpGroups { get; }

    internal GroupMembership MldGroups { get; }

    internal FrameProtocol Frames { get; }

    internal RouteTable Routing { get; }

    internal NeighborTable Neighbors { get; }

    internal PathMtuCache PathMtus { get; }

    internal Reassembler Reassembler { get; }

    internal FrameOutput Output { get; }

    internal IpOutput Ip { get; }

    internal ArpProtocol Arp { get; }

    internal NdpProtocol Ndp { get; }

    internal IcmpProtocol Icmp { get; }

    internal IcmpErrors IcmpErrors { get; }

    internal UdpProtocol Udp { get; }

    internal TcpProtocol Tcp { get; }

    /// <summary>Whether a call is under way, so that something can be sent.</summary>
    internal bool IsInBatch => _depth > 0;

    private bool HasWork => _marked.Count + _markedListeners.Count + _markedSockets.Count + _markedFrameSockets.Count
        + Output.LoopbackCount > 0;

    internal void Count(HostCounter counter) => Counters.Add(counter);

    /// <summary>Whether an address that a neighbor claims is certainly not its own.</summary>
    internal bool IsForged(InetAddress address, MacAddress claimant) =>
        Options.NeighborAuthority is { } authority && authority.Judge(address, claimant) == AddressClaim.Forged;

    /// <summary>Has a connection settled when the batch ends.</summary>
    internal void Mark(TcpConnection connection)
    {
        if (connection.IsMarked)
            return;
        connection.IsMarked = true;
        _marked.Enqueue(connection);
    }

    /// <summary>Has a listener's owner told when the batch ends.</summary>
    internal void Mark(TcpListenSocket listener)
    {
        if (listener.IsMarked)
            return;
        listener.IsMarked = true;
        _markedListeners.Enqueue(listener);
    }

    /// <summary>Has a socket's owner told when the batch ends.</summary>
    internal void MarkReadable(UdpSocket socket)
    {
        if (socket.IsMarkedReadable)
            return;
        socket.IsMarkedReadable = true;
        _markedSockets.Enqueue(socket);
    }

    /// <summary>Has a socket's owner told when the batch ends.</summary>
    internal void MarkReadable(FrameSocket socket)
    {
        if (socket.IsMarkedReadable)
            return;
        socket.IsMarkedReadable = true;
        _markedFrameSockets.Enqueue(socket);
    }

    /// <summary>Takes an address away from the host and all that is bound to it. False if the host does not have it.</summary>
    internal bool DropAddress(InetAddress address)
    {
        if (!AddressTable.Remove(address))
            return false;
        Conflicts.Forget(address);
        Routing.OnAddressesChanged();
        Neighbors.Clear();
        Tcp.OnAddressRemoved(address);
        Udp.CloseBoundTo(address, all: false);
        return true;
    }

    private static void CheckMtu(int mtu)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(mtu, Ipv6Packet.MinMtu);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(mtu, 65_535);
    }

    private static void CheckAddress(InetPrefix address)
    {
        if (address.Address.Family == InetFamily.None || address.Address.IsMulticast || address.Address.IsUnspecified
            || address.Address.IsLoopback
            || address.Address == InetAddress.BroadcastV4)
            throw new ArgumentException($"A host cannot have the address '{address}'.", nameof(address));
    }

    private void ReceiveFrame(MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> payload)
    {
        Counters.Add(HostCounter.FramesReceived);
        Counters.Add(HostCounter.BytesReceived, payload.Length);
        if (destination != Mac && !destination.IsMulticast)
            Count(HostCounter.FrameNotForUs);
        else if (source.IsMulticast || source == Mac)
            Count(HostCounter.FrameBadSource);
        else if (payload.Length > _longestFrame)
            Count(HostCounter.FrameTooLong);
        else
        {
            var taken = Frames.HasSockets && Frames.Receive(source, destination, etherType, payload);
            Dispatch(source, destination.IsMulticast, false, etherType, payload, taken);
        }
    }

    private void Dispatch(MacAddress source, bool toGroupMac, bool fromSelf, ushort etherType, ReadOnlySpan<byte> payload,
        bool isTaken = false)
    {
        switch (etherType)
        {
            case EtherTypeIPv4:
                _ipv4.Receive(source, toGroupMac, fromSelf, payload);
                break;
            case EtherTypeIPv6:
                _ipv6.Receive(source, toGroupMac, fromSelf, payload);
                break;
            case EtherTypeArp:
                Arp.Receive(source, payload);
                break;
            default:
                if (!isTaken)
                    Count(HostCounter.FrameUnknownType);
                break;
        }
    }

    // The end of the outermost call: owners are told, connections send, packets to the host itself are delivered, until nothing is left.
    private void Settle()
    {
        for (var round = 0; round < MaxSettleRounds && HasWork; round++)
        {
            for (var i = _marked.Count; i > 0; i--)
            {
                var connection = _marked.Dequeue();
                connection.IsMarked = false;
                connection.Settle(Now);
            }

            for (var i = _markedListeners.Count; i > 0; i--)
                _markedListeners.Dequeue().RaiseAcceptable();
            for (var i = _markedSockets.Count; i > 0; i--)
                _markedSockets.Dequeue().RaiseReadable();
            for (var i = _markedFrameSockets.Count; i > 0; i--)
                _markedFrameSockets.Dequeue().RaiseReadable();
            for (var i = Output.LoopbackCount; i > 0 && Output.TryTakeLoopback(out var packet); i--)
            {
                Count(HostCounter.LoopbackPackets);
                Dispatch(Mac, false, true, packet.EtherType, packet.Buffer.AsSpan(0, packet.Length));
                Pool.Return(packet.Buffer);
            }
        }

        Output.Flush();
        if (Pool.IsTrimmable && _poolTrimmer.Deadline == long.MaxValue)
            Timers.Set(_poolTrimmer, Now + PoolTrimInterval);
    }

    /// <summary>Gives memory back that a busy time needed, some seconds after it.</summary>
    private sealed class PoolTrimmer(NetworkHost host) : HostTimer
    {
        // While there is more to give back, the host sets it anew.
        public override void OnTimer(long now) => host.Pool.Trim();
    }
}
