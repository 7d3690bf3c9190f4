using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace Lanyard;

/// <summary>
/// A reusable <see cref="IValueTaskSource{T}"/> for one pending operation at a time, without allocations. It begins and completes under the gate; its awaiter continues
/// on the thread pool, or in the context that it captured.
/// </summary>
/// <typeparam name="T">The result.</typeparam>
internal abstract class Operation<T>(NodeRuntime runtime) : Completion, IValueTaskSource<T>, IValueTaskSource
{
    private ManualResetValueTaskSourceCore<T> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _cancellation;
    private CancellationToken _token;
    private T _result = default!;
    private Exception? _error;
    private volatile bool _isInUse;

    /// <summary>Whether the operation has begun and not completed. Under the gate.</summary>
    public bool IsPending { get; private set; }

    protected NodeRuntime Runtime { get; } = runtime;

    /// <summary>The error message for a second operation while one is pending.</summary>
    protected abstract string BusyMessage { get; }

    /// <summary>Begins the operation, under the gate. The caller leaves the gate and calls <see cref="Issue"/>.</summary>
    /// <exception cref="InvalidOperationException">The operation is in use.</exception>
    public void Begin()
    {
        ThrowIfBusy();
        _core.Reset();
        _error = null;
        _isInUse = true;
        IsPending = true;
    }

    /// <summary>Throws if the operation is in use: begun, and its result not yet taken.</summary>
    public void ThrowIfBusy()
    {
        if (_isInUse)
            throw new InvalidOperationException(BusyMessage);
    }

    /// <summary>Returns the task to await. Not under the gate.</summary>
    public ValueTask<T> Issue(CancellationToken cancellationToken)
    {
        Register(cancellationToken);
        return new ValueTask<T>(this, _core.Version);
    }

    /// <summary>Returns the task to await, without a result. Not under the gate.</summary>
    public ValueTask IssueVoid(CancellationToken cancellationToken)
    {
        Register(cancellationToken);
        return new ValueTask(this, _core.Version);
    }

    /// <summary>Completes a pending operation with a result. Under the gate.</summary>
    public void Finish(T result)
    {
        if (!IsPending)
            return;
        _result = result;
        End();
    }

    /// <summary>Completes a pending operation with an exception. Under the gate.</summary>
    public void Fail(Exception error)
    {
        if (!IsPending)
            return;
        _error = error;
        End();
    }

    /// <inheritdoc/>
    public override void Run()
    {
        if (_error is { } error)
            _core.SetException(error);
        else
            _core.SetResult(_result);
    }

    T IValueTaskSource<T>.GetResult(short token) => TakeResult(token);

    void IValueTaskSource.GetResult(short token) => TakeResult(token);

    ValueTaskSourceStatus IValueTaskSource<T>.GetStatus(short token) => _core.GetStatus(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<T>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    /// <summary>Releases what the operation holds for its caller. Called under the gate on completion.</summary>
    protected virtual void Release()
    {
    }

    /// <summary>Called under the gate after a cancellation completed the operation.</summary>
    protected virtual void OnCanceled()
    {
    }

    private void End()
    {
        IsPending = false;
        Release();
        Runtime.Gate.Complete(this);
    }

    private void Register(CancellationToken cancellationToken)
    {
        if (!cancellationToken.CanBeCanceled)
            return;
        _token = cancellationToken;
        _cancellation = cancellationToken.UnsafeRegister(static operation => ((Operation<T>)operation!).Cancel(), this);
    }

    private void Cancel()
    {
        Runtime.Enter();
        try
        {
            if (!IsPending)
                return;
            Fail(new OperationCanceledException(_token));
            OnCanceled();
        }
        finally
        {
            Runtime.Exit();
        }
    }

    private T TakeResult(short token)
    {
        if (_core.GetStatus(token) == ValueTaskSourceStatus.Pending)
            throw new InvalidOperationException("The operation is awaited; its result is not there yet.");
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            // After this a cancellation that comes late finds nothing of the next use.
            _cancellation.Dispose();
            _cancellation = default;
            _token = default;
            if (RuntimeHelpers.IsReferenceOrContainsReferences<T>())
                _result = default!;
            _isInUse = false;
        }
    }
}
