using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;

namespace Lanyard.Intercept.Supervision;

/// <summary>Answers setsockopt of end-to-end options of TCP sockets. Counterpart of <c>native/intercept/options.c</c> for supervised programs.</summary>
internal sealed class StreamOptions(InterceptClient client)
{
    private const int MaxValueBytes = 64;

    /// <summary>Returns the handled options of a level.</summary>
    public static int[] Of(int level) => [.. InterceptTables.StreamOptions.Where(row => row.Level == level).Select(row => row.Option)];

    /// <summary>Answers a call of setsockopt; returns null for another option or a socket without a virtual connection.</summary>
    public async ValueTask<CallAnswer?> TryAnswerAsync(SupervisedCall call)
    {
        var (level, option, length) = ((int)call.Arguments[1], (int)call.Arguments[2], (int)call.Arguments[4]);
        var action = InterceptTables.StreamOptions.FirstOrDefault(row => row.Level == level && row.Option == option).Action;
        if (action == StreamOptionAction.None)
            return null;
        using var socket = call.Open();
        if (socket is not { Type: InterceptSocketType.Stream } || !SocketName.IsVirtual(socket))
            return null;
        if (action == StreamOptionAction.Refuse)
            return CallAnswer.Failed(Errno.NoSuchOption);
        var value = new byte[Math.Clamp(length, 0, MaxValueBytes)];
        if (!call.TryRead(call.Arguments[3], value))
            return CallAnswer.Failed(Errno.BadAddress);
        if (action == StreamOptionAction.CheckAndTell && !InterceptTables.CongestionAlgorithms.Contains(System.Text.Encoding.ASCII.GetString(value).TrimEnd('\0')))
            return CallAnswer.Failed(Errno.NoSuchFile);
        if (socket.SetOption(level, option, value) is var error and not 0)
            return CallAnswer.Failed(error);
        await client.AskAsync(client.For(InterceptOperation.Options), socket, CancellationToken.None).ConfigureAwait(false);
        return CallAnswer.Of(0);
    }
}
