using System.Buffers;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;

namespace Lanyard.Proxies;

/// <summary>
/// Relays data between two ends until both have finished. It forwards the end of one direction as an end, and a failure as a reset of both ends. It reads from one end only
/// as fast as the other end accepts data. An idle connection holds no buffer.
/// </summary>
internal sealed class DuplexRelay
{
    private const int BufferBytes = 128 * 1024;

    private readonly ServedConnection? _connection;
    private Exception? _failure;

    private DuplexRelay(ServedConnection? connection) => _connection = connection;

    /// <summary>Relays until both directions have ended.</summary>
    /// <param name="client">The client's end.</param>
    /// <param name="other">The other end.</param>
    /// <param name="connection">The connection whose idle timeout the relayed bytes restart.</param>
    /// <param name="otherFinished">Called when the other end has finished.</param>
    /// <exception cref="IOException">One end failed; both have been reset. For the host's sockets, a <see cref="SocketException"/>.</exception>
    public static async Task RunAsync(StreamEnd client, StreamEnd other, ServedConnection? connection = null, Action? otherFinished = null)
    {
        var relay = new DuplexRelay(connection);
        // Neither task throws.
        var up = relay.CarryAsync(client, other, LanyardProxyCounter.BytesFromClients, null);
        await relay.CarryAsync(other, client, LanyardProxyCounter.BytesToClients, otherFinished).ConfigureAwait(false);
        await up.ConfigureAwait(false);
        if (relay._failure is { } failure)
            ExceptionDispatchInfo.Capture(failure).Throw();
    }

    /// <summary>Relays between a connection of the host's network and one of a virtual network, and ends both. Does not throw: both ends learn of a failure by a reset.</summary>
    public static async Task RunAsync(Socket socket, LanyardStream stream)
    {
        using var other = new NetworkStreamEnd(stream);
        try
        {
            using var host = new HostStreamEnd(socket);
            await RunAsync(host, other).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Any failure ends the connection.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            other.Abort();
            if (!StreamEnd.IsFailure(failure))
                ProxyLog.InternalError(LanyardProxy.LoggerOf(stream.Network.Node), failure);
        }
    }

    private async Task CarryAsync(StreamEnd from, StreamEnd to, LanyardProxyCounter counter, Action? finished)
    {
        try
        {
            for (var isOpen = true; isOpen;)
            {
                await from.ReadAsync(Memory<byte>.Empty).ConfigureAwait(false);
                var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
                try
                {
                    do
                    {
                        var read = await from.ReadAsync(buffer).ConfigureAwait(false);
                        _connection?.Touch();
                        isOpen = read > 0;
                        if (!isOpen)
                            break;
                        await to.WriteAsync(buffer.AsMemory(0, read)).ConfigureAwait(false);
                        _connection?.Carried(counter, read);
                    }
                    while (from.HasMore);
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                }
            }

            to.ShutdownSend();
            finished?.Invoke();
        }
#pragma warning disable CA1031 // It is thrown after both directions have ended; a later failure of the other direction is a consequence.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Interlocked.CompareExchange(ref _failure, failure, null);
            from.Abort();
            to.Abort();
        }
    }
}
