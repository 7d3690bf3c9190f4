using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Sends echo requests (ping) over ICMP and ICMPv6. Made by <see cref="NetworkHost.OpenEcho"/>.</summary>
public sealed class EchoSocket
{
    /// <summary>The identifier in the requests, unique on the host.</summary>
    public ushort Identifier => throw new NotImplementedException();

    /// <summary>Sends an echo request; <see cref="IEchoEvents.OnReply"/> or <see cref="IEchoEvents.OnError"/> may follow.</summary>
    /// <param name="now">The time in microseconds.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="sequence">The sequence number, the caller's to choose.</param>
    /// <param name="payload">The payload, up to 65,507 bytes (IPv4) or 65,487 (IPv6); more than the MTU carries is sent in fragments.</param>
    /// <param name="hopLimit">The hop limit (TTL), 1 to 255.</param>
    /// <returns><see cref="NetError.None"/> if it was sent, or waits for the neighbour to be found.</returns>
    public NetError Send(long now, InetAddress destination, ushort sequence, ReadOnlySpan<byte> payload, byte hopLimit = 64) => throw new NotImplementedException();

    /// <summary>Closes the socket.</summary>
    public void Close() => throw new NotImplementedException();
}
