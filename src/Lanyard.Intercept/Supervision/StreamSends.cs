using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Supervision;

/// <summary>
/// Handles the extra functions of send calls on TCP sockets: connecting (MSG_FASTOPEN), and urgent data (MSG_OOB), which virtual connections do not carry.
/// </summary>
internal sealed class StreamSends(StreamCalls streams)
{
    // struct mmsghdr: a struct msghdr, then the number of bytes sent.
    private const int ManyCountOffset = 56;

    /// <summary>Answers a send call with MSG_FASTOPEN or MSG_OOB; returns null for any other call.</summary>
    public async ValueTask<CallAnswer?> TryAnswerAsync(SupervisedCall call)
    {
        if (call.Call is not (SocketCall.SendTo or SocketCall.SendMessage or SocketCall.SendMessages))
            return null;
        var flags = (int)call.Arguments[call.Call == SocketCall.SendMessage ? 2 : 3];
        if ((flags & (Libc.FastOpen | Libc.OutOfBand)) == 0)
            return null;
        using var socket = call.Open();
        if (socket is not { Type: InterceptSocketType.Stream })
            return null;
        if ((flags & Libc.OutOfBand) != 0 && SocketName.IsVirtual(socket))
            return CallAnswer.Failed(Errno.NotSupported);
        if ((flags & Libc.FastOpen) == 0)
            return null;
        if (Read(call, out var message) is var unread and not 0)
            return CallAnswer.Failed(unread);
        if (!call.TryReadName(message.Name, message.NameLength, out var destination) || SocketName.IsLoopback(destination) || destination.Address.IsUnspecified)
            return null;
        var connected = await streams.ConnectAsync(call, socket, destination).ConfigureAwait(false);
        if (connected.Kind == CallAnswerKind.Continue || connected.Value != 0)
            return connected;
        var sent = message.OfStream().Send(call, socket, default, null, flags & ~Libc.FastOpen);
        if (call.Call != SocketCall.SendMessages || sent < 0)
            return CallAnswer.Of(sent);
        return call.TryWrite(call.Arguments[1] + ManyCountOffset, (int)sent) ? CallAnswer.Of(1) : CallAnswer.Failed(Errno.BadAddress);
    }

    // Reads the message of a call; the first of several messages.
    private static int Read(SupervisedCall call, out DatagramMessage message)
    {
        if (call.Call != SocketCall.SendTo)
            return DatagramMessage.Read(call, call.Arguments[1], out message);
        message = DatagramMessage.Of(call) with { NameLength = (int)call.Arguments[5] };
        return 0;
    }
}
