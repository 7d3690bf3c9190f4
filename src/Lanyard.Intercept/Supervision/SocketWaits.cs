using Lanyard.Intercept.Linux;

namespace Lanyard.Intercept.Supervision;

/// <summary>Waits for any number of programs' sockets with one epoll instance.</summary>
internal sealed class SocketWaits : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, Wait> _waits = [];
    private readonly EventPoll _poll = new();
    private ulong _last;

    /// <summary>Adds a descriptor whose events <see cref="Run"/> returns.</summary>
    public void Watch(int descriptor)
    {
        if (!_poll.Add(descriptor, Libc.PollIn, 0))
            throw new IOException($"epoll_ctl failed with error {Libc.Error}.");
    }

    /// <summary>Waits until a socket is ready. Returns false after the deadline.</summary>
    /// <param name="call">The call that waits.</param>
    /// <param name="socket">The socket. It must stay open during the wait.</param>
    /// <param name="events"><see cref="Libc.PollIn"/> or <see cref="Libc.PollOut"/>.</param>
    /// <param name="deadline">The deadline on the clock of <see cref="Environment.TickCount64"/>; null for none.</param>
    /// <exception cref="OperationCanceledException">The program no longer waits for the call.</exception>
    public async ValueTask<bool> UntilReadyAsync(SupervisedCall call, SocketDescriptor socket, int events, long? deadline)
    {
        var interrupted = call.Interrupted;
        interrupted.ThrowIfCancellationRequested();
        var wait = new Wait(deadline);
        ulong key;
        lock (_lock)
        {
            key = ++_last;
            _waits.Add(key, wait);
            if (!_poll.Add(socket.Number, events, key))
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

    /// <summary>Waits for events and completes the waits for ready sockets. Returns the events of the watched descriptor.</summary>
    public int Run(int timeoutMs)
    {
        var found = 0;
        foreach (var (key, events) in _poll.Wait(timeoutMs))
        {
            if (key == 0)
            {
                found = events;
                continue;
            }

            Wait? wait;
            lock (_lock)
                _waits.TryGetValue(key, out wait);
            wait?.Done.TrySetResult(true);
        }

        return found;
    }

    /// <summary>Ends the waits whose deadline has passed.</summary>
    public void ExpireDeadlines(long now)
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
