using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>
/// Sends and receives Ethernet frames on a virtual network. The node's TCP/IP stack receives the same frames. Only one receive may be pending at a
/// time. Sending never waits. Awaiting allocates nothing.
/// </summary>
/// <remarks>The network's rules decide which Ethernet types pass. Most networks allow only IPv4, IPv6 and ARP.</remarks>
public sealed class LanyardFrameSocket : IDisposable
{
    private readonly FrameChannel _channel;

    internal LanyardFrameSocket(FrameChannel channel) => _channel = channel;

    /// <summary>The network.</summary>
    public LanyardNetwork Network => _channel.Port.Owner;

    /// <summary>The Ethernet type received; 0 for all.</summary>
    public ushort EtherType => _channel.EtherType;

    /// <summary>The capacity of the receive queue in bytes; each frame counts its payload and 256 bytes. Further frames are dropped.</summary>
    public int ReceiveBufferBytes
    {
        get => _channel.ReceiveBufferBytes;
        set => _channel.ReceiveBufferBytes = value;
    }

    /// <summary>The number of frames dropped because the receive queue was full.</summary>
    public long Dropped => _channel.Dropped;

    /// <summary>Sends a frame from this node's Ethernet address. Delivery is not guaranteed.</summary>
    /// <param name="destination">The Ethernet destination; may be a group.</param>
    /// <param name="etherType">The Ethernet type, 0x0600 or more.</param>
    /// <param name="payload">The bytes after the Ethernet header: 1 byte to the network's MTU.</param>
    /// <exception cref="ArgumentException">An argument is out of range, or the destination is this node.</exception>
    /// <exception cref="LanyardNetworkException">The node has left the network, or has stopped.</exception>
    public void Send(MacAddress destination, ushort etherType, ReadOnlySpan<byte> payload) => _channel.Send(destination, etherType, payload);

    /// <summary>Receives a frame.</summary>
    /// <param name="buffer">The buffer for the bytes after the Ethernet header. Bytes that do not fit are lost.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="LanyardNetworkException">The node has left the network, or has stopped.</exception>
    /// <exception cref="ObjectDisposedException">The socket is disposed.</exception>
    public ValueTask<LanyardFrame> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _channel.ReceiveAsync(buffer, cancellationToken);

    /// <summary>Joins an Ethernet group, so that the node receives its frames.</summary>
    /// <returns>Whether the socket has joined now; false if it had joined before, or has joined 64 groups.</returns>
    /// <exception cref="ArgumentException">The address is not a group address.</exception>
    public bool JoinGroup(MacAddress group) => _channel.JoinGroup(group);

    /// <summary>Leaves an Ethernet group.</summary>
    /// <returns>Whether the socket was a member.</returns>
    public bool LeaveGroup(MacAddress group) => _channel.LeaveGroup(group);

    /// <summary>Closes the socket. Frames not received are lost.</summary>
    public void Dispose() => _channel.Dispose();
}

/// <summary>A received frame.</summary>
/// <param name="Length">The bytes in the buffer, without the Ethernet header.</param>
/// <param name="IsTruncated">Whether the frame was longer than the buffer.</param>
/// <param name="Source">The Ethernet source.</param>
/// <param name="Destination">The Ethernet destination; may be a group.</param>
/// <param name="EtherType">The Ethernet type.</param>
public readonly record struct LanyardFrame(int Length, bool IsTruncated, MacAddress Source, MacAddress Destination, ushort EtherType);
