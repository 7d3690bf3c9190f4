using System.Net;
using System.Net.Sockets;

namespace Lanyard.Bench.Peers.Worker;

/// <summary>The kernel's TCP: over a TAP device of a ZeroTier node, or over the bare link.</summary>
internal sealed class KernelTransport(IPAddress address) : IPerfTransport
{
    private const int Backlog = 1024;
    private readonly List<Socket> _listeners = [];

    public string Address => address.ToString();

    public async ValueTask<Stream> ConnectAsync(string remote, int port, CancellationToken cancellation)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(remote), port), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public Func<CancellationToken, ValueTask<Stream>> Listen(int port)
    {
        var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _listeners.Add(listener);
        listener.Bind(new IPEndPoint(address, port));
        listener.Listen(Backlog);
        return async cancellation =>
        {
            var socket = await listener.AcceptAsync(cancellation);
            socket.NoDelay = true;
            return new NetworkStream(socket, ownsSocket: true);
        };
    }

    public void ShutdownSend(Stream stream) => ((NetworkStream)stream).Socket.Shutdown(SocketShutdown.Send);

    public ValueTask DisposeAsync()
    {
        foreach (var listener in _listeners)
            listener.Dispose();
        return ValueTask.CompletedTask;
    }
}
