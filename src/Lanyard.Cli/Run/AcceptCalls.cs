using Lanyard.Primitives;
using Lanyard.Service.Intercept;

namespace Lanyard.Cli.Run;

/// <summary>
/// accept and accept4: the supervisor accepts, and gives the program the descriptor. A connection whose program was interrupted just then waits for the
/// next call.
/// </summary>
internal sealed class AcceptCalls(InterceptClient client, SuperviseOptions options, SocketWaits waits) : IDisposable
{
    private const long KeepMs = 10_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, Queue<(SocketDescriptor Socket, byte[] Name, long At)>> _kept = [];

    public async ValueTask<CallAnswer> AcceptAsync(SupervisedCall call)
    {
        using var listener = call.Open();
        if (listener is not { Type: InterceptSocketType.Stream } || !listener.TryGetNear(out var own) || !MayBeOurs(own))
            return CallAnswer.Continue;
        var isWaiting = !listener.IsNonBlocking;
        var deadline = listener.ReceiveTimeout is { } timeout ? Environment.TickCount64 + (long)timeout.TotalMilliseconds : (long?)null;
        var flags = call.Call == SocketCall.Accept4 ? (int)call.Arguments[3] : 0;
        if ((flags & ~(Kernel.NonBlocking | Kernel.CloseOnExec)) != 0)
            return CallAnswer.Failed(ErrorNumber.BadRequest);
        while (true)
        {
            var error = TryAccept(call, listener, out var accepted, out var name);
            if (accepted is null)
            {
                if (error != ErrorNumber.TryAgain || !isWaiting)
                    return CallAnswer.Failed(error);
                if (!await waits.UntilReadyAsync(call, listener, Kernel.PollIn, deadline).ConfigureAwait(false))
                    return CallAnswer.Failed(ErrorNumber.TryAgain);
                continue;
            }

            var isHandedOn = false;
            try
            {
                var given = await GiveAsync(call, accepted, name, flags).ConfigureAwait(false);
                isHandedOn = true;
                if (given is { } answer)
                    return answer;
            }
            finally
            {
                if (isHandedOn)
                    accepted.Dispose();
                else
                    Keep(call.Cookie, accepted, name);
            }
        }
    }

    /// <summary>Closes connections that nobody came for.</summary>
    public void Sweep(long now)
    {
        lock (_lock)
        {
            foreach (var (listener, queue) in _kept)
            {
                while (queue.TryPeek(out var oldest) && now - oldest.At > KeepMs)
                    queue.Dequeue().Socket.Dispose();
                if (queue.Count == 0)
                    _kept.Remove(listener);
            }
        }
    }

    public void Dispose() => Sweep(long.MaxValue);

    // A listener of the system's network may listen on the virtual ones as well.
    private bool MayBeOurs(InetEndpoint own) => SocketName.IsNear(own) || (options.Listening == ListenPlace.Both && own.Address.IsUnspecified);

    // Nobody else takes connections between the look and the call, which so never waits: all who accept do it here.
    private unsafe int TryAccept(SupervisedCall call, SocketDescriptor listener, out SocketDescriptor? accepted, out byte[] name)
    {
        accepted = null;
        name = [];
        lock (_lock)
        {
            if (_kept.TryGetValue(call.Cookie, out var queue) && queue.TryDequeue(out var kept))
            {
                (accepted, name, _) = kept;
                return 0;
            }

            if (!call.IsValid)
                throw new OperationCanceledException();
            if (!listener.IsReady(Kernel.PollIn))
                return ErrorNumber.TryAgain;
            var buffer = stackalloc byte[SocketName.MaxBytes];
            var length = SocketName.MaxBytes;
            var descriptor = Kernel.Accept(listener.Number, buffer, &length, Kernel.CloseOnExec);
            if (descriptor < 0)
                return Kernel.Error;
            accepted = new SocketDescriptor(descriptor);
            name = new ReadOnlySpan<byte>(buffer, length).ToArray();
            return 0;
        }
    }

    // Null: it was some other program of this machine, which has no business here, or a connection that ended already.
    private async ValueTask<CallAnswer?> GiveAsync(SupervisedCall call, SocketDescriptor accepted, byte[] name, int flags)
    {
        int error;
        if (SocketName.TryRead(name, out var far) && accepted.TryGetNear(out var near) && (SocketName.IsFar(far) || SocketName.IsNear(near)))
        {
            var request = client.For(InterceptOperation.Names, accepted);
            request.NearEndpoint = InterceptEndpoint.Of(near);
            request.FarEndpoint = InterceptEndpoint.Of(far);
            var reply = await client.AskAsync(request, call.Interrupted).ConfigureAwait(false);
            if (reply is not { Error: 0, Verdict: InterceptVerdict.Virtual } || !reply.Second.TryRead(out var remote))
                return null;
            error = call.GiveName(call.Arguments[1], call.Arguments[2], remote, accepted.Domain);
        }
        else
        {
            error = call.GiveName(call.Arguments[1], call.Arguments[2], name);
        }

        if (error != 0)
            return CallAnswer.Failed(error);
        _ = Kernel.Flags(accepted.Number, Kernel.SetStatusFlags, flags & Kernel.NonBlocking);
        if (call.TryGive(accepted, (flags & Kernel.CloseOnExec) != 0, out error))
            return CallAnswer.Given;
        if (error is ErrorNumber.NoSuchEntry)
            throw new OperationCanceledException();
        return CallAnswer.Failed(error);
    }

    private void Keep(ulong listener, SocketDescriptor accepted, byte[] name)
    {
        lock (_lock)
        {
            if (!_kept.TryGetValue(listener, out var queue))
                _kept.Add(listener, queue = new Queue<(SocketDescriptor, byte[], long)>());
            queue.Enqueue((accepted, name, Environment.TickCount64));
        }
    }
}
