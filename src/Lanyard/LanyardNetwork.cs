using System.Net;
using Lanyard.Engine;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>
/// A virtual network that a <see cref="LanyardNode"/> has joined, and this node's port on it: streams, listeners, datagrams, pings. All members
/// may be called from any thread.
/// </summary>
public sealed class LanyardNetwork
{
    internal LanyardNetwork()
    {
    }

    /// <summary>The node.</summary>
    public LanyardNode Node => throw new NotImplementedException();

    /// <summary>The network.</summary>
    public NetworkId Id => throw new NotImplementedException();

    /// <summary>Its name; empty until the controller said.</summary>
    public string Name => throw new NotImplementedException();

    /// <summary>Where it stands.</summary>
    public NetworkStatus Status => throw new NotImplementedException();

    /// <summary>Whether this node is a member and has an address.</summary>
    public bool IsReady => throw new NotImplementedException();

    /// <summary>All that the controller said; null until it did.</summary>
    public NetworkConfig? Config => throw new NotImplementedException();

    /// <summary>This node's addresses, each with its network's prefix length.</summary>
    public IReadOnlyList<InetPrefix> Addresses => throw new NotImplementedException();

    /// <summary>This node's first IPv4 address; null where it has none.</summary>
    public IPAddress? IPv4Address => throw new NotImplementedException();

    /// <summary>This node's first IPv6 address; null where it has none.</summary>
    public IPAddress? IPv6Address => throw new NotImplementedException();

    /// <summary>The routes in use.</summary>
    public IReadOnlyList<NetworkRoute> Routes => throw new NotImplementedException();

    /// <summary>This node's Ethernet address.</summary>
    public MacAddress Mac => throw new NotImplementedException();

    /// <summary>The largest packet in bytes.</summary>
    public int Mtu => throw new NotImplementedException();

    /// <summary>The network's DNS; null if it has none.</summary>
    public NetworkDns? Dns => throw new NotImplementedException();

    /// <summary>The Ethernet groups that this node listens to.</summary>
    public IReadOnlyList<EthernetGroup> MulticastGroups => throw new NotImplementedException();

    /// <summary>What of the controller's assignments is taken (file <c>networks.d/ID.local.conf</c>). Setting it takes effect at once and is kept.</summary>
    public LanyardNetworkSettings Settings { get => throw new NotImplementedException(); set => throw new NotImplementedException(); }

    /// <summary>The TCP/IP stack's counters by cause. Read without the node's lock: numbers may be slightly old.</summary>
    public HostCounters Counters => throw new NotImplementedException();

    /// <summary>Waits until <see cref="IsReady"/>.</summary>
    /// <param name="waitForAuthorization">Whether to go on waiting where the controller refuses this node; else that throws.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="LanyardNetworkException">The network was left, has no address for this node, or refuses it.</exception>
    public Task WaitUntilReadyAsync(bool waitForAuthorization = false, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Connects to a member: TCP.</summary>
    /// <param name="host">
    /// An IP address (an IPv6 one may be in brackets), or a node's address (ten hexadecimal digits), with or without a dot and this network's ID after it, where
    /// the network has IPv6 addresses that follow from node addresses (rfc4193 or 6plane).
    /// </param>
    /// <param name="port">The port, 1 to 65,535.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LanyardSocketException">It did not come about.</exception>
    public ValueTask<LanyardStream> ConnectAsync(string host, int port, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Connects to a member: TCP.</summary>
    /// <exception cref="LanyardSocketException">It did not come about.</exception>
    public ValueTask<LanyardStream> ConnectAsync(IPEndPoint remote, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Connects to a member: TCP.</summary>
    /// <param name="remote">The other end.</param>
    /// <param name="options">The connection's settings; the node's where none are given.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LanyardSocketException">It did not come about.</exception>
    public ValueTask<LanyardStream> ConnectAsync(InetEndpoint remote, TcpOptions? options = null, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Listens on a TCP port of all this node's addresses, those that come later included.</summary>
    /// <param name="port">The port; 0 chooses one.</param>
    /// <exception cref="LanyardSocketException">The port is taken.</exception>
    public LanyardListener Listen(int port) => throw new NotImplementedException();

    /// <summary>Listens on a TCP port.</summary>
    /// <param name="local">The address and port: an unspecified address listens on all of its family; port 0 chooses one.</param>
    /// <param name="backlog">How many connections may wait to be accepted.</param>
    /// <param name="options">The settings of accepted connections; the node's where none are given.</param>
    /// <exception cref="LanyardSocketException">The port is taken, or the address is not this node's.</exception>
    public LanyardListener Listen(InetEndpoint local, int backlog = 512, TcpOptions? options = null) => throw new NotImplementedException();

    /// <summary>Opens a UDP socket on a port of all this node's addresses, those that come later included.</summary>
    /// <param name="port">The port; 0 chooses one.</param>
    /// <param name="options">Its settings; the defaults where none are given.</param>
    /// <exception cref="LanyardSocketException">The port is taken.</exception>
    public LanyardUdpSocket OpenUdp(int port = 0, UdpOptions? options = null) => throw new NotImplementedException();

    /// <summary>Opens a UDP socket.</summary>
    /// <param name="local">The address and port: an unspecified address binds all of its family; port 0 chooses one.</param>
    /// <param name="options">Its settings; the defaults where none are given.</param>
    /// <exception cref="LanyardSocketException">The port is taken, or the address is not this node's.</exception>
    public LanyardUdpSocket OpenUdp(InetEndpoint local, UdpOptions? options = null) => throw new NotImplementedException();

    /// <summary>Sends an echo request and waits for the reply.</summary>
    /// <param name="destination">Whom to ask.</param>
    /// <param name="timeout">How long to wait; null for 5 s.</param>
    /// <param name="payloadBytes">The payload's size in bytes, 0 to 65,487. Default 56.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The reply, or why there is none.</returns>
    public ValueTask<LanyardPingReply> PingAsync(IPAddress destination, TimeSpan? timeout = null, int payloadBytes = 56, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Finds the address that a name of <see cref="ConnectAsync(string, int, CancellationToken)"/> means.</summary>
    /// <returns>False where it is no such name, or this network has no addresses that follow from node addresses.</returns>
    public bool TryResolve(string host, out InetAddress address) => throw new NotImplementedException();

    /// <summary>The node that has an address on this network, as far as this node can tell: from the address itself, or from who last used it.</summary>
    public bool TryFindNode(InetAddress address, out NodeAddress node) => throw new NotImplementedException();

#if NET
    /// <summary>Makes a handler for <see cref="HttpClient"/> whose connections go over this network, to hosts as <see cref="ConnectAsync(string, int, CancellationToken)"/> takes them.</summary>
    /// <remarks>
    /// No proxy is used. Its settings may be changed before first use. A host that is a node's address should be written with the network's ID after it:
    /// a URI takes ten decimal digits for an IPv4 address. Of this method there is none on netstandard2.1, whose framework lacks the handler.
    /// </remarks>
    public SocketsHttpHandler CreateHttpHandler() => throw new NotImplementedException();
#endif
}

/// <summary>What of a controller's assignments a node takes. Immutable; the defaults are those of existing nodes.</summary>
public sealed record LanyardNetworkSettings
{
    /// <summary>Whether addresses and routes are taken from the controller. Default true.</summary>
    public bool AllowManaged { get; init; } = true;

    /// <summary>If not empty, addresses and routes are only taken where they lie in one of these networks.</summary>
    public EquatableArray<InetPrefix> AllowManagedNetworks { get; init; }

    /// <summary>Whether addresses and routes in globally routed address space are taken. Default false.</summary>
    public bool AllowGlobal { get; init; }

    /// <summary>Whether a default route is taken. Default false.</summary>
    public bool AllowDefault { get; init; }

    /// <summary>Whether the network's DNS is taken. Default false. Kept for others: nothing here resolves names by DNS.</summary>
    public bool AllowDns { get; init; }
}

/// <summary>What came of a ping.</summary>
/// <param name="Error"><see cref="NetError.None"/> for a reply; <see cref="NetError.TimedOut"/> where there was none; else what an ICMP error said.</param>
/// <param name="From">Who replied, or who sent the error; none where nobody did.</param>
/// <param name="RoundTrip">The round-trip time of a reply.</param>
/// <param name="HopLimit">The reply's hop limit (TTL) on arrival.</param>
/// <param name="PayloadBytes">The reply's payload in bytes.</param>
public readonly record struct LanyardPingReply(NetError Error, InetAddress From, TimeSpan RoundTrip, byte HopLimit, int PayloadBytes)
{
    /// <summary>Whether there was a reply.</summary>
    public bool IsSuccess => Error == NetError.None;
}
