namespace Lanyard.Service;

/// <summary>Work that has nobody to fail to: what timers and events begin.</summary>
internal static class Background
{
    /// <summary>Does the work, and tells whatever it throws.</summary>
    /// <returns>Whether it was done.</returns>
    public static async Task<bool> TryAsync(Func<Task> work, Action<Exception> tell)
    {
        try
        {
            await work().ConfigureAwait(false);
            return true;
        }
#pragma warning disable CA1031 // The work catches what it expects. A defect has no caller to go to; thrown on, it would be lost, or end the timer or loop that began the work.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            tell(failure);
            return false;
        }
    }
}
