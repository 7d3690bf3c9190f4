namespace Lanyard;

/// <summary>Something that happens now and then and can be waited for: take <see cref="Next"/>, look at the state, then await.</summary>
internal sealed class Signal
{
    private readonly object _lock = new();
    private TaskCompletionSource<bool> _next = Create();

    /// <summary>Ends when the signal is next raised.</summary>
    public Task Next
    {
        get
        {
            lock (_lock)
                return _next.Task;
        }
    }

    public void Raise()
    {
        TaskCompletionSource<bool> raised;
        lock (_lock)
        {
            raised = _next;
            _next = Create();
        }

        raised.TrySetResult(true);
    }

    private static TaskCompletionSource<bool> Create() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
