using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>
/// Sends and receives Ethernet frames on a virtual network, beside what its TCP/IP stack does with them. One receive may be under way at a
/// time; sending never waits. Awaiting allocates nothing.
/// </summary>
/// <remarks>The network's rules decide which Ethernet types pass at all; most networks allow IPv4, IPv6 and ARP only.</remarks>
public sealed class LanyardFrameSocket : IDisposable
{
    private readonly FrameChannel _channel;

    internal LanyardFrameSocket(FrameChannel channel) => _channel = channel;

    /// <summary>The network.</summary>
    public LanyardNetwork Network => _channel.Port.Owner;

    /// <summary>The Ethernet type received; 0 for all.</summary>
    public ushort EtherType => _channel.EtherType;

    /// <summary>How many bytes wait to be received at most before frames are dropped (each counts 256 bytes more).</summary>
    public int ReceiveBufferBytes
    {
        get => _channel.ReceiveBufferBytes;
        set => _channel.ReceiveBufferBytes = value;
    }

    /// <summary>Frames dropped because too many waited to be received.</summary>
    public long Dropped => _channel.Dropped;

    /// <summary>Sends a frame from this node's own Ethernet address. It may get lost.</summary>
    /// <param name="destination">Where to; may be a group.</param>
    /// <param name="etherType">The Ethernet type, 0x0600 or more.</param>
    /// <param name="payload">What follows, 1 byte to the network's MTU.</param>
    /// <exception cref="ArgumentException">That is no frame.</exception>
    /// <exception cref="LanyardNetworkException">The network was left, or its node ended.</exception>
    public void Send(MacAddress destination, ushort etherType, ReadOnlySpan<byte> payload) => _channel.Send(destination, etherType, payload);

    /// <summary>Waits for a frame.</summary>
    /// <param name="buffer">Where what follows its header goes; what does not fit is cut off.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="LanyardNetworkException">The network was left, or its node ended.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of, before or meanwhile.</exception>
    public ValueTask<LanyardFrame> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _channel.ReceiveAsync(buffer, cancellationToken);

    /// <summary>Joins an Ethernet group: its frames are received.</summary>
    /// <returns>Whether it was joined now; false if it was before, or there are 64 already.</returns>
    /// <exception cref="ArgumentException">It is no group address.</exception>
    public bool JoinGroup(MacAddress group) => _channel.JoinGroup(group);

    /// <summary>Leaves an Ethernet group.</summary>
    /// <returns>Whether it had been joined.</returns>
    public bool LeaveGroup(MacAddress group) => _channel.LeaveGroup(group);

    /// <summary>Closes the socket; frames that wait are lost.</summary>
    public void Dispose() => _channel.Dispose();
}

/// <summary>A frame that was received.</summary>
/// <param name="Length">How many bytes of it are in the buffer, without its header.</param>
/// <param name="IsTruncated">Whether it was longer than the buffer.</param>
/// <param name="Source">Who sent it.</param>
/// <param name="Destination">Where it went; may be a group.</param>
/// <param name="EtherType">Its Ethernet type.</param>
public readonly record struct LanyardFrame(int Length, bool IsTruncated, MacAddress Source, MacAddress Destination, ushort EtherType);
