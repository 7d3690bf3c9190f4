using System.Collections.Concurrent;
using Lanyard.Intercept.Linux;

namespace Lanyard.Intercept.Supervision;

/// <summary>
/// Answers the system calls with socket addresses of a program and its descendants: does on duplicates of their descriptors what the preloaded library
/// does inside a program. Programs read, write and wait without the supervisor.
/// </summary>
/// <remarks>
/// One thread receives calls and starts to answer them; a call that must wait continues as a task. Signals do not interrupt a received call
/// (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV), so a call is never half done, and the supervisor never writes to a program that no longer waits. During a long
/// wait, the supervisor checks for pending signals. It then tells the kernel to handle the signal and to restart the call if the program's handler wants that.
/// </remarks>
internal sealed class Supervisor : IDisposable
{
    private const int SweepMs = 50;
    private const int IdleMs = 500;

    // A check for a signal reads a file, so a sweep checks at most this many waiting threads, in turn.
    private const int MaxSignalChecks = 64;

    private readonly int _listener;
    private readonly SocketWaits _waits = new();
    private readonly StreamCalls _streams;
    private readonly AcceptCalls _accepting;
    private readonly DatagramCalls _datagrams;
    private readonly StreamSends _sends;
    private readonly StreamOptions _options;
    private readonly SocketIsolation _isolation;
    private readonly ConcurrentDictionary<ulong, SupervisedCall> _pending = new();
    private int _lastCheckedThread;
    private volatile bool _isStopped;

    /// <param name="listener">The descriptor that reports stopped calls. The supervisor closes it.</param>
    /// <param name="options">The program's access to networks.</param>
    public Supervisor(int listener, ProgramOptions options)
    {
        _listener = listener;
        var client = new InterceptClient(options);
        _datagrams = new DatagramCalls(client, options, _waits);
        _streams = new StreamCalls(client, options, _datagrams, _waits);
        _accepting = new AcceptCalls(client, options, _waits);
        _sends = new StreamSends(_streams);
        _options = new StreamOptions(client);
        _isolation = new SocketIsolation(options.IsIsolated);
        _waits.Watch(listener);
    }

    /// <summary>Answers calls until the last program has ended, or until <see cref="Stop"/>.</summary>
    public void Run()
    {
        var swept = Environment.TickCount64;
        while (!_isStopped)
        {
            var found = _waits.Run(_pending.IsEmpty ? IdleMs : SweepMs);
            if ((found & Libc.PollIn) != 0)
                Receive();
            else if ((found & (Libc.PollHangUp | Libc.PollError)) != 0)
                break;
            var now = Environment.TickCount64;
            if (now - swept < SweepMs)
                continue;
            swept = now;
            Sweep(now);
        }

        foreach (var call in _pending.Values)
            call.Interrupt();
    }

    /// <summary>Makes <see cref="Run"/> return soon. Calls of remaining programs that need the supervisor then fail.</summary>
    public void Stop() => _isStopped = true;

    public void Dispose()
    {
        _ = Libc.Close(_listener);
        _waits.Dispose();
    }

    private void Sweep(long now)
    {
        // A signal for a whole process interrupts one of its threads.
        var interrupted = new HashSet<int>();
        var waiting = _pending.Values.Where(call => call.IsWaiting).OrderBy(call => call.Thread <= _lastCheckedThread).ThenBy(call => call.Thread);
        var checks = 0;
        foreach (var call in waiting.Take(MaxSignalChecks))
        {
            checks++;
            _lastCheckedThread = call.Thread;
            if (!call.IsValid || !ThreadStatus.TryRead(call.Thread, out var status) || status.Own != 0 || (status.Shared != 0 && interrupted.Add(status.Process)))
                call.Interrupt();
        }

        // All threads were checked; the next sweep starts with the first.
        if (checks < MaxSignalChecks)
            _lastCheckedThread = 0;
        _waits.ExpireDeadlines(now);
    }

    private unsafe void Receive()
    {
        Kernel.CallMessage message = default;
        // Fails if the program's thread was killed in the meantime.
        if (Kernel.Control(_listener, Kernel.ReceiveCall, &message) != 0)
            return;
        var call = new SupervisedCall(_listener, message);
        _pending.TryAdd(call.Id, call);
        _ = AnswerAsync(call);
    }

    private async Task AnswerAsync(SupervisedCall call)
    {
        try
        {
            var answer = call.Call == SocketCall.SetSocketOption ? await _options.TryAnswerAsync(call).ConfigureAwait(false) : await _sends.TryAnswerAsync(call).ConfigureAwait(false);
            Deliver(call, answer ?? await HandleAsync(call).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // The program has a pending signal or has ended, or the supervisor stops.
            Deliver(call, CallAnswer.Failed(_isStopped ? Errno.Interrupted : Errno.Restart));
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or ArgumentException or System.Net.Sockets.SocketException or OutOfMemoryException)
        {
            // Always answer, so that the program does not wait forever.
            Deliver(call, CallAnswer.Failed(Errno.InputOutput));
        }
        finally
        {
            _pending.TryRemove(call.Id, out _);
        }
    }

    private ValueTask<CallAnswer> HandleAsync(SupervisedCall call) => call.Call switch
    {
        SocketCall.Connect => _streams.ConnectAsync(call),
        SocketCall.Socket => _isolation.Refuse(call) is { } refused ? ValueTask.FromResult(refused) : _datagrams.CreateEchoAsync(call),
        SocketCall.SetSocketOption => _datagrams.SetOptionAsync(call),
        SocketCall.Bind => _streams.BindAsync(call),
        SocketCall.Listen => _streams.ListenAsync(call),
        SocketCall.Accept or SocketCall.Accept4 => _accepting.AcceptAsync(call),
        SocketCall.GetSocketName => _streams.GetNameAsync(call, isFar: false),
        SocketCall.GetPeerName => _streams.GetNameAsync(call, isFar: true),
        SocketCall.GetSocketOption => _streams.GetErrorAsync(call),
        SocketCall.SendTo => _datagrams.SendToAsync(call),
        SocketCall.SendMessage => _datagrams.SendMessageAsync(call),
        SocketCall.SendMessages => _datagrams.SendMessagesAsync(call),
        SocketCall.ReceiveFrom => _datagrams.ReceiveFromAsync(call),
        SocketCall.ReceiveMessage => _datagrams.ReceiveMessageAsync(call),
        SocketCall.ReceiveMessages => _datagrams.ReceiveMessagesAsync(call),
        _ => ValueTask.FromResult(CallAnswer.Continue),
    };

    private unsafe void Deliver(SupervisedCall call, CallAnswer answer)
    {
        if (answer.Kind == CallAnswerKind.Answered)
            return;
        var message = new Kernel.AnswerMessage { Id = call.Id };
        if (answer.Kind == CallAnswerKind.Continue)
            message.Flags = Kernel.AnswerMessage.Continue;
        else if (answer.Value < 0)
            message.Error = (int)answer.Value;
        else
            message.Value = answer.Value;
        // Fails if the program has ended.
        _ = Kernel.Control(_listener, Kernel.SendAnswer, &message);
    }
}
