using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>A UDP socket (RFC 768). Made by <see cref="NetworkHost.OpenUdp"/>.</summary>
public sealed class UdpSocket
{
    /// <summary>Hears what happens.</summary>
    public IUdpEvents? Events { get => throw new NotImplementedException(); set => throw new NotImplementedException(); }

    /// <summary>This end; the address is unspecified or none if bound to all.</summary>
    public InetEndpoint LocalEndpoint => throw new NotImplementedException();

    /// <summary>The other end of a connected socket; <see langword="default"/> if it is not connected.</summary>
    public InetEndpoint RemoteEndpoint => throw new NotImplementedException();

    /// <summary>The settings; may be replaced at any time.</summary>
    public UdpOptions Options { get => throw new NotImplementedException(); set => throw new NotImplementedException(); }

    /// <summary>Datagrams that wait to be received.</summary>
    public int Pending => throw new NotImplementedException();

    /// <summary>The payload bytes of the datagram that is received next; 0 if there is none.</summary>
    public int NextLength => throw new NotImplementedException();

    /// <summary>Sets the other end: only its datagrams are received from now on, and ICMP errors are heard. <see langword="default"/> undoes it.</summary>
    /// <param name="remote">The other end.</param>
    /// <returns><see cref="NetError.None"/>, or why not.</returns>
    public NetError Connect(InetEndpoint remote) => throw new NotImplementedException();

    /// <summary>Sends a datagram to the connected end.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="payload">The payload, up to 65,507 bytes (IPv4) or 65,487 (IPv6); more than the MTU carries is sent in fragments.</param>
    /// <returns><see cref="NetError.None"/> if it was sent, or waits for the neighbour to be found.</returns>
    public NetError Send(long now, ReadOnlySpan<byte> payload) => throw new NotImplementedException();

    /// <summary>Sends a datagram.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="remote">Where to; may be multicast, or broadcast if allowed.</param>
    /// <param name="payload">The payload, as for <see cref="Send"/>.</param>
    /// <returns><see cref="NetError.None"/> if it was sent, or waits for the neighbour to be found.</returns>
    public NetError SendTo(long now, InetEndpoint remote, ReadOnlySpan<byte> payload) => throw new NotImplementedException();

    /// <summary>Takes the oldest datagram that waits.</summary>
    /// <param name="destination">Where its payload goes; what does not fit is cut off.</param>
    /// <param name="info">Where it came from, and its full length.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryReceive(Span<byte> destination, out UdpReceiveInfo info) => throw new NotImplementedException();

    /// <summary>Takes the ICMP error that came last for a connected socket, if any, and forgets it.</summary>
    public NetError TakeError() => throw new NotImplementedException();

    /// <summary>Joins a multicast group: its datagrams to this port are received.</summary>
    /// <param name="group">An IPv4 or IPv6 multicast address.</param>
    /// <returns>Whether it was joined now; false if it was before, or a limit of 64 groups a socket is reached.</returns>
    /// <exception cref="ArgumentException">The address is not multicast.</exception>
    public bool JoinGroup(InetAddress group) => throw new NotImplementedException();

    /// <summary>Leaves a multicast group.</summary>
    /// <param name="group">The group.</param>
    /// <returns>Whether it had been joined.</returns>
    public bool LeaveGroup(InetAddress group) => throw new NotImplementedException();

    /// <summary>Closes the socket; datagrams that wait are lost.</summary>
    public void Close() => throw new NotImplementedException();
}
