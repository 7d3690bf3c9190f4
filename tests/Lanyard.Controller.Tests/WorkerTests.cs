using System.Threading.Channels;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Verbs;

namespace Lanyard.Controller.Tests;

public class WorkerTests
{
    private readonly TestController _test = new();
    private readonly Identity _a = TestController.Stranger(0xa1);
    private readonly Identity _b = TestController.Stranger(0xb2);
    private readonly Channel<ControllerPacket> _sent = Channel.CreateUnbounded<ControllerPacket>();

    [Fact]
    public async Task A_configuration_that_was_asked_for_comes_in_OKs_that_join_to_it()
    {
        _test.SaveNetwork(network => network with { IsPrivate = false, Rules = Enumerable.Repeat(Rule.MatchMacSource(new MacAddress(0x102030405060)), 1024).ToEquatableArray() });
        await using var worker = new ControllerWorker(_test.Core, packet => _sent.Writer.TryWrite(packet));
        Assert.True(worker.TryPost(_a, default, _test.NetworkId, TestController.Metadata, 77));

        var assembler = new NetworkConfigAssembler(_test.NetworkId);
        byte[]? text = null;
        for (var parts = 0; text is null && parts < 10; parts++)
        {
            var packet = await ReadAsync();
            Assert.Equal((_a.Address, Verb.Ok), (packet.To, packet.Verb));
            Join(packet, assembler, out text);
        }

        Assert.True(NetworkConfig.TryParse(text, out var config));
        Assert.Equal(1024, config.Rules.Count);
        Assert.True(config.Membership!.Verify(_test.Identity));

        void Join(ControllerPacket packet, NetworkConfigAssembler assembler, out byte[]? text)
        {
            Assert.True(OkMessage.TryParse(packet.Payload.Span, out var ok));
            Assert.Equal((Verb.NetworkConfigRequest, 77UL), (ok.InReVerb, ok.InRePacketId));
            Assert.True(NetworkConfigMessage.TryParse(ok.Payload, out var part));
            Assert.True(assembler.Add(part, _test.Identity.Address, _test.Identity, out text) is NetworkConfigChunkResult.Accepted or NetworkConfigChunkResult.Complete);
        }
    }

    [Fact]
    public async Task Refusals_come_as_errors_that_name_the_network()
    {
        await using var worker = new ControllerWorker(_test.Core, packet => _sent.Writer.TryWrite(packet));
        worker.TryPost(_a, default, _test.NetworkId, TestController.Metadata, 5);
        AssertError(await ReadAsync(), ErrorCode.ObjectNotFound, 5);
        _test.SaveNetwork(network => network);
        worker.TryPost(_a, default, _test.NetworkId, TestController.Metadata, 6);
        AssertError(await ReadAsync(), ErrorCode.NetworkAccessDenied, 6);
    }

    [Fact]
    public async Task Changes_are_sent_without_being_asked_for()
    {
        // The worker's clock is the controller's here: both nodes are online.
        var time = new FixedTime(_test.NowMs);
        await using var worker = new ControllerWorker(_test.Core, packet => _sent.Writer.TryWrite(packet), time);
        _test.SaveNetwork(network => network);
        _test.Authorize(_b);
        worker.TryPost(_a, default, _test.NetworkId, TestController.Metadata, 5);
        worker.TryPost(_b, default, _test.NetworkId, TestController.Metadata, 6);
        Assert.Equal([Verb.Error, Verb.Ok], [(await ReadAsync()).Verb, (await ReadAsync()).Verb]);

        _test.Authorize(_a);
        var pushed = await ReadAsync();
        Assert.Equal((_a.Address, Verb.NetworkConfig), (pushed.To, pushed.Verb));
        Assert.True(NetworkConfigMessage.TryParse(pushed.Payload.Span, out _));

        _test.Authorize(_a, false);
        var revoked = await ReadAsync();
        Assert.Equal((_b.Address, Verb.NetworkCredentials), (revoked.To, revoked.Verb));
        Assert.True(NetworkCredentialsMessage.TryParse(revoked.Payload.Span, out var credentials));
        Assert.True(Assert.Single(credentials.Revocations).Verify(_test.Identity));
        AssertError(await ReadAsync(), ErrorCode.NetworkAccessDenied, 5);
    }

    [Fact]
    public async Task Requests_beyond_the_queue_are_dropped_and_counted()
    {
        using var entered = new SemaphoreSlim(0);
        using var leave = new SemaphoreSlim(0);
        await using (var worker = new ControllerWorker(_test.Core, _ => { entered.Release(); leave.Wait(); }, queueLength: 3))
        {
            Assert.True(worker.TryPost(_a, default, _test.NetworkId, TestController.Metadata, 1));
            await entered.WaitAsync();
            for (var n = 0; n < 3; n++)
                Assert.True(worker.TryPost(_a, default, _test.NetworkId, TestController.Metadata, 1));
            Assert.False(worker.TryPost(_a, default, _test.NetworkId, TestController.Metadata, 1));
            Assert.Equal(1, worker.DroppedRequests);
            leave.Release(10);
        }
    }

    [Fact]
    public async Task A_send_that_throws_does_not_end_the_worker()
    {
        await using var worker = new ControllerWorker(_test.Core, packet =>
        {
            if (packet.To == _a.Address)
                throw new InvalidOperationException("No.");
            _sent.Writer.TryWrite(packet);
        });
        worker.TryPost(_a, default, _test.NetworkId, TestController.Metadata, 1);
        worker.TryPost(_b, default, _test.NetworkId, TestController.Metadata, 2);
        Assert.Equal(_b.Address, (await ReadAsync()).To);
    }

    private void AssertError(ControllerPacket packet, ErrorCode code, ulong inReplyTo)
    {
        Assert.Equal((_a.Address, Verb.Error), (packet.To, packet.Verb));
        Assert.True(ErrorMessage.TryParse(packet.Payload.Span, out var error));
        Assert.Equal((Verb.NetworkConfigRequest, inReplyTo, code), (error.InReVerb, error.InRePacketId, error.Code));
        Assert.True(NetworkErrorMessage.TryParse(error.Payload, out var details));
        Assert.Equal(_test.NetworkId, details.NetworkId);
    }

    private ValueTask<ControllerPacket> ReadAsync() => _sent.Reader.ReadAsync(TestContext.Current.CancellationToken);

    private sealed class FixedTime(long nowMs) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(nowMs);
    }
}
