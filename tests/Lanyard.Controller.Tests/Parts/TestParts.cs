using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller.Tests;

/// <summary>The parts of a controller without the controller, with one private network.</summary>
internal sealed class TestParts
{
    public TestParts(ControllerLimits? limits = null)
    {
        Limits = limits ?? new ControllerLimits();
        State = new ControllerState(Controller, Store);
        Changes = new RecordChanges(State, Notifier, Limits);
        Clock = new SigningClock(Store, 0);
        Issuer = new ConfigIssuer(Clock, span => span.Fill(7));
        Network = State.Save(new NetworkRecord { Id = Id });
    }

    public static Identity ControllerIdentity { get; } = TestData.SecretIdentity("peer-1.14", "r");

    public static NodeAddress Controller => ControllerIdentity.Address;

    public static NetworkId Id { get; } = NetworkId.Create(Controller, 1);

    public ControllerLimits Limits { get; }

    public MemoryControllerStore Store { get; } = new();

    public TestNotifier Notifier { get; } = new();

    public ControllerState State { get; }

    public RecordChanges Changes { get; }

    public SigningClock Clock { get; }

    public ConfigIssuer Issuer { get; }

    public NetworkState Network { get; }

    public static MemberRecord Record(ulong number, bool isAuthorized = true) =>
        new() { Network = Id, Address = new NodeAddress(number), Identity = TestController.Stranger(number).ToString(), IsAuthorized = isAuthorized };

    public static ConfigRequest Request(ulong number, long nowMs, ulong packetId = 1, string token = "")
    {
        new NetworkRequestMetadata { AuthToken = token }.TryWrite(out var metadata);
        return new ConfigRequest(nowMs, TestController.Stranger(number), InetEndpoint.Parse("10.0.0.1:9993"), Id, metadata, packetId);
    }

    /// <summary>Adds a member that sent a request at a time.</summary>
    public MemberState Add(ulong number, long? lastRequestMs = null, bool isAuthorized = true)
    {
        var member = State.Save(Network, Record(number, isAuthorized));
        member.LastRequestMs = lastRequestMs;
        member.HasConfig = lastRequestMs is not null && isAuthorized;
        return member;
    }
}
