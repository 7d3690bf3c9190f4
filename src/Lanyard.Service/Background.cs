namespace Lanyard.Service;

/// <summary>Work that has nobody to fail to: what timers, events and programs' requests begin.</summary>
internal static class Background
{
    /// <summary>Does the work, and tells whatever it throws.</summary>
    /// <remarks>
    /// The work itself catches what it expects. Anything else is a defect, of the service or of what it calls, and there is no caller that could do
    /// better than log it: thrown on, it would go unseen, or end the timer, the watching or the accepting that the work is a part of.
    /// </remarks>
    /// <returns>Whether it was done.</returns>
    public static async Task<bool> TryAsync(Func<Task> work, Action<Exception> tell)
    {
        try
        {
            await work().ConfigureAwait(false);
            return true;
        }
#pragma warning disable CA1031 // Everything is told, none of it expected: see the remarks.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            tell(failure);
            return false;
        }
    }
}
