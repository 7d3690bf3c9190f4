using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>
/// One end of a connection that is relayed: of the host's or of a virtual network. A read into an empty buffer waits until there is something to
/// read. Disposing ends it in order, or with a reset where something was not read.
/// </summary>
internal abstract class StreamEnd : IDisposable
{
    /// <summary>This side.</summary>
    public abstract InetEndpoint Local { get; }

    /// <summary>The other side.</summary>
    public abstract InetEndpoint Remote { get; }

    /// <summary>Whether a read is known not to wait.</summary>
    public virtual bool HasMore => false;

    public abstract ValueTask<int> ReadAsync(Memory<byte> buffer);

    public abstract ValueTask WriteAsync(ReadOnlyMemory<byte> buffer);

    /// <summary>Tells the other side that nothing follows.</summary>
    public abstract void ShutdownSend();

    /// <summary>Resets the connection. Reads and writes under way fail.</summary>
    public abstract void Abort();

    public abstract void Dispose();

    /// <summary>Whether an exception is one of a connection's end, not of the program.</summary>
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
/// An end of the host's: a TCP socket. It is reset where nobody ends it, as when this process dies: what is cut off is not taken for the end.
/// </summary>
internal sealed class HostStreamEnd : StreamEnd
{
    private readonly Socket _socket;

    /// <summary>Takes a connected socket, which is disposed of where it is that no more.</summary>
    /// <exception cref="SocketException">The connection is over.</exception>
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
            // It ended before.
        }

        _socket.Dispose();
    }
}
