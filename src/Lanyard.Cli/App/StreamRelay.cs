using System.Buffers;

namespace Lanyard.Cli.App;

/// <summary>Copies from one end of a connection to the other until the first has finished sending.</summary>
internal static class StreamRelay
{
    private const int BufferBytes = 128 * 1024;

    /// <summary>Copies all that comes, then has the other end told that this was all.</summary>
    /// <param name="from">Is read to its end.</param>
    /// <param name="to">Is written to.</param>
    /// <param name="finish">Tells the other end that nothing follows.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>How many bytes.</returns>
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
