using Lanyard.Primitives;
using Lanyard.Testing;
using Lanyard.Wire;
using Lanyard.Wire.Packets;

namespace Lanyard.Engine.Tests.Harness;

/// <summary>One node in virtual time, and the peers of a test. All identities of a test come from one seed.</summary>
internal sealed class TestNode
{
    private readonly SimulatedInternet _identities;
    private World? _moon;
    private uint _peers;

    /// <summary>A node; with a root that answers nothing by itself, unless it is one itself.</summary>
    public TestNode(bool isRoot = false, Func<NodeOptions, NodeOptions>? configure = null, ulong seed = 1)
    {
        _identities = new SimulatedInternet(seed);
        Identity = _identities.CreateIdentity();
        Root = isRoot ? new TestPeer(this, Identity, Endpoint) : NewPeer();
        var options = new NodeOptions { RandomSeed = new byte[32], ValidateIdentity = Validate };
        Node = new Node(configure?.Invoke(options) ?? options, Identity, Host, NowMs);
        using var key = WorldKey.Generate(_identities.Fill);
        Planet = World.Create(WorldType.Planet, 1, NowMs, key.PublicKey, [new WorldRoot(Root.Identity.WithoutSecret(), [Root.Endpoint])], key);
        Node.AddWorld(NowMs, Planet);
    }

    /// <summary>Where the node is reached.</summary>
    public static InetEndpoint Endpoint { get; } = InetEndpoint.Parse("45.0.0.1/9993");

    public Identity Identity { get; }

    public Node Node { get; }

    public RecordingHost Host { get; } = new();

    public World Planet { get; }

    public TestPeer Root { get; }

    /// <summary>Identities whose address does not fit their hash.</summary>
    public HashSet<Identity> Forged { get; } = [];

    /// <summary>The replies of the node's controller, which are sent once the call that caused them has returned.</summary>
    public Queue<ControllerMessage> ControllerReplies { get; } = new();

    /// <summary>How many identities were compared with their hash.</summary>
    public int Validations { get; private set; }

    public long NowMs { get; private set; } = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    /// <summary>Someone with an identity, at an endpoint of its own /24 unless told where.</summary>
    public TestPeer NewPeer(InetEndpoint? endpoint = null) =>
        new(this, _identities.CreateIdentity(), endpoint ?? new InetEndpoint(InetAddress.FromV4(0x2e00_0001 + (++_peers << 8)), 9993));

    public void Receive(in InetEndpoint from, Span<byte> run, int? datagramBytes = null)
    {
        Node.Receive(NowMs, 0, from, run, datagramBytes ?? run.Length);
        RunWork();
    }

    public void RunWork()
    {
        while (ControllerReplies.TryDequeue(out var reply))
            Node.Send(NowMs, reply);
        while (Node.TryTakeWork(out var work))
        {
            work.Run();
            Node.CompleteWork(NowMs, work);
        }
    }

    /// <summary>Lets time pass, polling the node when it wants to be.</summary>
    public void Advance(long ms)
    {
        var end = NowMs + ms;
        while (Node.NextDeadlineMs <= end)
        {
            NowMs = Math.Max(NowMs, Node.NextDeadlineMs);
            Node.Poll(NowMs);
            RunWork();
            if (Node.NextDeadlineMs <= NowMs)
                NowMs++;
        }

        NowMs = end;
    }

    /// <summary>The moon that the node follows.</summary>
    public World Moon => _moon ?? throw new InvalidOperationException("Call AddMoon first.");

    /// <summary>Creates a moon and makes the node follow it.</summary>
    public void AddMoon()
    {
        using var key = WorldKey.Generate(_identities.Fill);
        var seed = NewPeer();
        _moon = World.Create(WorldType.Moon, seed.Address.Value, NowMs, key.PublicKey, [new WorldRoot(seed.Identity.WithoutSecret(), [seed.Endpoint])], key);
        Assert.True(Node.AddWorld(NowMs, _moon));
    }

    /// <summary>Connects the node to its root.</summary>
    public TestNode Online()
    {
        Advance(1);
        Root.AnswerAll();
        Assert.True(Node.IsOnline);
        return this;
    }

    private bool Validate(Identity identity)
    {
        Validations++;
        return !Forged.Contains(identity);
    }
}
