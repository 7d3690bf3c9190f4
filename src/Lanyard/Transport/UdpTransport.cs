using System.Net;
using System.Net.Sockets;
using Lanyard.Engine.Packets;
using Lanyard.Primitives;
using Microsoft.Extensions.Logging;

namespace Lanyard;

/// <summary>The UDP sockets that a node is reached by, all on one port, and the threads that receive.</summary>
internal sealed class UdpTransport : IDisposable
{
    private const int PortTrials = 64;
    private const int LongestPauseMs = 1_000;
    private const int WakeTrials = 10;
    private const int NoSocketBytes = 64 * 1024;

    private readonly List<Thread> _threads = [];
    private readonly List<IPAddress> _missing;
    private readonly bool _batch;
    private readonly ILogger _logger;
    private volatile DatagramSocket[] _sockets;
    private volatile bool _isStopping;
    private string _name = "";
    private Action<int, DatagramBatch>? _receive;
    private SendBatch? _room;
    private int _lastUsed;

    private UdpTransport(List<DatagramSocket> sockets, List<IPAddress> missing, int port, bool batch, ILogger logger)
    {
        _sockets = [.. sockets];
        _missing = missing;
        Port = port;
        _batch = batch;
        _logger = logger;
    }

    /// <summary>The sockets. The engine identifies a socket by its index, which never changes. Sockets of addresses that come up later are appended.</summary>
    public IReadOnlyList<DatagramSocket> Sockets => _sockets;

    /// <summary>The port of all sockets.</summary>
    public int Port { get; }

    /// <summary>Datagrams that the system did not take.</summary>
    public long SendFailures
    {
        get
        {
            var failures = 0L;
            foreach (var socket in _sockets)
                failures += socket.SendFailures;
            return failures;
        }
    }

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

    /// <summary>Starts the threads.</summary>
    /// <param name="name">The threads' name.</param>
    /// <param name="receive">Takes the datagrams of a socket; their bytes are its to change.</param>
    public void Start(string name, Action<int, DatagramBatch> receive)
    {
        _name = name;
        _receive = receive;
        for (var i = 0; i < _sockets.Length; i++)
            StartThread(i);
    }

    /// <summary>Binds addresses that were missing and are now assigned to this machine. Does nothing before <see cref="Start"/>. Runs under the lock.</summary>
    public void TryBindMissing()
    {
        if (_receive is null || _isStopping)
            return;
        foreach (var address in _missing.ToArray())
        {
            try
            {
                _sockets = [.. _sockets, DatagramSocket.Bind(new IPEndPoint(address, Port), _batch)];
            }
            catch (SocketException e)
            {
                if (!IsMissing(e))
                    Log.BindFailed(_logger, address, Port, e.Message);
                continue;
            }

            _missing.Remove(address);
            StartThread(_sockets.Length - 1);
            Log.BoundLater(_logger, address, Port);
        }
    }

    /// <summary>Sends a datagram when the gate is left: from a socket, or, with -1, from all that have the destination's family. Under the gate.</summary>
    public void Send(int socket, in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive)
    {
        if ((uint)socket < (uint)_sockets.Length)
        {
            _lastUsed = socket;
            Send(_sockets[socket], destination, datagram, timeToLive);
            return;
        }

        foreach (var candidate in _sockets)
        {
            if (candidate.Family == destination.Address.Family)
                Send(candidate, destination, datagram, timeToLive);
        }
    }

    /// <summary>Seals and sends a packet when the gate is left: from a socket, or, with -1, from all that have the destination's family. Under the gate.</summary>
    public void Send(int socket, in InetEndpoint destination, in UnsealedPacket packet)
    {
        if ((uint)socket < (uint)_sockets.Length)
        {
            _lastUsed = socket;
            _sockets[socket].Send(destination, packet);
            return;
        }

        foreach (var candidate in _sockets)
        {
            if (candidate.Family == destination.Address.Family)
                candidate.Send(destination, packet);
        }
    }

    /// <summary>Reserves room to build a packet in: see <see cref="DatagramSocket.TakeRoom"/>. Under the gate.</summary>
    public SendBatch TakeRoom(int bytes, out int offset)
    {
        if (_sockets.Length > 0)
            return _sockets[_lastUsed].TakeRoom(bytes, out offset);

        // There is no socket yet: all addresses are missing.
        offset = 0;
        return _room ??= new SendBatch(NoSocketBytes);
    }

    /// <summary>Takes what is to be sent. Under the gate; <see cref="EndFlush"/> must follow on the same thread.</summary>
    public void BeginFlush()
    {
        foreach (var socket in _sockets)
            socket.BeginFlush();
    }

    /// <summary>Seals and sends what this thread has taken. Not under the gate.</summary>
    public void EndFlush()
    {
        foreach (var socket in _sockets)
        {
            try
            {
                socket.EndFlush();
            }
#pragma warning disable CA1031 // Sealing and sending do not throw; if one socket did, the others' locks must still be released, and completed operations must complete.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Log.InternalError(_logger, e);
            }
        }
    }

    /// <summary>Closes the sockets and waits for the threads. Not under the gate.</summary>
    public void Dispose()
    {
        _isStopping = true;
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
        var receive = _receive!;
        var thread = new Thread(() => Receive(index, receive)) { IsBackground = true, Name = _name };
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

    private static void Send(DatagramSocket socket, in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive)
    {
        if (timeToLive == 0)
            socket.Send(destination, datagram);
        else
            socket.Send(destination, datagram, timeToLive);
    }

    private void Receive(int index, Action<int, DatagramBatch> receive)
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
                receive(index, batch);
                pauseMs = 0;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                if (_isStopping)
                    return;
                // Mostly the echo of a datagram that was not delivered, once; where it does not end, it must not cost a whole processor.
                if (pauseMs > 0)
                {
                    Log.ReceiveFailed(_logger, socket.LocalEndpoint, e);
                    Thread.Sleep(pauseMs);
                }

                pauseMs = Math.Clamp(pauseMs * 2, 1, LongestPauseMs);
            }
        }
    }
}
