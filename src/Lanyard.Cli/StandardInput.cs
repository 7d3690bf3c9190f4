namespace Lanyard.Cli;

/// <summary>Watches standard input, which closes when the parent process ends.</summary>
internal static class StandardInput
{
    /// <summary>Calls back when standard input ends. Ignores all data.</summary>
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
            // The command ended at the same time.
        }
    })
    { IsBackground = true, Name = "Standard input" }.Start();
}
