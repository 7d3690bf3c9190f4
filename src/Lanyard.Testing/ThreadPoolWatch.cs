using System.Diagnostics;

namespace Lanyard.Testing;

/// <summary>
/// Limits the thread pool of the process to one worker, so that the application's code runs in one order, and waits until the worker is idle. Disposing of it restores the
/// limits.
/// </summary>
internal sealed class ThreadPoolWatch : IDisposable
{
    private static readonly TimeSpan SettleTime = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan MaxSettleTime = TimeSpan.FromSeconds(2);

    // After this real time without progress, a worker counts as blocked, for example by disposing of a Kestrel that was not stopped, and gets help from another worker.
    private static readonly TimeSpan BlockedTime = TimeSpan.FromSeconds(1);

    private readonly int _minWorkers;
    private readonly int _minCompletion;
    private readonly int _maxWorkers;
    private readonly int _maxCompletion;
    private readonly int _othersBusy;
    private int _limit;

    public ThreadPoolWatch()
    {
        ThreadPool.GetMinThreads(out _minWorkers, out _minCompletion);
        ThreadPool.GetMaxThreads(out _maxWorkers, out _maxCompletion);
        _limit = _maxWorkers;
        _othersBusy = CountOthers();
        ThreadPool.SetMinThreads(_othersBusy + 1, _minCompletion);
        SetLimit(_othersBusy + 1);
    }

    /// <summary>Waits until no work is queued and no worker is busy.</summary>
    /// <param name="timeout">The maximum real time to wait.</param>
    /// <returns>False if the time has passed.</returns>
    public bool WaitUntilIdle(TimeSpan timeout)
    {
        if (IsIdle)
            return true;
        var spin = default(SpinWait);
        var start = Stopwatch.GetTimestamp();
        var (progress, progressAt) = (ThreadPool.CompletedWorkItemCount, start);
        do
        {
            spin.SpinOnce(sleep1Threshold: -1);
            if (Stopwatch.GetElapsedTime(start) > timeout)
                return false;
            if (Stopwatch.GetElapsedTime(progressAt) < BlockedTime)
                continue;
            if (ThreadPool.CompletedWorkItemCount == progress && ThreadPool.PendingWorkItemCount > 0)
                SetLimit(_limit + 1);
            (progress, progressAt) = (ThreadPool.CompletedWorkItemCount, Stopwatch.GetTimestamp());
        }
        while (!IsIdle);

        if (_limit > _othersBusy + 1)
            SetLimit(_othersBusy + 1);
        return true;
    }

    public void Dispose()
    {
        ThreadPool.SetMaxThreads(_maxWorkers, _maxCompletion);
        ThreadPool.SetMinThreads(_minWorkers, _minCompletion);
    }

    private bool IsIdle => ThreadPool.PendingWorkItemCount == 0 && Busy() <= _othersBusy;

    private void SetLimit(int workers)
    {
        if (ThreadPool.SetMaxThreads(workers, _maxCompletion))
            _limit = workers;
    }

    // Returns the number of workers that stay busy before the run: a test runner may block one.
    private int CountOthers()
    {
        var start = Stopwatch.GetTimestamp();
        var quietSince = start;
        var fewest = int.MaxValue;
        while (Stopwatch.GetElapsedTime(start) < MaxSettleTime)
        {
            var busy = Busy();
            fewest = Math.Min(fewest, busy);
            if (busy > 0 || ThreadPool.PendingWorkItemCount > 0)
                quietSince = Stopwatch.GetTimestamp();
            else if (Stopwatch.GetElapsedTime(quietSince) > SettleTime)
                return 0;
            // The pool has no event for becoming idle. This runs once, on a thread of its own.
            Thread.Sleep(1);
        }

        return fewest;
    }

    private int Busy()
    {
        ThreadPool.GetAvailableThreads(out var available, out _);
        return Math.Max(_limit - available, 0);
    }
}
