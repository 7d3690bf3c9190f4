using Lanyard.Engine.Members;
using Lanyard.Engine.Networks;
using Lanyard.Engine.Packets;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Verbs;
using Lanyard.Primitives;
using Lanyard.Testing;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine.Tests.Harness;

/// <summary>The network layer without the peer layer below it. Records the frames and messages that it sends.</summary>
internal sealed class NetworkParts : IPeerLayer
{
    public const long Now = PeerParts.Now;

    private readonly PeerParts _peers;
    private readonly OpenController _controller;
    private readonly Dictionary<NodeAddress, Identity> _identities = [];
    private ulong _packetId = 1;

    public NetworkParts(Func<NetworkConfig, NetworkConfig>? customize = null)
    {
        _peers = new PeerParts();
        Controller = _peers.CreateIdentity();
        _identities[Controller.Address] = Controller;
        _controller = new OpenController(Controller) { Customize = customize ?? (config => config) };
        Layer = new NetworkLayer(Context, Joined, this);
        Network = Layer.Join(Now, _controller.Network(1));
        Config = _controller.Configure(Now, Context.Identity, Network.Id);
        Assert.True(Network.Configure(Now, Config, ConfigOrigin.Answer));
        Sent.Clear();
    }

    public NodeContext Context => _peers.Context;

    public RecordingHost Host => _peers.Host;

    public Identity Controller { get; }

    public JoinedNetworks Joined { get; } = new();

    public NetworkLayer Layer { get; }

    public VirtualNetwork Network { get; }

    public NetworkConfig Config { get; }

    /// <summary>The packets sent since the list was last cleared.</summary>
    public List<(NodeAddress To, Verb Verb, byte[] Payload)> Sent { get; } = [];

    public List<(Verb Verb, byte[] Payload)> Replies { get; } = [];

    /// <summary>The senders of packets that wait for credentials.</summary>
    public List<NodeAddress> Waiting { get; } = [];

    /// <summary>The members whose waiting packets were read again.</summary>
    public List<NodeAddress> Retried { get; } = [];

    /// <summary>The identities that were asked for.</summary>
    public List<NodeAddress> Wanted { get; } = [];

    public bool IsRootSelf { get; set; }

    public IReadOnlyList<NodeAddress> Roots { get; } = [];

    /// <summary>Adds a peer that is no member.</summary>
    public Peer AddPeer()
    {
        var peer = _peers.AddPeer();
        _identities[peer.Address] = peer.Identity;
        return peer;
    }

    /// <summary>Adds a member that has shown its certificate.</summary>
    public Peer AddMember()
    {
        var peer = AddPeer();
        Receive(peer, Verb.NetworkCredentials, (ref ByteWriter writer) => new NetworkCredentialsMessage { Memberships = [CertificateOf(peer)] }.Write(ref writer));
        Assert.True(Network.Admits(Now, peer), "The certificate does not count.");
        Sent.Clear();
        return peer;
    }

    public CertificateOfMembership CertificateOf(Peer peer, long timestamp = Now) =>
        CertificateOfMembership.Create(Network.Id, timestamp, NetworkLimits.MaxCredentialTimeMaxDelta, peer.Identity).Sign(Controller);

    /// <summary>The Ethernet address of a peer.</summary>
    public MacAddress MacOf(Peer peer) => DerivedAddresses.Mac(Network.Id, peer.Address);

    /// <summary>Receives an authenticated packet.</summary>
    public VerbOutcome Receive(Peer from, Verb verb, Lanyard.Tests.Shared.PacketForge.Writing write, long nowMs = Now)
    {
        var buffer = new byte[PacketFormat.MaxPacketBytes];
        var writer = new ByteWriter(buffer);
        write(ref writer);
        Assert.False(writer.Failed);
        return Layer.Verbs.Receive(new IncomingPacket
        {
            NowMs = nowMs,
            Peer = from,
            LocalSocket = 0,
            Endpoint = from.Paths[0].Endpoint,
            Path = from.Paths[0],
            Hops = 0,
            PacketId = _packetId++,
            Verb = verb,
            Payload = buffer.AsSpan(0, writer.Position),
            Packet = buffer.AsSpan(0, writer.Position),
        });
    }

    /// <summary>Sends a frame from this node's port, or from behind it.</summary>
    public void Send(MacAddress destination, string data, MacAddress? source = null, ushort etherType = 0x0800)
    {
        var bytes = System.Text.Encoding.ASCII.GetBytes(data);
        var buffer = new byte[Node.FrameHeadroom + bytes.Length + Node.FrameTailroom];
        bytes.CopyTo(buffer, Node.FrameHeadroom);
        Layer.Frames.Send(Now, Network, new OutgoingFrame
        {
            Source = source ?? Network.Mac, Destination = destination, EtherType = etherType, Buffer = buffer, Start = Node.FrameHeadroom, Length = bytes.Length,
        });
    }

    /// <summary>Returns the receivers of packets with a verb.</summary>
    public List<NodeAddress> SentTo(Verb verb) => [.. Sent.Where(packet => packet.Verb == verb).Select(packet => packet.To)];

    public long Dropped(DropReason reason) => Context.Counters.Dropped(reason);

    public Peer? Find(NodeAddress address) => _peers.Peers.Find(address);

    public Identity? FindIdentity(long nowMs, NodeAddress address)
    {
        if (_identities.GetValueOrDefault(address) is { } identity)
            return identity;
        Wanted.Add(address);
        return null;
    }

    public Peer? BestRoot(long nowMs) => null;

    public void Send(long nowMs, NodeAddress destination, in OutgoingPacket packet) => Sent.Add((destination, packet.Verb, packet.Payload.ToArray()));

    public void Send(long nowMs, Peer peer, in OutgoingPacket packet) => Send(nowMs, peer.Address, packet);

    public void Reply(in IncomingPacket incoming, in OutgoingPacket packet) => Replies.Add((packet.Verb, packet.Payload.ToArray()));

    public int MaxReplyBytes(in IncomingPacket incoming) => PacketFormat.MaxPayloadBytes;

    public bool TryNoteAnswered(in IncomingPacket incoming) => true;

    public void Wait(in IncomingPacket incoming) => Waiting.Add(incoming.Peer.Address);

    public void RetryWaiting(long nowMs, NodeAddress peer) => Retried.Add(peer);
}
