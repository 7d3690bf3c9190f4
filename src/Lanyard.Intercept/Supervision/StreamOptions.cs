using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;

namespace Lanyard.Intercept.Supervision;

/// <summary>Answers setsockopt of end-to-end options of TCP sockets. Counterpart of <c>native/intercept/options.c</c> for supervised programs.</summary>
internal sealed class StreamOptions(InterceptClient client)
{
    private const int Congestion = 13; // TCP_CONGESTION
    private const int MaxValueBytes = 64;

    // Options that the service applies to the virtual connection.
    private static readonly int[] s_toldOfSocket = [9]; // SO_KEEPALIVE
    private static readonly int[] s_toldOfTcp = [4, 5, 6, Congestion, 18]; // TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT
    private static readonly int[] s_toldOfV4 = [1, 2]; // IP_TOS, IP_TTL
    private static readonly int[] s_toldOfV6 = [16, 67]; // IPV6_UNICAST_HOPS, IPV6_TCLASS

    // Options that are refused.
    private static readonly int[] s_refusedOfTcp = [2, 14, 32, 38, 39, 40]; // TCP_MAXSEG, TCP_MD5SIG, TCP_MD5SIG_EXT, TCP_AO_ADD_KEY and others
    private static readonly int[] s_refusedOfV4 = [4, 21]; // IP_OPTIONS, IP_MINTTL
    private static readonly int[] s_refusedOfV6 = [54, 57, 59, 73]; // IPV6_HOPOPTS, IPV6_RTHDR, IPV6_DSTOPTS, IPV6_MINHOPCOUNT

    private static readonly string[] s_algorithms = ["cubic", "reno", "bbr"];

    /// <summary>The handled options of SOL_SOCKET.</summary>
    public static int[] OfSocket => s_toldOfSocket;

    /// <summary>The handled options of TCP.</summary>
    public static int[] OfTcp { get; } = [.. s_toldOfTcp, .. s_refusedOfTcp];

    /// <summary>The handled options of IPv4 and IPv6.</summary>
    public static int[] OfIp { get; } = [.. s_toldOfV4, .. s_toldOfV6, .. s_refusedOfV4, .. s_refusedOfV6];

    /// <summary>Answers a call of setsockopt; returns null for another option or a socket without a virtual connection.</summary>
    public async ValueTask<CallAnswer?> TryAnswerAsync(SupervisedCall call)
    {
        var (level, option, length) = ((int)call.Arguments[1], (int)call.Arguments[2], (int)call.Arguments[4]);
        var (told, refused) = level switch
        {
            Libc.SolSocket => (s_toldOfSocket, []),
            Libc.Tcp => (s_toldOfTcp, s_refusedOfTcp),
            GroupOption.LevelV4 => (s_toldOfV4, s_refusedOfV4),
            GroupOption.LevelV6 => (s_toldOfV6, s_refusedOfV6),
            _ => ((int[])[], (int[])[]),
        };
        var isRefused = refused.Contains(option);
        if (!isRefused && !told.Contains(option))
            return null;
        using var socket = call.Open();
        if (socket is not { Type: InterceptSocketType.Stream } || !SocketName.IsVirtual(socket))
            return null;
        if (isRefused)
            return CallAnswer.Failed(Errno.NoSuchOption);
        var value = new byte[Math.Clamp(length, 0, MaxValueBytes)];
        if (!call.TryRead(call.Arguments[3], value))
            return CallAnswer.Failed(Errno.BadAddress);
        if (level == Libc.Tcp && option == Congestion && !s_algorithms.Contains(System.Text.Encoding.ASCII.GetString(value).TrimEnd('\0')))
            return CallAnswer.Failed(Errno.NoSuchFile);
        if (socket.SetOption(level, option, value) is var error and not 0)
            return CallAnswer.Failed(error);
        await client.AskAsync(client.For(InterceptOperation.Options), socket, CancellationToken.None).ConfigureAwait(false);
        return CallAnswer.Of(0);
    }
}
