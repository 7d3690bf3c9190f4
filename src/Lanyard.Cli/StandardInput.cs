namespace Lanyard.Cli;

/// <summary>Standard input as a sign of life of whoever started this process.</summary>
internal static class StandardInput
{
    /// <summary>Calls back when standard input ends. What comes before that is passed over.</summary>
    public static void WhenEnded(Action ended) => new Thread(() =>
    {
        using var input = Console.OpenStandardInput();
        Span<byte> buffer = stackalloc byte[256];
        while (input.Read(buffer) > 0)
        {
        }

        try
        {
            ended();
        }
        catch (ObjectDisposedException)
        {
            // The command ended of itself at the same time.
        }
    })
    { IsBackground = true, Name = "Standard input" }.Start();
}
