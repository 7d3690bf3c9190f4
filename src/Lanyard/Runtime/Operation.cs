using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace Lanyard;

/// <summary>
/// Something awaited that is used again and again: one at a time, without an allocation. It begins under the gate, finishes or fails there,
/// and its awaiter goes on on the thread pool, or in the context that it captured.
/// </summary>
/// <typeparam name="T">What comes of it.</typeparam>
internal abstract class Operation<T>(NodeRuntime runtime) : Completion, IValueTaskSource<T>, IValueTaskSource
{
    private ManualResetValueTaskSourceCore<T> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _cancellation;
    private CancellationToken _token;
    private T _result = default!;
    private Exception? _error;
    private volatile bool _isInUse;

    /// <summary>Whether it has begun and neither finished nor failed. Under the gate.</summary>
    public bool IsPending { get; private set; }

    protected NodeRuntime Runtime { get; } = runtime;

    /// <summary>What a second one at a time is told.</summary>
    protected abstract string BusyMessage { get; }

    /// <summary>Begins. Under the gate; <see cref="Issue"/> follows when it has been left.</summary>
    /// <exception cref="InvalidOperationException">It is in use.</exception>
    public void Begin()
    {
        ThrowIfBusy();
        _core.Reset();
        _error = null;
        _isInUse = true;
        IsPending = true;
    }

    /// <summary>Throws where it is in use: begun, and its result not yet taken.</summary>
    public void ThrowIfBusy()
    {
        if (_isInUse)
            throw new InvalidOperationException(BusyMessage);
    }

    /// <summary>Gives out what is awaited. Not under the gate.</summary>
    public ValueTask<T> Issue(CancellationToken cancellationToken)
    {
        Register(cancellationToken);
        return new ValueTask<T>(this, _core.Version);
    }

    /// <summary>As <see cref="Issue"/>, where the result does not matter.</summary>
    public ValueTask IssueVoid(CancellationToken cancellationToken)
    {
        Register(cancellationToken);
        return new ValueTask(this, _core.Version);
    }

    /// <summary>Ends it with a result, if it is pending. Under the gate.</summary>
    public void Finish(T result)
    {
        if (!IsPending)
            return;
        _result = result;
        End();
    }

    /// <summary>Ends it with an exception, if it is pending. Under the gate.</summary>
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

    /// <summary>Lets go of what it held for the one who awaits. Called under the gate when it ends.</summary>
    protected virtual void Release()
    {
    }

    /// <summary>What to do once it has failed because it was cancelled. Under the gate.</summary>
    protected virtual void OnCancelled()
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
            OnCancelled();
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
