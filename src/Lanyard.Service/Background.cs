namespace Lanyard.Service;

/// <summary>Runs work without a caller that could handle exceptions, such as work of timers and events.</summary>
internal static class Background
{
    /// <summary>Runs the work, and reports any exception.</summary>
    /// <returns>Whether the work completed.</returns>
    public static async Task<bool> TryAsync(Func<Task> work, Action<Exception> tell)
    {
        try
        {
            await work().ConfigureAwait(false);
            return true;
        }
#pragma warning disable CA1031 // The work handles expected exceptions. An unexpected exception would be lost, or stop the timer or loop that started the work.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            tell(failure);
            return false;
        }
    }
}
