using Lanyard.Service.Intercept;
using System.Runtime.CompilerServices;

namespace Lanyard.Cli.Run;

/// <summary>Waits for sockets of programs, any number of them, without a thread for each.</summary>
internal sealed class SocketWaits : IDisposable
{
    private const int Add = 1;
    private const int Remove = 2;
    private const int MaxEvents = 64;

    // struct epoll_event: packed on x86-64 alone.
    private static readonly int s_eventBytes = System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64 ? 12 : 16;

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, Wait> _waits = [];
    private readonly int _poll;
    private ulong _last;

    public SocketWaits()
    {
        _poll = Kernel.CreatePoll(Libc.CloseOnExec);
        if (_poll < 0)
            throw new IOException($"epoll_create1 failed with error {Libc.Error}.");
    }

    public int Count
    {
        get
        {
            lock (_lock)
                return _waits.Count;
        }
    }

    /// <summary>Has <see cref="Run"/> tell of a descriptor that is no program's.</summary>
    public void Watch(int descriptor)
    {
        if (Change(Add, descriptor, Libc.PollIn, 0) != 0)
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
            if (Change(Add, socket.Number, what, key) != 0)
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
                    _ = Change(Remove, socket.Number, 0, 0);
                }
            }
        }
    }

    /// <summary>Wakes those whose sockets are ready or whose time is over. Returns what was found at the watched descriptor.</summary>
    public unsafe int Run(int timeoutMs)
    {
        var events = stackalloc byte[MaxEvents * 16];
        var count = Kernel.WaitPoll(_poll, events, MaxEvents, timeoutMs);
        var found = 0;
        for (var i = 0; i < count; i++)
        {
            var what = Unsafe.ReadUnaligned<int>(events + (i * s_eventBytes));
            var key = Unsafe.ReadUnaligned<ulong>(events + (i * s_eventBytes) + s_eventBytes - sizeof(ulong));
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

    public void Dispose() => _ = Libc.Close(_poll);

    private unsafe int Change(int operation, int descriptor, int what, ulong key)
    {
        var change = stackalloc byte[16];
        Unsafe.WriteUnaligned(change, what);
        Unsafe.WriteUnaligned(change + s_eventBytes - sizeof(ulong), key);
        return Kernel.ChangePoll(_poll, operation, descriptor, change);
    }

    private sealed class Wait(long? deadline)
    {
        public long? Deadline { get; } = deadline;

        public TaskCompletionSource<bool> Done { get; } = new();
    }
}
