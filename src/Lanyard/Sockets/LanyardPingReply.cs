using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>What came of a ping.</summary>
/// <param name="Error"><see cref="NetError.None"/> for a reply; <see cref="NetError.TimedOut"/> where there was none; else what an ICMP
/// error said.</param>
/// <param name="From">Who replied, or who sent the error; none where nobody did.</param>
/// <param name="RoundTrip">The round-trip time of a reply.</param>
/// <param name="HopLimit">The reply's hop limit (TTL) on arrival.</param>
/// <param name="PayloadBytes">The reply's payload in bytes.</param>
public readonly record struct LanyardPingReply(NetError Error, InetAddress From, TimeSpan RoundTrip, byte HopLimit, int PayloadBytes)
{
    /// <summary>Whether there was a reply.</summary>
    public bool IsSuccess => Error == NetError.None;
}
