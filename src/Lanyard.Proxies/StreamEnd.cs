using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>
/// One end of a relayed connection, of the host's network or of a virtual network. A read into an empty buffer waits until data are available. Disposing closes the
/// connection, or resets it if received data were not read.
/// </summary>
internal abstract class StreamEnd : IDisposable
{
    /// <summary>The local endpoint.</summary>
    public abstract InetEndpoint Local { get; }

    /// <summary>The remote endpoint.</summary>
    public abstract InetEndpoint Remote { get; }

    /// <summary>Whether a read completes without waiting.</summary>
    public virtual bool HasMore => false;

    public abstract ValueTask<int> ReadAsync(Memory<byte> buffer);

    public abstract ValueTask WriteAsync(ReadOnlyMemory<byte> buffer);

    /// <summary>Closes the sending direction.</summary>
    public abstract void ShutdownSend();

    /// <summary>Resets the connection. Pending reads and writes fail.</summary>
    public abstract void Abort();

    public abstract void Dispose();

    /// <summary>Whether an exception means that a connection failed, and not that the program has an error.</summary>
    public static bool IsFailure(Exception exception) =>
        exception is IOException or SocketException or ObjectDisposedException or OperationCanceledException;
}

/// <summary>An end on a virtual network.</summary>
internal sealed class NetworkStreamEnd(LanyardStream stream) : StreamEnd
{
    public override InetEndpoint Local => InetEndpoint.FromIPEndPoint(stream.LocalEndPoint);

    public override InetEndpoint Remote => InetEndpoint.FromIPEndPoint(stream.RemoteEndPoint);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer) => stream.ReadAsync(buffer);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer) => stream.WriteAsync(buffer);

    public override void ShutdownSend() => stream.ShutdownSend();

    public override void Abort() => stream.Abort();

    public override void Dispose() => stream.Dispose();
}

/// <summary>
/// An end on the host's network: a TCP socket. If this process dies, the socket is reset, so that the peer does not mistake the interruption for the end of the data.
/// </summary>
internal sealed class HostStreamEnd : StreamEnd
{
    private readonly Socket _socket;

    /// <summary>Takes ownership of a connected socket. Disposes of the socket if it is no longer connected.</summary>
    /// <exception cref="SocketException">The connection has ended.</exception>
    public HostStreamEnd(Socket socket)
    {
        _socket = socket;
        try
        {
            socket.NoDelay = true;
            socket.LingerState = new LingerOption(true, 0);
            Local = HostSockets.Endpoint(socket.LocalEndPoint);
            Remote = HostSockets.Endpoint(socket.RemoteEndPoint);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public override InetEndpoint Local { get; }

    public override InetEndpoint Remote { get; }

    public override bool HasMore => _socket.Available > 0;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer) => _socket.ReceiveAsync(buffer, SocketFlags.None);

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer)
    {
        while (buffer.Length > 0)
            buffer = buffer[await _socket.SendAsync(buffer, SocketFlags.None).ConfigureAwait(false)..];
    }

    public override void ShutdownSend() => _socket.Shutdown(SocketShutdown.Send);

    public override void Abort() => _socket.Close(0);

    public override void Dispose()
    {
        try
        {
            _socket.LingerState = new LingerOption(false, 0);
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // The connection has already ended.
        }

        _socket.Dispose();
    }
}
