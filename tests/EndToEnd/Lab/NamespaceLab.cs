using System.Globalization;

namespace EndToEnd.Lab;

/// <summary>
/// Hosts of a test's own: network namespaces joined by a bridge or by a switch with a delay (10.99.0.0/24), or behind NATs. Needs root and iproute2; tests are skipped where
/// these are missing. Everything is removed when the lab is disposed.
/// </summary>
internal sealed class NamespaceLab : IAsyncDisposable
{
    public static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(60);

    private static int s_count;
    private readonly string _prefix = string.Create(CultureInfo.InvariantCulture, $"ly{Environment.ProcessId % 10_000}x{Interlocked.Increment(ref s_count)}");
    private readonly List<string> _namespaces = [];
    private readonly List<RunningProcess> _processes = [];

    private DelayedSwitch? _delayed;

    private NamespaceLab(string directory) => Directory = directory;

    /// <summary>A folder for the lab's files.</summary>
    public string Directory { get; }

    private string Switch => $"{_prefix}sw";

    public static async Task<NamespaceLab> CreateAsync(params string[] tools)
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root")
            Assert.Skip("Network namespaces need Linux and root.");
        foreach (var tool in tools.Prepend("ip"))
        {
            if (!RunningProcess.IsInstalled(tool))
                Assert.Skip($"'{tool}' is not installed.");
        }

        var lab = new NamespaceLab(System.IO.Directory.CreateTempSubdirectory("lanyard-lab").FullName);
        var (exitCode, _, error) = await RunningProcess.RunAsync(CommandTimeout, "ip", "netns", "add", lab.Switch);
        if (exitCode != 0)
            Assert.Skip($"Network namespaces cannot be made here: {error.Trim()}");
        lab._namespaces.Add(lab.Switch);
        await lab.InAsync(lab.Switch, "ip", "link", "add", "br0", "type", "bridge");
        await lab.InAsync(lab.Switch, "ip", "link", "set", "br0", "up");
        return lab;
    }

    /// <summary>Joins the hosts added from now on by a switch with a delay in place of the bridge. Skips the test where there are no TAP devices.</summary>
    /// <param name="oneWay">The time that a packet takes from one host to another.</param>
    public DelayedSwitch UseDelay(TimeSpan oneWay)
    {
        if (!File.Exists("/dev/net/tun"))
            Assert.Skip("/dev/net/tun is missing.");
        return _delayed = new DelayedSwitch(oneWay);
    }

    /// <summary>Adds a host on the switch.</summary>
    public async Task<LabHost> AddHostAsync(string name, int number)
    {
        var host = await AddNamespaceAsync(name);
        await ConnectToSwitchAsync(host, "eth0", number);
        return host;
    }

    /// <summary>Adds a NAT on the bridge and a host behind it, whose address is 192.168.1.2 whatever the NAT.</summary>
    public async Task<(LabHost Nat, LabHost Host)> AddHostBehindNatAsync(string name, int number)
    {
        var nat = await AddNamespaceAsync($"{name}n");
        var host = await AddNamespaceAsync(name);
        await ConnectToSwitchAsync(nat, "eth0", number);
        await InAsync(nat.Namespace, "ip", "link", "add", "eth1", "type", "veth", "peer", "name", "eth0", "netns", host.Namespace);
        await InAsync(nat.Namespace, "ip", "addr", "add", "192.168.1.1/24", "dev", "eth1");
        await InAsync(nat.Namespace, "ip", "link", "set", "eth1", "up");
        await InAsync(host.Namespace, "ip", "addr", "add", "192.168.1.2/24", "dev", "eth0");
        await InAsync(host.Namespace, "ip", "link", "set", "eth0", "up");
        await InAsync(host.Namespace, "ip", "route", "add", "default", "via", "192.168.1.1");
        await InAsync(nat.Namespace, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
        await InAsync(nat.Namespace, "nft", "add", "table", "ip", "nat");
        await InAsync(nat.Namespace, "nft", "add", "chain", "ip", "nat", "post", "{ type nat hook postrouting priority 100 ; }");
        await InAsync(nat.Namespace, "nft", "add", "rule", "ip", "nat", "post", "oif", "eth0", "masquerade");

        // As a router at home: only answers come in, and what was not asked for is dropped without a word.
        await InAsync(nat.Namespace, "nft", "add", "table", "ip", "filter");
        await InAsync(nat.Namespace, "nft", "add", "chain", "ip", "filter", "forward", "{ type filter hook forward priority 0 ; policy drop ; }");
        await InAsync(nat.Namespace, "nft", "add", "rule", "ip", "filter", "forward", "iif", "eth1", "accept");
        await InAsync(nat.Namespace, "nft", "add", "rule", "ip", "filter", "forward", "ct", "state", "established,related", "accept");
        await InAsync(nat.Namespace, "nft", "add", "chain", "ip", "filter", "input", "{ type filter hook input priority 0 ; }");
        await InAsync(nat.Namespace, "nft", "add", "rule", "ip", "filter", "input", "iif", "eth0", "ct", "state", "new", "drop");
        return (nat, host);
    }

    /// <summary>Runs a command in a namespace; fails the test if it fails.</summary>
    public async Task<string> InAsync(string ns, params IEnumerable<string> command)
    {
        var arguments = command.ToArray();
        var (exitCode, output, error) = await RunningProcess.RunAsync(CommandTimeout, "ip", arguments.Prepend(ns).Prepend("exec").Prepend("netns"));
        Assert.True(exitCode == 0, $"'{string.Join(' ', arguments)}' ended with {exitCode}: {output}{error}");
        return output;
    }

    public RunningProcess Start(string ns, params IEnumerable<string> command)
    {
        var process = new RunningProcess("ip", command.Prepend(ns).Prepend("exec").Prepend("netns"));
        _processes.Add(process);
        return process;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
            process.Dispose();
        foreach (var ns in _namespaces)
            await RunningProcess.RunAsync(CommandTimeout, "ip", "netns", "del", ns);
        _delayed?.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private async Task<LabHost> AddNamespaceAsync(string name)
    {
        var host = new LabHost(this, $"{_prefix}{name}", System.IO.Directory.CreateDirectory(Path.Combine(Directory, name)).FullName);
        var (exitCode, _, error) = await RunningProcess.RunAsync(CommandTimeout, "ip", "netns", "add", host.Namespace);
        Assert.True(exitCode == 0, error);
        _namespaces.Add(host.Namespace);
        await InAsync(host.Namespace, "ip", "link", "set", "lo", "up");
        return host;
    }

    private async Task ConnectToSwitchAsync(LabHost host, string device, int number)
    {
        var port = string.Create(CultureInfo.InvariantCulture, $"p{number}");
        if (_delayed is not null)
        {
            var tap = $"{_prefix}{port}";
            _delayed.AddPort(tap);
            var (exitCode, _, error) = await RunningProcess.RunAsync(CommandTimeout, "ip", "link", "set", tap, "netns", host.Namespace, "name", device);
            Assert.True(exitCode == 0, error);
        }
        else
        {
            await InAsync(Switch, "ip", "link", "add", port, "type", "veth", "peer", "name", device, "netns", host.Namespace);
            await InAsync(Switch, "ip", "link", "set", port, "master", "br0", "up");
        }

        await InAsync(host.Namespace, "ip", "addr", "add", string.Create(CultureInfo.InvariantCulture, $"10.99.0.{number}/24"), "dev", device);
        await InAsync(host.Namespace, "ip", "link", "set", device, "up");
    }
}

/// <summary>One host of a lab.</summary>
internal sealed class LabHost(NamespaceLab lab, string ns, string directory)
{
    public string Namespace { get; } = ns;

    /// <summary>A folder of its own.</summary>
    public string Directory { get; } = directory;

    public Task<string> RunAsync(params IEnumerable<string> command) => lab.InAsync(Namespace, command);

    public RunningProcess Start(params IEnumerable<string> command) => lab.Start(Namespace, command);

    /// <summary>Runs a command to its end whatever its exit code.</summary>
    public Task<(int ExitCode, string Output, string Error)> TryAsync(TimeSpan timeout, params IEnumerable<string> command) =>
        RunningProcess.RunAsync(timeout, "ip", command.Prepend(Namespace).Prepend("exec").Prepend("netns"));
}
