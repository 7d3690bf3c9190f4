using System.Net.Sockets;
using Lanyard.Proxies;

namespace Lanyard;

/// <summary>Proxies and forwards of a <see cref="LanyardNode"/> and its networks, for programs without support for virtual networks.</summary>
public static class LanyardProxyExtensions
{
    /// <summary>Starts a SOCKS5 and HTTP proxy on the host for all networks of a node, including networks that it joins later. The address of a destination
    /// selects the network; a name is resolved on each network in turn.</summary>
    /// <param name="node">The node.</param>
    /// <param name="options">The proxy's options. Default: 127.0.0.1, any free port, no password, virtual networks only.</param>
    /// <returns>The proxy, which runs until it is disposed of; <see cref="LanyardProxy.LocalEndPoint"/> is the endpoint on which it listens.</returns>
    /// <exception cref="ArgumentException">Options contradict each other, or an option is out of range.</exception>
    /// <exception cref="LanyardException">The address cannot be bound.</exception>
    public static LanyardProxy StartProxy(this LanyardNode node, LanyardProxyOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(node);
        return new LanyardProxy(node, () => node.Networks, options ?? new LanyardProxyOptions());
    }

    /// <summary>Starts a SOCKS5 and HTTP proxy on the host for one network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="options">The proxy's options. Default: 127.0.0.1, any free port, no password, this network only.</param>
    /// <returns>The proxy, which runs until it is disposed of; <see cref="LanyardProxy.LocalEndPoint"/> is the endpoint on which it listens.</returns>
    /// <exception cref="ArgumentException">Options contradict each other, or an option is out of range.</exception>
    /// <exception cref="LanyardException">The address cannot be bound.</exception>
    public static LanyardProxy StartProxy(this LanyardNetwork network, LanyardProxyOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        LanyardNetwork[] only = [network];
        return new LanyardProxy(network.Node, () => only, options ?? new LanyardProxyOptions());
    }

    /// <summary>Starts to forward a port, like <c>ssh -L</c> and <c>-R</c>.</summary>
    /// <param name="network">The network.</param>
    /// <param name="forward">The port and its destination; see <see cref="LanyardForward.Parse"/>.</param>
    /// <param name="options">The forward's options; null for the defaults.</param>
    /// <returns>The forwarder, which runs until it is disposed of.</returns>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="LanyardException">The port cannot be opened.</exception>
    public static LanyardForwarder StartForward(this LanyardNetwork network, LanyardForward forward, LanyardForwardOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(forward);
        return new LanyardForwarder(network, forward, options ?? new LanyardForwardOptions());
    }

    /// <summary>Relays between a connection of a virtual network and one of the host's network until both directions have ended, then disposes of both.
    /// The end of one direction is forwarded, and a failure of either connection resets both. Does not throw.</summary>
    /// <param name="stream">The connection of the virtual network.</param>
    /// <param name="socket">The host's connected TCP socket.</param>
    public static Task RelayAsync(this LanyardStream stream, Socket socket)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(socket);
        return DuplexRelay.RunAsync(socket, stream);
    }
}
