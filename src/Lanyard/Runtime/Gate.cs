namespace Lanyard;

/// <summary>
/// A node's one lock. It guards the engine, every network's TCP/IP host and everything of the SDK that is said to be "under the gate". Nothing of the
/// app's runs under it: what completes an operation is noted with <see cref="Complete"/> and run when the gate has been left.
/// </summary>
/// <remarks>It is not re-entered: what is called under the gate never enters it.</remarks>
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

    /// <summary>Leaves the gate. The caller then runs what was noted under it with <see cref="Run"/>.</summary>
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
            // Once run, it may be noted anew by another thread.
            var next = completion.Next;
            completion.Next = null;
            completion.Run();
            completion = next;
        }
    }

    /// <summary>Notes what is to be run after the gate is left. It is not noted already. Under the gate.</summary>
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
/// What is run, on the thread that leaves the gate, after the gate was left. It must be quick: it may be the thread that receives.
/// </summary>
internal abstract class Completion
{
    internal Completion? Next { get; set; }

    public abstract void Run();
}
