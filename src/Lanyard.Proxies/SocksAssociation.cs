using System.Buffers;
using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>
/// Forwards a client's datagrams (RFC 1928 section 7) while its TCP connection is open. It accepts datagrams only from the client's address and from one port of it, and sends
/// them to their destinations. The client receives the datagrams that anyone sends to the port that its datagrams leave from. The client's port is the port that the request
/// names, otherwise the port of the first datagram. If the client is on this machine, a socket of the same user must own the port, and must keep it.
/// </summary>
internal sealed class SocksAssociation(ProxyContext proxy, ServedConnection connection, BufferedEnd client, ushort expectedPort)
{
    private const int MaxNames = 64;
    private const int MaxResolving = 16;

    // The maximum number of owner lookups in a second for ports that are not yet accepted as the client's. It limits the cost of other programs' datagrams.
    private const int MaxChecksInSecond = 50;
    private const long CheckIntervalMs = 1_000;

    private readonly object _lock = new();
    private readonly Dictionary<string, (LanyardNetwork? Network, InetAddress Address)> _names = [];
    private readonly List<(LanyardNetwork? Network, bool IsV4, DatagramEnd End)> _ends = [];
    private readonly List<Task> _receiving = [];
    private DatagramEnd? _clientEnd;
    private bool _areOwnersKnown;
    private uint? _clientUser;
    private int _clientPort;
    private long _checkedMs;
    private int _checks;
    private int _resolving;
    private bool _isOver;

    /// <summary>Serves the client until its TCP connection ends.</summary>
    public async Task RunAsync()
    {
        connection.SetIdleTimeout(proxy.Options.IdleTimeout, LanyardProxyCounter.IdleTimedOut);
        Task fromClient = Task.CompletedTask;
        try
        {
            var owners = HostSocketOwners.TryReadTcp();
            _areOwnersKnown = owners is not null;
            _clientUser = owners?.FindUser(connection.Client.Remote, connection.Client.Local);
            using var clientEnd = _clientEnd = OpenForClient();
            proxy.Counters.Add(LanyardProxyCounter.Connected);
            await SocksSession.ReplyAsync(client, SocksReply.Succeeded, clientEnd.Local).ConfigureAwait(false);
            fromClient = ReceiveFromClientAsync(clientEnd);
            var scratch = new byte[256];
            while (await client.ReadAsync(scratch).ConfigureAwait(false) > 0)
            {
            }
        }
        finally
        {
            Task[] receiving;
            lock (_lock)
            {
                _isOver = true;
                foreach (var (_, _, end) in _ends)
                    end.Dispose();
                receiving = [.. _receiving, fromClient];
            }

            await Task.WhenAll(receiving).ConfigureAwait(false);
        }
    }

    // Bind to the address at which the client reaches the proxy.
    private HostDatagramEnd OpenForClient()
    {
        try
        {
            return new HostDatagramEnd(HostSockets.BindUdp(new InetEndpoint(connection.Client.Local.Address, 0).ToIPEndPoint()));
        }
        catch (LanyardException failure)
        {
            throw new ProxyException(ProxyFailure.General, failure.Message, failure);
        }
    }

    private async Task ReceiveFromClientAsync(DatagramEnd clientEnd)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(DatagramEnd.MaxBytes);
        try
        {
            while (true)
            {
                var (length, source) = await clientEnd.ReceiveAsync(buffer, 0).ConfigureAwait(false);
                if (!IsClient(source))
                    proxy.Counters.Add(LanyardProxyCounter.DatagramsDroppedSource);
                else
                    Pass(buffer.AsSpan(0, length));
            }
        }
        catch (Exception end) when (StreamEnd.IsFailure(end))
        {
            // The association has ended.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private bool IsClient(InetEndpoint source)
    {
        if (source.Address != connection.Client.Remote.Address)
            return false;
        var port = Volatile.Read(ref _clientPort);
        if (port != 0 && source.Port == port && IsStillClients())
            return true;
        if (Volatile.Read(ref _clientPort) != 0 || (expectedPort != 0 && source.Port != expectedPort) || !IsOfClient(source))
            return false;
        Volatile.Write(ref _checkedMs, ServedConnection.NowMs);
        Volatile.Write(ref _clientPort, source.Port);
        return true;
    }

    // Whether the port of the request, or of the first datagram, belongs to the client. This cannot be checked for a client on another machine.
    private bool IsOfClient(InetEndpoint source)
    {
        if (!_areOwnersKnown || (_clientUser is null && !connection.Client.Remote.Address.IsLoopback))
            return true;
        var now = ServedConnection.NowMs;
        if (now - Volatile.Read(ref _checkedMs) >= CheckIntervalMs)
        {
            Volatile.Write(ref _checkedMs, now);
            _checks = 0;
        }

        return _clientUser is { } user && ++_checks <= MaxChecksInSecond && HostSocketOwners.TryReadUdp()?.FindSender(source) == user;
    }

    // Another program can soon own a port that its program has closed.
    private bool IsStillClients()
    {
        if (_clientUser is not { } user)
            return true;
        var port = Volatile.Read(ref _clientPort);
        var now = ServedConnection.NowMs;
        if (port == 0 || now - Volatile.Read(ref _checkedMs) < CheckIntervalMs)
            return port != 0;
        Volatile.Write(ref _checkedMs, now);
        if (HostSocketOwners.TryReadRecentUdp()?.FindSender(new InetEndpoint(connection.Client.Remote.Address, (ushort)port)) == user)
            return true;
        Volatile.Write(ref _clientPort, 0);
        return false;
    }

    private void Pass(ReadOnlySpan<byte> datagram)
    {
        connection.Touch();
        if (!SocksFormat.TryParseDatagram(datagram, out var fragment, out var destination, out var start))
            proxy.Counters.Add(LanyardProxyCounter.DatagramsDroppedMalformed);
        else if (fragment != 0)
            proxy.Counters.Add(LanyardProxyCounter.DatagramsDroppedFragment);
        else if (destination.Name.Length == 0)
            SendAllowed(datagram[start..], destination);
        else
            SendByName(datagram[start..], destination);
    }

    private void SendAllowed(ReadOnlySpan<byte> payload, ProxyDestination destination)
    {
        try
        {
            var to = destination.Address;
            // Multicast groups and broadcasts go to the first network, because the destination does not name a network.
            var network = to.IsMulticast || to.V4 == uint.MaxValue ? FirstNetwork() : proxy.Router.Allow(to);
            Send(payload, network, new InetEndpoint(to, destination.Port));
        }
        catch (ProxyException failure)
        {
            Drop(failure);
        }
    }

    private LanyardNetwork? FirstNetwork() => proxy.Router.Networks is { Count: > 0 } networks
        ? networks[0]
        : throw new ProxyException(ProxyFailure.NetworkUnreachable, "This node is on no virtual network. Join a network.");

    private void SendByName(ReadOnlySpan<byte> payload, ProxyDestination destination)
    {
        bool isKnown;
        (LanyardNetwork? Network, InetAddress Address) known;
        lock (_lock)
            isKnown = _names.TryGetValue(destination.Name, out known);
        if (isKnown)
            Send(payload, known.Network, new InetEndpoint(known.Address, destination.Port));
        else if (Interlocked.Increment(ref _resolving) <= MaxResolving)
            _ = ResolveAndSendAsync(payload.ToArray(), destination);
        else
        {
            Interlocked.Decrement(ref _resolving);
            proxy.Counters.Add(LanyardProxyCounter.DatagramsDroppedOverLimit);
        }
    }

    private async Task ResolveAndSendAsync(byte[] payload, ProxyDestination destination)
    {
        try
        {
            var (network, addresses) = await proxy.Router.FindAsync(destination, connection.Token).ConfigureAwait(false);
            lock (_lock)
            {
                if (_names.Count >= MaxNames)
                    _names.Clear();
                _names[destination.Name] = (network, addresses[0]);
            }

            Send(payload, network, new InetEndpoint(addresses[0], destination.Port));
        }
        catch (ProxyException failure)
        {
            Drop(failure);
        }
        catch (Exception end) when (StreamEnd.IsFailure(end))
        {
            proxy.Counters.Add(LanyardProxyCounter.DatagramsDroppedUnreachable);
        }
        finally
        {
            Interlocked.Decrement(ref _resolving);
        }
    }

    private void Send(ReadOnlySpan<byte> payload, LanyardNetwork? network, InetEndpoint remote)
    {
        var isSent = remote.Port != 0 && FindEnd(network, remote.Address) is { } end && end.TrySend(payload, remote);
        proxy.Counters.Add(isSent ? LanyardProxyCounter.DatagramsFromClients : LanyardProxyCounter.DatagramsDroppedUnreachable);
    }

    // Returns the port from which datagrams to a destination leave: one for each network, and one for each address family of the host.
    private DatagramEnd? FindEnd(LanyardNetwork? network, InetAddress address)
    {
        lock (_lock)
        {
            if (_isOver)
                return null;
            foreach (var (other, isV4, end) in _ends)
            {
                if (other == network && (network is not null || isV4 == address.IsV4))
                    return end;
            }

            try
            {
                DatagramEnd opened = network is null ? HostDatagramEnd.OpenTowards(address) : NetworkDatagramEnd.Open(network);
                _ends.Add((network, address.IsV4, opened));
                _receiving.Add(ReceiveForClientAsync(opened));
                return opened;
            }
            catch (LanyardException)
            {
                return null;
            }
        }
    }

    private async Task ReceiveForClientAsync(DatagramEnd end)
    {
        // Outside of the caller's lock.
        await Task.Yield();
        var buffer = ArrayPool<byte>.Shared.Rent(DatagramEnd.MaxBytes + SocksFormat.MaxReplyBytes);
        var head = new byte[SocksFormat.MaxReplyBytes];
        try
        {
            while (true)
            {
                var (length, source) = await end.ReceiveAsync(buffer, SocksFormat.MaxReplyBytes).ConfigureAwait(false);
                connection.Touch();
                var start = SocksFormat.MaxReplyBytes - SocksFormat.WriteDatagram(head, source);
                head.AsSpan(0, SocksFormat.MaxReplyBytes - start).CopyTo(buffer.AsSpan(start));
                var isClients = IsStillClients();
                var to = new InetEndpoint(connection.Client.Remote.Address, (ushort)Volatile.Read(ref _clientPort));
                var isSent = isClients && to.Port != 0 && _clientEnd!.TrySend(buffer.AsSpan(start, SocksFormat.MaxReplyBytes - start + length), to);
                proxy.Counters.Add(isSent ? LanyardProxyCounter.DatagramsToClients : LanyardProxyCounter.DatagramsDroppedUnreachable);
            }
        }
        catch (Exception over) when (StreamEnd.IsFailure(over))
        {
            // The association has ended, or the network was left.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Drop(ProxyException failure)
    {
        proxy.Counters.Add(LanyardProxyCounter.DatagramsDroppedUnreachable);
        ProxyLog.Failed(proxy.Logger, connection.Client.Remote, failure.Message);
    }
}
