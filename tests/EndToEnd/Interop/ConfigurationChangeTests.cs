using System.Diagnostics;
using System.Globalization;
using EndToEnd.Lab;

namespace EndToEnd.Interop;

/// <summary>Connections between a real node and a Lanyard node survive changes of the network's configuration.</summary>
public sealed class ConfigurationChangeTests
{
    private const int Chunks = 120;
    private const int ChunkBytes = 65_536;

    // Sends and receives the same data slowly, in both directions at once.
    private const string Server = """
        import socket, threading, time
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("", 8001))
        s.listen()
        print("listening", flush=True)
        while True:
            c = s.accept()[0]
            def send():
                for i in range(120):
                    c.sendall(bytes([i]) * 65536)
                    time.sleep(0.1)
                c.shutdown(socket.SHUT_WR)
            t = threading.Thread(target=send)
            t.start()
            count = 0
            while True:
                data = c.recv(65536)
                if not data:
                    break
                count += len(data)
            t.join()
            print("received %d" % count, flush=True)
            c.close()
        """;

    [Theory]
    [InlineData("ZEROTIER_ONE")] // Not 1.4.6: it changes the MTU of no interface, and cuts its own frames to a smaller MTU.
    public async Task Connections_with_a_real_node_go_on_while_the_configuration_changes(string variable)
    {
        var binary = RealNode.BinaryOrSkip(variable);
        await using var lab = await NamespaceLab.CreateAsync("curl", "python3");
        var root = await LabRoot.CreateAsync(lab);
        await root.StartAsync();
        var realHost = await lab.AddHostAsync("a", 2);
        var lanyardHost = await lab.AddHostAsync("b", 3);
        var (realHome, _) = await root.AddMemberAsync(realHost, "real");
        var (home, _) = await root.AddMemberAsync(lanyardHost, "leaf");
        var real = await RealNode.StartAsync(realHost, binary, realHome);
        await real.PostAsync($"network/{root.Network}", "{}");
        var server = realHost.Start("python3", "-u", "-c", Server);
        await server.WaitForLineAsync("listening", TimeSpan.FromMinutes(1));
        var address = (await real.WaitForAddressesAsync(root.Network)).First(text => !text.Contains(':', StringComparison.Ordinal));

        // A real node's address is found up to five seconds after it has it.
        await Eventually.TrueAsync(
            async () => (await lanyardHost.TryAsync(NamespaceLab.CommandTimeout, LanyardCommand.Line("ping", address, "--count", "1", "--home", home, "--network", root.Network))).ExitCode == 0,
            "the real node is found");
        var received = Path.Combine(lab.Directory, "received");
        var line = string.Join(' ', LanyardCommand.Line("connect", address, "8001", "--home", home, "--network", root.Network));
        var exchanging = lanyardHost.TryAsync(TimeSpan.FromMinutes(3), "sh", "-c",
            $"python3 -c 'import sys, time\nfor i in range({Chunks}):\n sys.stdout.buffer.write(bytes([i]) * {ChunkBytes})\n sys.stdout.flush()\n time.sleep(0.1)' | {line} > {received}");
        await Eventually.TrueAsync(() => Task.FromResult(exchanging.IsCompleted || new FileInfo(received) is { Exists: true, Length: > 2 * ChunkBytes }), "the connection is open");
        foreach (var change in new[] { "\"mtu\":1500", "\"routes\":[{\"target\":\"10.144.0.0/16\"},{\"target\":\"10.200.0.0/16\",\"via\":\"10.144.0.99\"}]", "\"mtu\":1280", "\"name\":\"renamed\"", "\"mtu\":2800" })
        {
            await root.Controller.CallAsync($"controller/network/{root.Network}", $"{{{change}}}");
            var before = new FileInfo(received).Length;
            await Eventually.TrueAsync(() => Task.FromResult(exchanging.IsCompleted || new FileInfo(received).Length >= before + (8 * ChunkBytes)), "data flows on");
        }

        var (exitCode, _, error) = await exchanging;
        Assert.True(exitCode == 0, error);
        await server.WaitForLineAsync(string.Create(CultureInfo.InvariantCulture, $"received {Chunks * ChunkBytes}"), TimeSpan.FromMinutes(1));
        var bytes = await File.ReadAllBytesAsync(received);
        Assert.Equal(Chunks * ChunkBytes, bytes.Length);
        for (var i = 0; i < Chunks; i++)
            Assert.Equal(-1, bytes.AsSpan(i * ChunkBytes, ChunkBytes).IndexOfAnyExcept((byte)i));
        await Eventually.TrueAsync(async () => (await real.TryGetAsync($"network/{root.Network}"))?.GetProperty("mtu").GetInt32() == 2800, "the real node has the last configuration");
    }

    [Theory]
    [InlineData("ZEROTIER_ONE")]
    [InlineData("ZEROTIER_ONE_OLD")]
    public async Task A_real_node_that_is_no_longer_authorized_is_told_before_it_asks_again(string variable)
    {
        var binary = RealNode.BinaryOrSkip(variable);
        await using var lab = await NamespaceLab.CreateAsync("curl");
        var root = await LabRoot.CreateAsync(lab);
        await root.StartAsync();
        var host = await lab.AddHostAsync("a", 2);
        var (home, address) = await root.AddMemberAsync(host, "real");
        var real = await RealNode.StartAsync(host, binary, home);
        await real.PostAsync($"network/{root.Network}", "{}");
        await real.WaitForAddressesAsync(root.Network);
        await root.Controller.CallAsync($"controller/network/{root.Network}/member/{address}", """{"authorized":false}""");

        // A node asks for its configuration once a minute.
        var watch = Stopwatch.StartNew();
        await Eventually.TrueAsync(
            async () => (await real.TryGetAsync($"network/{root.Network}"))?.GetProperty("status").GetString() == "ACCESS_DENIED", "the node knows that it is refused");
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"told after {watch.Elapsed}");
    }
}
