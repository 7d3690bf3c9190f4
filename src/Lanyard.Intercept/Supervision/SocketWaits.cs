using Lanyard.Intercept.Linux;

namespace Lanyard.Intercept.Supervision;

/// <summary>Waits for sockets of programs, any number of them, without a thread for each.</summary>
internal sealed class SocketWaits : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, Wait> _waits = [];
    private readonly EventPoll _poll = new();
    private ulong _last;

    /// <summary>Has <see cref="Run"/> tell of a descriptor that is no program's.</summary>
    public void Watch(int descriptor)
    {
        if (!_poll.Add(descriptor, Libc.PollIn, 0))
            throw new IOException($"epoll_ctl failed with error {Libc.Error}.");
    }

    /// <summary>Waits until a socket is ready. False: the time is over.</summary>
    /// <param name="call">The call that waits.</param>
    /// <param name="socket">The socket. It must be open for as long.</param>
    /// <param name="what"><see cref="Libc.PollIn"/> or <see cref="Libc.PollOut"/>.</param>
    /// <param name="deadline">Of <see cref="Environment.TickCount64"/>; null for ever.</param>
    /// <exception cref="OperationCanceledException">The program does not wait any longer.</exception>
    public async ValueTask<bool> UntilReadyAsync(SupervisedCall call, SocketDescriptor socket, int what, long? deadline)
    {
        var interrupted = call.Interrupted;
        interrupted.ThrowIfCancellationRequested();
        var wait = new Wait(deadline);
        ulong key;
        lock (_lock)
        {
            key = ++_last;
            _waits.Add(key, wait);
            if (!_poll.Add(socket.Number, what, key))
                wait.Done.TrySetResult(true);
        }

        using (interrupted.UnsafeRegister(static (state, token) => ((Wait)state!).Done.TrySetCanceled(token), wait))
        {
            try
            {
                return await wait.Done.Task.ConfigureAwait(false);
            }
            finally
            {
                lock (_lock)
                {
                    _waits.Remove(key);
                    _poll.Remove(socket.Number);
                }
            }
        }
    }

    /// <summary>Wakes those whose sockets are ready or whose time is over. Returns what was found at the watched descriptor.</summary>
    public int Run(int timeoutMs)
    {
        var found = 0;
        foreach (var (key, what) in _poll.Wait(timeoutMs))
        {
            if (key == 0)
            {
                found = what;
                continue;
            }

            Wait? wait;
            lock (_lock)
                _waits.TryGetValue(key, out wait);
            wait?.Done.TrySetResult(true);
        }

        return found;
    }

    /// <summary>Wakes those whose time is over.</summary>
    public void EndLate(long now)
    {
        Wait[] late;
        lock (_lock)
            late = [.. _waits.Values.Where(wait => wait.Deadline <= now)];
        foreach (var wait in late)
            wait.Done.TrySetResult(false);
    }

    public void Dispose() => _poll.Dispose();

    private sealed class Wait(long? deadline)
    {
        public long? Deadline { get; } = deadline;

        public TaskCompletionSource<bool> Done { get; } = new();
    }
}
