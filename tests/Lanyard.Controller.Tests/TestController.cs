using System.Text;
using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller.Tests;

/// <summary>A controller in memory with the recorded root's identity, a manual clock, and random numbers from a seed.</summary>
internal sealed class TestController
{
    /// <summary>What a present node says of itself.</summary>
    public static readonly byte[] Metadata = new NetworkRequestMetadata().TryWrite(out var text) ? text : [];

    private ulong _packetId;

    public TestController(string recording = "peer-1.14", ControllerLimits? limits = null, IControllerStore? store = null, int seed = 1)
    {
        Identity = TestData.SecretIdentity(recording, "r");
        Store = store ?? new MemoryControllerStore();
        var random = new Random(seed);
        Core = new NetworkController(Identity, Store, span => random.NextBytes(span), limits);
        Api = new ControllerApi(Core);
        NetworkId = NetworkId.Create(Identity.Address, 0xbeef);
    }

    public Identity Identity { get; }

    public IControllerStore Store { get; }

    public NetworkController Core { get; }

    public ControllerApi Api { get; }

    /// <summary>The network that the tests use: number 00beef.</summary>
    public NetworkId NetworkId { get; }

    public long NowMs { get; set; } = 1_795_288_811_254;

    /// <summary>A node that exists on paper only: its keys follow from its number and do not belong to its address.</summary>
    public static Identity Stranger(ulong number, byte key = 0)
    {
        var publicKey = TestData.RandomBytes((int)(number * 31) + key, Identity.PublicKeySize);
        return Identity.Parse($"{new NodeAddress(number)}:0:{TestData.ToHex(publicKey)}");
    }

    public (int Status, string Json) Call(string method, string path, string body = "") => Call(method, path, Encoding.UTF8.GetBytes(body));

    public (int Status, string Json) Call(string method, string path, byte[] body)
    {
        // Nothing waits with a store in memory, and little with one on disk.
        var response = Api.HandleAsync(NowMs, method, path, body).AsTask().GetAwaiter().GetResult();
        return (response.StatusCode, Encoding.UTF8.GetString(response.Json.Span));
    }

    /// <summary>Calls for the test network: "" is itself, "member/ADDRESS" a member.</summary>
    public string Post(string path, string body)
    {
        var (status, json) = Call("POST", PathOf(path), body);
        Assert.Equal(200, status);
        return json;
    }

    public string Get(string path)
    {
        var (status, json) = Call("GET", PathOf(path));
        Assert.Equal(200, status);
        return json;
    }

    public string PathOf(string path) => $"/controller/network/{NetworkId}{(path.Length == 0 ? "" : "/")}{path}";

    public NetworkRecord SaveNetwork(Func<NetworkRecord, NetworkRecord> change) => Core.SaveNetwork(NowMs, NetworkId, change);

    public MemberRecord SaveMember(Identity node, Func<MemberRecord, MemberRecord> change) => Core.SaveMember(NowMs, NetworkId, node.Address, change)!;

    public void Authorize(Identity node, bool authorized = true) => SaveMember(node, member => member with { IsAuthorized = authorized });

    /// <summary>Asks for a configuration, two seconds after whatever was before.</summary>
    public ControllerReply Ask(Identity node, byte[]? metadata = null)
    {
        NowMs += 2_000;
        return AskNow(node, metadata);
    }

    public ControllerReply AskNow(Identity node, byte[]? metadata = null) =>
        Core.HandleRequest(new ConfigRequest(NowMs, node, InetEndpoint.Parse("10.99.0.2:9993"), NetworkId, metadata ?? Metadata, ++_packetId));

    /// <summary>The configuration of a node that is a member.</summary>
    public NetworkConfig ConfigOf(Identity node)
    {
        var reply = Ask(node);
        Assert.Equal(ControllerReason.Member, reply.Reason);
        return reply.Message!.Config!;
    }

    public List<ControllerMessage> TakeMessages()
    {
        var messages = new List<ControllerMessage>();
        while (Core.TryTakeMessage(NowMs, out var message))
            messages.Add(message);
        return messages;
    }
}
