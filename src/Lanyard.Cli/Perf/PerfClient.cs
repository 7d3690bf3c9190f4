using System.Diagnostics;
using Lanyard.Primitives;

namespace Lanyard.Cli.Perf;

/// <summary>The result of a measurement.</summary>
/// <param name="Bytes">The number of received bytes of all streams.</param>
/// <param name="Elapsed">The longest duration of a stream, at its receiver.</param>
/// <param name="MegabitsPerSecond">The sum of the streams' rates, measured at their receivers.</param>
/// <param name="Streams">The number of streams.</param>
internal readonly record struct PerfThroughput(long Bytes, TimeSpan Elapsed, double MegabitsPerSecond, int Streams);

/// <summary>The client of a measurement.</summary>
internal sealed class PerfClient(LanyardNetwork network, InetEndpoint server, TimeSpan duration)
{
    private const int BufferBytes = 256 * 1024;

    /// <summary>The maximum time after the end of a measurement until the server has received all data in flight.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    /// <summary>Measures throughput.</summary>
    /// <param name="streams">The number of parallel connections.</param>
    /// <param name="reverse">Whether the server sends.</param>
    /// <param name="cancellation">Cancels the operation.</param>
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
            throw new CommandException(ExitCode.Unreachable, $"The server at {server} did not finish the measurement within {Grace.TotalSeconds} s after its end. Measure with fewer streams.");
        }
    }

    /// <summary>Measures round-trip times of messages, one after the other.</summary>
    /// <param name="messageBytes">The size of a message in bytes.</param>
    /// <param name="cancellation">Cancels the operation.</param>
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
