using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using Lanyard.Controller;
using Lanyard.Engine;
using Lanyard.Engine.Members;
using Lanyard.Engine.Networks;
using Lanyard.Engine.Peers;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;
using NodeVersion = Lanyard.Wire.Verbs.NodeVersion;

namespace Lanyard.Fuzz;

/// <summary>The role of the node under test.</summary>
internal enum NodeRole
{
    /// <summary>A member of a network of the root's.</summary>
    Leaf,

    /// <summary>A root, without networks.</summary>
    Root,

    /// <summary>A root that is a controller.</summary>
    Controller,
}

/// <summary>
/// A node that receives datagrams and calls while time passes. The attackers have the keys of a root that is also the controller, of a member and of a
/// stranger: their packets are authentic, with any content, and their credentials are signed.
/// </summary>
internal sealed class NodeStory : INodeHost
{
    private const int MaxSteps = 48;
    private const int RememberedPackets = 32;
    private const int MaxSentBytesPerStep = 4 << 20;
    private const long Start = 1_795_288_811_254;

    private static readonly InetEndpoint RootEndpoint = InetEndpoint.Parse("10.99.0.1:9993");
    private static readonly InetEndpoint[] Endpoints =
    [
        RootEndpoint, InetEndpoint.Parse("10.99.0.3:9993"), InetEndpoint.Parse("198.51.100.7:1"), InetEndpoint.Parse("[2001:db8::9]:65535"), InetEndpoint.Parse("127.0.0.1:9"),
    ];

    private static readonly NodeLimitsForTests Limits = new();
    private static readonly World LeafPlanet = MakePlanet(Keys.Root);
    private static readonly World RootPlanet = MakePlanet(Keys.Leaf);

    // Signing takes longer than all else, and each story begins the same.
    private static readonly Lazy<IReadOnlyList<byte[]>> FirstConfig = new(() =>
        Config(NetworkOf(Keys.Root), Start, NetworkFlags.Broadcast, [Rule.ActionAccept]).TryWrite(out var text) ? NetworkConfigSplitter.Split(NetworkOf(Keys.Root), text, 1, Keys.Root) : []);

    private static readonly Lazy<CertificateOfMembership> LeafCertificate = new(() => FirstCertificate(Keys.Root));
    private static readonly Lazy<CertificateOfMembership> ControllerCertificate = new(() => FirstCertificate(Keys.Leaf));

    private readonly Node _node;
    private readonly NodeRole _role;
    private readonly NetworkId _network;
    private readonly Dictionary<(StateKind, ulong), byte[]> _state = [];
    private readonly List<(Verb Verb, ulong Id, Identity To)> _sent = [];
    private VirtualNetwork? _joined;
    private readonly StoryController? _controller;
    private ulong _packetId = 1_000;
    private long _now = Start;
    private long _sentBytes;

    private NodeStory(NodeRole role)
    {
        _role = role;
        var planet = role == NodeRole.Leaf ? LeafPlanet : RootPlanet;
        _state[(StateKind.Planet, 0)] = planet.ToArray();
        _node = new Node(
            new NodeOptions
            {
                RandomSeed = new byte[32], MaxPeers = Limits.Peers, MaxPathsPerPeer = 4, MaxReassemblies = 4, MaxWaitingPackets = 4, MaxQueuedPackets = 8,
                MaxMulticastSubscriptions = Limits.Subscriptions, MaxMembersPerNetwork = 4, MaxBridgeRoutes = 4, ValidateIdentity = static identity => Keys.All.Contains(identity),
                TrustedPaths = [new TrustedPath(InetPrefix.Parse("127.0.0.0/8"), 7)],
            },
            Keys.Leaf, this, _now);
        if (role == NodeRole.Controller)
        {
            var controller = new NetworkController(Keys.Leaf, new MemoryControllerStore(), static span => span.Fill(7));
            controller.SaveNetwork(_now, NetworkId.Create(Keys.Leaf.Address, 1), static network => network with
            {
                IsPrivate = false, AssignV4FromPools = true, Routes = [new ManagedRoute(InetPrefix.Parse("10.144.0.0/29"), default)],
                Pools = [new AddressPool(InetAddress.Parse("10.144.0.1"), InetAddress.Parse("10.144.0.6"))],
            });
            _node.Controller = _controller = new StoryController(controller);
        }

        _network = NetworkOf(role == NodeRole.Leaf ? Keys.Root : Keys.Leaf);
        _node.Poll(_now);
        if (role == NodeRole.Root)
            return;
        _joined = _node.Join(_now, _network);
    }

    /// <summary>Lives through an input.</summary>
    public static void Run(ReadOnlySpan<byte> input, NodeRole role)
    {
        var story = new FuzzInput(input);
        var node = new NodeStory(role);
        // All have met: a story that begins with strangers is long.
        if ((story.Byte() & 1) == 0)
            node.Meet();
        for (var i = 0; i < MaxSteps && !story.IsEmpty; i++)
            node.Step(ref story);
        node.Advance(61_000);
        Check.That(node._node.Peers(node._now).Count <= Limits.Peers, "peers above their limit");
    }

    void INodeHost.SendDatagram(int localSocket, in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive)
    {
        Check.That(datagram.Length <= 10_100 && !destination.IsNone, "a datagram too long, or to nowhere");
        _sentBytes += datagram.Length;
        if (!PacketView.TryParse(datagram, out var packet) || Datagram.Classify(datagram) != DatagramKind.Packet || packet.Source != Keys.Leaf.Address)
            return;
        // Whoever gets it knows its number, and can answer.
        var (id, to) = (packet.PacketId, packet.Destination);
        if (Keys.All.FirstOrDefault(identity => identity.Address == to) is not { } receiver)
            return;
        var copy = datagram.ToArray();
        var verb = Keys.Between(Keys.Leaf, receiver).TryDearmor(copy) && PacketView.TryParse(copy, out var open) ? open.Verb : Verb.Nop;
        if (_sent.Count >= RememberedPackets)
            _sent.RemoveAt(0);
        _sent.Add((verb, id, receiver));
    }

    void INodeHost.FrameReceived(VirtualNetwork network, in EthernetFrame frame) =>
        Check.That(frame.Payload.Length <= NetworkLimits.MaxMtu, "a frame too long");

    void INodeHost.InternalErrorOccurred(Exception exception) => ExceptionDispatchInfo.Throw(exception);

    void INodeHost.NetworkChanged(VirtualNetwork network)
    {
    }

    void INodeHost.OnlineChanged(bool online)
    {
    }

    void INodeHost.PeerChanged(NodeAddress peer, PeerChange change, in InetEndpoint endpoint)
    {
    }

    void INodeHost.UserMessageReceived(NodeAddress source, ulong type, ReadOnlySpan<byte> message)
    {
    }

    bool INodeHost.MayUsePath(NodeAddress peer, int localSocket, in InetEndpoint endpoint) => true;

    byte[]? INodeHost.LoadState(StateKind kind, ulong id) => _state.GetValueOrDefault((kind, id));

    IReadOnlyList<ulong> INodeHost.ListState(StateKind kind) => [.. _state.Keys.Where(key => key.Item1 == kind).Select(key => key.Item2)];

    void INodeHost.SaveState(StateKind kind, ulong id, ReadOnlySpan<byte> state)
    {
        _state[(kind, id)] = state.ToArray();

        // What is kept must be readable at the next start.
        var isReadable = kind switch
        {
            StateKind.Planet or StateKind.Moon => World.TryParse(state, out _),
            StateKind.NetworkConfig => NetworkConfig.TryParse(state, out _),
            StateKind.Revocations => new Revocations(_node.Context, new NetworkId(id)).Count > 0,
            _ => PeerState.TryParse(state, out _),
        };
        Check.That(isReadable, $"state {kind} is not readable");
    }

    void INodeHost.DeleteState(StateKind kind, ulong id) => _state.Remove((kind, id));

    private static NetworkId NetworkOf(Identity controller) => NetworkId.Create(controller.Address, 1);

    private static CertificateOfMembership FirstCertificate(Identity controller) =>
        CertificateOfMembership.Create(NetworkOf(controller), Start, NetworkLimits.DefaultCredentialTimeMaxDelta, Keys.Member).Sign(controller);

    private static World MakePlanet(Identity root)
    {
        using var key = WorldKey.Generate(static span => span.Fill(3));
        return World.Create(WorldType.Planet, 1, 5, key.PublicKey, [new WorldRoot(root.WithoutSecret(), [RootEndpoint])], key);
    }

    private void Meet()
    {
        foreach (var identity in Keys.All)
        {
            if (identity == Keys.Leaf)
                continue;
            Deliver(Endpoints[identity == Keys.Root ? 0 : 1], Hello(identity, identity == Keys.Root ? RootEndpoint : default, _now));
        }

        if (_joined is not null && _role == NodeRole.Leaf)
        {
            foreach (var chunk in FirstConfig.Value)
                Deliver(RootEndpoint, Sealed(Keys.Root, Verb.NetworkConfig, chunk, 1));
        }

        var certificate = (_role == NodeRole.Leaf ? LeafCertificate : ControllerCertificate).Value;
        Deliver(Endpoints[1], Sealed(Keys.Member, Verb.NetworkCredentials, (ref ByteWriter writer) =>
            new NetworkCredentialsMessage { Memberships = [certificate] }.Write(ref writer)));
    }

    private void Step(ref FuzzInput story)
    {
        _sentBytes = 0;
        var what = story.Byte();
        var peer = Peer(what);
        switch (what & 0x1f)
        {
            case 0:
                Deliver(Endpoint(ref story), story.Bytes(2_000).ToArray());
                break;
            case 1 or 2 or 3 or 4:
                // Any verb, and any payload.
                var verb = (Verb)(story.Byte() & 0x1f);
                Deliver(Endpoint(ref story), Sealed(peer, verb, story.Bytes(2_000), story.Byte()));
                break;
            case 5:
                Deliver(Endpoint(ref story), Hello(peer, Endpoint(ref story), story.Time(_now)));
                break;
            case 6 or 7:
                Answer(ref story);
                break;
            case 8:
                if (_role == NodeRole.Leaf)
                    SendConfig(Keys.Root, StoryConfig(ref story));
                break;
            case 9 or 10:
                Credential(peer, story.Byte(), story.Time(_now), story.UInt32());
                break;
            case 11:
                Frames(ref story, peer);
                break;
            case 12:
                Send(ref story);
                break;
            case 13:
                Groups(ref story, peer);
                break;
            case 14:
                Call(ref story);
                break;
            case 15:
                Paths(ref story, peer);
                break;
            case 16:
                Fragmented(ref story, peer);
                break;
            case 17:
                Whois(ref story, peer);
                break;
            case 18:
                Deliver(Endpoint(ref story), Sealed(peer, Verb.NetworkConfigRequest, ConfigRequest(ref story), story.Byte()));
                break;
            case 19:
                var relayed = Sealed(peer, Verb.Echo, story.Bytes(64), 0);
                Address(story.Byte()).Write(relayed.AsSpan(8));
                Deliver(Endpoint(ref story), relayed);
                break;
            default:
                Advance(1L << (story.Byte() % 21));
                break;
        }

        Check.That(_sentBytes < MaxSentBytesPerStep, $"one step sends {_sentBytes} bytes");
        Check.That(_node.Peers(_now).Count <= Limits.Peers, "peers above their limit");
    }

    private static Identity Peer(byte what) => (what >> 5 & 3) switch { 0 => Keys.Root, 1 => Keys.Member, 2 => Keys.Stranger, _ => Keys.Root };

    private static InetEndpoint Endpoint(ref FuzzInput story) => story.Byte() is var choice && choice < 0xf0
        ? Endpoints[choice % Endpoints.Length]
        : new InetEndpoint(InetAddress.FromV4(story.UInt32()), story.UInt16());

    private static NodeAddress Address(byte choice) => choice < 0xe0 ? Keys.All[choice % Keys.All.Count].Address : new NodeAddress((ulong)choice << 32 | choice);

    private void Deliver(InetEndpoint from, byte[] datagram)
    {
        _node.Receive(_now, 0, from, datagram);
        RunWork();
    }

    private void RunWork()
    {
        while (_controller?.TryTake(_now, out var message) == true)
            _node.Send(_now, message);
        while (_node.TryTakeWork(out var work))
        {
            work.Run();
            _node.CompleteWork(_now, work);
        }
    }

    private void Advance(long milliseconds)
    {
        var end = _now + milliseconds;
        for (var polls = 0; _node.NextDeadlineMs <= end; polls++)
        {
            Check.That(polls < 20_000, "a node is due without end");
            _now = Math.Max(_now, _node.NextDeadlineMs);
            _node.Poll(_now);
            RunWork();
        }

        _now = end;
    }

    private byte[] Sealed(Identity from, Verb verb, ReadOnlySpan<byte> payload, byte how)
    {
        payload = payload[..Math.Min(payload.Length, PacketFormat.MaxPayloadBytes)];
        var buffer = new byte[PacketFormat.HeaderBytes + payload.Length];
        payload.CopyTo(buffer.AsSpan(PacketFormat.HeaderBytes));
        var builder = new PacketBuilder(buffer, PacketFormat.HeaderBytes, payload.Length);
        if ((how & 1) != 0)
            builder.TryCompress(new byte[payload.Length]);
        var packet = builder.Seal(_packetId += 8, Keys.Leaf.Address, from.Address, verb, PacketFormat.MaxPacketBytes);
        if ((how & 2) != 0)
            packet[27] ^= 0x80;
        var suite = (how >> 2 & 3) switch { 0 => CipherSuite.AesGmacSiv, 1 => CipherSuite.Salsa2012Poly1305, 2 => CipherSuite.Poly1305, _ => CipherSuite.TrustedPath };
        if (suite == CipherSuite.TrustedPath)
            PacketHeader.SetTrustedPath(packet, 7);
        else
            Keys.Between(from, Keys.Leaf).Armor(packet, suite);
        if ((how & 16) != 0)
            PacketHeader.TryIncrementHops(packet, PacketFormat.MaxHops);
        return packet.ToArray();
    }

    private byte[] Sealed(Identity from, Verb verb, Payload write, byte how = 0)
    {
        var writer = new ByteWriter(new byte[PacketFormat.MaxPayloadBytes]);
        write(ref writer);
        return Sealed(from, verb, writer.Written, how);
    }

    private delegate void Payload(ref ByteWriter writer);

    private byte[] Hello(Identity from, InetEndpoint sentTo, long timestamp)
    {
        var identity = new byte[Identity.BinarySize];
        from.Write(identity);
        return Sealed(from, Verb.Hello, (ref ByteWriter writer) =>
        {
            new HelloMessage
            {
                Version = new NodeVersion(12, 1, 14, 1), Timestamp = timestamp, Identity = identity, SentTo = sentTo, Planet = new WorldStamp(WorldType.Planet, 1, 5),
            }.Write(ref writer);
        }, 8);
    }

    // An OK or an ERROR to what the node sent, from whom it was sent to or from somebody else.
    private void Answer(ref FuzzInput story)
    {
        if (_sent.Count == 0)
            return;
        var choice = story.Byte();
        var (verb, id, to) = _sent[^(1 + (choice & 0x1f) % _sent.Count)];
        var from = (choice & 0x20) != 0 ? Peer(story.Byte()) : to;
        if ((choice & 0x40) != 0)
            verb = (Verb)(story.Byte() & 0x1f);
        var isError = (choice & 0x80) != 0;
        var code = isError ? (ErrorCode)story.Byte() : ErrorCode.None;
        var endpoint = Endpoint(ref story);
        var time = story.Time(_now);
        var body = story.Bytes(1_000).ToArray();
        var isPlain = body.Length == 0;
        Deliver(endpoint, Sealed(from, isError ? Verb.Error : Verb.Ok, (ref ByteWriter writer) =>
        {
            if (isError)
                new ErrorMessage { InReVerb = verb, InRePacketId = id, Code = code }.Write(ref writer);
            else
                new OkMessage { InReVerb = verb, InRePacketId = id }.Write(ref writer);
            if (!isPlain)
                writer.WriteBytes(body);
            else if (isError)
                new NetworkErrorMessage { NetworkId = _network }.Write(ref writer);
            else if (verb == Verb.Hello)
                new OkHelloMessage { Timestamp = time, Version = new NodeVersion(12, 1, 14, 1), SentTo = endpoint }.Write(ref writer);
            else if (verb == Verb.Whois)
                Keys.Stranger.Write(writer.Reserve(Identity.BinarySize));
            else if (verb == Verb.MulticastGather)
                new OkMulticastGatherMessage { NetworkId = _network, Group = Group(1), TotalKnown = 2 }.Write(ref writer, [Keys.Member.Address, Keys.Stranger.Address]);
        }));
    }

    private static NetworkConfig Config(NetworkId network, long timestamp, NetworkFlags flags, EquatableArray<Rule> rules) => new()
    {
        NetworkId = network,
        IssuedTo = Keys.Leaf.Address,
        Timestamp = timestamp,
        CredentialTimeMaxDelta = NetworkLimits.DefaultCredentialTimeMaxDelta,
        Revision = 1,
        Flags = flags,
        MulticastLimit = 32,
        Rules = rules,
        StaticAddresses = [InetPrefix.Parse("10.144.0.2/16")],
        Membership = CertificateOfMembership.Create(network, timestamp, NetworkLimits.DefaultCredentialTimeMaxDelta, Keys.Leaf).Sign(Keys.Root),
    };

    private NetworkConfig StoryConfig(ref FuzzInput story)
    {
        var choice = story.Byte();
        var timestamp = story.Time(_now);
        var reader = new ByteReader(story.Bytes(200));
        var config = Config(_network, timestamp, (NetworkFlags)story.Byte(), Rule.ReadAll(ref reader, 16)) with
        {
            CredentialTimeMaxDelta = story.Time(0),
            MulticastLimit = story.UInt32(),
            Type = (NetworkType)(choice & 1),
            Mtu = NetworkLimits.MinMtu + story.UInt16() % (NetworkLimits.MaxMtu - NetworkLimits.MinMtu),
            Specialists = [new NetworkSpecialist(Address(story.Byte()), (SpecialistRoles)story.Byte())],
            StaticAddresses = [new InetPrefix(InetAddress.FromV4(story.UInt32()), (byte)(choice & 31))],
        };
        if ((choice & 2) != 0)
            config = config with { Tags = [new Tag { NetworkId = _network, Timestamp = timestamp, Id = 1, Value = story.UInt32(), IssuedTo = Keys.Leaf.Address }.Sign(Keys.Root)] };
        if ((choice & 4) != 0)
            config = config with { Capabilities = [new Capability { NetworkId = _network, Timestamp = timestamp, Id = 1, Rules = [Rule.ActionAccept] }.Sign(Keys.Root, Keys.Leaf.Address)] };
        if ((choice & 8) != 0)
            config = config with { Membership = null };
        return config;
    }

    private void SendConfig(Identity from, NetworkConfig config)
    {
        if (!config.TryWrite(out var text))
            return;
        foreach (var chunk in NetworkConfigSplitter.Split(_network, text, _packetId | 1, Keys.Root, fastPropagate: (_packetId & 16) != 0))
            Deliver(RootEndpoint, Sealed(from, Verb.NetworkConfig, chunk, 1));
    }

    // Credentials that the controller signed, with whatever times and numbers.
    private void Credential(Identity from, byte choice, long time, uint number)
    {
        var controller = _role == NodeRole.Leaf ? Keys.Root : Keys.Leaf;
        var holder = (choice & 0x80) != 0 ? Keys.Stranger : from;
        var message = (choice % 6) switch
        {
            0 => new NetworkCredentialsMessage { Memberships = [CertificateOfMembership.Create(_network, time, (choice & 0x40) != 0 ? number : NetworkLimits.DefaultCredentialTimeMaxDelta, holder).Sign(controller)] },
            1 => new NetworkCredentialsMessage { Tags = [new Tag { NetworkId = _network, Timestamp = time, Id = number & 3, Value = number, IssuedTo = holder.Address }.Sign(controller)] },
            2 => new NetworkCredentialsMessage
            {
                Capabilities = [new Capability { NetworkId = _network, Timestamp = time, Id = number & 3, Rules = [Rule.ActionAccept] }.Sign(controller, holder.Address)],
            },
            3 => new NetworkCredentialsMessage
            {
                Ownerships =
                [
                    new CertificateOfOwnership
                    {
                        NetworkId = _network, Timestamp = time, Id = number & 3, IssuedTo = holder.Address, Things = [OwnedThing.From(InetAddress.FromV4(number))],
                    }.Sign(controller),
                ],
            },
            _ => new NetworkCredentialsMessage
            {
                Revocations =
                [
                    new Revocation
                    {
                        Id = number, NetworkId = _network, CredentialId = number & 3, Threshold = time, Target = holder.Address,
                        CredentialType = (CredentialType)(number >> 8 & 7), Flags = (RevocationFlags)(number >> 16 & 1),
                    }.Sign(controller),
                ],
            },
        };
        Deliver(Endpoints[1], Sealed(from, Verb.NetworkCredentials, (ref ByteWriter writer) => message.Write(ref writer)));
    }

    private void Frames(ref FuzzInput story, Identity from)
    {
        var choice = story.Byte();
        ushort type = (choice & 3) switch { 0 => 0x0800, 1 => 0x86dd, 2 => 0x0806, _ => story.UInt16() };
        var (source, destination) = (Mac(story.Byte(), from), Mac(story.Byte(), Keys.Leaf));
        var group = Group(story.Byte());
        var limit = story.UInt32();
        var data = story.Bytes(1_500).ToArray();
        var flags = (byte)(choice >> 2);
        var verb = (choice >> 6) switch { 0 => Verb.Frame, 1 or 2 => Verb.ExtFrame, _ => Verb.MulticastFrame };
        Deliver(Endpoint(ref story), Sealed(from, verb, (ref ByteWriter writer) =>
        {
            if (verb == Verb.Frame)
                new FrameMessage { NetworkId = _network, EtherType = type, Data = data }.Write(ref writer);
            else if (verb == Verb.ExtFrame)
                new ExtFrameMessage { NetworkId = _network, Flags = (ExtFrameFlags)(flags & 0x1e), Source = source, Destination = destination, EtherType = type, Data = data }.Write(ref writer);
            else
                new MulticastFrameMessage { NetworkId = _network, Flags = (MulticastFrameFlags)(flags & 0x0e), GatherLimit = limit, Source = source, Group = group, EtherType = type, Data = data }.Write(ref writer);
        }, story.Byte()));
    }

    private MacAddress Mac(byte choice, Identity of) => choice switch
    {
        < 0x80 => DerivedAddresses.Mac(_network, of.Address),
        < 0xa0 => MacAddress.Broadcast,
        < 0xc0 => Group(choice).Mac,
        < 0xe0 => DerivedAddresses.Mac(_network, Address(choice)),
        _ => new MacAddress(choice * 0x0101_0101UL),
    };

    private static MulticastGroup Group(byte choice) => new(new MacAddress(0x0100_5e00_0000UL | (uint)(choice & 3)), (uint)choice >> 6);

    private void Send(ref FuzzInput story)
    {
        if (_joined is null)
            return;
        var (source, destination) = (Mac(story.Byte(), Keys.Leaf), Mac(story.Byte(), Keys.Member));
        var type = story.Bool() ? (ushort)0x0800 : (ushort)0x86dd;
        var data = story.Bytes(2_800);
        var buffer = new byte[Node.FrameHeadroom + data.Length + Node.FrameTailroom];
        data.CopyTo(buffer.AsSpan(Node.FrameHeadroom));
        _node.SendFrame(_now, _joined, new OutgoingFrame
        {
            Source = source, Destination = destination, EtherType = type, Buffer = buffer, Start = Node.FrameHeadroom, Length = data.Length,
        });
    }

    private void Groups(ref FuzzInput story, Identity from)
    {
        var choice = story.Byte();
        if ((choice & 1) == 0)
        {
            var subscriptions = new MulticastSubscription[story.Below(80)];
            for (var i = 0; i < subscriptions.Length; i++)
                subscriptions[i] = new MulticastSubscription((choice & 2) != 0 ? _network : new NetworkId((ulong)i), new MulticastGroup(new MacAddress((ulong)choice << 40 | (uint)i), choice));
            Deliver(Endpoints[1], Sealed(from, Verb.MulticastLike, (ref ByteWriter writer) => MulticastLikeMessage.Write(ref writer, subscriptions)));
            return;
        }

        var limit = story.UInt32();
        var group = Group(story.Byte());
        Deliver(Endpoints[1], Sealed(from, Verb.MulticastGather, (ref ByteWriter writer) =>
            new MulticastGatherMessage { NetworkId = _network, Group = group, Limit = limit }.Write(ref writer)));
    }

    private void Call(ref FuzzInput story)
    {
        var choice = story.Byte();
        switch (choice % 10)
        {
            case 0 when _joined is not null:
                _node.Subscribe(_now, _joined, Group(story.Byte()));
                break;
            case 1 when _joined is not null:
                _node.Unsubscribe(_joined, Group(story.Byte()));
                break;
            case 2:
                _node.Leave(_network);
                _joined = _role == NodeRole.Root ? null : _node.Join(_now, _network);
                break;
            case 3:
                _node.SendUserMessage(_now, Address(story.Byte()), story.UInt64(), story.Bytes(9_000));
                break;
            case 4:
                _node.NetworkEnvironmentChanged(_now);
                break;
            case 5:
                _node.Orbit(_now, story.UInt64(), Address(story.Byte()));
                break;
            case 6:
                _node.SavePeers(_now);
                break;
            case 7 when _joined is not null:
                _node.Retry(_now, _joined);
                break;
            case 8:
                _node.SetLocalEndpoints([Endpoint(ref story), Endpoint(ref story)]);
                break;
            default:
                _node.Deorbit(story.UInt64());
                break;
        }
    }

    private void Paths(ref FuzzInput story, Identity from)
    {
        var choice = story.Byte();
        if ((choice & 1) == 0)
        {
            var about = Address(story.Byte());
            var endpoint = Endpoint(ref story);
            Deliver(RootEndpoint, Sealed(from, Verb.Rendezvous, (ref ByteWriter writer) => new RendezvousMessage { Peer = about, Endpoint = endpoint }.Write(ref writer)));
            return;
        }

        var paths = new DirectPath[story.Below(20)];
        for (var i = 0; i < paths.Length; i++)
            paths[i] = new DirectPath(Endpoint(ref story), (DirectPathFlags)(choice >> 1 & 3));
        Deliver(Endpoint(ref story), Sealed(from, Verb.PushDirectPaths, (ref ByteWriter writer) => PushDirectPathsMessage.Write(ref writer, paths)));
    }

    // A long packet in pieces, some of them changed, in any order.
    private void Fragmented(ref FuzzInput story, Identity from)
    {
        const int mtu = PacketFormat.DefaultMtuBytes;
        var payload = new byte[story.UInt16() % (PacketFormat.MaxPacketBytesFor(mtu) - PacketFormat.HeaderBytes)];
        var packet = Sealed(from, Verb.Echo, payload, 0);
        if (packet.Length <= mtu)
            return;
        var buffer = new byte[packet.Length + PacketSplitter.MaxAddedBytes];
        packet.CopyTo(buffer, 0);
        // Its flag is authenticated, so sealing says beforehand that it comes in pieces; here it need not be authentic.
        PacketHeader.SetFragmented(buffer, true);
        var total = PacketSplitter.Split(buffer, packet.Length, mtu, out var size);
        if (story.Bool())
        {
            _node.Receive(_now, 0, Endpoint(ref story), buffer.AsSpan(0, total), size);
            RunWork();
            return;
        }

        var count = (total + size - 1) / size;
        for (var i = story.Below(12); i > 0; i--)
        {
            var number = story.Byte() % count;
            var part = buffer.AsSpan(number * size, Math.Min(size, total - (number * size))).ToArray();
            if (number > 0 && story.Byte() is var change && change > 0xf0)
                part[14] = change;
            Deliver(Endpoints[1], part);
        }
    }

    private void Whois(ref FuzzInput story, Identity from)
    {
        var addresses = new NodeAddress[story.Below(40)];
        for (var i = 0; i < addresses.Length; i++)
            addresses[i] = Address(story.Byte());
        Deliver(Endpoint(ref story), Sealed(from, Verb.Whois, (ref ByteWriter writer) => WhoisMessage.Write(ref writer, addresses)));
    }

    private byte[] ConfigRequest(ref FuzzInput story)
    {
        var writer = new ByteWriter(new byte[2_048]);
        var metadata = story.Bool() ? (new NetworkRequestMetadata().TryWrite(out var text) ? text : []) : story.Bytes(1_100).ToArray();
        new NetworkConfigRequestMessage { NetworkId = story.Byte() < 0xc0 ? _network : new NetworkId(story.UInt64()), Metadata = metadata, Timestamp = story.Time(_now) }.Write(ref writer);
        return writer.Written.ToArray();
    }

    /// <summary>A controller that replies once the node's call has returned.</summary>
    private sealed class StoryController(NetworkController controller) : INetworkController
    {
        private readonly Queue<ControllerMessage> _replies = new();

        public bool TryPost(ConfigRequest request)
        {
            if (controller.HandleRequest(request).Message is { } reply)
                _replies.Enqueue(reply);
            return true;
        }

        public Identity? FindIdentity(NodeAddress member) => controller.FindIdentity(member);

        public bool TryTake(long nowMs, [NotNullWhen(true)] out ControllerMessage? message) =>
            _replies.TryDequeue(out message) || controller.TryTakeMessage(nowMs, out message);
    }

    private sealed record NodeLimitsForTests
    {
        public int Peers { get; } = 8;

        public int Subscriptions { get; } = 64;
    }
}
