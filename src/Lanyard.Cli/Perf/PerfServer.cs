using System.Diagnostics;
using Lanyard.Cli.App;

namespace Lanyard.Cli.Perf;

/// <summary>The server of measurements.</summary>
internal static class PerfServer
{
    private const int MaxStreams = 256;
    private const int BufferBytes = 256 * 1024;

    /// <summary>The maximum time until a client has sent its header.</summary>
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Serves measurements until canceled.</summary>
    public static async Task RunAsync(LanyardNetwork network, int port, TextWriter error, CancellationToken cancellation)
    {
        using var listener = network.Listen(port);
        using var slots = new SemaphoreSlim(MaxStreams);
        error.WriteLine($"listening on port {listener.LocalEndPoint.Port}");
        try
        {
            while (true)
            {
                await slots.WaitAsync(cancellation);
                var stream = await listener.AcceptAsync(cancellation);
                _ = Task.Run(() => ServeAsync(stream, slots, error, cancellation), CancellationToken.None);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Canceled.
        }
    }

    private static async Task ServeAsync(LanyardStream stream, SemaphoreSlim slots, TextWriter error, CancellationToken cancellation)
    {
        var remote = stream.RemoteEndPoint;
        try
        {
            if (await ReadRequestAsync(stream, cancellation) is not { } request)
                stream.Abort();
            else if (request.Mode == PerfMode.Upload)
                await ReceiveAsync(stream, cancellation);
            else if (request.Mode == PerfMode.Download)
                await SendAsync(stream, request.Duration, cancellation);
            else
                await StreamRelay.CopyAsync(stream, stream, stream.ShutdownSend, cancellation);
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException)
        {
            stream.Abort();
            if (!cancellation.IsCancellationRequested)
                error.WriteLine($"{remote}: {failure.Message}");
        }
        finally
        {
            await stream.DisposeAsync();
            try
            {
                slots.Release();
            }
            catch (ObjectDisposedException)
            {
                // The command has ended.
            }
        }
    }

    private static async Task<PerfRequest?> ReadRequestAsync(LanyardStream stream, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(RequestTimeout);
        var bytes = new byte[PerfRequest.Size];
        await stream.ReadExactlyAsync(bytes, limit.Token);
        return PerfRequest.TryRead(bytes, out var request) ? request : null;
    }

    private static async Task ReceiveAsync(LanyardStream stream, CancellationToken cancellation)
    {
        var receipt = new byte[PerfReceipt.Size];
        (await PerfReceiver.ReceiveAllAsync(stream, cancellation)).Write(receipt);
        await stream.WriteAsync(receipt, cancellation);
        stream.ShutdownSend();
    }

    private static async Task SendAsync(LanyardStream stream, TimeSpan duration, CancellationToken cancellation)
    {
        var buffer = new byte[BufferBytes];
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < duration;)
            await stream.WriteAsync(buffer, cancellation);
        stream.ShutdownSend();
    }
}
