using System.Globalization;
using System.Net;
using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>
/// A virtual network that a <see cref="LanyardNode"/> has joined, and this node's port on it: streams, listeners, datagrams, pings. All members may
/// be called from any thread.
/// </summary>
public sealed class LanyardNetwork
{
    private static readonly TimeSpan DefaultPingTimeout = TimeSpan.FromSeconds(5);
    private const int MaxPingPayloadBytes = 65_487;
    private const int ListenBacklog = 512;

    private readonly NetworkPort _port;
    private readonly string _settingsName;
    private readonly DnsCache _dnsCache;

    /// <summary>Joins. Under the gate.</summary>
    internal LanyardNetwork(LanyardNode node, NodeRuntime runtime, NetworkId id)
    {
        Node = node;
        Id = id;
        Errors = new NetworkErrors(this);
        var time = node.Options.TimeProvider;
        _dnsCache = new DnsCache(() => time.GetTimestamp() / time.TimestampFrequency);
        _settingsName = StateNames.NetworkSettings(id.Value);
        var settings = runtime.State.Load(_settingsName) is { } file ? LanyardNetworkSettings.Parse(file, LogIgnored) : new LanyardNetworkSettings();
        _port = new NetworkPort(runtime, this, runtime.Engine.Join(runtime.NowMs, id), settings);
        runtime.Ports.Add(_port);
        if (_port.Engine.Config is null && runtime.State.Load(StateKind.NetworkConfig, id.Value) is { Length: > 1 })
            runtime.Events.Log(logger => Log.StateMalformed(logger, StateNames.Of(StateKind.NetworkConfig, id.Value)));
        _port.UseSettings(settings);

        void LogIgnored(string key, string value) => runtime.Events.Log(logger => Log.NetworkSettingIgnored(logger, _settingsName, key, value));
    }

    /// <summary>Raised when another member claims an address of this node.</summary>
    public event EventHandler<LanyardAddressConflictEventArgs>? AddressConflict;

    /// <summary>The node that joined the network.</summary>
    public LanyardNode Node { get; }

    /// <summary>The network ID.</summary>
    public NetworkId Id { get; }

    /// <summary>The name; empty until the controller has sent a configuration.</summary>
    public string Name => Config?.Name ?? "";

    /// <summary>The join status.</summary>
    public LanyardNetworkStatus Status => _port.Snapshot.Status.ToPublic();

    /// <summary>Whether this node is a member and has an address.</summary>
    public bool IsReady => _port.Snapshot.IsReady;

    /// <summary>The configuration from the controller; null until it has sent one.</summary>
    public NetworkConfig? Config => _port.Snapshot.Config;

    /// <summary>The addresses of this node, each with the prefix length of its subnet.</summary>
    public IReadOnlyList<InetPrefix> Addresses => _port.Snapshot.Addresses;

    /// <summary>The first IPv4 address of this node; null if it has none.</summary>
    public IPAddress? IPv4Address => FirstOf(InetFamily.IPv4);

    /// <summary>The first IPv6 address of this node; null if it has none.</summary>
    public IPAddress? IPv6Address => FirstOf(InetFamily.IPv6);

    /// <summary>The routes in use.</summary>
    public IReadOnlyList<NetworkRoute> Routes => _port.Snapshot.Routes;

    /// <summary>The Ethernet address of this node.</summary>
    public MacAddress Mac => _port.Engine.Mac;

    /// <summary>The MTU: the largest IP packet, in bytes.</summary>
    public int Mtu => _port.Snapshot.Mtu;

    /// <summary>The network's DNS as it is used; null if it has none, or the settings or its domain do not allow it: see
    /// <see cref="LanyardNetworkSettings.AllowDns"/>.</summary>
    public NetworkDns? Dns => _port.Snapshot.Dns;

    /// <summary>Returns the Ethernet groups that this node listens to.</summary>
    public IReadOnlyList<LanyardMulticastGroup> GetMulticastGroups()
    {
        using (Hold())
            return [.. _port.Host.Groups.Select(group => new LanyardMulticastGroup(group.Mac, group.ArpAddress.Family == InetFamily.None ? null : group.ArpAddress.ToIPAddress()))];
    }

    /// <summary>
    /// What of the controller's assignments is taken (file <c>networks.d/ID.local.conf</c>). Setting it takes effect at once and is kept.
    /// </summary>
    public LanyardNetworkSettings Settings
    {
        get
        {
            using (Hold())
                return _port.Settings;
        }
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            using (Hold())
            {
                ThrowIfLeft();
                var state = _port.Runtime.State;
                state.Save(_settingsName, value.Write(state.Load(_settingsName)));
                _port.UseSettings(value);
            }
        }
    }

    /// <summary>The counters of the TCP/IP stack, by cause. They are read without the node's lock and may be slightly old.</summary>
    public HostCounters Counters => _port.Host.Counters;

    internal NetworkPort Port => _port;

    /// <summary>Waits until <see cref="IsReady"/>.</summary>
    /// <param name="waitForAuthorization">Whether to go on waiting where the controller refuses this node, or has no address for it; else
    /// that throws.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="LanyardNetworkException">The network was left, has no address for this node, or refuses it.</exception>
    public async Task WaitUntilReadyAsync(bool waitForAuthorization = false, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var changed = _port.Changed.Next;
            var snapshot = _port.Snapshot;
            if (snapshot.IsReady)
                return;
            if (snapshot.IsLeft)
                throw Errors.Left();
            if (!waitForAuthorization && Errors.Find(snapshot) is { } failure)
                throw failure;
            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Connects to a member over TCP.</summary>
    /// <param name="host">
    /// An IP address (an IPv6 one may be in brackets), or a node's address (ten hexadecimal digits), with or without a dot and this network's ID
    /// after it, where the network has IPv6 addresses that follow from node addresses (rfc4193 or 6plane); or a name that the network's DNS knows,
    /// as <see cref="ResolveAsync"/> has it.
    /// </param>
    /// <param name="port">The port, 1 to 65,535.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="LanyardSocketException">The connection failed.</exception>
    public ValueTask<LanyardStream> ConnectAsync(string host, int port, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(host);
        CheckPort(port, least: 1);
        return TryResolve(host, out var address)
            ? ConnectAsync(new InetEndpoint(address, (ushort)port), null, cancellationToken)
            : NameResolver.ConnectAsync(this, host, port, cancellationToken);
    }

    /// <summary>Connects to a member over TCP.</summary>
    /// <exception cref="LanyardSocketException">The connection failed.</exception>
    public ValueTask<LanyardStream> ConnectAsync(IPEndPoint remote, CancellationToken cancellationToken = default) =>
        ConnectAsync(InetEndpoint.FromIPEndPoint(remote), null, cancellationToken);

    /// <summary>Connects to a member over TCP.</summary>
    /// <param name="remote">The remote endpoint.</param>
    /// <param name="options">The connection's settings; the node's where none are given.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="LanyardSocketException">The connection failed.</exception>
    public ValueTask<LanyardStream> ConnectAsync(
        InetEndpoint remote, TcpOptions? options = null, CancellationToken cancellationToken = default) =>
        ConnectAsync(default(InetEndpoint), remote, options, cancellationToken);

    /// <summary>Connects to a member over TCP, from a given address or port.</summary>
    /// <param name="local">This end: an address of this node, or an unspecified one, and a port, or 0. What is left open is chosen.</param>
    /// <param name="remote">The remote endpoint.</param>
    /// <param name="options">The connection's settings; the node's where none are given.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="LanyardSocketException">The connection failed.</exception>
    public ValueTask<LanyardStream> ConnectAsync(
        InetEndpoint local, InetEndpoint remote, TcpOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
            return new ValueTask<LanyardStream>(Task.FromCanceled<LanyardStream>(cancellationToken));
        ConnectOperation operation;
        using (Hold())
        {
            try
            {
                ThrowIfLeft();
                operation = new TcpChannel(_port).Connect(local, remote, options);
            }
            catch (LanyardException e)
            {
                return new ValueTask<LanyardStream>(Task.FromException<LanyardStream>(e));
            }
        }

        return operation.Issue(cancellationToken);
    }

    /// <summary>Listens on a TCP port of the wildcard address: all addresses of this node, including later ones.</summary>
    /// <param name="port">The port; 0 chooses one.</param>
    /// <exception cref="LanyardSocketException">The port is taken.</exception>
    /// <exception cref="LanyardNetworkException">The network was left, or its node ended.</exception>
    public LanyardListener Listen(int port) => Listen(AnyAddress(port));

    /// <summary>Listens on a TCP port.</summary>
    /// <param name="local">The address and port: an unspecified address listens on all of its family; port 0 chooses one.</param>
    /// <param name="backlog">How many connections may wait to be accepted.</param>
    /// <param name="options">The settings of accepted connections; the node's where none are given.</param>
    /// <exception cref="LanyardSocketException">The port is taken, or the address is not this node's.</exception>
    /// <exception cref="LanyardNetworkException">The network was left, or its node ended.</exception>
    public LanyardListener Listen(InetEndpoint local, int backlog = ListenBacklog, TcpOptions? options = null)
    {
        using (Hold())
        {
            ThrowIfLeft();
            return new LanyardListener(new ListenChannel(_port, local, backlog, options));
        }
    }

    /// <summary>Opens a UDP socket on a port of the wildcard address: all addresses of this node, including later ones.</summary>
    /// <param name="port">The port; 0 chooses one.</param>
    /// <param name="options">Its settings; the defaults where none are given.</param>
    /// <exception cref="LanyardSocketException">The port is taken.</exception>
    /// <exception cref="LanyardNetworkException">The network was left, or its node ended.</exception>
    public LanyardUdpSocket OpenUdp(int port = 0, UdpOptions? options = null) => OpenUdp(AnyAddress(port), options);

    /// <summary>Opens a UDP socket.</summary>
    /// <param name="local">The address and port: an unspecified address binds all of its family; port 0 chooses one.</param>
    /// <param name="options">Its settings; the defaults where none are given.</param>
    /// <exception cref="LanyardSocketException">The port is taken, or the address is not this node's.</exception>
    /// <exception cref="LanyardNetworkException">The network was left, or its node ended.</exception>
    public LanyardUdpSocket OpenUdp(InetEndpoint local, UdpOptions? options = null)
    {
        using (Hold())
        {
            ThrowIfLeft();
            return new LanyardUdpSocket(new UdpChannel(_port, local, options ?? new UdpOptions()));
        }
    }

    /// <summary>Opens a socket that sends and receives Ethernet frames.</summary>
    /// <param name="etherType">The Ethernet type to receive, 0x0600 or more; 0, the default, receives all, those of IP and ARP
    /// included.</param>
    /// <param name="options">Its settings; the defaults where none are given.</param>
    /// <exception cref="ArgumentOutOfRangeException">The type is 1 to 0x05ff, which is a length.</exception>
    /// <exception cref="LanyardSocketException">There are too many such sockets.</exception>
    /// <exception cref="LanyardNetworkException">The network was left, or its node ended.</exception>
    public LanyardFrameSocket OpenFrames(ushort etherType = 0, FrameOptions? options = null)
    {
        using (Hold())
        {
            ThrowIfLeft();
            return new LanyardFrameSocket(new FrameChannel(_port, etherType, options ?? new FrameOptions()));
        }
    }

    /// <summary>Puts destinations in the order in which they should be tried, as after a name was resolved (RFC 6724 section 6): those
    /// that can be reached first. Equals stay as they are.</summary>
    /// <param name="destinations">The destinations, of either family.</param>
    public void SortDestinations(Span<InetAddress> destinations)
    {
        using (Hold())
            _port.Host.SortDestinations(destinations);
    }

    /// <summary>Sends an echo request and waits for the reply.</summary>
    /// <param name="destination">Whom to ask.</param>
    /// <param name="timeout">How long to wait; null for 5 s.</param>
    /// <param name="payloadBytes">The payload's size in bytes, 0 to 65,487. Default 56.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The reply, or why there is none.</returns>
    /// <exception cref="LanyardNetworkException">The network was left, or its node ended.</exception>
    public async ValueTask<LanyardPingReply> PingAsync(
        IPAddress destination, TimeSpan? timeout = null, int payloadBytes = 56, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentOutOfRangeException.ThrowIfNegative(payloadBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(payloadBytes, MaxPingPayloadBytes);
        cancellationToken.ThrowIfCancellationRequested();
        var payload = new byte[payloadBytes];
        for (var i = 0; i < payload.Length; i++)
            payload[i] = (byte)i;
        if (Send(payload, InetAddress.FromIPAddress(destination), out var error) is not { } operation)
            return new LanyardPingReply(SocketErrors.Of(error), default, default, 0, 0);
        using var timer = Node.Options.TimeProvider.CreateTimer(static operation => ((PingOperation)operation!).TimeOut(), operation,
            timeout ?? DefaultPingTimeout, Timeout.InfiniteTimeSpan);
        return await operation.Issue(cancellationToken).ConfigureAwait(false);

        PingOperation? Send(byte[] bytes, InetAddress to, out NetError failure)
        {
            using (Hold())
            {
                ThrowIfLeft();
                return _port.Echo.Send(to, bytes, out failure);
            }
        }
    }

    /// <summary>Starts to capture the frames that this node sends and receives on the network: see <see cref="LanyardCapture"/>.</summary>
    /// <param name="destination">Where the capture is written, as pcapng. It is closed at the capture's end, unless the options say
    /// otherwise.</param>
    /// <param name="options">How; the defaults where none are given.</param>
    /// <returns>The capture, until it is disposed of.</returns>
    /// <exception cref="ArgumentException">The stream cannot be written to.</exception>
    /// <exception cref="LanyardNetworkException">The network was left, or its node ended.</exception>
    public LanyardCapture Capture(Stream destination, LanyardCaptureOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (!destination.CanWrite)
            throw new ArgumentException("The stream cannot be written to.", nameof(destination));
        using (Hold())
        {
            ThrowIfLeft();
            return new LanyardCapture(_port, destination, options ?? new LanyardCaptureOptions());
        }
    }

    /// <summary>Parses a host of <see cref="ConnectAsync(string, int, CancellationToken)"/> that needs no query: an IP address or a node address.</summary>
    /// <returns>False where it is no such name, or this network has no addresses that follow from node addresses.</returns>
    public bool TryResolve(string host, out InetAddress address)
    {
        ArgumentNullException.ThrowIfNull(host);
        return HostNames.TryParseAddress(host, out address)
            || (TryParseNode(host, out var node) && _port.TryFindAddress(node, out address));
    }

    /// <summary>Resolves a name on this network: names of <see cref="TryResolve"/>, and names that the network's DNS servers resolve over the network. Caches
    /// each answer for its lifetime.</summary>
    /// <param name="host">An address, a node's address, or, with <see cref="LanyardNetworkSettings.AllowDns"/>, a name in the domain of the network's
    /// DNS, or a name without dots, to which the domain is appended. The servers get no queries for other names.</param>
    /// <param name="cancellationToken">Cancels the operation. A server that does not answer delays it by two timeouts of 2 s.</param>
    /// <returns>One address or more, those that can be reached first.</returns>
    /// <exception cref="LanyardNameException">It means nothing here.</exception>
    /// <exception cref="LanyardNetworkException">The network was left, or its node ended.</exception>
    public ValueTask<IReadOnlyList<InetAddress>> ResolveAsync(string host, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(host);
        return NameResolver.ResolveAsync(this, _dnsCache, host, cancellationToken);
    }

    /// <summary>Finds the node that an address is derived from (rfc4193 or 6plane). Returns false for other addresses.</summary>
    public bool TryFindNode(InetAddress address, out NodeAddress node) => _port.TryFindNode(address, out node);

#if NET
    /// <summary>
    /// Makes a handler for <see cref="HttpClient"/> whose connections go over this network, to hosts as <see cref="ConnectAsync(string, int,
    /// CancellationToken)"/> takes them.
    /// </summary>
    /// <remarks>
    /// No proxy is used. Its settings may be changed before first use. A host that is a node's address should be written with the network's ID after
    /// it: a URI takes ten decimal digits for an IPv4 address. On netstandard2.1, whose framework lacks the handler, there is no such method.
    /// </remarks>
    public SocketsHttpHandler CreateHttpHandler()
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (context, cancellationToken) =>
                await ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellationToken).ConfigureAwait(false),
        };

        // The handler counts idle time on the system's clock only.
        if (Node.Options.TimeProvider != TimeProvider.System)
            handler.PooledConnectionIdleTimeout = handler.PooledConnectionLifetime = Timeout.InfiniteTimeSpan;
        return handler;
    }
#endif

    /// <summary>Where the controller has refused: asks it once more, as it may have changed its mind.</summary>
    internal void AskAgain()
    {
        using (Hold())
        {
            if (!_port.IsLeft && _port.Engine.Status is not (NetworkStatus.Ok or NetworkStatus.RequestingConfiguration))
                _port.Runtime.Engine.Retry(_port.Runtime.NowMs, _port.Engine);
        }
    }

    /// <summary>Its status or configuration changed. Under the gate.</summary>
    internal void RaiseChanged(NetworkStatus status) => Node.RaiseNetworkChanged(this, status.ToPublic());

    /// <summary>Another claims an address. Under the gate.</summary>
    internal void RaiseConflict(AddressConflict conflict)
    {
        if (AddressConflict is not { } handler)
            return;
        var args = new LanyardAddressConflictEventArgs(this, conflict.Address.ToIPAddress(), conflict.Other, conflict.IsLost);
        _port.Runtime.Events.Add(() => handler(this, args));
    }

    internal NetworkErrors Errors { get; }

    private static InetEndpoint AnyAddress(int port)
    {
        CheckPort(port, least: 0);
        return new InetEndpoint(default, (ushort)port);
    }

    private static void CheckPort(int port, int least)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(port, least);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, ushort.MaxValue);
    }

    private GateHold Hold() => new(_port.Runtime);

    private void ThrowIfLeft()
    {
        if (_port.IsLeft)
            throw Errors.Left();
    }

    private IPAddress? FirstOf(InetFamily family)
    {
        foreach (var address in Addresses)
        {
            if (address.Address.Family == family)
                return address.Address.ToIPAddress();
        }

        return null;
    }

    // A node's address, alone or with this network's ID after a dot.
    internal bool TryParseNode(string host, out NodeAddress node)
    {
        node = default;
        host = HostNames.WithoutFinalDot(host);
        var cut = host.IndexOf('.', StringComparison.Ordinal);
        if (cut >= 0 && (!NetworkId.TryParse(host[(cut + 1)..], out var network) || network != Id))
            return false;
        return NodeAddress.TryParse(cut < 0 ? host : host[..cut], out node);
    }
}
