using Lanyard.NetStack;
using Lanyard.NetStack.Tests;
using Lanyard.Primitives;

namespace Lanyard.Fuzz;

/// <summary>A host with its application, and the neighbor's knowledge of it.</summary>
internal sealed class StoryHost : ITcpEvents
{
    private const ushort ListenPort = 80;
    private const ushort UdpPort = 9;
    private const int MaxFarConnections = 6;
    private readonly RawPeer _peer;
    private readonly List<TcpConnection> _connections = [];
    private readonly TcpNeighbor _neighbor;
    private readonly UdpSocket _udp;
    private readonly EchoSocket _echo;
    private readonly TcpListenSocket _listener;
    private readonly byte[] _scratch = new byte[8_192];
    private readonly HostLimits _limits;
    private byte[] _lastRaw = [];
    private byte[] _lastSent = [];
    private ushort _lastType = NetworkHost.EtherTypeIPv4;

    public StoryHost(byte flags)
    {
        _peer = HostStory.MakePeer(flags);
        _neighbor = new TcpNeighbor(_peer, ListenPort, MaxFarConnections, _scratch);
        _limits = _peer.Host.Options.Limits;
        _peer.Host.ListenTcp(new InetEndpoint(default, ListenPort), null, out var listener, backlog: 4);
        _listener = listener!;
        _peer.Host.OpenUdp(new InetEndpoint(default, UdpPort), null, out var udp);
        _udp = udp!;
        _udp.JoinGroup(_peer.Now, HostStory.Group4);
        _udp.JoinGroup(_peer.Now, HostStory.Group6);
        _udp.Options = new UdpOptions { ReceiveErrors = true };
        _peer.Host.OpenFrames(0, null, out _, new FrameOptions { ReceiveBufferBytes = 4_000 });
        _peer.Host.OpenEcho(new EchoRecorder(), out var echo);
        _echo = echo!;
        _peer.Host.AddAddress(_peer.Now, new InetPrefix(HostStory.LinkLocalA, 64), detectDuplicate: (flags & 8) != 0);
        Settle();
    }

    public void OnConnected(TcpConnection connection)
    {
    }

    public void OnReadable(TcpConnection connection)
    {
    }

    public void OnWritable(TcpConnection connection)
    {
    }

    public void OnClosed(TcpConnection connection, NetError reason)
    {
    }

    public void Receive(ushort etherType, ReadOnlySpan<byte> packet, MacAddress? destination)
    {
        _peer.Receive(etherType, packet, destination);
        Settle();
    }

    /// <summary>An established connection, with options that the story chooses.</summary>
    public void Open(ref FuzzInput story)
    {
        Connect(ref story);
        _neighbor.Accept(ref story);
        Settle();
    }

    public void Step(ref FuzzInput story, bool isTcp)
    {
        var what = story.Byte();
        switch (isTcp ? TcpStep(what) : what % 20)
        {
            case 0:
                ushort type = story.Below(4) switch { 0 => NetworkHost.EtherTypeArp, 1 => NetworkHost.EtherTypeIPv4, 2 => NetworkHost.EtherTypeIPv6, _ => story.UInt16() };
                _peer.Receive(type, story.Bytes(1_500), ChooseMac(story.Byte()));
                break;
            case 1:
                var protocol = HostStory.Protocols[story.Below(HostStory.Protocols.Length)];
                var data = story.Bytes(1_500);
                var fragment = story.UInt16();
                _peer.ReceiveV4(protocol, data, identification: (ushort)(fragment & 3), more: (fragment & 4) != 0,
                    offset: (fragment & 8) != 0 ? (fragment >> 4) * 8 : 0, hopLimit: story.Byte(), destination: Choose4(story.Byte()), mac: ChooseMac(story.Byte()));
                break;
            case 2:
                _peer.ReceiveV6(HostStory.Protocols[story.Below(HostStory.Protocols.Length)], story.Bytes(1_500), HostStory.Choose6(story.Byte(), isSource: true), HostStory.Choose6(story.Byte(), isSource: false),
                    story.Byte(), ChooseMac(story.Byte()));
                break;
            case 3:
                _peer.ReceiveUdp(story.UInt16(), story.Bool() ? UdpPort : story.UInt16(), story.Bytes(1_400), story.Bool() ? Pair.B4 : Pair.B6);
                break;
            case 4 or 5 or 6:
                _neighbor.Segment(ref story);
                break;
            case 7:
                Icmp(ref story);
                break;
            case 8:
                Neighbor(ref story);
                break;
            case 9:
                Groups(ref story);
                break;
            case 10:
                Connect(ref story);
                break;
            case 11:
                Application(ref story);
                break;
            case 12:
                Datagrams(ref story);
                break;
            case 13 or 14:
                Advance(1L << (story.Byte() % 29));
                break;
            case 15:
                _peer.Receive(_lastType, PacketRepair.WithChecksums(_lastType, _lastSent), ChooseMac(story.Byte()));
                break;
            case 16:
                Addresses(ref story);
                break;
            case 17:
                _peer.Refuse = story.Bool();
                _peer.Host.IsBacklogged = story.Bool();
                _peer.Neighbor = story.Bool() ? HostStory.OtherMac : Pair.MacB;
                break;
            case 18:
                // Many handshakes at once: cookies.
                for (var i = story.Byte() * 2; i > 0; i--)
                    _peer.ReceiveTcp(_neighbor.NextPort(), ListenPort, TcpFlags.Syn, (uint)i, 0, options: TcpNeighbor.SynOptions((byte)i));
                break;
            default:
                var bytes = PacketRepair.WithChecksums(_lastType, _lastSent);
                for (var i = story.Below(6); i > 0 && bytes.Length > 0; i--)
                    bytes[story.UInt16() % bytes.Length] = story.Byte();
                _peer.Receive(_lastType, PacketRepair.WithChecksums(_lastType, bytes));
                break;
        }

        Settle();
    }

    /// <summary>Closes everything: nothing stays behind.</summary>
    public void End()
    {
        _peer.Refuse = false;
        _peer.Host.IsBacklogged = false;
        foreach (var connection in _connections.ToArray())
            connection.Abort(_peer.Now);
        _listener.Close(_peer.Now);
        _udp.Close(_peer.Now);
        _peer.Host.Shutdown(_peer.Now);
        Advance(400_000_000);
        Check.Equal(0, _peer.Host.Tcp.Count, "connections after shutdown");
        Check.Equal(0, _peer.Host.Reassembler.Count, "reassemblies after shutdown");
        Check.Equal(0L, _peer.Host.Pool.Outstanding, "buffers after shutdown");
    }

    private static int TcpStep(byte what) => (what % 16) switch
    {
        < 7 => 4,
        < 11 => 11,
        < 14 => 13,
        14 => 7,
        _ => what & 16,
    };

    private static MacAddress? ChooseMac(byte choice) => (choice % 4) switch
    {
        0 or 1 => null,
        2 => MacAddress.Broadcast,
        _ => AddressTable.MulticastMac((choice & 4) != 0 ? HostStory.Group4 : Ipv6Addresses.AllNodes),
    };

    private static InetAddress Choose4(byte choice) => (choice % 8) switch
    {
        < 4 => Pair.A4,
        4 => HostStory.Group4,
        5 => InetAddress.FromV4(0xe000_0001),
        6 => InetAddress.BroadcastV4,
        _ => InetAddress.FromV4((uint)choice * 0x01010101),
    };

    private void Connect(ref FuzzInput story)
    {
        var isV6 = story.Bool();
        var port = _neighbor.NextPort();
        if (_peer.Host.ConnectTcp(_peer.Now, new InetEndpoint(isV6 ? Pair.B6 : Pair.B4, port), this, out var connection) == NetError.None)
            Keep(connection!);
        Settle();
    }

    // What arrived before the end may still be read: a connection stays with its application until that closes it.
    private void Keep(TcpConnection connection)
    {
        if (_connections.Count >= MaxFarConnections)
        {
            _connections[0].Abort(_peer.Now);
            _connections.RemoveAt(0);
        }

        _connections.Add(connection);
    }

    private void Icmp(ref FuzzInput story)
    {
        var isV6 = story.Bool();
        var type = story.Byte();
        var code = story.Byte();
        var parameter = story.UInt32();
        var quote = story.Bool() ? _lastRaw.AsSpan(0, Math.Min(_lastRaw.Length, story.Byte() * 4)).ToArray() : story.Bytes(600).ToArray();
        if (isV6)
            _peer.ReceiveV6(IpProtocol.IcmpV6, RawPeer.Icmp(type, code, parameter, quote, v6: true), hopLimit: story.Byte());
        else
            _peer.ReceiveV4(IpProtocol.Icmp, RawPeer.Icmp(type, code, parameter, quote));
    }

    private void Neighbor(ref FuzzInput story)
    {
        var choice = story.Byte();
        if ((choice & 1) == 0)
        {
            var packet = new byte[ArpPacket.Bytes];
            new ArpPacket((choice & 2) != 0, (choice & 4) != 0 ? Pair.MacB : new MacAddress(story.UInt32()), Choose4(story.Byte()), Pair.MacA,
                (choice & 8) != 0 ? Pair.A4 : Choose4(story.Byte())).Write(packet);
            _peer.Receive(NetworkHost.EtherTypeArp, packet, (choice & 16) != 0 ? MacAddress.Broadcast : null);
            return;
        }

        byte type = (choice >> 1 & 7) switch { 0 => 133, 1 => 134, 2 or 3 => 135, 4 or 5 or 6 => 136, _ => 137 };
        var target = choice % 3 == 0 ? Pair.A6 : HostStory.Choose6(story.Byte(), isSource: (choice & 2) != 0);
        byte[] link = [(byte)(type == 135 ? 1 : 2), 1, 2, 0, 0, 0, 0, 0x0b];
        var options = (choice >> 6) switch { 0 => [], 1 => link, 2 => [14, 1, .. new byte[6], .. link, .. link], _ => story.Bytes(40).ToArray() };
        var body = new byte[16 + options.Length];
        target.Write(body);
        options.CopyTo(body, 16);
        var from = HostStory.Choose6(story.Byte(), isSource: true);
        var to = HostStory.Choose6(story.Byte(), isSource: false);
        _peer.ReceiveV6(IpProtocol.IcmpV6, RawPeer.Icmp(type, 0, (uint)story.Byte() << 24, body, v6: true, from, to), from, to,
            (choice & 0x20) != 0 ? (byte)255 : story.Byte());
    }

    private void Groups(ref FuzzInput story)
    {
        var choice = story.Byte();
        var delay = story.UInt16();
        var group = (choice & 2) != 0;
        var rest = story.Bytes(200);
        if ((choice & 1) == 0)
        {
            byte type = (choice >> 2 & 7) switch { < 4 => IgmpFormat.Query, 4 => IgmpFormat.ReportV1, 5 => IgmpFormat.ReportV2, 6 => IgmpFormat.LeaveV2, _ => IgmpFormat.ReportV3 };
            var to = group ? HostStory.Group4 : InetAddress.FromV4(0xe000_0001);
            var message = new byte[8 + rest.Length];
            (message[0], message[1]) = (type, (byte)delay);
            (group ? HostStory.Group4 : InetAddress.AnyV4).Write(message.AsSpan(4));
            rest.CopyTo(message.AsSpan(8));
            PacketRepair.FixTransport(IpProtocol.Igmp, message, Pair.B4, to);
            _peer.ReceiveV4(IpProtocol.Igmp, message, destination: to, mac: AddressTable.MulticastMac(to), hopLimit: 1);
            return;
        }

        byte kind = (choice >> 2 & 3) switch { < 2 => MldFormat.Query, 2 => MldFormat.ReportV1, _ => MldFormat.DoneV1 };
        var destination = group ? HostStory.Group6 : Ipv6Addresses.AllNodes;
        var body = new byte[16 + rest.Length];
        (group ? HostStory.Group6 : InetAddress.AnyV6).Write(body);
        rest.CopyTo(body.AsSpan(16));
        var mld = RawPeer.Icmp(kind, 0, (uint)delay << 16, body, v6: true, HostStory.LinkLocalB, destination);
        byte[] alerted = [IpProtocol.IcmpV6, 0, 5, 2, 0, 0, 1, 0, .. mld];
        _peer.ReceiveV6(IpProtocol.HopByHop, alerted, HostStory.LinkLocalB, destination, hopLimit: 1, mac: AddressTable.MulticastMac(destination));
    }

    private void Application(ref FuzzInput story)
    {
        var choice = story.Byte();
        if (_connections.Count == 0 || (choice & 0xf) == 0xf)
        {
            if (_listener.TryAccept(this, out var accepted))
                Keep(accepted);
            return;
        }

        var connection = _connections[(choice >> 4) % _connections.Count];
        switch (choice & 0xf)
        {
            case < 5:
                connection.Write(_peer.Now, _scratch.AsSpan(0, story.UInt16() % _scratch.Length));
                break;
            case < 9:
                connection.Read(_peer.Now, _scratch.AsSpan(0, story.UInt16() % _scratch.Length));
                break;
            case 9:
                connection.ReceiveInto(new byte[story.UInt16() % 4_096]);
                break;
            case 10:
                connection.ShutdownSend(_peer.Now);
                break;
            case 11:
                connection.Configure(_peer.Now, connection.Options with { NoDelay = story.Bool(), QuickAck = story.Bool(), MaxReceiveBufferBytes = story.UInt16() + 1 });
                break;
            case 12:
                connection.Close(_peer.Now, story.Bool() ? -1 : story.UInt16() * 1_000L);
                _connections.Remove(connection);
                break;
            case 13:
                connection.Abort(_peer.Now);
                _connections.Remove(connection);
                break;
            default:
                if (connection.PeekReadable() is { IsEmpty: false } readable)
                    connection.Consume(_peer.Now, Math.Min(readable.Length, (int)story.UInt16()));
                break;
        }
    }

    private void Datagrams(ref FuzzInput story)
    {
        var choice = story.Byte();
        var to = (choice >> 4 & 7) switch { 0 or 1 => Pair.B4, 2 or 3 => Pair.B6, 4 => Pair.A4, 5 => HostStory.Group4, 6 => HostStory.Group6, _ => InetAddress.FromV4(story.UInt32()) };
        switch (choice & 7)
        {
            case 0 or 1:
                _udp.SendTo(_peer.Now, new InetEndpoint(to, story.Bool() ? UdpPort : story.UInt16()), _scratch.AsSpan(0, story.UInt16() % 8_000));
                break;
            case 2:
                _echo.Send(_peer.Now, to, story.UInt16(), _scratch.AsSpan(0, story.UInt16() % 8_000));
                break;
            case 3:
                while (_udp.TryReceive(_scratch, out _))
                {
                }

                break;
            case 4:
                _udp.TakeError();
                break;
            case 5:
                _udp.JoinGroup(_peer.Now, (choice & 8) != 0 ? HostStory.Group4 : InetAddress.FromV4(0xef00_0000 | story.Byte()));
                break;
            case 6:
                _udp.LeaveGroup(_peer.Now, (choice & 8) != 0 ? HostStory.Group6 : HostStory.Group4);
                break;
            default:
                _udp.Connect(new InetEndpoint(to, story.UInt16()));
                break;
        }
    }

    private void Addresses(ref FuzzInput story)
    {
        var address = InetAddress.FromV6(0xfd00_0000_0000_0000, (ulong)story.Below(4) + 0x10);
        if (story.Bool())
            _peer.Host.AddAddress(_peer.Now, new InetPrefix(address, 64), story.Bool());
        else
            _peer.Host.RemoveAddress(_peer.Now, address);
    }

    private void Advance(long microseconds)
    {
        var end = _peer.Now + microseconds;
        for (var polls = 0; _peer.Host.NextDeadline <= end; polls++)
        {
            Check.That(polls < 100_000, "a host is due without end");
            _peer.Now = Math.Max(_peer.Now, _peer.Host.NextDeadline);
            _peer.Host.Poll(_peer.Now);
            Settle();
        }

        _peer.Now = end;
    }

    // Follows what the host sent, and checks its bounds.
    private void Settle()
    {
        Check.That(_peer.Frames.Count < 5_000, "one call sends frames without end");
        while (_peer.Frames.TryDequeue(out var frame))
            Follow(frame);
        var host = _peer.Host;
        Check.That(host.Pool.Outstanding <= _limits.BufferBytes, "buffers above their limit");
        Check.That(host.Neighbors.Count <= _limits.Neighbors, "neighbors above their limit");
        Check.That(host.Reassembler.Count <= _limits.ReassemblyDatagrams, "reassemblies above their limit");
        Check.That(host.Tcp.Count <= _limits.TcpConnections + _limits.TcpTimeWait, "connections above their limit");
    }

    private void Follow(Frame frame)
    {
        _lastType = frame.EtherType;
        _lastRaw = frame.Packet.ToArray();
        _lastSent = Reversed(frame);
        ReadOnlySpan<byte> payload;
        if (frame.EtherType == NetworkHost.EtherTypeIPv4)
        {
            Check.That(Ipv4Packet.TryParse(frame.Packet, out var v4) && v4.HasValidChecksum, "a malformed IPv4 packet was sent");
            if (v4.Protocol != IpProtocol.Tcp)
                return;
            payload = v4.Payload;
        }
        else if (frame.EtherType == NetworkHost.EtherTypeIPv6)
        {
            Check.That(Ipv6Packet.TryParse(frame.Packet, out var v6), "a malformed IPv6 packet was sent");
            if (v6.NextHeader != IpProtocol.Tcp)
                return;
            payload = v6.Payload;
        }
        else
        {
            return;
        }

        _neighbor.Follow(payload, frame.EtherType == NetworkHost.EtherTypeIPv6);
    }

    // The packet as its receiver would send it back.
    private static byte[] Reversed(Frame frame)
    {
        var bytes = frame.Packet.ToArray();
        var (at, length) = frame.EtherType == NetworkHost.EtherTypeIPv4 ? (12, 4) : (8, 16);
        if (frame.EtherType is not (NetworkHost.EtherTypeIPv4 or NetworkHost.EtherTypeIPv6) || bytes.Length < at + length * 2)
            return bytes;
        var source = bytes.AsSpan(at, length).ToArray();
        bytes.AsSpan(at + length, length).CopyTo(bytes.AsSpan(at));
        source.CopyTo(bytes.AsSpan(at + length));
        return bytes;
    }
}
