using Lanyard.Engine.Networks;
using Lanyard.Engine.Tests.Harness;
using Lanyard.Testing;
using Lanyard.Wire;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine.Tests;

/// <summary>A node with a controller: the requests that it posts to the controller, and the messages that it sends for it.</summary>
public sealed class ControllerTests
{
    private readonly TestNode _node = new(isRoot: true);
    private readonly OpenController _controller;
    private readonly NetworkId _network;
    private readonly TestPeer _member;

    public ControllerTests()
    {
        _controller = new OpenController(_node.Identity) { Send = _node.ControllerReplies.Enqueue };
        _node.Node.Controller = _controller;
        _network = _controller.Network(1);
        _member = _node.NewPeer().Met();
    }

    [Fact]
    public void A_configuration_comes_in_OKs_that_name_the_request()
    {
        _controller.Customize = config => config with { Rules = Enumerable.Repeat(Rule.MatchMacSource(default), NetworkLimits.Rules).ToEquatableArray() };
        var id = Request();
        var config = Join(_member.Received().Where(packet => packet.Verb == Verb.Ok && packet.Payload[0] == (byte)Verb.NetworkConfigRequest).Select(packet =>
        {
            Assert.True(OkMessage.TryParse(packet.Payload, out var ok));
            Assert.Equal((Verb.NetworkConfigRequest, id), (ok.InReVerb, ok.InRePacketId));
            return ok.Payload.ToArray();
        }));
        Assert.Equal(NetworkLimits.Rules, config.Rules.Count);
        Assert.True(config.Membership!.Verify(_node.Identity));
    }

    [Fact]
    public void A_refusal_comes_in_an_ERROR_that_names_the_request_and_the_network()
    {
        _controller.Refused.Add(_member.Address);
        AssertError(ErrorCode.NetworkAccessDenied, Request());
    }

    [Fact]
    public void A_refusal_that_was_not_requested_names_the_last_request()
    {
        var id = Request();
        Send(new ControllerMessage { To = _member.Address, Network = _network, Kind = ControllerMessageKind.NotFound, InReplyTo = id });
        AssertError(ErrorCode.ObjectNotFound, id);
    }

    [Fact]
    public void A_node_that_is_not_a_controller_reports_it()
    {
        _node.Node.Controller = null;
        AssertError(ErrorCode.UnsupportedOperation, Request());
    }

    [Fact]
    public void A_request_that_the_controller_does_not_accept_is_counted_and_gets_no_reply()
    {
        _controller.Send = null;
        Request();
        Assert.Empty(_member.Received());
        Assert.Equal(1, _node.Node.Counters.Dropped(DropReason.RateLimited));
    }

    [Fact]
    public void The_controller_gets_the_endpoint_of_a_request_only_if_it_was_not_relayed()
    {
        var posted = new RecordingController();
        _node.Node.Controller = posted;
        Request();
        _node.Advance(1_000);
        Request(hops: 1);
        Assert.Equal([_member.Endpoint, default], posted.Requests.Select(request => request.Endpoint));
        Assert.All(posted.Requests, request => Assert.Equal((_member.Identity.WithoutSecret(), _network), (request.Requester.WithoutSecret(), request.Network)));
    }

    [Fact]
    public void A_pushed_configuration_is_repeated_under_a_new_number_until_it_is_acknowledged()
    {
        Push();
        var first = UpdateIds();
        _node.Host.Sent.Clear();
        _node.Advance(1_100);
        var second = UpdateIds();
        Assert.NotEqual(Assert.Single(first), Assert.Single(second));
        var (_, packetId, _, _) = _member.Received().First(packet => packet.Verb == Verb.NetworkConfig);
        _member.Send(_member.Packet(Verb.Ok, (ref ByteWriter writer) =>
        {
            new OkMessage { InReVerb = Verb.Echo, InRePacketId = packetId }.Write(ref writer);
            new OkNetworkConfigMessage { NetworkId = _network, UpdateId = second[0] }.Write(ref writer);
        }));
        _node.Host.Sent.Clear();
        _node.Advance(20_000);
        Assert.DoesNotContain(_member.Received(), packet => packet.Verb == Verb.NetworkConfig);
    }

    [Fact]
    public void A_refusal_ends_the_push_before_it_and_does_not_overtake_it()
    {
        _node.Node.Send(_node.NowMs, ControllerMessage.Push(_member.Address, Config()));
        _node.Node.Send(_node.NowMs, new ControllerMessage { To = _member.Address, Network = _network, Kind = ControllerMessageKind.AccessDenied, InReplyTo = 1 });
        _node.RunWork();
        Assert.Equal([Verb.NetworkConfig, Verb.Error], _member.Received().Select(packet => packet.Verb).Where(verb => verb is Verb.NetworkConfig or Verb.Error));
        _node.Host.Sent.Clear();
        _node.Advance(20_000);
        Assert.DoesNotContain(_member.Received(), packet => packet.Verb == Verb.NetworkConfig);
    }

    [Fact]
    public void Messages_are_signed_one_at_a_time_and_in_turn_with_identities()
    {
        for (var i = 0; i < 2; i++)
            _node.Node.Send(_node.NowMs, ControllerMessage.Push(_member.Address, Config()));
        Assert.True(_node.Node.TryTakeWork(out var first));
        Assert.False(_node.Node.TryTakeWork(out _), "a second message while the first is being signed");
        Assert.False(_node.Node.HasWork);
        first.Run();
        _node.Node.CompleteWork(_node.NowMs, first);
        Assert.True(_node.Node.HasWork);
    }

    [Fact]
    public void A_revocation_is_sent_three_times()
    {
        Send(ControllerMessage.Revoke(_member.Address, new Revocation
        {
            Id = 1, NetworkId = _network, CredentialId = 0, CredentialType = CredentialType.Membership, Threshold = _node.NowMs, Target = new NodeAddress(0xb0b),
        }.Sign(_node.Identity)));
        _node.Advance(20_000);
        Assert.Equal(3, _member.Received().Count(packet => packet.Verb == Verb.NetworkCredentials));
    }

    [Fact]
    public void A_controllers_own_node_is_a_member_without_a_packet()
    {
        var network = _node.Node.Join(_node.NowMs, _network);
        _node.RunWork();
        Assert.Equal(NetworkStatus.Ok, network.Status);
        Send(new ControllerMessage { To = _node.Identity.Address, Network = _network, Kind = ControllerMessageKind.AccessDenied });
        Assert.Equal(NetworkStatus.AccessDenied, network.Status);
    }

    [Fact]
    public void A_message_without_what_its_kind_requires_is_refused() => Assert.Throws<ArgumentException>(
        () => _node.Node.Send(_node.NowMs, new ControllerMessage { To = _member.Address, Network = _network, Kind = ControllerMessageKind.Config }));

    private NetworkConfig Config() => _controller.Configure(_node.NowMs, _member.Identity, _network);

    private void Push() => Send(ControllerMessage.Push(_member.Address, Config()));

    private void Send(ControllerMessage message)
    {
        _node.Host.Sent.Clear();
        _node.Node.Send(_node.NowMs, message);
        _node.RunWork();
    }

    private ulong Request(int hops = 0)
    {
        _node.Host.Sent.Clear();
        var packet = _member.Packet(
            Verb.NetworkConfigRequest, (ref ByteWriter writer) => new NetworkConfigRequestMessage { NetworkId = _network, Metadata = [] }.Write(ref writer), hops);
        var id = BitConverter.ToUInt64([.. packet.Take(8).Reverse()]);
        _member.Send(packet);
        _node.RunWork();
        return id;
    }

    private void AssertError(ErrorCode code, ulong inReplyTo)
    {
        var (_, _, _, payload) = Assert.Single(_member.Received(), packet => packet.Verb == Verb.Error);
        Assert.True(ErrorMessage.TryParse(payload, out var error));
        Assert.Equal((Verb.NetworkConfigRequest, inReplyTo, code), (error.InReVerb, error.InRePacketId, error.Code));
        Assert.True(NetworkErrorMessage.TryParse(error.Payload, out var details));
        Assert.Equal(_network, details.NetworkId);
    }

    private ulong[] UpdateIds() => [.. _member.Received().Where(packet => packet.Verb == Verb.NetworkConfig).Select(packet =>
    {
        Assert.True(NetworkConfigMessage.TryParse(packet.Payload, out var part));
        return part.UpdateId;
    })];

    private NetworkConfig Join(IEnumerable<byte[]> parts)
    {
        var assembler = new NetworkConfigAssembler(_network);
        byte[]? text = null;
        foreach (var part in parts)
        {
            Assert.True(NetworkConfigMessage.TryParse(part, out var message));
            assembler.Add(message, _node.Identity.Address, _node.Identity, out text);
        }

        Assert.True(NetworkConfig.TryParse(text, out var config), "the parts are no configuration");
        return config;
    }

    private sealed class RecordingController : INetworkController
    {
        public List<ConfigRequest> Requests { get; } = [];

        public bool TryPost(ConfigRequest request)
        {
            Requests.Add(request);
            return true;
        }

        public Identity? FindIdentity(NodeAddress member) => null;
    }
}
