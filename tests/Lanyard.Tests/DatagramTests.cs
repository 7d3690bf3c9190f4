using System.Net;
using System.Net.Sockets;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard.Tests;

public sealed class DatagramTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Datagrams_of_all_sizes_come_back(bool overIPv6)
    {
        await using var pair = await Pair.StartAsync();
        using var server = pair.B.OpenUdp(53);
        using var client = pair.A.OpenUdp();
        var to = new InetEndpoint(InetAddress.FromIPAddress(overIPv6 ? pair.B.IPv6Address! : pair.B.IPv4Address!), 53);
        var buffer = new byte[65_536];
        foreach (var length in (int[])[0, 1, 100, 1_472, 2_772, 2_773, 6_000, 65_000])
        {
            var sent = new byte[length];
            new Random(length).NextBytes(sent);
            await client.SendToAsync(sent, to, TestLan.Guard);
            var arrived = await server.ReceiveFromAsync(buffer, TestLan.Guard);
            Assert.Equal(sent, buffer[..arrived.Length]);
            Assert.Equal(to, arrived.Local);
            await server.SendToAsync(buffer.AsMemory(0, arrived.Length), arrived.Remote, TestLan.Guard);
            var back = await client.ReceiveFromAsync(buffer, TestLan.Guard);
            Assert.Equal(sent, buffer[..back.Length]);
            Assert.Equal(to, back.Remote);
        }
    }

    [Fact]
    public async Task A_datagram_that_does_not_fit_is_truncated_and_reported_so()
    {
        await using var pair = await Pair.StartAsync();
        using var server = pair.B.OpenUdp(53);
        using var client = pair.A.OpenUdp();
        client.SendTo(new byte[100], new InetEndpoint(Pair.Address(pair.B), 53));
        var datagram = await server.ReceiveFromAsync(new byte[10], TestLan.Guard);
        Assert.Equal((10, true), (datagram.Length, datagram.IsTruncated));
    }

    [Fact]
    public async Task A_connected_socket_hears_its_peer_only_and_learns_that_it_is_refused()
    {
        await using var pair = await Pair.StartAsync();
        using var server = pair.B.OpenUdp(53);
        using var stranger = pair.B.OpenUdp(54);
        using var client = pair.A.OpenUdp();
        client.Connect(new InetEndpoint(Pair.Address(pair.B), 53));
        Assert.Equal(new IPEndPoint(pair.B.IPv4Address!, 53), client.RemoteEndPoint);
        var local = new InetEndpoint(Pair.Address(pair.A), (ushort)client.LocalEndPoint.Port);
        stranger.SendTo("no"u8, local);
        server.SendTo("yes"u8, local);
        var buffer = new byte[16];
        Assert.Equal(3, (await client.ReceiveFromAsync(buffer, TestLan.Guard)).Length);

        server.Dispose();
        var waiting = client.ReceiveFromAsync(buffer, TestLan.Guard);
        client.Send("anyone?"u8);
        var error = await Assert.ThrowsAsync<LanyardSocketException>(() => waiting.AsTask());
        Assert.Equal(NetError.ConnectionRefused, error.Error);
    }

    [Fact]
    public async Task A_multicast_reaches_the_members_of_its_group()
    {
        await using var pair = await Pair.StartAsync();
        using var server = pair.B.OpenUdp(5_353);
        using var client = pair.A.OpenUdp();
        var group = InetAddress.Parse("239.1.2.3");
        Assert.True(server.JoinGroup(group));
        Assert.False(server.JoinGroup(group));
        var buffer = new byte[16];
        var receiving = server.ReceiveFromAsync(buffer, TestLan.Guard).AsTask();
        // Who listens must first get about.
        while (!receiving.IsCompleted)
        {
            client.SendTo("all"u8, new InetEndpoint(group, 5_353));
            await Task.WhenAny(receiving, Task.Delay(100, TestLan.Guard));
        }

        Assert.Equal(new InetEndpoint(group, 5_353), (await receiving).Local);
        Assert.True(server.LeaveGroup(group));
    }

    [Fact]
    public async Task A_broadcast_needs_to_be_allowed_and_reaches_the_others()
    {
        await using var pair = await Pair.StartAsync();
        using var server = pair.B.OpenUdp(67);
        using var client = pair.A.OpenUdp();
        var broadcast = new InetEndpoint(InetAddress.Parse("10.77.0.255"), 67);
        Assert.Equal(NetError.BroadcastNotAllowed, Assert.Throws<LanyardSocketException>(() => client.SendTo("all"u8, broadcast)).Error);
        client.Options = client.Options with { Broadcast = true };
        var receiving = server.ReceiveFromAsync(new byte[16], TestLan.Guard).AsTask();
        while (!receiving.IsCompleted)
        {
            client.SendTo("all"u8, broadcast);
            await Task.WhenAny(receiving, Task.Delay(100, TestLan.Guard));
        }

        Assert.Equal(broadcast, (await receiving).Local);
    }

    [Fact]
    public async Task A_port_is_opened_once()
    {
        await using var pair = await Pair.StartAsync();
        using var first = pair.A.OpenUdp(53);
        Assert.Equal(NetError.AddressInUse, Assert.Throws<LanyardSocketException>(() => pair.A.OpenUdp(53)).Error);
        using var listener = pair.A.Listen(80);
        Assert.Contains("the port is in use", Assert.Throws<LanyardSocketException>(() => pair.A.Listen(80)).Message,
            StringComparison.Ordinal);
        Assert.Throws<LanyardSocketException>(() => pair.A.Listen(new InetEndpoint(InetAddress.Parse("10.77.0.99"), 81)));
    }

    [Fact]
    public async Task A_ping_is_answered_by_members_and_by_oneself()
    {
        await using var pair = await Pair.StartAsync();
        foreach (var address in (IPAddress[])[pair.B.IPv4Address!, pair.B.IPv6Address!, pair.A.IPv4Address!])
        {
            var reply = await pair.A.PingAsync(address, TimeSpan.FromMinutes(1), cancellationToken: TestLan.Guard);
            Assert.True(reply.IsSuccess);
            Assert.Equal(InetAddress.FromIPAddress(address), reply.From);
            Assert.Equal(56, reply.PayloadBytes);
            Assert.True(reply.RoundTrip > TimeSpan.Zero);
        }

        Assert.Equal(6_000, (await pair.A.PingAsync(pair.B.IPv4Address!, TimeSpan.FromMinutes(1), 6_000, TestLan.Guard)).PayloadBytes);
    }

    [Fact]
    public async Task A_ping_to_an_absent_member_times_out()
    {
        await using var pair = await Pair.StartAsync();
        var reply = await pair.A.PingAsync(IPAddress.Parse("10.77.0.200"), TimeSpan.FromMilliseconds(100),
            cancellationToken: TestLan.Guard);
        Assert.Equal(SocketError.TimedOut, reply.Error);
        Assert.Equal(SocketError.NetworkUnreachable, (await pair.A.PingAsync(IPAddress.Parse("192.0.2.1"), cancellationToken: TestLan.Guard)).Error);
    }
}
