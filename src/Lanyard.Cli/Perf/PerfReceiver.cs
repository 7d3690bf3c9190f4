using System.Diagnostics;

namespace Lanyard.Cli.Perf;

/// <summary>The receiver of a measurement, in the client or the server.</summary>
internal static class PerfReceiver
{
    private const int BufferBytes = 256 * 1024;

    /// <summary>Counts received bytes until the sender has finished.</summary>
    public static async Task<PerfReceipt> ReceiveAllAsync(Stream stream, CancellationToken cancellation)
    {
        var buffer = new byte[BufferBytes];
        var (bytes, start) = (0L, 0L);
        while (await stream.ReadAsync(buffer, cancellation) is var read and > 0)
        {
            if (bytes == 0)
                start = Stopwatch.GetTimestamp();
            bytes += read;
        }

        return new PerfReceipt(bytes, bytes == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(start));
    }
}
