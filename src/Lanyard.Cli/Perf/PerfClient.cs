using System.Diagnostics;
using Lanyard.Primitives;

namespace Lanyard.Cli.Perf;

/// <summary>A measurement's result.</summary>
/// <param name="Bytes">How many bytes arrived, over all streams.</param>
/// <param name="Elapsed">The longest time that one of the streams took, at its receiver.</param>
/// <param name="MegabitsPerSecond">The sum of the streams' rates, each as its receiver measured it.</param>
/// <param name="Streams">How many streams there were.</param>
internal readonly record struct PerfThroughput(long Bytes, TimeSpan Elapsed, double MegabitsPerSecond, int Streams);

/// <summary>The measuring end.</summary>
internal sealed class PerfClient(LanyardNetwork network, InetEndpoint server, TimeSpan duration)
{
    private const int BufferBytes = 256 * 1024;

    /// <summary>How long the other end may take beyond the time asked for, when much is on its way.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    /// <summary>Measures throughput.</summary>
    /// <param name="streams">How many connections at a time.</param>
    /// <param name="reverse">Whether the server sends.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<PerfThroughput> MeasureThroughputAsync(int streams, bool reverse, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(duration + Grace);
        try
        {
            var measuring = Enumerable.Range(0, streams).Select(_ => Task.Run(() => reverse ? DownloadAsync(limit.Token) : UploadAsync(limit.Token), limit.Token));
            var receipts = await Task.WhenAll(measuring);
            return new PerfThroughput(
                receipts.Sum(receipt => receipt.Bytes),
                receipts.Max(receipt => receipt.Elapsed),
                receipts.Sum(receipt => receipt.Elapsed > TimeSpan.Zero ? receipt.Bytes * 8 / receipt.Elapsed.TotalMicroseconds : 0),
                streams);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new CommandException(ExitCode.Unreachable, $"The server at {server} did not keep up: the measurement was not done {Grace.TotalSeconds} s after its time.");
        }
    }

    /// <summary>Measures round trips of messages, one after the other.</summary>
    /// <param name="messageBytes">The size of a message.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<LatencyHistogram> MeasureRoundTripsAsync(int messageBytes, CancellationToken cancellation)
    {
        await using var stream = await OpenAsync(PerfMode.Echo, cancellation);
        var message = new byte[messageBytes];
        var trips = new LatencyHistogram();
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < duration;)
        {
            var sent = Stopwatch.GetTimestamp();
            await stream.WriteAsync(message, cancellation);
            await stream.ReadExactlyAsync(message, cancellation);
            trips.Add(Stopwatch.GetElapsedTime(sent));
        }

        stream.ShutdownSend();
        return trips;
    }

    private async Task<PerfReceipt> UploadAsync(CancellationToken cancellation)
    {
        await using var stream = await OpenAsync(PerfMode.Upload, cancellation);
        var buffer = new byte[BufferBytes];
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < duration;)
            await stream.WriteAsync(buffer, cancellation);
        stream.ShutdownSend();
        var receipt = new byte[PerfReceipt.Size];
        await stream.ReadExactlyAsync(receipt, cancellation);
        return PerfReceipt.Read(receipt);
    }

    private async Task<PerfReceipt> DownloadAsync(CancellationToken cancellation)
    {
        await using var stream = await OpenAsync(PerfMode.Download, cancellation);
        stream.ShutdownSend();
        return await PerfReceiver.ReceiveAllAsync(stream, cancellation);
    }

    private async Task<LanyardStream> OpenAsync(PerfMode mode, CancellationToken cancellation)
    {
        var stream = await network.ConnectAsync(server, cancellationToken: cancellation);
        var request = new byte[PerfRequest.Size];
        new PerfRequest(mode, duration).Write(request);
        await stream.WriteAsync(request, cancellation);
        return stream;
    }
}
