using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>Holds the UDP sockets and finds the one that a datagram is for (RFC 768, RFC 1122 section 4.1).</summary>
internal sealed class UdpProtocol(NetworkHost host)
{
    private const int MaxSocketsPerPort = 256;

    private readonly Dictionary<ushort, List<UdpSocket>> _ports = [];

    public void Receive(in InboundPacket packet)
    {
        if (!UdpDatagram.TryParse(packet.Payload, out var datagram))
        {
            host.Count(HostCounter.UdpMalformed);
            return;
        }

        if (!datagram.HasValidChecksum(packet))
        {
            host.Count(HostCounter.UdpBadChecksum);
            return;
        }

        var remote = new InetEndpoint(packet.Source, datagram.SourcePort);
        var local = new InetEndpoint(packet.Destination, datagram.DestinationPort);
        var isDelivered = false;
        if (_ports.TryGetValue(datagram.DestinationPort, out var sockets))
        {
            if (packet.ToGroup)
            {
                foreach (var socket in sockets)
                {
                    if (socket.Score(local, remote, toGroup: true) > 0)
                    {
                        socket.Deliver(packet, datagram.Payload, remote, local);
                        isDelivered = true;
                    }
                }
            }
            else if (Find(sockets, local, remote) is { } socket)
            {
                socket.Deliver(packet, datagram.Payload, remote, local);
                isDelivered = true;
            }
        }

        if (isDelivered)
        {
            host.Count(HostCounter.UdpReceived);
            return;
        }

        host.Count(HostCounter.UdpNoPort);
        host.IcmpErrors.SendPortUnreachable(packet);
    }

    public NetError Open(InetEndpoint local, IUdpEvents? events, out UdpSocket? socket, UdpOptions? options)
    {
        socket = null;
        options ??= new UdpOptions();
        var address = local.Address;
        if (address.Family != InetFamily.None && !address.IsUnspecified && !address.IsMulticast && !host.AddressTable.IsLocal(address)
            && !host.AddressTable.IsBroadcast(address))
            return NetError.AddressNotAvailable;
        var port = local.Port;
        if (port == 0 && !TryChoosePort(out port))
            return NetError.NoPorts;
        if (!_ports.TryGetValue(port, out var sockets))
            _ports.Add(port, sockets = new List<UdpSocket>(1));
        foreach (var other in sockets)
        {
            if (other.ConflictsWith(address) && !(options.ReuseAddress && other.Options.ReuseAddress) && !(options.ReusePort && other.Options.ReusePort))
                return NetError.AddressInUse;
        }

        if (sockets.Count >= MaxSocketsPerPort)
            return NetError.LimitReached;
        socket = new UdpSocket(host, new InetEndpoint(address, port), events, options);
        sockets.Add(socket);
        return NetError.None;
    }

    public void Close(UdpSocket socket)
    {
        if (!_ports.TryGetValue(socket.LocalEndpoint.Port, out var sockets))
            return;
        sockets.Remove(socket);
        if (sockets.Count == 0)
            _ports.Remove(socket.LocalEndpoint.Port);
    }

    /// <summary>Whether any socket has the port.</summary>
    public bool HasPort(ushort port) => _ports.ContainsKey(port);

    public bool OnIcmpError(InetEndpoint local, InetEndpoint remote, IcmpError error)
    {
        if (!_ports.TryGetValue(local.Port, out var sockets))
            return false;
        foreach (var socket in sockets)
        {
            if (!socket.MayHaveSent(local, remote))
                continue;
            var mtu = 0;
            if (error.Error == NetError.MessageTooLong)
                mtu = host.PathMtus.Lower(remote.Address, error.Mtu);
            // The handler may open or close sockets, so the iteration ends here.
            socket.OnError(new UdpError(remote, error.Error, error.From, mtu));
            return true;
        }

        return false;
    }

    /// <summary>Closes the sockets bound to a removed address, or all sockets.</summary>
    public void CloseBoundTo(InetAddress address, bool all)
    {
        foreach (var sockets in _ports.Values.ToArray())
        {
            foreach (var socket in sockets.ToArray())
            {
                if (!all && socket.LocalEndpoint.Address != address)
                    continue;
                socket.Fail(NetError.AddressRemoved);
                socket.Close(host.Now);
            }
        }
    }

    // Returns the most specific socket. Among equals it is the newest, or the one that the sender's hash selects if they share the port.
    private UdpSocket? Find(List<UdpSocket> sockets, InetEndpoint local, InetEndpoint remote)
    {
        UdpSocket? best = null;
        var bestScore = 0;
        var sharingCount = 0;
        for (var i = sockets.Count - 1; i >= 0; i--)
        {
            var score = sockets[i].Score(local, remote, toGroup: false);
            if (score > bestScore)
                (best, bestScore, sharingCount) = (sockets[i], score, sockets[i].Options.ReusePort ? 1 : 0);
            else if (score > 0 && score == bestScore && sharingCount > 0 && sockets[i].Options.ReusePort)
                sharingCount++;
        }

        return sharingCount > 1 ? FindBySender(sockets, local, remote, bestScore, (int)(HashOf(remote) % (uint)sharingCount)) : best;
    }

    // The hash is keyed, so that senders cannot choose the socket.
    private ulong HashOf(InetEndpoint remote) => host.Secrets.Hash(
        HostSecrets.Purpose.TableHash, remote.Address.V6High, remote.Address.IsV4 ? remote.Address.V4 : remote.Address.V6Low, remote.Port);

    private static UdpSocket? FindBySender(List<UdpSocket> sockets, InetEndpoint local, InetEndpoint remote, int score, int index)
    {
        foreach (var socket in sockets)
        {
            if (socket.Options.ReusePort && socket.Score(local, remote, toGroup: false) == score && index-- == 0)
                return socket;
        }

        return null;
    }

    // Starts at a random port and counts up (RFC 6056 section 3.3.1).
    private bool TryChoosePort(out ushort port)
    {
        var start = host.Secrets.Next(EphemeralPorts.Count);
        for (uint i = 0; i < EphemeralPorts.Count; i++)
        {
            port = (ushort)(EphemeralPorts.First + ((start + i) % EphemeralPorts.Count));
            if (!_ports.ContainsKey(port))
                return true;
        }

        port = 0;
        return false;
    }
}

/// <summary>The range of ports that the host chooses from.</summary>
internal static class EphemeralPorts
{
    public const uint First = 32_768;
    public const uint Count = 28_232;
}
