namespace Lanyard.Testing;

/// <summary>Runs an application's code in virtual time: whenever all code waits, the next event of the internet happens. One run at a time in a process.</summary>
internal static class VirtualTimeDriver
{
    private static readonly SemaphoreSlim OneAtATime = new(1, 1);
    private static readonly TimeSpan MaxRealTimeOfStep = TimeSpan.FromSeconds(30);

    public static async Task RunAsync(SimulatedInternet internet, Func<Task> application, TimeSpan limit)
    {
        await OneAtATime.WaitAsync().ConfigureAwait(false);
        try
        {
            // On a thread outside of the pool, which must be idle for time to advance.
            await Task.Factory.StartNew(() => Drive(internet, application, limit), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                .ConfigureAwait(false);
        }
        finally
        {
            OneAtATime.Release();
        }
    }

    private static void Drive(SimulatedInternet internet, Func<Task> application, TimeSpan limit)
    {
        using var pool = new ThreadPoolWatch();
        var end = internet.NowMicroseconds + (limit.Ticks / SimulatedInternet.TicksPerMicrosecond);
        var running = Task.Run(application);
        while (true)
        {
            if (!pool.WaitUntilIdle(MaxRealTimeOfStep))
            {
                throw new TimeoutException($"Virtual time stands still: code has kept the thread pool busy for {MaxRealTimeOfStep.TotalSeconds} s of real time. Code under "
                    + "simulation must await, not block or spin, and no other test may run beside it.");
            }

            if (running.IsCompleted)
                break;
            if (!internet.TryStep(end))
            {
                throw new TimeoutException($"The application has not finished within {limit} of virtual time. Await only events of the simulated internet or of its "
                    + "TimeProvider, or pass a larger limit.");
            }
        }

        // The task has completed: this throws the exception of the application, if there is one.
        running.GetAwaiter().GetResult();
    }
}
