using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Lanyard.Cli.App;

/// <summary>A connection over the LAN on standard input and output.</summary>
internal static class StandardStreams
{
    private const string Descriptors = "/proc/self/fd";

    /// <summary>
    /// Sends what is read from standard input, and writes what arrives to standard output. When standard input ends, sending is finished, and it goes on
    /// until the peer has finished too; when the peer has, standard output is closed. At a terminal it ends as soon as the peer has finished.
    /// </summary>
    /// <param name="stream">The connection.</param>
    /// <param name="cancellation">Stops.</param>
    public static async Task RelayAsync(LanyardStream stream, CancellationToken cancellation)
    {
        await using var input = Console.OpenStandardInput();
        await using var output = Console.OpenStandardOutput();
        var sending = StreamRelay.CopyAsync(input, stream, stream.ShutdownSend, cancellation);
        var receiving = StreamRelay.CopyAsync(stream, output, CloseOutput, cancellation);
        if (Console.IsInputRedirected)
            await WaitForBothAsync(sending, receiving);
        else
            await await Task.WhenAny(receiving, Failure(sending));

        void CloseOutput()
        {
            output.Dispose();
            if (OperatingSystem.IsLinux())
                CloseDescriptors();
        }
    }

    // Whoever reads standard output sees its end when the last descriptor is closed, and the runtime keeps some for itself, which nothing here uses.
    private static void CloseDescriptors()
    {
        var output = TargetOf("1");
        if (output?.StartsWith("pipe:", StringComparison.Ordinal) != true && output?.StartsWith("socket:", StringComparison.Ordinal) != true)
            return;
        // One that is standard input or error, too, stays open for these.
        if (output == TargetOf("0") || output == TargetOf("2"))
            return;
        foreach (var descriptor in new DirectoryInfo(Descriptors).GetFiles())
        {
            if (descriptor.LinkTarget == output && int.TryParse(descriptor.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                new SafeFileHandle(number, ownsHandle: true).Dispose();
        }

        static string? TargetOf(string descriptor) => new FileInfo(Path.Combine(Descriptors, descriptor)).LinkTarget;
    }

    /// <summary>Waits for both directions, and for neither where one fails: reading standard input cannot be stopped.</summary>
    private static async Task WaitForBothAsync(Task sending, Task receiving)
    {
        var first = await Task.WhenAny(sending, receiving);
        await first;
        await (first == sending ? receiving : sending);
    }

    /// <summary>Ends where a task fails, and never where it does not.</summary>
    private static Task Failure(Task task)
    {
        var failure = new TaskCompletionSource();
        task.ContinueWith(failed => failure.SetException(failed.Exception!.InnerExceptions), CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return failure.Task;
    }
}
