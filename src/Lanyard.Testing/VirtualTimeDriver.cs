namespace Lanyard.Testing;

/// <summary>
/// Runs an application's code in virtual time: whenever all code has come to rest, the next event of the internet happens. One run at a time in a process.
/// </summary>
internal static class VirtualTimeDriver
{
    private static readonly SemaphoreSlim OneAtATime = new(1, 1);
    private static readonly TimeSpan MaxRealTimeOfAStep = TimeSpan.FromSeconds(30);

    public static async Task RunAsync(SimulatedInternet internet, Func<Task> application, TimeSpan limit)
    {
        await OneAtATime.WaitAsync().ConfigureAwait(false);
        try
        {
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var context = ExecutionContext.Capture();
            var thread = new Thread(() => Drive(internet, application, limit, context, ended)) { IsBackground = true, Name = "Lanyard virtual time" };
            thread.UnsafeStart();
            await ended.Task.ConfigureAwait(false);
        }
        finally
        {
            OneAtATime.Release();
        }
    }

    private static void Drive(SimulatedInternet internet, Func<Task> application, TimeSpan limit, ExecutionContext? context, TaskCompletionSource ended)
    {
        Exception? failure = null;
        try
        {
            using var pool = new ThreadPoolWatch();
            failure = Drive(internet, application, limit, context, pool);
        }
#pragma warning disable CA1031 // Passed on to the caller.
        catch (Exception e)
#pragma warning restore CA1031
        {
            failure = e;
        }

        if (failure is null)
            ended.SetResult();
        else
            ended.SetException(failure);
    }

    private static Exception? Drive(SimulatedInternet internet, Func<Task> application, TimeSpan limit, ExecutionContext? context, ThreadPoolWatch pool)
    {
        Task? running = null;
        ThreadPool.UnsafeQueueUserWorkItem(
            _ =>
            {
                if (context is null)
                    running = Start(application);
                else
                    ExecutionContext.Run(context, _ => running = Start(application), null);
            },
            null);
        var end = internet.NowMicroseconds + (limit.Ticks / SimulatedInternet.TicksPerMicrosecond);
        while (true)
        {
            if (!pool.WaitUntilIdle(MaxRealTimeOfAStep))
            {
                return new TimeoutException($"Virtual time stands still: code has kept the thread pool busy for {MaxRealTimeOfAStep.TotalSeconds} s of real time. Code under "
                    + "simulation must await, not block or spin, and no other test may run beside it.");
            }

            if (running is { IsCompleted: true })
                return running.Exception is { } thrown ? thrown.InnerExceptions is [var single] ? single : thrown : running.IsCanceled ? new TaskCanceledException(running) : null;
            if (!internet.TryStep(end))
            {
                return new TimeoutException($"The application has not finished within {limit} of virtual time. Await only what happens on the simulated internet or on its "
                    + "TimeProvider, or pass a larger limit.");
            }
        }
    }

    private static Task Start(Func<Task> application)
    {
        try
        {
            return application();
        }
#pragma warning disable CA1031 // Becomes the result of the run.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return Task.FromException(e);
        }
    }
}
