using System.CommandLine;
using Lanyard.Primitives;

namespace Lanyard.Cli.App;

/// <summary><c>lanyard connect</c>: a TCP connection over the LAN on standard input and output.</summary>
internal static class ConnectCommand
{
    public static Command Create()
    {
        var address = Parse.AddressArgument("The peer's virtual address.");
        var port = Parse.PortArgument("Its TCP port.");
        var options = new AppOptions();
        var command = new Command(
            "connect",
            "Connect to a TCP port on the LAN; what is read from standard input is sent, what arrives is written to standard output. When standard input ends, "
            + "sending is finished (a half-close), and it goes on until the peer has finished too. At a terminal it ends as soon as the peer has.")
        {
            address,
            port,
        };
        options.AddTo(command);
        command.SetAction(async (result, cancellation) =>
        {
            await using var app = await options.StartAsync(result, cancellation);
            var remote = new InetEndpoint(result.GetRequiredValue(address), (ushort)result.GetRequiredValue(port));
            await using var stream = await app.Network.ConnectAsync(remote, cancellationToken: cancellation);
            await using var input = Console.OpenStandardInput();
            await using var output = Console.OpenStandardOutput();
            var sending = StreamRelay.CopyAsync(input, stream, stream.ShutdownSend, cancellation);
            var receiving = StreamRelay.CopyAsync(stream, output, output.Flush, cancellation);
            if (Console.IsInputRedirected)
                await WaitForBothAsync(sending, receiving);
            else
                await await Task.WhenAny(receiving, Failure(sending));
            return ExitCode.Ok;
        });
        return command;
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
