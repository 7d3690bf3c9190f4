using System.Collections.Concurrent;

namespace Lanyard.Cli.Run;

/// <summary>
/// Answers the system calls of a program and of all that descend from it, in which names of sockets occur: it does in the program's stead what the library
/// that is preloaded does inside others, on duplicates of the program's descriptors. Reading, writing and waiting are none of it.
/// </summary>
/// <remarks>
/// One thread receives the calls and begins to answer them; what must wait is a task. A signal interrupts a call as it does without a supervisor: the
/// system forgets the call, and begins it anew where the program wants that. So what a call that was forgotten has done already is remembered for a
/// while, and is the answer to the same call of the same thread. (The system's own remedy, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, would have handlers of signals
/// wait until somebody connects.)
/// </remarks>
internal sealed class Supervisor : IDisposable
{
    private const int SweepMs = 50;
    private const int IdleMs = 500;
    private const long RememberMs = 2_000;

    private readonly int _listener;
    private readonly SocketWaits _waits = new();
    private readonly StreamCalls _streams;
    private readonly AcceptCalls _accepting;
    private readonly DatagramCalls _datagrams;
    private readonly ConcurrentDictionary<ulong, SupervisedCall> _pending = new();
    private readonly ConcurrentDictionary<(int Thread, SocketCall Call, ulong Cookie, ulong Hash), (long Value, long At)> _undelivered = new();
    private volatile bool _isStopped;

    /// <param name="listener">The descriptor that tells of calls. It is closed by this.</param>
    /// <param name="options">How the program sees networks.</param>
    public Supervisor(int listener, SuperviseOptions options)
    {
        _listener = listener;
        var client = new InterceptClient(options);
        _datagrams = new DatagramCalls(client, options, _waits);
        _streams = new StreamCalls(client, options, _datagrams);
        _accepting = new AcceptCalls(client, options, _waits);
        _waits.Watch(listener);
    }

    /// <summary>Calls that are being answered.</summary>
    public int PendingCount => _pending.Count;

    /// <summary>Serves until the last program has ended, or <see cref="Stop"/>.</summary>
    public void Run()
    {
        var swept = Environment.TickCount64;
        while (!_isStopped)
        {
            var found = _waits.Run(_pending.IsEmpty ? IdleMs : SweepMs);
            if ((found & Kernel.PollIn) != 0)
                Receive();
            else if ((found & (Kernel.PollHangUp | Kernel.PollError)) != 0)
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
        _ = Kernel.Close(_listener);
        _accepting.Dispose();
        _waits.Dispose();
    }

    private void Sweep(long now)
    {
        foreach (var call in _pending.Values)
        {
            if (!call.IsValid)
                call.Interrupt();
        }

        _waits.EndLate(now);
        _accepting.Sweep(now);
        foreach (var (key, result) in _undelivered)
        {
            if (now - result.At > RememberMs)
                _undelivered.TryRemove(key, out _);
        }
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
            Deliver(call, await HandleAsync(call).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // The program was interrupted, or is gone. Where it is neither, the supervisor ends.
            Deliver(call, CallAnswer.Failed(ErrorNumber.Interrupted));
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or ArgumentException or System.Net.Sockets.SocketException or OutOfMemoryException)
        {
            // Whatever it is, no program is to wait for ever.
            Deliver(call, CallAnswer.Failed(ErrorNumber.InputOutput));
        }
        finally
        {
            _pending.TryRemove(call.Id, out _);
        }
    }

    private ValueTask<CallAnswer> HandleAsync(SupervisedCall call)
    {
        if (!_undelivered.IsEmpty && TryTakeUndelivered(call, out var value))
            return ValueTask.FromResult(CallAnswer.Of(value));
        return call.Call switch
        {
            SocketCall.Connect => _streams.ConnectAsync(call),
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
    }

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
        if (Kernel.Control(_listener, Kernel.SendAnswer, &message) == 0 || answer.Kind != CallAnswerKind.Value || answer.Value < 0)
            return;
        if (call.Cookie != 0 && call.Call is SocketCall.Connect or SocketCall.Bind or >= SocketCall.SendTo)
            _undelivered[KeyOf(call, call.Cookie)] = (answer.Value, Environment.TickCount64);
    }

    private bool TryTakeUndelivered(SupervisedCall call, out long value)
    {
        value = 0;
        if (!_undelivered.Keys.Any(key => key.Thread == call.Thread && key.Call == call.Call))
            return false;
        using var socket = call.Open();
        var isThere = _undelivered.TryRemove(KeyOf(call, call.Cookie), out var result);
        value = result.Value;
        return isThere && socket is not null;
    }

    private static (int Thread, SocketCall Call, ulong Cookie, ulong Hash) KeyOf(SupervisedCall call, ulong cookie)
    {
        var hash = 0UL;
        foreach (var argument in call.Arguments)
            hash = (hash * 1_099_511_628_211) ^ argument;
        return (call.Thread, call.Call, cookie, hash);
    }
}
