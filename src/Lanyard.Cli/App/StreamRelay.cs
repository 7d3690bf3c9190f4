using System.Buffers;

namespace Lanyard.Cli.App;

/// <summary>Copies data from one stream to another until the first ends.</summary>
internal static class StreamRelay
{
    private const int BufferBytes = 128 * 1024;

    /// <summary>Copies all data, then signals the end.</summary>
    /// <param name="from">The source, which is read to its end.</param>
    /// <param name="to">The destination.</param>
    /// <param name="finish">Signals the end of the data to the destination.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The number of bytes.</returns>
    public static async Task<long> CopyAsync(Stream from, Stream to, Action finish, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            for (var total = 0L; ;)
            {
                var read = await from.ReadAsync(buffer, cancellationToken);
                if (read == 0)
                {
                    finish();
                    return total;
                }

                await to.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                total += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
