using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

public class LoopbackTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_host_connects_to_itself_and_nothing_reaches_the_wire(bool v6)
    {
        var peer = new RawPeer();
        var server = new AcceptAll(() => new StreamApp(() => peer.Now, 300_000, 2, 1));
        peer.Host.ListenTcp(new InetEndpoint(default, 80), server, out _);
        var client = new StreamApp(() => peer.Now, 500_000);
        Assert.Equal(NetError.None, peer.Host.ConnectTcp(peer.Now, new InetEndpoint(v6 ? Pair.A6 : Pair.A4, 80), client,
            out var connection));
        client.Attach(connection!);
        for (var i = 0; i < 1_000 && !client.Closed; i++)
            peer.Advance(1_000);
        Transfer.CheckClean(client, 500_000, 300_000);
        Transfer.CheckClean(server.Apps[0], 300_000, 500_000);
        Assert.Empty(peer.Frames);
        peer.Advance(60_000_000);
        Assert.Equal(0, peer.Host.Pool.Outstanding);
    }

    [Fact]
    public void A_host_pings_and_mails_itself()
    {
        var peer = new RawPeer();
        var events = new EchoRecorder();
        peer.Host.OpenEcho(events, out var echo);
        Assert.Equal(NetError.None, echo!.Send(peer.Now, Pair.A6, 5, new byte[6_000]));
        Assert.Equal(6_000, Assert.Single(events.Replies).Payload.Length);
        peer.Host.OpenUdp(new InetEndpoint(default, 9), null, out var socket);
        Assert.Equal(NetError.None, socket!.SendTo(peer.Now, new InetEndpoint(Pair.A4, 9), "x"u8));
        Assert.Equal(1, socket.Pending);
        Assert.Empty(peer.Frames);
    }

    [Fact]
    public void More_than_the_limit_to_itself_is_dropped()
    {
        var peer = new RawPeer(options => options with { Limits = new HostLimits { LoopbackPackets = 10 } });
        peer.Host.OpenUdp(new InetEndpoint(default, 9), null, out var socket);
        peer.Host.BeginBatch(peer.Now);
        for (var i = 0; i < 20; i++)
            socket!.SendTo(peer.Now, new InetEndpoint(Pair.A4, 9), "x"u8);
        peer.Host.EndBatch(peer.Now);
        Assert.Equal((10, 10), (socket!.Pending, peer.Host.Counters[HostCounter.LoopbackOverflow]));
    }
}
