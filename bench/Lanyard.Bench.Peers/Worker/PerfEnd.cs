using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Lanyard.Cli.Perf;

namespace Lanyard.Bench.Peers.Worker;

/// <summary>Both ends of measurements by the protocol of <c>lanyard perf</c>, over any transport.</summary>
internal sealed class PerfEnd(IPerfTransport transport)
{
    private const int BufferBytes = 256 * 1024;
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(20);

    /// <summary>Serves measurements until it is stopped.</summary>
    public async Task ServeAsync(int port, CancellationToken cancellation)
    {
        var accept = transport.Listen(port);
        while (!cancellation.IsCancellationRequested)
        {
            var stream = await accept(cancellation);
            _ = Task.Run(() => ServeAsync(stream, cancellation), CancellationToken.None);
        }
    }

    /// <summary>Mbit/s as the receivers measured them, summed over the streams.</summary>
    public async Task<string> MeasureStreamsAsync(string server, int port, int streams, TimeSpan duration, bool isDown, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(duration + Grace);
        var measuring = Enumerable.Range(0, streams).Select(_ => Task.Run(
            () => isDown ? DownloadAsync(server, port, duration, limit.Token) : UploadAsync(server, port, duration, limit.Token), limit.Token));
        var receipts = await Task.WhenAll(measuring);
        return string.Create(CultureInfo.InvariantCulture,
            $"mbit={receipts.Sum(r => r.Elapsed > TimeSpan.Zero ? r.Bytes * 8 / r.Elapsed.TotalMicroseconds : 0):F1} bytes={receipts.Sum(r => r.Bytes)}");
    }

    /// <summary>Round trips of 64 bytes, one after the other; the first tenth of the time does not count.</summary>
    public async Task<string> MeasureRoundTripsAsync(string server, int port, TimeSpan duration, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(duration + Grace);
        await using var stream = await OpenAsync(server, port, PerfMode.Echo, duration, limit.Token);
        var message = new byte[64];
        var trips = new LatencyHistogram();
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < duration;)
        {
            var sent = Stopwatch.GetTimestamp();
            await stream.WriteAsync(message, limit.Token);
            await stream.ReadExactlyAsync(message, limit.Token);
            if (Stopwatch.GetElapsedTime(start) > duration / 10)
                trips.Add(Stopwatch.GetElapsedTime(sent));
        }

        transport.ShutdownSend(stream);
        return string.Create(CultureInfo.InvariantCulture,
            $"median={trips.Percentile(0.5).TotalMicroseconds:F1} p99={trips.Percentile(0.99).TotalMicroseconds:F1} trips={trips.Count}");
    }

    /// <summary>Connections a second: each opens, asks for one echo of 64 bytes, and closes.</summary>
    public async Task<string> MeasureConnectionsAsync(string server, int port, int atOnce, TimeSpan duration, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(duration + Grace);
        var start = Stopwatch.GetTimestamp();
        var counts = await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => Task.Run(
            async () =>
            {
                var count = 0;
                var message = new byte[64];
                for (; Stopwatch.GetElapsedTime(start) < duration; count++)
                {
                    await using var stream = await OpenAsync(server, port, PerfMode.Echo, duration, limit.Token);
                    await stream.WriteAsync(message, limit.Token);
                    await stream.ReadExactlyAsync(message, limit.Token);
                    transport.ShutdownSend(stream);
                    while (await stream.ReadAsync(message, limit.Token) > 0)
                    {
                        // The server has nothing more to say; this waits until it has finished too.
                    }
                }

                return count;
            },
            limit.Token)));
        return string.Create(CultureInfo.InvariantCulture, $"rate={counts.Sum() / Stopwatch.GetElapsedTime(start).TotalSeconds:F0} connections={counts.Sum()}");
    }

    private async Task<PerfReceipt> UploadAsync(string server, int port, TimeSpan duration, CancellationToken cancellation)
    {
        await using var stream = await OpenAsync(server, port, PerfMode.Upload, duration, cancellation);
        await SendAsync(stream, duration, cancellation);
        var receipt = new byte[PerfReceipt.Size];
        await stream.ReadExactlyAsync(receipt, cancellation);
        return PerfReceipt.Read(receipt);
    }

    private async Task<PerfReceipt> DownloadAsync(string server, int port, TimeSpan duration, CancellationToken cancellation)
    {
        await using var stream = await OpenAsync(server, port, PerfMode.Download, duration, cancellation);
        transport.ShutdownSend(stream);
        return await PerfReceiver.ReceiveAllAsync(stream, cancellation);
    }

    private async Task<Stream> OpenAsync(string server, int port, PerfMode mode, TimeSpan duration, CancellationToken cancellation)
    {
        var stream = await transport.ConnectAsync(server, port, cancellation);
        var request = new byte[PerfRequest.Size];
        new PerfRequest(mode, duration).Write(request);
        await stream.WriteAsync(request, cancellation);
        return stream;
    }

    private async Task SendAsync(Stream stream, TimeSpan duration, CancellationToken cancellation)
    {
        var buffer = new byte[BufferBytes];
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < duration;)
            await stream.WriteAsync(buffer, cancellation);
        transport.ShutdownSend(stream);
    }

    private async Task ServeAsync(Stream stream, CancellationToken cancellation)
    {
        await using var owned = stream;
        try
        {
            var bytes = new byte[PerfRequest.Size];
            await stream.ReadExactlyAsync(bytes, cancellation);
            if (!PerfRequest.TryRead(bytes, out var request))
                return;
            if (request.Mode == PerfMode.Upload)
            {
                var receipt = new byte[PerfReceipt.Size];
                (await PerfReceiver.ReceiveAllAsync(stream, cancellation)).Write(receipt);
                await stream.WriteAsync(receipt, cancellation);
                transport.ShutdownSend(stream);
            }
            else if (request.Mode == PerfMode.Download)
            {
                await SendAsync(stream, request.Duration, cancellation);
            }
            else
            {
                var buffer = new byte[4096];
                while (await stream.ReadAsync(buffer, cancellation) is var read and > 0)
                    await stream.WriteAsync(buffer.AsMemory(0, read), cancellation);
                transport.ShutdownSend(stream);
            }
        }
        catch (Exception failure) when (failure is IOException or SocketException or OperationCanceledException)
        {
            // The other end sees it too, and reports it.
        }
    }
}
