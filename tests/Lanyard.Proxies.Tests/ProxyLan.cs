using System.Net;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Tests.Naming;
using Lanyard.Wire;

namespace Lanyard.Proxies.Tests;

/// <summary>A LAN with a server that other tests reach through a proxy of another member's, and the LAN's DNS.</summary>
internal sealed class ProxyLan : IAsyncDisposable
{
    private readonly TestLan _lan;

    private ProxyLan(TestLan lan, LanyardNetwork server, LanyardNetwork client)
    {
        _lan = lan;
        Server = server;
        Client = client;
        Dns = new DnsServer(server);
        Dns.Add("server.lan.test", Pair.Address(server), InetAddress.FromIPAddress(server.IPv6Address!));
    }

    /// <summary>The member that programs want to reach, as server.lan.test.</summary>
    public LanyardNetwork Server { get; }

    /// <summary>The member with the proxy.</summary>
    public LanyardNetwork Client { get; }

    public DnsServer Dns { get; }

    public IPAddress ServerAddress => Server.IPv4Address!;

    /// <summary>Starts it.</summary>
    /// <param name="limits">The bounds of both members' ports; the defaults where none are given.</param>
    public static async Task<ProxyLan> StartAsync(HostLimits? limits = null)
    {
        limits ??= new HostLimits();
        var lan = await TestLan.StartAsync();
        var server = await lan.JoinAsync(1, lan.Options(1) with { NetworkLimits = limits });
        lan.Controller.Dns = new NetworkDns("lan.test", new[] { Pair.Address(server) }.ToEquatableArray());
        var client = await lan.JoinAsync(2, lan.Options(2) with { NetworkLimits = limits });
        client.Settings = client.Settings with { AllowDns = true };
        return new ProxyLan(lan, server, client);
    }

    /// <summary>Waits until a counter is as high as it has to become.</summary>
    public static async Task WaitForAsync(LanyardProxyCounters counters, LanyardProxyCounter counter, long least)
    {
        while (counters[counter] < least)
            await Task.Delay(5, TestLan.Guard);
    }

    /// <summary>Waits until nobody is served any more.</summary>
    public static async Task WaitUntilIdleAsync(LanyardProxyCounters counters)
    {
        while (counters.Active > 0)
            await Task.Delay(5, TestLan.Guard);
    }

    public async ValueTask DisposeAsync()
    {
        await Dns.DisposeAsync();
        await _lan.DisposeAsync();
    }
}
