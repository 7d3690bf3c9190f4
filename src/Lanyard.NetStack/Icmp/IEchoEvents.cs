using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>The events of an <see cref="EchoSocket"/>. The rules of <see cref="ITcpEvents"/> apply, but the host raises them while it processes the
/// packet.</summary>
public interface IEchoEvents
{
    /// <summary>Raised when an echo reply has arrived.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="from">The address that replied.</param>
    /// <param name="sequence">The sequence number of the request.</param>
    /// <param name="hopLimit">The reply's hop limit (TTL) on arrival.</param>
    /// <param name="payload">The payload, valid during the call.</param>
    void OnReply(EchoSocket socket, InetAddress from, ushort sequence, byte hopLimit, ReadOnlySpan<byte> payload);

    /// <summary>Raised when an ICMP error about a request has arrived.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="destination">The destination of the request.</param>
    /// <param name="from">The address that sent the error.</param>
    /// <param name="sequence">The sequence number of the request.</param>
    /// <param name="error">The error.</param>
    void OnError(EchoSocket socket, InetAddress destination, InetAddress from, ushort sequence, NetError error);
}
