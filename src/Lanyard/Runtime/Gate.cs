namespace Lanyard;

/// <summary>
/// A node's one lock. It guards the engine, the TCP/IP host of each network, and all members of the SDK that are documented as "under the gate". No code of the
/// application runs under it: <see cref="Complete"/> queues the completion of an operation, which runs after the gate is left.
/// </summary>
/// <remarks>Code under the gate never enters it again.</remarks>
internal sealed class Gate
{
#if NET9_0_OR_GREATER
    private readonly Lock _lock = new();
#else
    private readonly object _lock = new();
#endif
    private Completion? _first;
    private Completion? _last;

    public void Enter()
    {
#if NET9_0_OR_GREATER
        _lock.Enter();
#else
        Monitor.Enter(_lock);
#endif
    }

    /// <summary>Leaves the gate. The caller then passes the queued completions to <see cref="Run"/>.</summary>
    public Completion? Leave()
    {
        var completion = _first;
        _first = _last = null;
#if NET9_0_OR_GREATER
        _lock.Exit();
#else
        Monitor.Exit(_lock);
#endif
        return completion;
    }

    /// <summary>Runs completions. Not under the gate.</summary>
    public static void Run(Completion? completion)
    {
        while (completion is not null)
        {
            // Once it has run, another thread may queue it again.
            var next = completion.Next;
            completion.Next = null;
            completion.Run();
            completion = next;
        }
    }

    /// <summary>Queues a completion to run after the gate is left. It must not be queued already. Under the gate.</summary>
    public void Complete(Completion completion)
    {
        if (_last is null)
            _first = completion;
        else
            _last.Next = completion;
        _last = completion;
    }
}

/// <summary>
/// The completion of an operation. It runs on the thread that leaves the gate, after the gate is left. It must return soon: that thread may be a receive thread.
/// </summary>
internal abstract class Completion
{
    internal Completion? Next { get; set; }

    public abstract void Run();
}
