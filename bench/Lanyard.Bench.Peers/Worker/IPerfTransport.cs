namespace Lanyard.Bench.Peers.Worker;

/// <summary>A TCP implementation. The measuring program is the same for all of them.</summary>
internal interface IPerfTransport : IAsyncDisposable
{
    /// <summary>This end's address.</summary>
    string Address { get; }

    /// <summary>Opens a connection.</summary>
    ValueTask<Stream> ConnectAsync(string address, int port, CancellationToken cancellation);

    /// <summary>Listens, and gives what takes the next connection.</summary>
    Func<CancellationToken, ValueTask<Stream>> Listen(int port);

    /// <summary>Says that nothing more will be sent on a stream.</summary>
    void ShutdownSend(Stream stream);
}
