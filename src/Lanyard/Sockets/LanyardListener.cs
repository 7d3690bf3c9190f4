using System.Net;

namespace Lanyard;

/// <summary>A TCP port of a virtual network that accepts connections. One accept may be under way at a time.</summary>
public sealed class LanyardListener : IDisposable
{
    internal LanyardListener()
    {
    }

    /// <summary>The network.</summary>
    public LanyardNetwork Network => throw new NotImplementedException();

    /// <summary>The address (unspecified where it listens on all) and port.</summary>
    public IPEndPoint LocalEndPoint => throw new NotImplementedException();

    /// <summary>Waits for the next connection.</summary>
    /// <exception cref="ObjectDisposedException">The listener was disposed of, before or meanwhile.</exception>
    /// <exception cref="LanyardNetworkException">The network was left, or its node ended.</exception>
    public ValueTask<LanyardStream> AcceptAsync(CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Stops listening. Connections that nobody accepted are reset.</summary>
    public void Dispose() => throw new NotImplementedException();
}
