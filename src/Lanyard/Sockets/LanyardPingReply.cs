using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>The result of a ping.</summary>
/// <param name="Error"><see cref="SocketError.Success"/> for a reply; <see cref="SocketError.TimedOut"/> if there was none; otherwise the error that an ICMP message
/// reported.</param>
/// <param name="From">The sender of the reply or of the ICMP error; the default value if there was none.</param>
/// <param name="RoundTrip">The round-trip time of a reply.</param>
/// <param name="HopLimit">The hop limit (TTL) of the reply on arrival.</param>
/// <param name="PayloadBytes">The payload of the reply in bytes.</param>
public readonly record struct LanyardPingReply(SocketError Error, InetAddress From, TimeSpan RoundTrip, byte HopLimit, int PayloadBytes)
{
    /// <summary>Whether there was a reply.</summary>
    public bool IsSuccess => Error == SocketError.Success;
}
