using System.Collections.Concurrent;
using Lanyard.Intercept.Linux;

namespace Lanyard.Intercept.Supervision;

/// <summary>
/// Answers the system calls of a program and of all that descend from it, in which names of sockets occur: it does in the program's stead what the library
/// that is preloaded does inside others, on duplicates of the program's descriptors. Reading, writing and waiting are none of it.
/// </summary>
/// <remarks>
/// One thread receives the calls and begins to answer them; what must wait is a task. A call that was received is not interrupted by signals
/// (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV), so it is never half done, and nothing is written to a program that does not wait for it. For one that waits long,
/// signals are looked for; where there is one, the system is told to handle it and to begin the call anew, or not, as the program wants that.
/// </remarks>
internal sealed class Supervisor : IDisposable
{
    private const int SweepMs = 50;
    private const int IdleMs = 500;

    // Looking for a signal is reading a file: so many a sweep, in turn, where many threads wait.
    private const int LooksASweep = 64;

    private readonly int _listener;
    private readonly SocketWaits _waits = new();
    private readonly StreamCalls _streams;
    private readonly AcceptCalls _accepting;
    private readonly DatagramCalls _datagrams;
    private readonly StreamSends _sends;
    private readonly StreamOptions _options;
    private readonly SocketIsolation _isolation;
    private readonly ConcurrentDictionary<ulong, SupervisedCall> _pending = new();
    private int _lookedUpTo;
    private volatile bool _isStopped;

    /// <param name="listener">The descriptor that tells of calls. It is closed by this.</param>
    /// <param name="options">How the program sees networks.</param>
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

    /// <summary>Serves until the last program has ended, or <see cref="Stop"/>.</summary>
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

    /// <summary>Has <see cref="Run"/> end soon. Programs that are still there get an error from what needs the supervisor.</summary>
    public void Stop() => _isStopped = true;

    public void Dispose()
    {
        _ = Libc.Close(_listener);
        _waits.Dispose();
    }

    private void Sweep(long now)
    {
        // A signal of a whole process is its first thread's, as the system has it, unless that one does not want it.
        var told = new HashSet<int>();
        var waiting = _pending.Values.Where(call => call.IsWaiting).OrderBy(call => call.Thread <= _lookedUpTo).ThenBy(call => call.Thread);
        var looks = 0;
        foreach (var call in waiting.Take(LooksASweep))
        {
            looks++;
            _lookedUpTo = call.Thread;
            if (!call.IsValid || !ThreadStatus.TryRead(call.Thread, out var status) || status.Own != 0 || (status.Shared != 0 && told.Add(status.Process)))
                call.Interrupt();
        }

        // All were looked at: the next time begins with the first again.
        if (looks < LooksASweep)
            _lookedUpTo = 0;
        _waits.EndLate(now);
    }

    private unsafe void Receive()
    {
        Kernel.CallMessage message = default;
        // It may be interrupted in between, and then there is none.
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
            // A signal waits, or the program is gone, or the supervisor ends.
            Deliver(call, CallAnswer.Failed(_isStopped ? Errno.Interrupted : Errno.Restart));
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or ArgumentException or System.Net.Sockets.SocketException or OutOfMemoryException)
        {
            // Whatever it is, no program is to wait for ever.
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
        if (answer.Kind == CallAnswerKind.Given)
            return;
        var message = new Kernel.AnswerMessage { Id = call.Id };
        if (answer.Kind == CallAnswerKind.Continue)
            message.Flags = Kernel.AnswerMessage.Continue;
        else if (answer.Value < 0)
            message.Error = (int)answer.Value;
        else
            message.Value = answer.Value;
        // Where it fails, the program is gone.
        _ = Kernel.Control(_listener, Kernel.SendAnswer, &message);
    }
}
