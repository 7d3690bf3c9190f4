namespace Lanyard;

/// <summary>A cancellation token that is canceled with another one, or when a time on a node's clock has passed.</summary>
internal sealed class Deadline : IDisposable
{
    private readonly CancellationTokenSource _timeout;
    private readonly CancellationTokenSource _linked;

    /// <param name="time">The clock.</param>
    /// <param name="delay">The time from now; infinite for no limit.</param>
    /// <param name="cancellationToken">The other token.</param>
    public Deadline(TimeProvider time, TimeSpan delay, CancellationToken cancellationToken)
    {
#if NET
        _timeout = new CancellationTokenSource(delay, time);
#else
        _timeout = time.CreateCancellationTokenSource(delay);
#endif
        _linked = CancellationTokenSource.CreateLinkedTokenSource(_timeout.Token, cancellationToken);
    }

    public CancellationToken Token => _linked.Token;

    /// <summary>Waits for a time on a clock.</summary>
    public static Task Delay(TimeProvider time, TimeSpan delay, CancellationToken cancellationToken = default) =>
#if NET
        Task.Delay(delay, time, cancellationToken);
#else
        time.Delay(delay, cancellationToken);
#endif

    public void Dispose()
    {
        _linked.Dispose();
        _timeout.Dispose();
    }
}
