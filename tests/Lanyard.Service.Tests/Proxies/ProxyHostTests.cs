using System.Net;
using System.Net.Sockets;
using System.Text;
using Lanyard.Proxies;

namespace Lanyard.Service.Tests.Proxies;

public sealed class ProxyHostTests
{
    private const string Network = """
        { "private": false, "v4AssignMode": { "zt": true }, "routes": [ { "target": "10.1.0.0/24" } ],
          "ipAssignmentPools": [ { "ipRangeStart": "10.1.0.2", "ipRangeEnd": "10.1.0.9" } ] }
        """;

    [Fact]
    public async Task Configured_proxies_run_and_changes_do_not_affect_others()
    {
        await using var lan = await ServiceLan.StartAsync();
        var network = (await lan.Client("r").CallAsync("POST", "/controller/network", Network)).GetProperty("id").GetString()!;
        using var target = new TcpListener(IPAddress.Loopback, 0);
        target.Start();
        var targetPort = ((IPEndPoint)target.LocalEndpoint).Port;
        Directory.CreateDirectory(lan.Home("a"));
        Directory.CreateDirectory(lan.Home("b"));
        // Before the networks are joined: they start as these come.
        Write("b", $$"""{ "network": "{{network}}", "remote": "80:127.0.0.1:{{targetPort}}" }""", "");
        Write("a", "", """{ "listen": "127.0.0.1:0", "maxConnections": 77 }""");
        await lan.StartServiceAsync("b");
        await lan.StartServiceAsync("a");
        foreach (var name in new[] { "a", "b" })
        {
            await lan.Client(name).CallAsync("POST", $"/network/{network}", "{}");
            await lan.WaitForNetworkAsync(name, network, told => told.GetProperty("status").GetString() == "OK");
        }

        var address = lan.Service("b").Node.Networks[0].IPv4Address!;
        var proxy = await ListeningAsync("a", count: 1);
        await ListeningAsync("b", count: 1);
        using var client = await ConnectAsync(proxy[0], $"{address}:80");
        using var accepted = await target.AcceptSocketAsync(ServiceLan.Guard);

        // A forward comes, by the file alone; the proxy and its connection stay as they are.
        Write("a", $$"""{ "network": "{{network}}", "local": "0:{{address}}:80" }""", """{ "listen": "127.0.0.1:0", "maxConnections": 77 }""");
        var both = await ListeningAsync("a", count: 2);
        Assert.Contains(proxy[0], both);
        using var forwarded = new TcpClient();
        await forwarded.ConnectAsync(both.Single(endpoint => !endpoint.Equals(proxy[0])), ServiceLan.Guard);
        using var second = await target.AcceptSocketAsync(ServiceLan.Guard);
        await ExchangeAsync(client, accepted);
        await ExchangeAsync(forwarded.Client, second);

        // What makes no sense changes nothing; what is gone from the file ends.
        await File.WriteAllTextAsync(Path.Combine(lan.Home("a"), "local.conf"), """{ "lanyard": { "proxies": 1 } }""", ServiceLan.Guard);
        await lan.Service("a").ReloadAsync();
        await ExchangeAsync(client, accepted);
        Write("a", "", "");
        await lan.Service("a").ReloadAsync();
        Assert.Empty(lan.Service("a").Proxies.Listening);
        await Assert.ThrowsAsync<SocketException>(async () => await client.ReceiveAsync(new byte[1], SocketFlags.None, ServiceLan.Guard));

        // The forward of a network ends with it, and comes again with it.
        await lan.Client("b").CallAsync("DELETE", $"/network/{network}");
        await ListeningAsync("b", count: 0);
        await lan.Client("b").CallAsync("POST", $"/network/{network}", "{}");
        await ListeningAsync("b", count: 1);

        void Write(string name, string forward, string proxy) => File.WriteAllText(Path.Combine(lan.Home(name), "local.conf"),
            $$"""{ "settings": {}, "lanyard": { "proxies": [ {{proxy}} ], "forwards": [ {{forward}} ] } }""");

        async Task<IPEndPoint[]> ListeningAsync(string name, int count)
        {
            while (true)
            {
                var listening = lan.Service(name).Proxies.Listening;
                if (listening.Count == count)
                    return [.. listening.Select(entry => entry.LocalEndPoint)];
                await Task.Delay(20, ServiceLan.Guard);
            }
        }
    }

    [Fact]
    public async Task A_service_does_not_start_with_an_invalid_file()
    {
        await using var lan = await ServiceLan.StartAsync();
        Directory.CreateDirectory(lan.Home("a"));
        await File.WriteAllTextAsync(Path.Combine(lan.Home("a"), "local.conf"), """{ "lanyard": { "proxies": [ { "listen": "nowhere" } ] } }""", ServiceLan.Guard);
        var refused = await Assert.ThrowsAsync<LanyardStateException>(() => lan.StartServiceAsync("a"));
        Assert.Contains("\"lanyard.proxies[0].listen\" is not a port, or an address and a port such as 127.0.0.1:1080, but \"nowhere\"", refused.Message, StringComparison.Ordinal);
        Assert.Equal(Path.Combine(lan.Home("a"), "local.conf"), refused.Path);
    }

    [Fact]
    public async Task An_internal_error_is_retried()
    {
        await using var lan = await ServiceLan.StartAsync();
        using var log = new LogCollector();
        // No file says this: it would be refused.
        var wrong = new LocalConfiguration { Proxies = [new ConfiguredProxy(null, new LanyardProxyOptions { UserName = "joe" })] };
        await using var host = await ProxyHost.StartAsync(lan.Service("r").Node, wrong, log, retryInterval: TimeSpan.FromMilliseconds(20));
        while (log.Lines.Count(line => line.Contains("Could not update proxies and forwards", StringComparison.Ordinal)) < 3)
            await Task.Delay(20, ServiceLan.Guard);
        await host.ApplyAsync(new LocalConfiguration { Proxies = [new ConfiguredProxy(null, new LanyardProxyOptions())] });
        Assert.Single(host.Listening);
    }

    private static async Task<Socket> ConnectAsync(IPEndPoint proxy, string destination)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(proxy, ServiceLan.Guard);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"CONNECT {destination} HTTP/1.1\r\n\r\n"), SocketFlags.None, ServiceLan.Guard);
        var answer = new byte[39];
        await new NetworkStream(socket).ReadExactlyAsync(answer, ServiceLan.Guard);
        Assert.Equal("HTTP/1.1 200 Connection established\r\n\r\n", Encoding.ASCII.GetString(answer));
        return socket;
    }

    private static async Task ExchangeAsync(Socket one, Socket other)
    {
        var buffer = new byte[4];
        await one.SendAsync("ping"u8.ToArray(), SocketFlags.None, ServiceLan.Guard);
        Assert.Equal(4, await other.ReceiveAsync(buffer, SocketFlags.None, ServiceLan.Guard));
        await other.SendAsync("pong"u8.ToArray(), SocketFlags.None, ServiceLan.Guard);
        Assert.Equal(4, await one.ReceiveAsync(buffer, SocketFlags.None, ServiceLan.Guard));
    }
}
