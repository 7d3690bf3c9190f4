using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lanyard.Service;

/// <summary>
/// Accepts the command lines of existing nodes, which send HTTP/1.1 without the required Host header: adds a Host header to a connection's first request
/// if it has none. Such command lines send one request for each connection.
/// </summary>
internal static class MissingHostHeader
{
    // The server's own limit for a request line and headers.
    private const int MaxHeadBytes = 40 * 1024;

    private static ReadOnlySpan<byte> Host => "Host: localhost\r\n"u8;

    /// <summary>Adds this to an endpoint.</summary>
    /// <param name="listen">The endpoint.</param>
    /// <param name="timeout">The maximum time until the head of the first request has arrived.</param>
    public static void Supply(ListenOptions listen, TimeSpan timeout) => listen.Use(next => connection => HandleAsync(connection, next, timeout));

    private static async Task HandleAsync(ConnectionContext connection, ConnectionDelegate next, TimeSpan timeout)
    {
        var transport = connection.Transport;
        bool isMissing;
        using (var limit = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed))
        {
            limit.CancelAfter(timeout);
            try
            {
                isMissing = await IsMissingAsync(transport.Input, limit.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                connection.Abort();
                return;
            }
        }

        if (isMissing)
            await RepairAsync(connection, transport, next).ConfigureAwait(false);
        else
            await next(connection).ConfigureAwait(false);
    }

    private static async Task RepairAsync(ConnectionContext connection, IDuplexPipe transport, ConnectionDelegate next)
    {
        var repaired = new Pipe();
        connection.Transport = new Duplex(repaired.Reader, transport.Output);
        var pumping = PumpAsync(transport.Input, repaired.Writer);
        try
        {
            await next(connection).ConfigureAwait(false);
        }
        finally
        {
            connection.Transport = transport;
            transport.Input.CancelPendingRead();
            await pumping.ConfigureAwait(false);
        }
    }

    /// <summary>Returns whether the first request has no Host header. Consumes no data.</summary>
    private static async ValueTask<bool> IsMissingAsync(PipeReader input, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
            var isHead = TryFindHost(read.Buffer, out var hasHost);
            var isOver = isHead || read.IsCompleted || read.Buffer.Length > MaxHeadBytes;
            input.AdvanceTo(read.Buffer.Start, isOver ? read.Buffer.Start : read.Buffer.End);
            if (isOver)
                return isHead && !hasHost;
        }
    }

    /// <summary>Scans the head of a request.</summary>
    /// <returns>Whether the head is complete.</returns>
    private static bool TryFindHost(in ReadOnlySequence<byte> buffer, out bool hasHost)
    {
        hasHost = false;
        var reader = new SequenceReader<byte>(buffer);
        Span<byte> name = stackalloc byte["host:".Length];
        for (var isFirst = true; reader.TryReadTo(out ReadOnlySequence<byte> line, (byte)'\n'); isFirst = false)
        {
            if (!isFirst && line.Length <= 1)
                return true;
            if (isFirst || line.Length < name.Length)
                continue;
            line.Slice(0, name.Length).CopyTo(name);
            hasHost |= System.Text.Ascii.EqualsIgnoreCase(name, "host:"u8);
        }

        return false;
    }

    /// <summary>Passes on the request line, the added header, and all following data.</summary>
    private static async Task PumpAsync(PipeReader from, PipeWriter to)
    {
        try
        {
            var read = await from.ReadAsync().ConfigureAwait(false);
            var afterLine = read.Buffer.GetPosition(1, read.Buffer.PositionOf((byte)'\n')!.Value);
            foreach (var part in read.Buffer.Slice(0, afterLine))
                to.Write(part.Span);
            to.Write(Host);
            from.AdvanceTo(afterLine);
            await from.CopyToAsync(to).ConfigureAwait(false);
        }
        catch (Exception end) when (end is OperationCanceledException or IOException)
        {
            // The connection is closed, by the server or by the caller.
        }

        await to.CompleteAsync().ConfigureAwait(false);
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
