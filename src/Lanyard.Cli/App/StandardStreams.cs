using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Lanyard.Cli.App;

/// <summary>Relays a connection over the LAN to standard input and output.</summary>
internal static class StandardStreams
{
    private const string Descriptors = "/proc/self/fd";

    /// <summary>
    /// Sends standard input, and writes received data to standard output. When standard input ends, half-closes the connection and continues
    /// until the peer closes it too. When the peer closes the connection, closes standard output. At a terminal, returns as soon as the peer closes the connection.
    /// </summary>
    /// <param name="stream">The connection.</param>
    /// <param name="cancellation">Cancels the operation.</param>
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

    // The reader of standard output sees its end when the last descriptor is closed. The runtime keeps duplicates, which nothing here uses.
    private static void CloseDescriptors()
    {
        var output = TargetOf("1");
        if (output?.StartsWith("pipe:", StringComparison.Ordinal) != true && output?.StartsWith("socket:", StringComparison.Ordinal) != true)
            return;
        // Keep the file open if it is standard input or standard error too.
        if (output == TargetOf("0") || output == TargetOf("2"))
            return;
        foreach (var descriptor in new DirectoryInfo(Descriptors).GetFiles())
        {
            if (descriptor.LinkTarget == output && int.TryParse(descriptor.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                new SafeFileHandle(number, ownsHandle: true).Dispose();
        }

        static string? TargetOf(string descriptor) => new FileInfo(Path.Combine(Descriptors, descriptor)).LinkTarget;
    }

    /// <summary>Waits for both directions, or until one fails, because a read of standard input cannot be canceled.</summary>
    private static async Task WaitForBothAsync(Task sending, Task receiving)
    {
        var first = await Task.WhenAny(sending, receiving);
        await first;
        await (first == sending ? receiving : sending);
    }

    /// <summary>Completes if a task fails, and never if the task succeeds.</summary>
    private static Task Failure(Task task)
    {
        var failure = new TaskCompletionSource();
        task.ContinueWith(failed => failure.SetException(failed.Exception!.InnerExceptions), CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return failure.Task;
    }
}
