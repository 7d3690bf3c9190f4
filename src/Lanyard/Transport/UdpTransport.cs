using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Lanyard;

/// <summary>The UDP sockets of a node, all on one port, and the threads that receive.</summary>
internal sealed class UdpTransport : NodeTransport
{
    private const int PortTrials = 64;
    private const int LongestPauseMs = 1_000;
    private const int WakeTrials = 10;

    private readonly List<Thread> _threads = [];
    private readonly List<IPAddress> _missing;
    private readonly bool _batch;
    private volatile DatagramSocket[] _sockets;
    private volatile bool _isStopping;
    private bool _isWatching;
    private string _name = "";
    private ITransportReceiver? _receiver;

    private UdpTransport(List<DatagramSocket> sockets, List<IPAddress> missing, int port, bool batch, ILogger logger)
        : base(logger)
    {
        _sockets = [.. sockets];
        Use(_sockets);
        _missing = missing;
        Port = port;
        _batch = batch;
    }

    /// <inheritdoc/>
    public override int Port { get; }

    /// <summary>Binds a socket to each address, all on one port.</summary>
    /// <param name="addresses">The addresses; all of both families where there are none.</param>
    /// <param name="port">The port, 0 for any.</param>
    /// <param name="batch">See <see cref="DatagramSocket.Bind"/>.</param>
    /// <param name="awaitAddresses">Whether to leave an address that is not assigned to this machine yet to <see cref="TryBindMissing"/>.</param>
    /// <param name="logger">The logger for bind failures.</param>
    /// <exception cref="LanyardException">None can be bound, or one that was asked for cannot.</exception>
    public static UdpTransport Bind(IReadOnlyList<IPAddress> addresses, int port, bool batch, bool awaitAddresses, ILogger logger)
    {
        var isChosen = addresses.Count > 0;
        var wanted = isChosen ? addresses : Socket.OSSupportsIPv6 ? [IPAddress.Any, IPAddress.IPv6Any] : [IPAddress.Any];
        for (var trial = 0; ; trial++)
        {
            var sockets = new List<DatagramSocket>();
            var missing = new List<IPAddress>();
            try
            {
                foreach (var address in wanted)
                {
                    try
                    {
                        // The first finds a free port, where one is to be found; the others must have the same.
                        sockets.Add(DatagramSocket.Bind(
                            new IPEndPoint(address, sockets.Count > 0 ? sockets[0].LocalEndpoint.Port : port), batch));
                    }
                    catch (SocketException e) when (!isChosen && address.AddressFamily == AddressFamily.InterNetworkV6 && IsMissing(e))
                    {
                        Log.NoIPv6(logger, e.Message);
                    }
                    catch (SocketException e) when (awaitAddresses && IsMissing(e))
                    {
                        missing.Add(address);
                    }
                }

                foreach (var address in missing)
                    Log.BindAddressMissing(logger, address);
                return new UdpTransport(sockets, missing, sockets.Count > 0 ? sockets[0].LocalEndpoint.Port : port != 0 ? port : FindFreePort(), batch, logger);
            }
            catch (SocketException e)
            {
                foreach (var socket in sockets)
                    socket.Dispose();
                if (port == 0 && sockets.Count > 0 && e.SocketErrorCode == SocketError.AddressAlreadyInUse && trial < PortTrials)
                    continue;
                throw new LanyardException(Describe(e, port), e);
            }
        }
    }

    /// <inheritdoc/>
    public override void Start(string name, ITransportReceiver receiver)
    {
        _name = name;
        _receiver = receiver;
        for (var i = 0; i < _sockets.Length; i++)
            StartThread(i);
    }

    /// <inheritdoc/>
    public override void WatchEnvironment()
    {
        try
        {
            NetworkChange.NetworkAddressChanged += OnAddressChanged;
            _isWatching = true;
        }
        catch (Exception e) when (LocalInterfaces.IsUnavailable(e))
        {
            // The node looks for changes now and then.
            Log.ChangesUnavailable(Logger, e);
        }
    }

    /// <inheritdoc/>
    public override LocalInterfaces ReadInterfaces(IReadOnlyList<string> excludedPrefixes) => LocalInterfaces.Read(excludedPrefixes);

    /// <summary>Binds addresses that were missing and are now assigned to this machine. Does nothing before <see cref="Start"/>. Under the gate.</summary>
    public override void TryBindMissing()
    {
        if (_receiver is null || _isStopping)
            return;
        foreach (var address in _missing.ToArray())
        {
            try
            {
                _sockets = [.. _sockets, DatagramSocket.Bind(new IPEndPoint(address, Port), _batch)];
                Use(_sockets);
            }
            catch (SocketException e)
            {
                if (!IsMissing(e))
                    Log.BindFailed(Logger, address, Port, e.Message);
                continue;
            }

            _missing.Remove(address);
            StartThread(_sockets.Length - 1);
            Log.BoundLater(Logger, address, Port);
        }
    }

    /// <summary>Closes the sockets and waits for the threads. Not under the gate.</summary>
    public override void Dispose()
    {
        _isStopping = true;
        if (_isWatching)
            NetworkChange.NetworkAddressChanged -= OnAddressChanged;
        for (var i = 0; i < _threads.Count; i++)
        {
            var trials = 0;
            do
            {
                if (trials++ < WakeTrials)
                    _sockets[i].WakeReceiver();
                else
                    _sockets[i].Dispose();
            }
            while (!_threads[i].Join(20));
        }

        foreach (var socket in _sockets)
            socket.Dispose();
    }

    private void StartThread(int index)
    {
        var receiver = _receiver!;
        var thread = new Thread(() => Receive(index, receiver)) { IsBackground = true, Name = _name };
        _threads.Add(thread);
        thread.Start();
    }

    private static bool IsMissing(SocketException e) => e.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable;

    // Chooses a port when no socket is bound yet, because all addresses are missing.
    private static int FindFreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        probe.Bind(new IPEndPoint(IPAddress.Any, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private static string Describe(SocketException e, int port) => e.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse =>
            $"UDP port {port} is in use, perhaps by another node on this machine: end it, or set LanyardOptions.Port to another port, or "
                + "to 0 for any.",
        SocketError.AccessDenied => $"UDP port {port} may not be bound by this user: set LanyardOptions.Port to one above 1023, or to 0 "
            + "for any.",
        SocketError.AddressNotAvailable => $"An address of LanyardOptions.BindAddresses is not one of this machine's: {e.Message}",
        _ => $"No UDP socket can be bound: {e.Message}",
    };

    private void OnAddressChanged(object? sender, EventArgs e) => _receiver!.OnEnvironmentChanged();

    private void Receive(int index, ITransportReceiver receiver)
    {
        var socket = _sockets[index];
        var batch = socket.CreateBatch();
        var pauseMs = 0;
        while (!_isStopping)
        {
            try
            {
                socket.Receive(batch);
                if (_isStopping)
                    return;
                receiver.OnReceived(index, batch);
                pauseMs = 0;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                if (_isStopping)
                    return;
                // Mostly the echo of a datagram that was not delivered, once; where it does not end, it must not cost a whole processor.
                if (pauseMs > 0)
                {
                    Log.ReceiveFailed(Logger, socket.LocalEndpoint, e);
                    Thread.Sleep(pauseMs);
                }

                pauseMs = Math.Clamp(pauseMs * 2, 1, LongestPauseMs);
            }
        }
    }
}
