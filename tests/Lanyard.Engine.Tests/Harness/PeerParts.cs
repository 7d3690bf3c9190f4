using Lanyard.Engine.Packets;
using Lanyard.Engine.Paths;
using Lanyard.Engine.Peers;
using Lanyard.Engine.Roots;
using Lanyard.Primitives;
using Lanyard.Testing;
using Lanyard.Tests.Shared;
using Lanyard.Wire;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine.Tests.Harness;

/// <summary>Parts of the peer layer without a node, for tests of one part. Records the packets that they send.</summary>
internal sealed class PeerParts : IPeerRoles
{
    public const long Now = 1_800_000_000_000;

    private readonly SimulatedInternet _identities = new(1);
    private uint _endpoints;

    public PeerParts(Func<NodeOptions, NodeOptions>? configure = null, INodeHost? host = null)
    {
        Identity = _identities.CreateIdentity();
        var options = new NodeOptions { RandomSeed = new byte[32] };
        Context = new NodeContext(configure?.Invoke(options) ?? options, Identity, host ?? Host);
        Peers = new PeerTable(Context, this);
        Roots = new RootTable(Context, Peers);
        Policy = new PathPolicy(Context, Roots);
        Sender = new PacketSender(Context, Peers, Roots, Policy, Requests, Watched);
        Contacts = new Contacts(Context, Policy, Sender);
        Liveness = new Liveness(Peers, Watched, Sender);
        Router = new PacketRouter(Context, Peers, Roots, Sender, Contacts);
        Whois = new Whois(Context, Roots, Router);
        Store = new PeerStore(Context, Peers, Roots, Contacts, this);
    }

    public RecordingHost Host { get; } = new();

    public Identity Identity { get; }

    public NodeContext Context { get; }

    public OutstandingRequests Requests { get; } = new();

    public WatchedPaths Watched { get; } = new();

    public PeerTable Peers { get; }

    public RootTable Roots { get; }

    public PathPolicy Policy { get; }

    public PacketSender Sender { get; }

    public Contacts Contacts { get; }

    public Liveness Liveness { get; }

    public PacketRouter Router { get; }

    public Whois Whois { get; }

    public PeerStore Store { get; }

    /// <summary>The controllers of joined networks.</summary>
    public HashSet<NodeAddress> Controllers { get; } = [];

    /// <summary>The members of networks that the node controls.</summary>
    public Dictionary<NodeAddress, Identity> Members { get; } = [];

    public bool IsController => Members.Count > 0;

    public Identity CreateIdentity() => _identities.CreateIdentity();

    /// <summary>Returns an endpoint that no other peer has.</summary>
    public InetEndpoint NextEndpoint() => new(InetAddress.FromV4(0x2e00_0001 + (++_endpoints << 8)), 9993);

    /// <summary>Adds a peer that has told its version.</summary>
    /// <param name="hasPath">Whether there is a direct path to it.</param>
    public Peer AddPeer(bool hasPath = true)
    {
        var peer = Peers.TryCreate(CreateIdentity())!;
        peer.SetVersion(new NodeVersion(NodeVersion.CurrentProtocol, 1, 14, 1));
        Peers.Add(Now, peer, isNew: true);
        if (hasPath)
            Learn(peer);
        return peer;
    }

    /// <summary>Adds a path of which the round-trip time is known.</summary>
    public Paths.Path Learn(Peer peer, InetEndpoint? endpoint = null, long latencyMs = 100)
    {
        var path = peer.Learn(0, endpoint ?? NextEndpoint(), Now);
        path.NoteLatency(Now, latencyMs);
        peer.LastReceivedMs = Now;
        return path;
    }

    /// <summary>Creates a world with one root for each identity.</summary>
    public World CreateWorld(WorldType type, ulong id, long timestamp, WorldKey key, params Identity[] identities) =>
        World.Create(type, id, timestamp, key.PublicKey, [.. identities.Select(identity => new WorldRoot(identity.WithoutSecret(), [NextEndpoint()]))], key);

    /// <summary>Adds a planet with one root that has a path.</summary>
    public Peer AddRoot(long latencyMs = 50)
    {
        using var key = WorldKey.Generate(_identities.Fill);
        var identity = CreateIdentity();
        Assert.True(Roots.TryAdd(CreateWorld(WorldType.Planet, 1, Now, key, identity), isChosenByUser: true));
        var root = Peers.Find(identity.Address)!;
        root.SetVersion(new NodeVersion(NodeVersion.CurrentProtocol, 1, 14, 1));
        Learn(root, root.Root!.Endpoints[0], latencyMs);
        return root;
    }

    public WorldKey CreateWorldKey() => WorldKey.Generate(_identities.Fill);

    /// <summary>Sends a user message over a router.</summary>
    public void SendMessage(Peer peer, long nowMs = Now, WhoisReason reason = WhoisReason.Own)
    {
        using var buffer = Context.Buffers.Rent();
        var writer = buffer.CreateWriter();
        writer.WriteUInt64(1);
        Router.Send(nowMs, peer, buffer.Complete(Verb.UserMessage, writer, reason: reason));
    }

    /// <summary>Queues a user message for a node that is not known.</summary>
    public void Enqueue(NodeAddress destination, WhoisReason reason = WhoisReason.Own)
    {
        using var buffer = Context.Buffers.Rent();
        var writer = buffer.CreateWriter();
        writer.WriteUInt64(1);
        Router.Enqueue(Now, destination, buffer.Complete(Verb.UserMessage, writer, reason: reason));
    }

    /// <summary>Returns where packets with a verb were sent, and clears the record.</summary>
    public List<(InetEndpoint To, Verb Verb)> TakeSent()
    {
        var sent = new List<(InetEndpoint, Verb)>();
        foreach (var (to, datagram) in Host.Sent)
        {
            Assert.True(PacketView.TryParse(datagram, out var view));
            var receiver = Peers.Find(view.Destination)!;
            var copy = datagram.ToArray();
            Assert.True(view.Suite == CipherSuite.TrustedPath || PacketForge.TryOpen(Identity, receiver.Identity, copy), "A packet does not open.");
            Assert.True(PacketView.TryParse(copy, out var plain));
            sent.Add((to, plain.Verb));
        }

        Host.Sent.Clear();
        return sent;
    }

    public long Dropped(DropReason reason) => Context.Counters.Dropped(reason);

    bool IPeerRoles.IsControllerOfJoined(NodeAddress address) => Controllers.Contains(address);

    bool IPeerRoles.IsHelper(NodeAddress address) => false;

    Identity? IPeerRoles.FindMember(NodeAddress address) => Members.GetValueOrDefault(address);
}
