using System.Buffers;

namespace Lanyard;

/// <summary>
/// Carries what two ends send to each other, until both have finished. The end of one direction is passed on, and so is a failure, as a reset.
/// What is not taken is not read. A connection that rests holds no buffer.
/// </summary>
internal static class DuplexRelay
{
    private const int BufferBytes = 128 * 1024;

    /// <summary>Relays to the end.</summary>
    /// <param name="connection">Is told whenever it gets on.</param>
    /// <param name="client">The client as it is read from.</param>
    /// <param name="other">The other end.</param>
    /// <param name="counters">Where bytes are counted.</param>
    /// <param name="otherFinished">Called when the other end has finished.</param>
    /// <exception cref="IOException">One end failed; both have been reset. Of the host's sockets a <see cref="System.Net.Sockets.SocketException"/>.</exception>
    public static async Task RunAsync(
        ServedConnection connection, StreamEnd client, StreamEnd other, LanyardProxyCounters counters, Action? otherFinished = null)
    {
        var up = CopyAsync(connection, client, other, counters, LanyardProxyCounter.BytesFromClients, null);
        var down = CopyAsync(connection, other, client, counters, LanyardProxyCounter.BytesToClients, otherFinished);
        try
        {
            await (await Task.WhenAny(up, down).ConfigureAwait(false)).ConfigureAwait(false);
            await Task.WhenAll(up, down).ConfigureAwait(false);
        }
        catch (Exception failure) when (StreamEnd.IsFailure(failure))
        {
            connection.Cut(LanyardProxyCounter.Failed);
            // The other direction's failure is the consequence of this one's.
            await Task.WhenAll(up, down).ContinueWith(static _ => { }, TaskScheduler.Default).ConfigureAwait(false);
            throw;
        }
    }

    private static async Task CopyAsync(
        ServedConnection connection, StreamEnd from, StreamEnd to, LanyardProxyCounters counters, LanyardProxyCounter counter, Action? finished)
    {
        while (true)
        {
            await from.ReadAsync(Memory<byte>.Empty).ConfigureAwait(false);
            var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
            try
            {
                var read = await from.ReadAsync(buffer).ConfigureAwait(false);
                connection.Touch();
                if (read == 0)
                    break;
                await to.WriteAsync(buffer.AsMemory(0, read)).ConfigureAwait(false);
                connection.Touch();
                counters.Add(counter, read);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }

        to.ShutdownSend();
        finished?.Invoke();
    }
}
