using System.Net;
using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard.Proxies.Tests;

public sealed class ForwardTests
{
    [Theory]
    [InlineData("8080:10.1.0.2:80", "8080:10.1.0.2:80", false)]
    [InlineData("8080:10.1.0.2:80/tcp", "8080:10.1.0.2:80", false)]
    [InlineData("127.0.0.1:0:host:53/udp", "127.0.0.1:0:host:53/udp", true)]
    [InlineData("[::1]:80:[fd00::1]:443", "[::1]:80:[fd00::1]:443", false)]
    [InlineData("*:80:host:81", "0.0.0.0:80:host:81", false)]
    [InlineData("localhost:80:host:81", "80:host:81", false)]
    public void Forwards_are_read_as_ssh_reads_them(string text, string again, bool isUdp)
    {
        var forward = LanyardForward.Parse(LanyardForwardDirection.Local, text);
        Assert.Equal(again, forward.ToString());
        Assert.Equal(isUdp, forward.IsUdp);
        Assert.Equal(forward, LanyardForward.Parse(LanyardForwardDirection.Local, again));
    }

    [Theory]
    [InlineData("", "such as")]
    [InlineData("80", "such as")]
    [InlineData("80:host", "such as")]
    [InlineData("a:80:host:81", "'a' is not an IP address")]
    [InlineData("70000:host:81", "'70000' is not a port to listen on")]
    [InlineData("80:host:0", "'0' is not a destination port")]
    [InlineData("80::81", "has no destination host")]
    [InlineData("80:[fd00::1/]:81/tcp", "neither an IP address nor a host name")]
    [InlineData("80:[a:b]:81", "neither an IP address nor a host name")]
    [InlineData("80:a]b:81", "neither an IP address nor a host name")]
    [InlineData("80:host:81/sctp", "such as")]
    [InlineData("80:fd00::1:81", "such as")]
    [InlineData("1:2:3:4:5", "such as")]
    public void An_invalid_forward_is_refused_with_the_reason(string text, string reason)
    {
        Assert.False(LanyardForward.TryParse(LanyardForwardDirection.Local, text, out _, out var error));
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_of_the_host_leads_to_one_on_the_network()
    {
        await using var lan = await ProxyLan.StartAsync();
        using var listener = lan.Server.Listen(80);
        await using var forwarder = lan.Client.StartForward(LanyardForward.Parse(LanyardForwardDirection.Local, "0:server.lan.test:80"));
        Assert.Equal(IPAddress.Loopback, forwarder.LocalEndPoint.Address);
        using var client = new TcpClient();
        var accepting = listener.AcceptAsync(TestLan.Guard);
        await client.ConnectAsync(forwarder.LocalEndPoint, TestLan.Guard);
        await using var stream = await accepting;
        await ExchangeAsync(client.Client, stream);
        listener.Dispose();

        // Nobody is there any more: the client is reset.
        using var refused = new TcpClient();
        await refused.ConnectAsync(forwarder.LocalEndPoint, TestLan.Guard);
        await Assert.ThrowsAsync<IOException>(async () => await refused.GetStream().ReadExactlyAsync(new byte[1], TestLan.Guard));
        Assert.Equal(1, forwarder.Counters[LanyardProxyCounter.Unreachable]);
        var taken = Assert.Throws<LanyardException>(() => lan.Client.StartForward(forwarder.Forward with { Port = (ushort)forwarder.LocalEndPoint.Port }));
        Assert.Contains("is in use by another program", taken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_on_the_network_leads_to_one_that_the_host_reaches()
    {
        await using var lan = await ProxyLan.StartAsync();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var target = (IPEndPoint)listener.LocalEndpoint;
        await using var forwarder = lan.Server.StartForward(LanyardForward.Parse(LanyardForwardDirection.Remote, $"80:localhost:{target.Port}"));
        var accepting = listener.AcceptTcpClientAsync(TestLan.Guard);
        await using var stream = await lan.Client.ConnectAsync($"{lan.ServerAddress}", 80, TestLan.Guard);
        using var accepted = await accepting;
        await ExchangeAsync(accepted.Client, stream);
    }

    [Fact]
    public async Task Datagrams_are_forwarded_both_ways_and_each_sender_has_its_own_answers()
    {
        await using var lan = await ProxyLan.StartAsync();
        using var echo = lan.Server.OpenUdp(7);
        var echoing = SocksTests.EchoAsync(echo);
        // From the host onto the network, and from there to the host again.
        await using var local = lan.Client.StartForward(LanyardForward.Parse(LanyardForwardDirection.Local, "0:server:7/udp"));
        await using var remote = lan.Server.StartForward(
            LanyardForward.Parse(LanyardForwardDirection.Remote, $"9:127.0.0.1:{local.LocalEndPoint.Port}/udp"),
            new LanyardForwardOptions { MaxConnections = 2, UdpIdleTimeout = TimeSpan.FromMilliseconds(500) });
        var sockets = new[] { lan.Client.OpenUdp(), lan.Client.OpenUdp(), lan.Client.OpenUdp() };
        for (var i = 0; i < 30; i++)
        {
            var socket = sockets[i % 3];
            byte[] sent = [1, 2, 3, (byte)i];
            var buffer = new byte[64];
            socket.SendTo(sent, new InetEndpoint(Pair.Address(lan.Server), 9));
            var answer = await socket.ReceiveFromAsync(buffer, TestLan.Guard);
            Assert.Equal(sent, buffer[..answer.Length]);
        }

        // The third made the first go, and so on.
        Assert.InRange(remote.Counters.Active, 0, 2);
        Assert.True(remote.Counters[LanyardProxyCounter.OverLimit] > 0);
        await ProxyLan.WaitUntilIdleAsync(remote.Counters);
        foreach (var socket in sockets)
            socket.Dispose();
        echo.Dispose();
        await echoing;
    }

    private static async Task ExchangeAsync(Socket socket, LanyardStream stream)
    {
        var bytes = new byte[1_000_000];
        new Random(3).NextBytes(bytes);
        var writing = stream.WriteAsync(bytes, TestLan.Guard).AsTask().ContinueWith(_ => stream.ShutdownSend(), TaskScheduler.Default);
        var received = new MemoryStream();
        await using var other = new NetworkStream(socket, ownsSocket: false);
        await other.CopyToAsync(received, TestLan.Guard);
        await writing;
        Assert.Equal(bytes, received.ToArray());
        await other.WriteAsync(bytes, TestLan.Guard);
        socket.Shutdown(SocketShutdown.Send);
        received = new MemoryStream();
        await stream.CopyToAsync(received, TestLan.Guard);
        Assert.Equal(bytes, received.ToArray());
    }
}
