using System.Threading.Channels;
using Lanyard.Engine;
using Lanyard.Wire;

namespace Lanyard.Controller.Tests;

public class WorkerTests
{
    private readonly TestController _test = new();
    private readonly Identity _a = TestController.Stranger(0xa1);
    private readonly Identity _b = TestController.Stranger(0xb2);
    private readonly Channel<ControllerMessage> _sent = Channel.CreateUnbounded<ControllerMessage>();

    [Fact]
    public async Task A_configuration_replies_to_the_packet_that_requested_it()
    {
        _test.SaveNetwork(network => network with { IsPrivate = false });
        await using var worker = Start();
        Assert.True(worker.TryPost(Request(_a, 77)));
        var reply = await ReadAsync();
        Assert.Equal((_a.Address, ControllerMessageKind.Config, 77UL), (reply.To, reply.Kind, reply.InReplyTo));
        Assert.True(reply.Config!.Membership!.Verify(_test.Identity));
    }

    [Fact]
    public async Task A_refusal_replies_to_the_packet_that_requested_a_configuration()
    {
        await using var worker = Start();
        worker.TryPost(Request(_a, 5));
        AssertRefusal(await ReadAsync(), ControllerMessageKind.NotFound, 5);
        _test.SaveNetwork(network => network);
        worker.TryPost(Request(_a, 6));
        AssertRefusal(await ReadAsync(), ControllerMessageKind.AccessDenied, 6);
    }

    [Fact]
    public async Task Changes_are_sent_without_a_request()
    {
        await using var worker = Start();
        _test.SaveNetwork(network => network);
        _test.Authorize(_b);
        worker.TryPost(Request(_a, 5));
        worker.TryPost(Request(_b, 6));
        Assert.Equal([ControllerMessageKind.AccessDenied, ControllerMessageKind.Config], [(await ReadAsync()).Kind, (await ReadAsync()).Kind]);

        _test.Authorize(_a);
        var pushed = await ReadAsync();
        Assert.Equal((_a.Address, ControllerMessageKind.Config, 0UL), (pushed.To, pushed.Kind, pushed.InReplyTo));

        _test.Authorize(_a, false);
        var revoked = await ReadAsync();
        Assert.Equal((_b.Address, ControllerMessageKind.Revocation), (revoked.To, revoked.Kind));
        Assert.True(revoked.Revocation!.Verify(_test.Identity));
        AssertRefusal(await ReadAsync(), ControllerMessageKind.AccessDenied, 5);
    }

    [Fact]
    public async Task Requests_before_the_start_are_replied_to_after_it()
    {
        await using var worker = new ControllerWorker();
        Assert.True(worker.TryPost(Request(_a, 3)));
        Assert.Null(worker.FindIdentity(_a.Address));
        worker.Start(_test.Core, message => _sent.Writer.TryWrite(message), () => _test.NowMs);
        AssertRefusal(await ReadAsync(), ControllerMessageKind.NotFound, 3);
    }

    [Fact]
    public async Task Requests_beyond_the_queue_are_dropped_and_counted()
    {
        using var entered = new SemaphoreSlim(0);
        using var leave = new SemaphoreSlim(0);
        await using var worker = new ControllerWorker(queueLength: 3);
        worker.Start(_test.Core, _ => { entered.Release(); leave.Wait(); }, () => _test.NowMs);
        Assert.True(worker.TryPost(Request(_a, 1)));
        await entered.WaitAsync(TestContext.Current.CancellationToken);
        for (var n = 0; n < 3; n++)
            Assert.True(worker.TryPost(Request(_a, 1)));
        Assert.False(worker.TryPost(Request(_a, 1)));
        Assert.Equal(1, worker.DroppedRequests);
        leave.Release(10);
    }

    [Fact]
    public async Task A_send_that_throws_does_not_end_the_worker()
    {
        await using var worker = new ControllerWorker();
        worker.Start(
            _test.Core,
            message =>
            {
                if (message.To == _a.Address)
                    throw new InvalidOperationException("No.");
                _sent.Writer.TryWrite(message);
            },
            () => _test.NowMs);
        worker.TryPost(Request(_a, 1));
        worker.TryPost(Request(_b, 2));
        Assert.Equal(_b.Address, (await ReadAsync()).To);
    }

    private ControllerWorker Start()
    {
        var worker = new ControllerWorker();
        worker.Start(_test.Core, message => _sent.Writer.TryWrite(message), () => _test.NowMs);
        return worker;
    }

    private ConfigRequest Request(Identity node, ulong packetId) => new(_test.NowMs, node, default, _test.NetworkId, TestController.Metadata, packetId);

    private void AssertRefusal(ControllerMessage message, ControllerMessageKind kind, ulong inReplyTo) =>
        Assert.Equal((_a.Address, kind, _test.NetworkId, inReplyTo), (message.To, message.Kind, message.Network, message.InReplyTo));

    private ValueTask<ControllerMessage> ReadAsync() => _sent.Reader.ReadAsync(TestContext.Current.CancellationToken);
}
