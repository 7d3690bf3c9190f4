using System.Globalization;
using System.Net;
using Lanyard.Cli.Perf;

namespace Lanyard.Bench.Peers.Worker;

/// <summary>
/// A process that measures when it is told to: it reads commands from standard input, one a line and each beginning with a number, and answers
/// <c>result NUMBER name=value ...</c> or <c>failed NUMBER text</c>. It serves the other end's measurements all the while.
/// </summary>
internal static class WorkerProgram
{
    public const int Port = 5201;
    private const int ConnectionsAtOnce = 16;

    /// <summary><c>worker lanyard HOME NETWORK</c> or <c>worker kernel ADDRESS</c>.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        await using IPerfTransport transport = arguments switch
        {
            ["lanyard", var home, var network] => await LanyardTransport.StartAsync(home, network),
            ["kernel", var address] => new KernelTransport(IPAddress.Parse(address)),
            _ => throw new ArgumentException("worker lanyard HOME NETWORK | worker kernel ADDRESS"),
        };
        using var stopping = new CancellationTokenSource();
        var end = new PerfEnd(transport);
        var serving = end.ServeAsync(Port, stopping.Token);
        Console.WriteLine($"ready {transport.Address}");
        while (await Console.In.ReadLineAsync(stopping.Token) is { } line)
        {
            var words = line.Split(' ');
            try
            {
                Console.WriteLine($"result {words[0]} {await ExecuteAsync(end, words[1..], stopping.Token)}");
            }
            catch (Exception failure) when (failure is IOException or OperationCanceledException or System.Net.Sockets.SocketException)
            {
                Console.WriteLine($"failed {words[0]} {failure.GetType().Name}: {failure.Message}");
            }
        }

        await stopping.CancelAsync();
        await serving.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        return 0;
    }

    private static Task<string> ExecuteAsync(PerfEnd end, string[] words, CancellationToken cancellation)
    {
        static TimeSpan Seconds(string word) => TimeSpan.FromSeconds(double.Parse(word, CultureInfo.InvariantCulture));
        return words switch
        {
            ["up", var server, var streams, var seconds] =>
                end.MeasureStreamsAsync(server, Port, int.Parse(streams, CultureInfo.InvariantCulture), Seconds(seconds), isDown: false, cancellation),
            ["down", var server, var streams, var seconds] =>
                end.MeasureStreamsAsync(server, Port, int.Parse(streams, CultureInfo.InvariantCulture), Seconds(seconds), isDown: true, cancellation),
            ["rtt", var server, var seconds] => end.MeasureRoundTripsAsync(server, Port, Seconds(seconds), cancellation),
            ["connections", var server, var seconds] => end.MeasureConnectionsAsync(server, Port, ConnectionsAtOnce, Seconds(seconds), cancellation),
            _ => throw new IOException($"'{string.Join(' ', words)}' is no command."),
        };
    }
}
