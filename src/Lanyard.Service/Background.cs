namespace Lanyard.Service;

/// <summary>Work that has nobody to fail to: what timers, events and programs' requests begin.</summary>
internal static class Background
{
    /// <summary>Does the work. Whatever it throws is told, since it would go unseen or end what else its beginner does.</summary>
    /// <returns>Whether it was done.</returns>
    public static async Task<bool> TryAsync(Func<Task> work, Action<Exception> tell)
    {
        try
        {
            await work().ConfigureAwait(false);
            return true;
        }
#pragma warning disable CA1031 // The work's own parts catch what they expect. What is left is any defect of theirs, of the app's handlers and of the libraries below: there is no caller to hand it to, and the log is where it is looked for.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            tell(failure);
            return false;
        }
    }
}
