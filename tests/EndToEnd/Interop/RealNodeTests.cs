using System.Security.Cryptography;
using EndToEnd.Lab;
using Lanyard;
using Lanyard.Wire;

namespace EndToEnd.Interop;

/// <summary>
/// Lanyard and real ZeroTier nodes on one LAN, in network namespaces, in both roles. The binaries come from the environment: ZEROTIER_ONE (1.14) and
/// ZEROTIER_ONE_OLD (1.4.6).
/// </summary>
public sealed class RealNodeTests
{
    private const int BigFileBytes = 100 << 20;
    private static readonly TimeSpan TransferTimeout = TimeSpan.FromMinutes(5);

    [Theory]
    [InlineData("ZEROTIER_ONE")]
    [InlineData("ZEROTIER_ONE_OLD")]
    public async Task A_real_leaf_on_a_Lanyard_root_and_controller_exchanges_everything_with_a_Lanyard_leaf(string variable)
    {
        var binary = RealNode.BinaryOrSkip(variable);
        await using var lab = await NamespaceLab.CreateAsync("curl", "ping", "python3");
        var root = await LabRoot.CreateAsync(lab);
        await root.StartAsync();
        await ExchangeAsync(lab, root, binary);
    }

    [Theory]
    [InlineData("ZEROTIER_ONE")]
    public async Task A_Lanyard_leaf_on_a_real_root_and_controller_exchanges_everything_with_a_real_leaf(string variable)
    {
        var binary = RealNode.BinaryOrSkip(variable);
        await using var lab = await NamespaceLab.CreateAsync("curl", "ping", "python3");
        var root = await LabRoot.CreateAsync(lab);
        await root.StartAsync(binary);
        await ExchangeAsync(lab, root, binary);
    }

    private static async Task ExchangeAsync(NamespaceLab lab, LabRoot root, string binary)
    {
        var realHost = await lab.AddHostAsync("a", 2);
        var lanyardHost = await lab.AddHostAsync("b", 3);
        var bigFile = Path.Combine(lab.Directory, "big");
        var hash = await WriteRandomFileAsync(bigFile);
        realHost.Start("python3", "-m", "http.server", "8000", "--bind", "::", "--directory", lab.Directory);
        lanyardHost.Start("python3", "-m", "http.server", "8000", "--bind", "127.0.0.1", "--directory", lab.Directory);
        realHost.Start("python3", "-c", UdpEchoProgram);

        var (realHome, _) = await root.AddMemberAsync(realHost, "real");
        var (serverHome, serverAddress) = await root.AddMemberAsync(lanyardHost, "server");
        var (echoHome, echoAddress) = await root.AddMemberAsync(lanyardHost, "echo");
        var (clientHome, _) = await root.AddMemberAsync(lanyardHost, "client");
        var real = await RealNode.StartAsync(realHost, binary, realHome);
        await real.PostAsync($"network/{root.Network}", "{}");
        var server = lanyardHost.StartLanyard("expose", "80", "127.0.0.1:8000", "--home", serverHome, "--network", root.Network);
        var echo = lanyardHost.StartLanyard("udp-echo", "--port", "7", "--home", echoHome, "--network", root.Network);
        await server.WaitForLineAsync("address", TimeSpan.FromMinutes(1));
        await echo.WaitForLineAsync("address", TimeSpan.FromMinutes(1));
        var network = NetworkId.Parse(root.Network);
        var realAddresses = await real.WaitForAddressesAsync(root.Network);

        foreach (var address in await AddressesOfAsync(server, network, serverAddress))
        {
            await realHost.RunAsync("ping", "-c", "3", "-W", "5", address);
            await realHost.RunAsync("ping", "-c", "2", "-W", "5", "-s", "6000", address);
            var received = Path.Combine(lab.Directory, "received");
            var (exitCode, _, error) = await realHost.TryAsync(TransferTimeout, "curl", "-s", "-S", "-f", "-g", "-o", received, $"http://{Bracketed(address)}/big");
            Assert.True(exitCode == 0, $"curl from {address}: {error}");
            Assert.Equal(hash, await HashAsync(received));
        }

        foreach (var address in await AddressesOfAsync(echo, network, echoAddress))
            Assert.Contains("echoed", await realHost.RunAsync("python3", "-c", UdpClientProgram, address), StringComparison.Ordinal);

        foreach (var address in realAddresses)
        {
            string[] member = ["--home", clientHome, "--network", root.Network];
            await lanyardHost.LanyardAsync(NamespaceLab.CommandTimeout, ["ping", address, "--count", "3", "--interval", "0.2", .. member]);
            await lanyardHost.LanyardAsync(NamespaceLab.CommandTimeout, ["ping", address, "--count", "2", "--interval", "0.2", "--size", "6000", .. member]);
            var received = Path.Combine(lab.Directory, "received");
            var line = string.Join(' ', LanyardCommand.Line(["http", $"'http://{Bracketed(address)}:8000/big'", .. member]));
            var (exitCode, _, error) = await lanyardHost.TryAsync(TransferTimeout, "sh", "-c", $"{line} > {received}");
            Assert.True(exitCode == 0, $"lanyard http from {address}: {error}");
            Assert.Equal(hash, await HashAsync(received));
            await EchoAsync(lanyardHost, ["udp-send", address, "7", "--data", "a datagram", .. member]);
        }
    }

    // A datagram or its echo may be lost: each command is a node that returns on another port, and the real node may still send to the last one.
    private static async Task EchoAsync(LabHost host, string[] command)
    {
        var output = "";
        for (var i = 0; i < 3 && !output.Contains("a datagram", StringComparison.Ordinal); i++)
            (_, output, _) = await host.TryAsync(NamespaceLab.CommandTimeout, LanyardCommand.Line(command));
        Assert.Contains("a datagram", output, StringComparison.Ordinal);
    }

    private static async Task<IReadOnlyList<string>> AddressesOfAsync(RunningProcess member, NetworkId network, NodeAddress address)
    {
        var v4 = await member.WaitForLineAsync("address 10.144.", TimeSpan.FromMinutes(1));
        return [v4["address ".Length..].Split('/')[0], DerivedAddresses.Rfc4193(network, address).Address.ToString(), DerivedAddresses.SixPlane(network, address).Address.ToString()];
    }

    private static string Bracketed(string address) => address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address;

    private static async Task<string> WriteRandomFileAsync(string path)
    {
        var random = new Random(1);
        var block = new byte[1 << 20];
        await using (var file = File.Create(path))
        {
            for (var i = 0; i < BigFileBytes / block.Length; i++)
            {
                random.NextBytes(block);
                await file.WriteAsync(block);
            }
        }

        return await HashAsync(path);
    }

    private static async Task<string> HashAsync(string path)
    {
        await using var file = File.OpenRead(path);
        return Convert.ToHexString(await SHA256.HashDataAsync(file));
    }

    private const string UdpEchoProgram = """
        import socket
        s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        s.bind(("::", 7))
        while True:
            data, peer = s.recvfrom(65536)
            s.sendto(data, peer)
        """;

    private const string UdpClientProgram = """
        import socket, sys
        s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(2)
        for size in (1, 1200, 4000):
            for _ in range(10):
                s.sendto(b"x" * size, (sys.argv[1], 7))
                try:
                    if s.recvfrom(65536)[0] == b"x" * size:
                        break
                except socket.timeout:
                    pass
            else:
                sys.exit("no echo of %d bytes" % size)
        print("echoed")
        """;
}
