using System.Net;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>A UDP socket on a virtual network. One receive may be under way at a time; sending never waits. Awaiting allocates nothing.</summary>
public sealed class LanyardUdpSocket : IDisposable
{
    internal LanyardUdpSocket()
    {
    }

    /// <summary>The network.</summary>
    public LanyardNetwork Network => throw new NotImplementedException();

    /// <summary>This end: the address is unspecified where it is bound to all.</summary>
    public IPEndPoint LocalEndPoint => throw new NotImplementedException();

    /// <summary>The other end of a connected socket; null if it is not connected.</summary>
    public IPEndPoint? RemoteEndPoint => throw new NotImplementedException();

    /// <summary>The settings; may be replaced at any time.</summary>
    public UdpOptions Options { get => throw new NotImplementedException(); set => throw new NotImplementedException(); }

    /// <summary>Sets the other end: only its datagrams are received from now on.</summary>
    /// <exception cref="LanyardSocketException">There is no way to it.</exception>
    public void Connect(InetEndpoint remote) => throw new NotImplementedException();

    /// <summary>Sends a datagram to the connected end. It may get lost.</summary>
    /// <param name="payload">Up to 65,507 bytes over IPv4 or 65,487 over IPv6; more than the MTU carries goes in fragments.</param>
    /// <exception cref="LanyardSocketException">It cannot be sent, or the other end refused an earlier one.</exception>
    public void Send(ReadOnlySpan<byte> payload) => throw new NotImplementedException();

    /// <summary>Sends a datagram. It may get lost.</summary>
    /// <param name="payload">As for <see cref="Send"/>.</param>
    /// <param name="remote">Where to; a broadcast address only with <see cref="UdpOptions.Broadcast"/>.</param>
    /// <exception cref="LanyardSocketException">It cannot be sent.</exception>
    public void SendTo(ReadOnlySpan<byte> payload, InetEndpoint remote) => throw new NotImplementedException();

    /// <summary>As <see cref="Send"/>: done when it returns.</summary>
    /// <exception cref="LanyardSocketException">It cannot be sent, or the other end refused an earlier one.</exception>
    public ValueTask SendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>As <see cref="SendTo(ReadOnlySpan{byte}, InetEndpoint)"/>: done when it returns.</summary>
    /// <exception cref="LanyardSocketException">It cannot be sent.</exception>
    public ValueTask SendToAsync(ReadOnlyMemory<byte> payload, InetEndpoint remote, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>As <see cref="SendTo(ReadOnlySpan{byte}, InetEndpoint)"/>: done when it returns.</summary>
    /// <exception cref="LanyardSocketException">It cannot be sent.</exception>
    public ValueTask SendToAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Waits for a datagram.</summary>
    /// <param name="buffer">Where its payload goes; what does not fit is cut off.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="LanyardSocketException">The connected end refused a datagram.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of, before or meanwhile.</exception>
    public ValueTask<LanyardDatagram> ReceiveFromAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Joins a multicast group: its datagrams to this port are received.</summary>
    /// <returns>Whether it was joined now; false if it was before, or there are 64 already.</returns>
    /// <exception cref="ArgumentException">The address is not multicast.</exception>
    public bool JoinGroup(InetAddress group) => throw new NotImplementedException();

    /// <summary>Leaves a multicast group.</summary>
    /// <returns>Whether it had been joined.</returns>
    public bool LeaveGroup(InetAddress group) => throw new NotImplementedException();

    /// <summary>Closes the socket; datagrams that wait are lost.</summary>
    public void Dispose() => throw new NotImplementedException();
}

/// <summary>A datagram that was received.</summary>
/// <param name="Length">How many bytes of it are in the buffer.</param>
/// <param name="IsTruncated">Whether it was longer than the buffer.</param>
/// <param name="Remote">Who sent it.</param>
/// <param name="Local">The address and port that it was sent to: may be multicast or broadcast.</param>
public readonly record struct LanyardDatagram(int Length, bool IsTruncated, InetEndpoint Remote, InetEndpoint Local);
