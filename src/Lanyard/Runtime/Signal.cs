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

    /// <summary>Awaits a task no longer than a token allows.</summary>
    public static async Task WaitAsync(Task task, CancellationToken cancellationToken)
    {
        if (!cancellationToken.CanBeCanceled || task.IsCompleted)
        {
            await task.ConfigureAwait(false);
            return;
        }

        var canceled = Create();
        using (cancellationToken.UnsafeRegister(static source => ((TaskCompletionSource<bool>)source!).TrySetResult(true), canceled))
        {
            if (await Task.WhenAny(task, canceled.Task).ConfigureAwait(false) != task)
                throw new OperationCanceledException(cancellationToken);
        }

        await task.ConfigureAwait(false);
    }

    private static TaskCompletionSource<bool> Create() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
