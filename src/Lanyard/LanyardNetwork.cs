using System.Globalization;
using System.Net;
using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>
/// A virtual network that a <see cref="LanyardNode"/> has joined: streams, listeners, datagrams, pings. Any thread may call any member.
/// </summary>
public sealed class LanyardNetwork
{
    private static readonly TimeSpan DefaultPingTimeout = TimeSpan.FromSeconds(5);
    private const int MaxPingPayloadBytes = 65_487;
    private const int ListenBacklog = 512;

    private readonly NetworkPort _port;
    private readonly string _settingsName;
    private readonly DnsCache _dnsCache;

    /// <summary>Joins the network. Under the gate.</summary>
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

    /// <summary>The DNS configuration in use; null if the network has none, or the settings do not allow its domain: see
    /// <see cref="LanyardNetworkSettings.AllowDns"/>.</summary>
    public NetworkDns? Dns => _port.Snapshot.Dns;

    /// <summary>Returns the Ethernet groups that this node listens to.</summary>
    public IReadOnlyList<LanyardMulticastGroup> GetMulticastGroups()
    {
        using (Hold())
            return [.. _port.Host.Groups.Select(group => new LanyardMulticastGroup(group.Mac, group.ArpAddress.Family == InetFamily.None ? null : group.ArpAddress.ToIPAddress()))];
    }

    /// <summary>
    /// The accepted assignments of the controller (file <c>networks.d/ID.local.conf</c>). A change takes effect at once and is stored.
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
    /// <param name="waitForAuthorization">Whether to keep waiting if the controller refuses this node, or has no address for it. Default false: throws.</param>
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
    /// An IP address (IPv6 with or without brackets); or a node address (ten hexadecimal digits), alone or followed by a dot and this network's ID, if the network has
    /// IPv6 addresses that contain node addresses (rfc4193 or 6plane); or a name that the network's DNS resolves: see <see cref="ResolveAsync"/>.
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
    /// <param name="options">The options of the connection; null for <see cref="LanyardOptions.Tcp"/>.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="LanyardSocketException">The connection failed.</exception>
    public ValueTask<LanyardStream> ConnectAsync(
        InetEndpoint remote, TcpOptions? options = null, CancellationToken cancellationToken = default) =>
        ConnectAsync(default(InetEndpoint), remote, options, cancellationToken);

    /// <summary>Connects to a member over TCP, from a given address or port.</summary>
    /// <param name="local">The local endpoint. The stack chooses an unspecified address, and port 0.</param>
    /// <param name="remote">The remote endpoint.</param>
    /// <param name="options">The options of the connection; null for <see cref="LanyardOptions.Tcp"/>.</param>
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
    /// <exception cref="LanyardSocketException">The port is in use.</exception>
    /// <exception cref="LanyardNetworkException">The network was left, or its node ended.</exception>
    public LanyardListener Listen(int port) => Listen(AnyAddress(port));

    /// <summary>Listens on a TCP port.</summary>
    /// <param name="local">The address and port: an unspecified address listens on all of its family; port 0 chooses one.</param>
    /// <param name="backlog">The maximum number of pending connections. Default 512.</param>
    /// <param name="options">The options of accepted connections; null for <see cref="LanyardOptions.Tcp"/>.</param>
    /// <exception cref="LanyardSocketException">The port is in use, or the address does not belong to this node.</exception>
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
    /// <param name="options">The options of the socket; null for the defaults.</param>
    /// <exception cref="LanyardSocketException">The port is in use.</exception>
    /// <exception cref="LanyardNetworkException">The network was left, or its node ended.</exception>
    public LanyardUdpSocket OpenUdp(int port = 0, UdpOptions? options = null) => OpenUdp(AnyAddress(port), options);

    /// <summary>Opens a UDP socket.</summary>
    /// <param name="local">The address and port: an unspecified address binds all of its family; port 0 chooses one.</param>
    /// <param name="options">The options of the socket; null for the defaults.</param>
    /// <exception cref="LanyardSocketException">The port is in use, or the address does not belong to this node.</exception>
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
    /// <param name="etherType">The Ethernet type to receive, 0x0600 or more; 0 (the default) for all, including IP and ARP.</param>
    /// <param name="options">The options of the socket; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">The type is 1 to 0x05ff, which is a length.</exception>
    /// <exception cref="LanyardSocketException">Too many frame sockets are open.</exception>
    /// <exception cref="LanyardNetworkException">The network was left, or its node ended.</exception>
    public LanyardFrameSocket OpenFrames(ushort etherType = 0, FrameOptions? options = null)
    {
        using (Hold())
        {
            ThrowIfLeft();
            return new LanyardFrameSocket(new FrameChannel(_port, etherType, options ?? new FrameOptions()));
        }
    }

    /// <summary>Sorts destinations in the order in which to try them (RFC 6724 section 6): reachable ones first. The sort is stable.</summary>
    /// <param name="destinations">The destinations, of either family.</param>
    public void SortDestinations(Span<InetAddress> destinations)
    {
        using (Hold())
            _port.Host.SortDestinations(destinations);
    }

    /// <summary>Sends an echo request and waits for the reply.</summary>
    /// <param name="destination">The destination.</param>
    /// <param name="timeout">The maximum time to wait; null (the default) for 5 s.</param>
    /// <param name="payloadBytes">The payload's size in bytes, 0 to 65,487. Default 56.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The reply, or the error.</returns>
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
    /// <param name="destination">The stream to write to, in pcapng format. It is closed at the end of the capture, unless the options leave it open.</param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <returns>The capture. Dispose of it to end the capture.</returns>
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
    /// <returns>False for other names, and for a node address if this network has no addresses that contain node addresses.</returns>
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
    /// <returns>One or more addresses, reachable ones first.</returns>
    /// <exception cref="LanyardNameException">The name was not resolved.</exception>
    /// <exception cref="LanyardNetworkException">The network was left, or its node ended.</exception>
    public ValueTask<IReadOnlyList<InetAddress>> ResolveAsync(string host, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(host);
        return NameResolver.ResolveAsync(this, _dnsCache, host, cancellationToken);
    }

    /// <summary>Finds the node address in an IPv6 address (rfc4193 or 6plane). Returns false for other addresses.</summary>
    public bool TryFindNode(InetAddress address, out NodeAddress node) => _port.TryFindNode(address, out node);

#if NET
    /// <summary>
    /// Creates a handler for <see cref="HttpClient"/> that connects over this network. The host of a URI is resolved as by <see cref="ConnectAsync(string, int,
    /// CancellationToken)"/>.
    /// </summary>
    /// <remarks>
    /// The handler uses no proxy. Its properties may be changed before the first request. Write a node address with the network ID after it: a URI parser takes ten decimal
    /// digits for an IPv4 address. The method does not exist on netstandard2.1, whose framework lacks the handler.
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

    /// <summary>Requests the configuration again if the controller refused it. It may have admitted the node since.</summary>
    internal void AskAgain()
    {
        using (Hold())
        {
            if (!_port.IsLeft && _port.Engine.Status is not (NetworkStatus.Ok or NetworkStatus.RequestingConfiguration))
                _port.Runtime.Engine.Retry(_port.Runtime.NowMs, _port.Engine);
        }
    }

    /// <summary>Raises <see cref="LanyardNode.NetworkChanged"/>. Under the gate.</summary>
    internal void RaiseChanged(NetworkStatus status) => Node.RaiseNetworkChanged(this, status.ToPublic());

    /// <summary>Raises <see cref="AddressConflict"/>. Under the gate.</summary>
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

    // Parses a node address, alone or followed by a dot and this network's ID.
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
