using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>What an <see cref="EchoSocket"/> tells its owner. The rules of <see cref="ITcpEvents"/> hold, but it is called while the
/// packet is processed.</summary>
public interface IEchoEvents
{
    /// <summary>An echo reply arrived.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="from">Who replied.</param>
    /// <param name="sequence">The sequence number of the request.</param>
    /// <param name="hopLimit">The reply's hop limit (TTL) on arrival.</param>
    /// <param name="payload">The payload, valid during the call.</param>
    void OnReply(EchoSocket socket, InetAddress from, ushort sequence, byte hopLimit, ReadOnlySpan<byte> payload);

    /// <summary>An ICMP error came back for a request.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="destination">Where the request went.</param>
    /// <param name="from">Who sent the error.</param>
    /// <param name="sequence">The sequence number of the request.</param>
    /// <param name="error">What it said.</param>
    void OnError(EchoSocket socket, InetAddress destination, InetAddress from, ushort sequence, NetError error);
}
