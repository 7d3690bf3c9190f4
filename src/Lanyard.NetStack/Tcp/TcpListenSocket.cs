using System.Diagnostics.CodeAnalysis;
using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>A TCP port that accepts connections. Made by <see cref="NetworkHost.ListenTcp"/>.</summary>
public sealed class TcpListenSocket
{
    /// <summary>Hears of connections.</summary>
    public ITcpListenEvents? Events { get => throw new NotImplementedException(); set => throw new NotImplementedException(); }

    /// <summary>The address and port listened on.</summary>
    public InetEndpoint LocalEndpoint => throw new NotImplementedException();

    /// <summary>Connections that wait to be accepted.</summary>
    public int Pending => throw new NotImplementedException();

    /// <summary>Takes the oldest established connection that waits. Data may have arrived on it already.</summary>
    /// <param name="events">Hears what happens to the connection from now on.</param>
    /// <param name="connection">The connection.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryAccept(ITcpEvents? events, [NotNullWhen(true)] out TcpConnection? connection) => throw new NotImplementedException();

    /// <summary>Stops listening. Connections that nobody accepted are reset.</summary>
    /// <param name="now">The time in microseconds.</param>
    public void Close(long now) => throw new NotImplementedException();
}
