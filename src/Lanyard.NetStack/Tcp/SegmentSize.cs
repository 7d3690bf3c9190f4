using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>The sizes of segments: offered, assumed and sent. Sizes are in bytes.</summary>
internal static class SegmentSize
{
    private const int DefaultV4 = 536;
    private const int DefaultV6 = 1220;
    private const int Min = 32;

    /// <summary>Returns the MSS of a peer whose SYN does not tell one (RFC 9293 section 3.7.1).</summary>
    /// <param name="remote">The peer's address.</param>
    public static int Default(InetAddress remote) => remote.IsV4 ? DefaultV4 : DefaultV6;

    /// <summary>Returns the MSS that a SYN offers: what one frame carries.</summary>
    /// <param name="host">The host.</param>
    /// <param name="remote">The peer's address.</param>
    /// <param name="options">The settings of the connection.</param>
    public static int Offered(NetworkHost host, InetAddress remote, TcpOptions options)
    {
        var mss = host.Mtu - IpOutput.HeaderBytes(remote) - TcpSegment.HeaderBytes;
        return options.MaxSegmentBytes > 0 ? Math.Min(mss, options.MaxSegmentBytes) : mss;
    }

    /// <summary>Returns the largest payload to send: what the path carries and the peer accepts. Options that every segment carries reduce it
    /// (RFC 6691).</summary>
    /// <param name="context">The connection.</param>
    public static int ToSend(TcpContext context)
    {
        var timestamps = context.TimestampBytes;
        var mss = Math.Min(context.PeerMss - timestamps, context.Host.Ip.PathMtu(context.Remote.Address) - context.HeaderBytes);
        if (context.Options.MaxSegmentBytes > 0)
            mss = Math.Min(mss, context.Options.MaxSegmentBytes - timestamps);
        return Math.Max(mss, Min);
    }
}
