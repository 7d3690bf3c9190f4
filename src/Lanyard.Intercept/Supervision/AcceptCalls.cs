using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Supervision;

/// <summary>Answers accept and accept4: the supervisor accepts the connection, and installs the descriptor in the program.</summary>
internal sealed class AcceptCalls(InterceptClient client, ProgramOptions options, SocketWaits waits)
{
    private readonly Lock _lock = new();

    public async ValueTask<CallAnswer> AcceptAsync(SupervisedCall call)
    {
        using var listener = call.Open();
        if (listener is not { Type: InterceptSocketType.Stream } || !listener.TryGetNear(out var own) || !MayBeVirtual(own))
            return CallAnswer.Continue;
        var isWaiting = !listener.IsNonBlocking;
        var deadline = listener.ReceiveTimeout is { } timeout ? Environment.TickCount64 + (long)timeout.TotalMilliseconds : (long?)null;
        var flags = call.Call == SocketCall.Accept4 ? (int)call.Arguments[3] : 0;
        if ((flags & ~(Libc.NonBlocking | Libc.CloseOnExec)) != 0)
            return CallAnswer.Failed(Errno.BadRequest);
        while (true)
        {
            // The connection stays queued if the program has no free descriptor.
            if (!call.HasFreeDescriptor())
                return CallAnswer.Failed(Errno.TooManyFiles);
            var error = TryAccept(call, listener, out var accepted, out var name);
            if (accepted is not null)
            {
                using (accepted)
                {
                    if (await InstallAsync(call, listener, accepted, name, flags).ConfigureAwait(false) is { } answer)
                        return answer;
                }
            }
            else if (error != Errno.TryAgain || !isWaiting)
            {
                return CallAnswer.Failed(error);
            }
            else if (!await waits.UntilReadyAsync(call, listener, Libc.PollIn, deadline).ConfigureAwait(false))
            {
                return CallAnswer.Failed(Errno.TryAgain);
            }
        }
    }

    // A listener on the system's network may listen on virtual networks as well.
    private bool MayBeVirtual(InetEndpoint own) =>
        SocketName.IsNear(own) || (options.Listening == ListenPlace.Both && own.Address.IsUnspecified);

    // The lock keeps other threads from accepting between the poll and the call, so the call never blocks.
    private int TryAccept(SupervisedCall call, SocketDescriptor listener, out SocketDescriptor? accepted, out byte[] name)
    {
        accepted = null;
        name = [];
        lock (_lock)
        {
            if (!listener.IsReady(Libc.PollIn))
                return Errno.TryAgain;
            var descriptor = call.Accept(listener, out name);
            if (descriptor < 0)
                return Libc.Error;
            accepted = new SocketDescriptor(descriptor);
            return 0;
        }
    }

    // Returns null if the connection is from another program of this machine, or has already ended.
    private async ValueTask<CallAnswer?> InstallAsync(SupervisedCall call, SocketDescriptor listener, SocketDescriptor accepted, byte[] name, int flags)
    {
        int error;
        if (SocketName.TryRead(name, out var far) && accepted.TryGetNear(out var near) && (SocketName.IsFar(far) || SocketName.IsNear(near)))
        {
            // Not canceled by a signal, because the service replies at once.
            var reply = await client.AskAsync(client.For(InterceptOperation.Names), accepted, listener, CancellationToken.None).ConfigureAwait(false);
            if (reply is not { Error: 0, Verdict: InterceptVerdict.Virtual } || !reply.Second.TryRead(out var remote))
                return null;
            error = call.WriteName(call.Arguments[1], call.Arguments[2], remote, accepted.Domain);
        }
        else
        {
            error = call.WriteName(call.Arguments[1], call.Arguments[2], name);
        }

        if (error != 0)
            return CallAnswer.Failed(error);
        _ = Libc.Flags(accepted.Number, Libc.SetStatusFlags, flags & Libc.NonBlocking);
        return call.TryInstall(accepted, (flags & Libc.CloseOnExec) != 0, out error) ? CallAnswer.Answered : CallAnswer.Failed(error);
    }
}
