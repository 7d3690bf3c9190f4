using System.Buffers;
using System.Net.Sockets;

namespace Lanyard.Service.Intercept;

/// <summary>Carries bytes between a program's connection and a virtual one, and how they end: FIN as FIN, reset as reset.</summary>
internal static class StreamPump
{
    private const int BufferBytes = 128 * 1024;

    /// <summary>Runs until both ways have ended. It ends both.</summary>
    public static async Task RunAsync(Socket program, LanyardStream stream)
    {
        using (program)
        await using (stream.ConfigureAwait(false))
        {
            var up = SendUpAsync(program, stream);
            var isDown = await SendDownAsync(program, stream).ConfigureAwait(false);
            if (await up.ConfigureAwait(false) && isDown)
                program.LingerState = new LingerOption(false, 0);
        }
    }

    // Each way says whether it ended in order. Where one does not, both are reset.
    private static async Task<bool> SendUpAsync(Socket program, LanyardStream stream)
    {
        try
        {
            while (true)
            {
                // Waiting takes no buffer.
                await program.ReceiveAsync(Memory<byte>.Empty).ConfigureAwait(false);
                var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
                try
                {
                    do
                    {
                        var count = await program.ReceiveAsync(buffer).ConfigureAwait(false);
                        if (count == 0)
                        {
                            stream.ShutdownSend();
                            return true;
                        }

                        await stream.WriteAsync(buffer.AsMemory(0, count)).ConfigureAwait(false);
                    }
                    while (program.Available > 0);
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                }
            }
        }
        catch (Exception e) when (IsEnd(e))
        {
            stream.Abort();
            program.Dispose();
            return false;
        }
    }

    private static async Task<bool> SendDownAsync(Socket program, LanyardStream stream)
    {
        try
        {
            while (true)
            {
                await stream.ReadAsync(Memory<byte>.Empty).ConfigureAwait(false);
                var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
                try
                {
                    var count = await stream.ReadAsync(buffer).ConfigureAwait(false);
                    if (count == 0)
                    {
                        program.Shutdown(SocketShutdown.Send);
                        return true;
                    }

                    for (var sent = 0; sent < count;)
                        sent += await program.SendAsync(buffer.AsMemory(sent, count - sent)).ConfigureAwait(false);
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                }
            }
        }
        catch (Exception e) when (IsEnd(e))
        {
            stream.Abort();
            program.Dispose();
            return false;
        }
    }

    private static bool IsEnd(Exception e) => e is SocketException or ObjectDisposedException or LanyardException or InvalidOperationException;
}
