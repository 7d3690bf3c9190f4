using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard.Proxies.Tests;

/// <summary>Another user of this machine cannot replace the client of a proxy or of a forward.</summary>
public sealed class StrangerTests
{
    [Fact]
    public async Task The_first_datagram_of_another_user_does_not_take_an_association()
    {
        RequireTwoUsers();
        await using var lan = await ProxyLan.StartAsync();
        await using var proxy = lan.Client.StartProxy();
        using var echo = lan.Server.OpenUdp(7);
        var echoing = SocksTests.EchoAsync(echo);
        var (client, reply, relay) = await SocksClient.RequestAsync(proxy, SocksCommand.UdpAssociate, "0.0.0.0", 0);
        using (client)
        {
            Assert.Equal(SocksReply.Succeeded, reply);
            using var stranger = Stranger.Start(0, relay.Port, Datagram(lan, "stranger"));
            await ProxyLan.WaitForAsync(proxy.Counters, LanyardProxyCounter.DatagramsDroppedSource, 1);
            Assert.Equal(0, proxy.Counters[LanyardProxyCounter.DatagramsFromClients]);
            using var udp = Bind(0);
            Assert.Equal("client", await ExchangeAsync(udp, relay, Datagram(lan, "client")));
            // The proxy counts a datagram once it is sent, which may be after it has arrived.
            await ProxyLan.WaitForAsync(proxy.Counters, LanyardProxyCounter.DatagramsToClients, 1);
        }

        echo.Dispose();
        await echoing;
    }

    [Fact]
    public async Task The_port_of_a_request_is_the_clients_only_if_its_user_owns_it()
    {
        RequireTwoUsers();
        await using var lan = await ProxyLan.StartAsync();
        await using var proxy = lan.Client.StartProxy();
        int named;
        using (var free = Bind(0))
            named = ((IPEndPoint)free.LocalEndPoint!).Port;
        var (client, _, relay) = await SocksClient.RequestAsync(proxy, SocksCommand.UdpAssociate, "127.0.0.1", named);
        using (client)
        {
            // The client has not bound it yet, and a stranger was faster.
            using var stranger = Stranger.Start(named, relay.Port, Datagram(lan, "stranger"));
            await ProxyLan.WaitForAsync(proxy.Counters, LanyardProxyCounter.DatagramsDroppedSource, 1);
            // Another port of the client's own user is not the one that it named.
            using var other = Bind(0);
            await other.SendToAsync(Datagram(lan, "other"), relay.ToIPEndPoint(), TestLan.Guard);
            await ProxyLan.WaitForAsync(proxy.Counters, LanyardProxyCounter.DatagramsDroppedSource, 2);
            Assert.Equal(0, proxy.Counters[LanyardProxyCounter.DatagramsFromClients]);
        }
    }

    [Fact]
    public async Task A_port_that_the_client_closed_is_not_anothers_who_gets_it()
    {
        RequireTwoUsers();
        await using var lan = await ProxyLan.StartAsync();
        await using var proxy = lan.Client.StartProxy();
        using var echo = lan.Server.OpenUdp(7);
        var echoing = SocksTests.EchoAsync(echo);
        var (client, _, relay) = await SocksClient.RequestAsync(proxy, SocksCommand.UdpAssociate, "0.0.0.0", 0);
        using (client)
        {
            int port;
            using (var udp = Bind(0))
            {
                port = ((IPEndPoint)udp.LocalEndPoint!).Port;
                Assert.Equal("client", await ExchangeAsync(udp, relay, Datagram(lan, "client")));
            }

            // From the next look on, which is due within a second.
            using var stranger = Stranger.Start(port, relay.Port, Datagram(lan, "stranger"), isRepeating: true);
            await ProxyLan.WaitForAsync(proxy.Counters, LanyardProxyCounter.DatagramsDroppedSource, 3);
            var passed = proxy.Counters[LanyardProxyCounter.DatagramsFromClients];
            await ProxyLan.WaitForAsync(proxy.Counters, LanyardProxyCounter.DatagramsDroppedSource, 10);
            Assert.Equal(passed, proxy.Counters[LanyardProxyCounter.DatagramsFromClients]);
            // The client goes on from another port.
            using var again = Bind(0);
            Assert.Equal("again", await ExchangeAsync(again, relay, Datagram(lan, "again")));
        }

        echo.Dispose();
        await echoing;
    }

    [Fact]
    public async Task A_forwards_sender_that_closed_its_port_is_not_followed_by_another_user()
    {
        RequireTwoUsers();
        await using var lan = await ProxyLan.StartAsync();
        await using var forward = lan.Client.StartForward(LanyardForward.Parse(LanyardForwardDirection.Local, $"0:{lan.ServerAddress}:7/udp"));
        using var server = lan.Server.OpenUdp(7);
        var buffer = new byte[100];
        int port;
        InetEndpoint first;
        using (var udp = Bind(0))
        {
            port = ((IPEndPoint)udp.LocalEndPoint!).Port;
            await udp.SendToAsync("client"u8.ToArray(), forward.LocalEndPoint, TestLan.Guard);
            first = (await server.ReceiveFromAsync(buffer, TestLan.Guard)).Remote;
        }

        using var stranger = Stranger.Start(port, forward.LocalEndPoint.Port, "stranger"u8.ToArray(), isRepeating: true);
        while ((await server.ReceiveFromAsync(buffer, TestLan.Guard)).Remote == first)
        {
        }

        // What is sent to the one before does not reach the stranger: nobody has its port any more.
        server.SendTo("for the client"u8, first);
        await ProxyLan.WaitForAsync(forward.Counters, LanyardProxyCounter.DatagramsFromClients, forward.Counters[LanyardProxyCounter.DatagramsFromClients] + 3);
        Assert.Equal(0, forward.Counters[LanyardProxyCounter.DatagramsToClients]);
    }

    [Fact]
    public void The_users_of_sockets_are_found()
    {
        if (HostSocketOwners.TryReadTcp() is null)
            Assert.Skip("This system does not say whose sockets are.");
        var own = StateFile.OwnerOf("/proc/self")!.Value;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndpoint);
        using var accepted = listener.AcceptSocket();
        var (near, far) = (InetEndpoint.FromIPEndPoint((IPEndPoint)client.LocalEndPoint!), InetEndpoint.FromIPEndPoint((IPEndPoint)client.RemoteEndPoint!));
        var tcp = HostSocketOwners.TryReadTcp()!;
        Assert.Equal(own, tcp.FindUser(near, far));
        Assert.Equal(own, tcp.FindUser(far, near));
        Assert.Null(tcp.FindUser(near, near));
        Assert.Contains(tcp.Sockets, socket => socket.Local == far && socket.State == HostSocketOwners.Listening && socket.User == own);
        foreach (var address in new[] { IPAddress.Loopback, IPAddress.Any, IPAddress.IPv6Loopback, IPAddress.IPv6Any })
        {
            if (address.AddressFamily == AddressFamily.InterNetworkV6 && !Socket.OSSupportsIPv6)
                continue;
            using var udp = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            udp.Bind(new IPEndPoint(address, 0));
            var port = (ushort)((IPEndPoint)udp.LocalEndPoint!).Port;
            var loopback = address.AddressFamily == AddressFamily.InterNetwork ? "127.0.0.1" : "::1";
            Assert.Equal(own, HostSocketOwners.TryReadUdp()!.FindSender(new InetEndpoint(InetAddress.Parse(loopback), port)));
            udp.Dispose();
            Assert.Null(HostSocketOwners.TryReadUdp()!.FindSender(new InetEndpoint(InetAddress.Parse(loopback), port)));
        }
    }

    private static void RequireTwoUsers() => Assert.SkipUnless(
        OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && File.Exists("/usr/bin/setpriv") && File.Exists("/usr/bin/perl"), "It takes the superuser, setpriv and perl to be two users.");

    private static byte[] Datagram(ProxyLan lan, string text)
    {
        var datagram = SocksClient.Request(default, $"{lan.ServerAddress}", 7);
        datagram[0] = 0;
        return [.. datagram, .. System.Text.Encoding.ASCII.GetBytes(text)];
    }

    private static Socket Bind(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
        return socket;
    }

    // Sends until there is an answer: a datagram may get lost.
    private static async Task<string> ExchangeAsync(Socket udp, InetEndpoint relay, byte[] datagram)
    {
        var buffer = new byte[1_000];
        while (true)
        {
            await udp.SendToAsync(datagram, relay.ToIPEndPoint(), TestLan.Guard);
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestLan.Guard);
            patience.CancelAfter(TimeSpan.FromSeconds(5));
            try
            {
                var received = await udp.ReceiveFromAsync(buffer, relay.ToIPEndPoint(), patience.Token);
                Assert.True(SocksFormat.TryParseDatagram(buffer.AsSpan(0, received.ReceivedBytes), out _, out _, out var start));
                return System.Text.Encoding.ASCII.GetString(buffer, start, received.ReceivedBytes - start);
            }
            catch (OperationCanceledException) when (!TestLan.Guard.IsCancellationRequested)
            {
            }
        }
    }

    /// <summary>A program of another user that sends datagrams from a port, and keeps it.</summary>
    private sealed class Stranger(Process process) : IDisposable
    {
        private const string Program = """
            use IO::Socket::INET; use IO::Select;
            my ($from, $to, $hex, $repeats) = @ARGV;
            my $socket = IO::Socket::INET->new(Proto => "udp", LocalAddr => "127.0.0.1", LocalPort => $from, PeerAddr => "127.0.0.1", PeerPort => $to) or die "no port: $!";
            my $end = IO::Select->new(\*STDIN);
            do { $socket->send(pack("H*", $hex)) } while ($repeats && !$end->can_read(0.05));
            $end->can_read();
            """;

        public static Stranger Start(int from, int to, byte[] datagram, bool isRepeating = false)
        {
            string[] args = ["--reuid", "65534", "--clear-groups", "perl", "-e", Program, from.ToString(CultureInfo.InvariantCulture), to.ToString(CultureInfo.InvariantCulture),
                Convert.ToHexString(datagram), isRepeating ? "1" : "0"];
            return new Stranger(Process.Start(new ProcessStartInfo("setpriv", args) { RedirectStandardInput = true })!);
        }

        public void Dispose()
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
    }
}
