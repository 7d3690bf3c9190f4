using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>The way to the next hop of a packet.</summary>
internal enum HopKind : byte
{
    /// <summary>There is no way.</summary>
    None = 0,

    /// <summary>The destination is this host.</summary>
    Loopback,

    /// <summary>A neighbor, whose Ethernet address may still have to be found.</summary>
    Neighbor,

    /// <summary>An Ethernet address that follows from the destination: multicast, broadcast, or an answer to a frame's source.</summary>
    Fixed,
}

/// <summary>A packet's next step.</summary>
internal readonly struct Hop
{
    private Hop(HopKind kind, MacAddress mac, NeighborEntry? neighbor)
    {
        Kind = kind;
        Mac = mac;
        Neighbor = neighbor;
    }

    public HopKind Kind { get; }

    public MacAddress Mac { get; }

    public NeighborEntry? Neighbor { get; }

    /// <summary>Whether it may be used again without asking the routes, as long as those do not change.</summary>
    public bool IsCurrent => Kind switch
    {
        HopKind.None => false,
        HopKind.Neighbor => Neighbor!.State != NeighborState.Evicted,
        _ => true,
    };

    public static Hop ToSelf => new(HopKind.Loopback, default, null);

    public static Hop ToNeighbor(NeighborEntry neighbor) => new(HopKind.Neighbor, default, neighbor);

    public static Hop ToMac(MacAddress mac) => new(HopKind.Fixed, mac, null);
}

/// <summary>A packet in a buffer from the pool.</summary>
internal readonly record struct HeldPacket(byte[] Buffer, int Length, ushort EtherType);

/// <summary>
/// Provides room for packets: in the sink's frame if the Ethernet destination is known, else in a buffer that is queued for the neighbor or for this
/// host itself.
/// </summary>
internal sealed class FrameOutput(NetworkHost host, IFrameSink sink)
{
    private readonly Queue<HeldPacket> _loopback = new();
    private NeighborEntry? _waitFor;
    private byte[]? _held;
    private ushort _etherType;
    private bool _toSelf;

    /// <summary>Whether a frame was committed since the last flush.</summary>
    private bool _dirty;

    /// <summary>The number of packets queued for this host.</summary>
    public int LoopbackCount => _loopback.Count;

    /// <summary>Room for a packet, or an empty span if it must be dropped (which is counted). <see cref="Commit"/> follows, or
    /// nothing.</summary>
    public Span<byte> Begin(scoped in Hop hop, ushort etherType, int length)
    {
        Abandon();
        MacAddress mac;
        switch (hop.Kind)
        {
            case HopKind.Neighbor:
                var neighbor = hop.Neighbor!;
                // May itself send a question.
                if (!neighbor.Use(host))
                    return Hold(length, etherType, neighbor);
                mac = neighbor.Mac;
                break;
            case HopKind.Fixed:
                mac = hop.Mac;
                break;
            case HopKind.Loopback:
                if (_loopback.Count >= host.Options.Limits.LoopbackPackets)
                {
                    host.Count(HostCounter.LoopbackOverflow);
                    return default;
                }

                return Hold(length, etherType, null);
            default:
                host.Count(HostCounter.NoRoute);
                return default;
        }

        var span = sink.Rent(mac, etherType, length);
        if (span.Length < length)
        {
            host.Count(HostCounter.SinkRefused);
            return default;
        }

        return span[..length];
    }

    /// <summary>Sends the packet begun last.</summary>
    public void Commit(int length)
    {
        if (_held is not { } buffer)
        {
            sink.Commit(length);
            _dirty = true;
            host.Count(HostCounter.FramesSent);
            host.Counters.Add(HostCounter.BytesSent, length);
            return;
        }

        _held = null;
        var packet = new HeldPacket(buffer, length, _etherType);
        if (_toSelf)
            _loopback.Enqueue(packet);
        else
            host.Neighbors.Enqueue(_waitFor!, packet);
    }

    /// <summary>Sends a queued packet, now that the Ethernet destination is known, and returns its buffer.</summary>
    public void SendHeld(MacAddress mac, HeldPacket packet)
    {
        var span = Begin(Hop.ToMac(mac), packet.EtherType, packet.Length);
        if (!span.IsEmpty)
        {
            packet.Buffer.AsSpan(0, packet.Length).CopyTo(span);
            Commit(packet.Length);
        }

        host.Pool.Return(packet.Buffer);
    }

    /// <summary>The next packet for this host; the caller returns its buffer.</summary>
    public bool TryTakeLoopback(out HeldPacket packet) => _loopback.TryDequeue(out packet);

    /// <summary>Ends the burst.</summary>
    public void Flush()
    {
        if (!_dirty)
            return;
        _dirty = false;
        sink.Flush();
    }

    private Span<byte> Hold(int length, ushort etherType, NeighborEntry? neighbor)
    {
        _held = host.Pool.Rent(length);
        if (_held is null)
        {
            host.Count(HostCounter.OutOfMemory);
            return default;
        }

        _etherType = etherType;
        _waitFor = neighbor;
        _toSelf = neighbor is null;
        return _held.AsSpan(0, length);
    }

    private void Abandon()
    {
        if (_held is null)
            return;
        host.Pool.Return(_held);
        _held = null;
    }
}
