using EndToEnd.Lab;
using Lanyard;
using Lanyard.Wire;

namespace EndToEnd;

public sealed class NatTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Two_leaves_behind_two_NATs_reach_each_other_directly_and_by_relay_when_the_direct_path_is_blocked()
    {
        await using var lab = await NamespaceLab.CreateAsync("nft", "curl");
        var root = await LabRoot.CreateAsync(lab);
        await root.StartAsync();
        var (natA, hostA) = await lab.AddHostBehindNatAsync("a", 2);
        var (_, hostB) = await lab.AddHostBehindNatAsync("b", 3);
        var (homeA, _) = await root.AddMemberAsync(hostA, "leaf");
        var (homeB, addressB) = await root.AddMemberAsync(hostB, "leaf");

        var echo = hostB.StartLanyard("udp-echo", "--port", "7", "--home", homeB, "--network", root.Network);
        await echo.WaitForLineAsync("address 10.144.", Timeout);
        var target = DerivedAddresses.Rfc4193(NetworkId.Parse(root.Network), addressB).Address.ToString();
        var ping = hostA.StartLanyard("ping", target, "--count", "600", "--interval", "0.2", "--timeout", "1", "--home", homeA, "--network", root.Network);
        await ping.WaitForLineAsync(" direct", Timeout);

        // Nothing goes between the two NATs any more; both still reach the root.
        await natA.RunAsync("nft", "add", "table", "ip", "block");
        await natA.RunAsync("nft", "add", "chain", "ip", "block", "forward", "{ type filter hook forward priority -10 ; }");
        await natA.RunAsync("nft", "add", "rule", "ip", "block", "forward", "ip", "daddr", "10.99.0.3", "drop");
        await natA.RunAsync("nft", "add", "chain", "ip", "block", "pre", "{ type filter hook prerouting priority -300 ; }");
        await natA.RunAsync("nft", "add", "rule", "ip", "block", "pre", "ip", "saddr", "10.99.0.3", "drop");
        var before = ping.Output.Split('\n').Length;
        await Eventually.TrueAsync(
            () => Task.FromResult(ping.Output.Split('\n').Skip(before).Any(l => l.Contains(" relayed", StringComparison.Ordinal) && l.Contains("bytes from", StringComparison.Ordinal))),
            "pings are answered by relay after the direct path was blocked");
    }
}
