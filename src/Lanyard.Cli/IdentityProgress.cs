namespace Lanyard.Cli;

/// <summary>Reports that an identity is being created, which takes a noticeable time at the first start.</summary>
internal sealed class IdentityProgress(TextWriter error) : IProgress<int>
{
    private int _told;

    public void Report(int value)
    {
        if (Interlocked.Exchange(ref _told, 1) == 0)
            error.WriteLine("Creating an identity. This takes about a second, once.");
    }
}
