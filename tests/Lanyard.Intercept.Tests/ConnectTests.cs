using System.Net;
using System.Net.Sockets;

namespace Lanyard.Intercept.Tests;

/// <summary>Failing connections, with both engines: a program sees the same as on the system's network.</summary>
public sealed class ConnectTests(ProgramLan lan, ProgramTable table) : IClassFixture<ProgramLan>
{
    public static TheoryData<string, bool> EnginesAndFamilies => new() { { "preload", false }, { "preload", true }, { "supervise", false }, { "supervise", true } };

    public static TheoryData<string> Engines => ["preload", "supervise"];

    [Theory]
    [MemberData(nameof(EnginesAndFamilies))]
    public async Task A_refused_connection_looks_as_on_the_systems_network(string engine, bool v6)
    {
        var program = await Compiled.OfC(lan, "connects.c");
        await using var host = ProgramProcess.Start(lan.Folder, program, "refused", "127.0.0.1", "1");
        Assert.Equal(0, await host.WaitAsync());
        Assert.Contains("seemed open: 0", host.Output, StringComparison.Ordinal);
        await using var client = lan.StartWith("a", ["--engine", engine], program, "refused", lan.Address("b", v6), "1");
        await client.WaitAsync();
        Assert.Equal(host.Output, client.Output);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_connection_to_an_absent_member_looks_as_one_that_nobody_answers(string engine)
    {
        var program = await Compiled.OfC(lan, "connects.c");
        // A listener with a full queue: the kernel ignores further SYNs.
        using var full = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        full.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        full.Listen(0);
        using var waiting = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await waiting.ConnectAsync(full.LocalEndPoint!, ProgramProcess.Guard);
        await using var host = ProgramProcess.Start(lan.Folder, program, "silent", "127.0.0.1", $"{((IPEndPoint)full.LocalEndPoint!).Port}");
        await using var client = lan.StartWith("a", ["--engine", engine], program, "silent", "10.77.0.98", "1");
        await host.WaitAsync();
        await client.WaitAsync();
        // Neighbor discovery for the absent member fails, so the error is EHOSTUNREACH instead of a timeout.
        Assert.Equal(host.Output, client.Output.Replace("EHOSTUNREACH", "ETIMEDOUT", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task HAProxy_finds_that_a_server_is_dead(string engine)
    {
        lan.Require("haproxy", "python3", "curl");
        var (port, alive, dead) = engine == "preload" ? (8400, 8401, 8402) : (8410, 8411, 8412);
        File.WriteAllText(Path.Combine(lan.Folder, "alive.txt"), "alive\n");
        var configuration = Path.Combine(lan.Folder, $"haproxy-{engine}.cfg");
        File.WriteAllText(configuration, $"""
            global
              log stdout format raw local0
            defaults
              mode http
              log global
              timeout connect 5s
              timeout client 5s
              timeout server 5s
            frontend in
              bind :{port}
              default_backend servers
            backend servers
              balance roundrobin
              server alive {lan.Address("a")}:{alive} check inter 200ms
              server dead {lan.Address("a")}:{dead} check inter 2s fall 1

            """);
        await using var server = lan.Start("a", "python3", "-m", "http.server", $"{alive}", "--directory", lan.Folder);
        await using var proxy = lan.StartWith("b", ["--engine", engine], "haproxy", "-db", "-f", configuration);
        await ProgramLan.UntilAsync(
            () => proxy.Output.Contains("servers/dead is DOWN", StringComparison.Ordinal) && proxy.Output.Contains("Connection refused", StringComparison.Ordinal),
            () => proxy.Output + server.Output);
        await ProgramLan.UntilAsync(
            async () => (await lan.RunAsync("a", "curl", "-sS", $"http://{lan.Address("b")}:{port}/alive.txt")).Output == "alive\n", () => proxy.Output + server.Output);
        // With the dead server in use, the answers would alternate.
        for (var i = 0; i < 10; i++)
            Assert.Equal((0, "alive\n"), await lan.RunAsync("a", "curl", "-sS", $"http://{lan.Address("b")}:{port}/alive.txt"));
        table.Works("HAProxy (checks of dead servers)", "server and client", v6: false, engine);
    }
}
