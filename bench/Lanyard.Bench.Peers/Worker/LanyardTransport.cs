using System.Net;
using Lanyard.Primitives;

namespace Lanyard.Bench.Peers.Worker;

/// <summary>Lanyard in this process.</summary>
internal sealed class LanyardTransport : IPerfTransport
{
    private const int Backlog = 1024;
    private readonly LanyardNode _node;
    private readonly LanyardNetwork _network;
    private readonly List<LanyardListener> _listeners = [];

    private LanyardTransport(LanyardNode node, LanyardNetwork network)
    {
        _node = node;
        _network = network;
    }

    public string Address => _network.IPv4Address?.ToString() ?? throw new InvalidOperationException("The network gave no IPv4 address.");

    public static async Task<LanyardTransport> StartAsync(string home, string network)
    {
        var node = await LanyardNode.StartAsync(new LanyardOptions { StateDirectory = home });
        return new LanyardTransport(node, await node.JoinAsync(network));
    }

    public async ValueTask<Stream> ConnectAsync(string remote, int port, CancellationToken cancellation)
    {
        var stream = await _network.ConnectAsync(new IPEndPoint(IPAddress.Parse(remote), port), cancellation);
        stream.NoDelay = true;
        return stream;
    }

    public Func<CancellationToken, ValueTask<Stream>> Listen(int port)
    {
        var listener = _network.Listen(new InetEndpoint(InetAddress.Parse(Address), (ushort)port), Backlog);
        _listeners.Add(listener);
        return async cancellation =>
        {
            var stream = await listener.AcceptAsync(cancellation);
            stream.NoDelay = true;
            return stream;
        };
    }

    public void ShutdownSend(Stream stream) => ((LanyardStream)stream).ShutdownSend();

    public ValueTask DisposeAsync()
    {
        foreach (var listener in _listeners)
            listener.Dispose();
        return _node.DisposeAsync();
    }
}
