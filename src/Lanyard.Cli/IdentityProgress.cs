namespace Lanyard.Cli;

/// <summary>Says that an identity is being made: it is the one thing at a first start that takes a noticeable time.</summary>
internal sealed class IdentityProgress(TextWriter error) : IProgress<int>
{
    private int _told;

    public void Report(int value)
    {
        if (Interlocked.Exchange(ref _told, 1) == 0)
            error.WriteLine("Making an identity. That takes about a second, and is done once.");
    }
}
