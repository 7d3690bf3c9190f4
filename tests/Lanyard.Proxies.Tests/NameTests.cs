using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Tests;
using Lanyard.Tests.Naming;
using Lanyard.Wire;

namespace Lanyard.Proxies.Tests;

public sealed class NameTests
{
    [Fact]
    public async Task A_name_with_a_dead_address_is_reached_by_its_other_one()
    {
        await using var lan = await TestLan.StartAsync();
        // Only the success of the other address ends the attempt at the dead address.
        var patient = new TcpOptions { ConnectTimeout = TimeSpan.FromHours(1) };
        var server = await lan.JoinAsync(1);
        lan.Controller.Dns = new NetworkDns("lan.test", new[] { Pair.Address(server) }.ToEquatableArray());
        var client = await lan.JoinAsync(2, lan.Options(2) with { Tcp = patient });
        client.Settings = client.Settings with { AllowDns = true };
        await using var dns = new DnsServer(server);
        // This address derives from the address of a missing node. It needs no neighbor discovery, so no failure is ever reported.
        var absent = DerivedAddresses.Rfc4193(lan.Network, NodeAddress.Parse("0123456789")).Address;
        dns.Add("half.lan.test", absent, Pair.Address(server));
        dns.Add("other.lan.test", InetAddress.Parse("10.77.0.250"), InetAddress.FromIPAddress(server.IPv6Address!));
        using var listener = server.Listen(80);
        await using var proxy = client.StartProxy(new LanyardProxyOptions { ConnectTimeout = TimeSpan.FromHours(1) });
        foreach (var name in new[] { "half.lan.test", "other.lan.test" })
        {
            var accepting = listener.AcceptAsync(TestLan.Guard).AsTask();
            await using (await client.ConnectAsync(name, 80, TestLan.Guard))
            await using (await accepting)
            {
            }

            accepting = listener.AcceptAsync(TestLan.Guard).AsTask();
            var (socks, reply, _) = await SocksClient.RequestAsync(proxy, SocksCommand.Connect, name, 80);
            using (socks)
                Assert.Equal(SocksReply.Succeeded, reply);
            await using (await accepting)
            {
            }
        }
    }

    [Fact]
    public async Task All_forms_of_an_address_are_equal()
    {
        await using var lan = await ProxyLan.StartAsync();
        using var listener = lan.Server.Listen(80);
        await using var proxy = lan.Client.StartProxy();
        var (node, network) = (lan.Server.Node.Address, lan.Server.Id);
        foreach (var host in new[]
        {
            $"{lan.ServerAddress}", $"::ffff:{lan.ServerAddress}", $"[::ffff:{lan.ServerAddress}]", $"{lan.ServerAddress}.", $"[{lan.Server.IPv6Address}]", $"{node}", $"{node}.",
            $"{node}.{network}", $"{node}.{network}.", $"{node}.{network}.".ToUpperInvariant(), "server", "server.lan.test.",
        })
        {
            var accepting = listener.AcceptAsync(TestLan.Guard).AsTask();
            await using (await lan.Client.ConnectAsync(host, 80, TestLan.Guard))
            await using (await accepting)
            {
            }

            accepting = listener.AcceptAsync(TestLan.Guard).AsTask();
            using var client = await SocksClient.ConnectAsync(proxy);
            await client.SendAsync([5, 1, 0, 5, 1, 0, 3, (byte)host.Length, .. System.Text.Encoding.ASCII.GetBytes(host), 0, 80]);
            await client.ReceiveAsync(2);
            Assert.Equal((host, SocksReply.Succeeded), (host, (await client.ReadReplyAsync()).Reply));
            await using (await accepting)
            {
            }
        }
    }
}
