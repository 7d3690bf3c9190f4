using System.Net;
using System.Text;
using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;
using Microsoft.Extensions.Logging;

namespace Lanyard.Tests;

public sealed class StateFolderTests : IDisposable
{
    private readonly string _folder = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"lanyard-{Guid.NewGuid():n}");

    public void Dispose()
    {
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("allowManaged=10.0.0.0/8\nallowManaged=1\n", true)]
    [InlineData("allowManaged=10.0.0.0/8\nallowManaged=0\n", false)]
    public void The_last_line_of_a_setting_counts_alone(string file, bool isManaged) =>
        Assert.Equal(new LanyardNetworkSettings { AllowManaged = isManaged }, LanyardNetworkSettings.Parse(System.Text.Encoding.UTF8.GetBytes(file)));

    [Theory]
    [InlineData("allowManaged=", true, "", "")]
    [InlineData("allowManaged=10.0.0.1,fd00::/8", true, "10.0.0.1/32,fd00::/8", "")]
    [InlineData("allowManaged=10.0.0.0/8,10.1.0.0/99, 192.0.2.0", true, "10.0.0.0/8,192.0.2.0/32", "10.1.0.0/99")]
    [InlineData("allowManaged=10.0.0.0/33", false, "", "10.0.0.0/33")]
    public void Networks_are_read_as_existing_nodes_read_them_and_invalid_ones_are_reported(string file, bool isManaged, string networks, string told)
    {
        var ignored = new List<string>();
        var settings = LanyardNetworkSettings.Parse(Encoding.UTF8.GetBytes(file), (_, value) => ignored.Add(value));
        Assert.Equal(isManaged, settings.AllowManaged);
        Assert.Equal(networks, string.Join(",", (IEnumerable<InetPrefix>)settings.AllowManagedNetworks));
        Assert.Equal(told, string.Join(",", ignored));
    }

    [Theory]
    [InlineData("networks.d/8056c2e21c000001.conf", true)]
    [InlineData("networks.dx8056c2e21c000001.conf", false)]
    [InlineData("networks.d/8056c2e21c00000g.conf", false)]
    public void A_network_file_is_known_by_its_whole_name(string name, bool isNetwork) => Assert.Equal(isNetwork, StateNames.TryParseNetwork(name, out _));

    [Fact]
    public async Task A_node_that_starts_again_is_the_same_and_has_its_addresses_at_once()
    {
        await using var lan = await TestLan.StartAsync();
        var options = lan.Options(1) with { Identity = TestIdentities.Get(1), StateDirectory = _folder };
        var first = await lan.StartNodeAsync(1, options);
        var addresses = (await first.JoinAsync(lan.Network, TestLan.Guard)).Addresses;
        await first.DisposeAsync();
        Assert.True(File.Exists(PathOf($"networks.d/{lan.Network}.conf")));

        // The controller says nothing any more: what is kept is enough.
        lan.Controller.IsSilent = true;
        await using var second = await LanyardNode.StartAsync(
            new LanyardOptions { StateDirectory = _folder, BindAddresses = [IPAddress.Loopback], JoinKnownNetworks = true }, TestLan.Guard);
        Assert.Equal(first.Address, second.Address);
        Assert.Equal(lan.Planet, second.Planet);
        var network = Assert.Single(second.Networks);
        Assert.True(network.IsReady);
        Assert.Equal(addresses, network.Addresses);
        await second.WaitUntilOnlineAsync(TestLan.Guard);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(60_000)]
    public async Task A_kept_configuration_with_an_MTU_out_of_range_does_not_keep_the_node_from_starting(int mtu)
    {
        await using var lan = await TestLan.StartAsync();
        lan.Controller.Mtu = mtu;
        var options = lan.Options(1) with { StateDirectory = _folder, JoinKnownNetworks = true };
        var first = await lan.StartNodeAsync(1, options);
        await first.JoinAsync(lan.Network, TestLan.Guard);
        await first.DisposeAsync();
        Assert.True(File.Exists(PathOf($"networks.d/{lan.Network}.conf")));
        await using var second = await LanyardNode.StartAsync(options, TestLan.Guard);
        Assert.InRange(Assert.Single(second.Networks).Mtu, NetworkLimits.MinMtu, NetworkLimits.MaxMtu);
    }

    [Fact]
    public async Task The_folder_has_the_layout_and_the_modes_of_existing_nodes()
    {
        await using var lan = await TestLan.StartAsync();
        var node = await lan.StartNodeAsync(1, lan.Options(1) with { StateDirectory = _folder });
        await node.JoinAsync(lan.Network, TestLan.Guard);
        var peer = await lan.JoinAsync(2);
        Assert.True((await node.Networks[0].PingAsync(peer.IPv4Address!, TimeSpan.FromMinutes(1),
            cancellationToken: TestLan.Guard)).IsSuccess);
        await node.DisposeAsync();
        Assert.Equal(TestIdentities.Get(1).ToSecretString(), File.ReadAllText(PathOf("identity.secret")));
        Assert.Equal(TestIdentities.Get(1).ToString(), File.ReadAllText(PathOf("identity.public")));
        Assert.Equal(lan.Planet.ToArray(), File.ReadAllBytes(PathOf("planet")));
        Assert.True(NetworkConfig.TryParse(File.ReadAllBytes(PathOf($"networks.d/{lan.Network}.conf")), out _));
        Assert.True(File.Exists(PathOf($"peers.d/{peer.Node.Address}.peer")));
        Assert.DoesNotContain(Directory.GetFiles(_folder, "*", SearchOption.AllDirectories), f => f.EndsWith(".new",
            StringComparison.Ordinal));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(PathOf("identity.secret")));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_folder));
        }
    }

    [Fact]
    public async Task A_folder_is_used_by_one_node_at_a_time()
    {
        var options = Offline() with { Identity = TestIdentities.Get(1) };
        await using (await LanyardNode.StartAsync(options, TestLan.Guard))
        {
            var error = await Assert.ThrowsAsync<LanyardStateInUseException>(() => LanyardNode.StartAsync(Offline(), TestLan.Guard));
            Assert.Contains(_folder, error.Message, StringComparison.Ordinal);
        }

        await using var next = await LanyardNode.StartAsync(Offline(), TestLan.Guard);
        Assert.Equal(TestIdentities.Get(1).Address, next.Address);
    }

    [Theory]
    [InlineData("nonsense", "is not an identity")]
    [InlineData("", "is not an identity")]
    [InlineData("public", "contains only the public key")]
    [InlineData("damaged", "is damaged")]
    public async Task A_bad_secret_is_named_and_left_alone(string kind, string expected)
    {
        var secret = TestIdentities.Get(1).ToSecretString();
        var content = kind switch
        {
            "public" => TestIdentities.Get(1).ToString(),
            "damaged" => secret[..20] + (secret[20] == '0' ? '1' : '0') + secret[21..],
            _ => kind,
        };
        Write("identity.secret", content);
        var error = await Assert.ThrowsAsync<LanyardStateException>(() => LanyardNode.StartAsync(Offline(), TestLan.Guard));
        Assert.Equal(PathOf("identity.secret"), error.Path);
        Assert.Contains(error.Path, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(secret[^64..], error.Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(PathOf("identity.secret")));
    }

    [Fact]
    public async Task Another_identity_than_the_kept_one_is_refused()
    {
        Write("identity.secret", TestIdentities.Get(1).ToSecretString());
        var error = await Assert.ThrowsAsync<LanyardStateException>(
            () => LanyardNode.StartAsync(Offline() with { Identity = TestIdentities.Get(2) }, TestLan.Guard));
        Assert.Contains(TestIdentities.Get(1).Address.ToString(), error.Message, StringComparison.Ordinal);
        Assert.Equal(TestIdentities.Get(1).ToSecretString(), File.ReadAllText(PathOf("identity.secret")));
    }

    [Theory]
    [InlineData("planet", "The file is not a planet")]
    [InlineData("moons.d/000000b1bbf07c1b.moon", "The file is not moon b1bbf07c1b")]
    [InlineData("moons.d/b1bbf07c1b.moon.bak", "The name is not")]
    [InlineData("networks.d/8056c2e21c000001.conf.bak", "its name is not the name of a network's file")]
    [InlineData("networks.d/0000000000000000.conf", "its name is not the name of a network's file")]
    public async Task An_odd_file_is_left_by_name_and_the_node_starts_with_the_rest(string name, string expected)
    {
        Write("identity.secret", TestIdentities.Get(1).ToSecretString());
        Write("networks.d/8056c2e21c000001.conf", "\n");
        Write("networks.d/8056c2e21c000001.local.conf", "allowGlobal=1\n");
        Write("lanyard.port", new string('x', 100));
        Write("peers.d/README", "");
        Write(name, "nonsense");
        using var log = new ListLogger();
        await using (var node = await LanyardNode.StartAsync(Offline() with { JoinKnownNetworks = true, LoggerFactory = log }, TestLan.Guard))
        {
            Assert.True(Assert.Single(node.Networks).Settings.AllowGlobal);
            Assert.Empty(node.Moons);
        }

        Assert.Contains(log.Lines, line => line.Contains(PathOf(name), StringComparison.Ordinal) && line.Contains(expected, StringComparison.Ordinal));
        Assert.Equal("nonsense", File.ReadAllText(PathOf(name)));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_made_is_named()
    {
        Write("file", "");
        var folder = PathOf("file/folder");
        var error = await Assert.ThrowsAsync<LanyardStateException>(
            () => LanyardNode.StartAsync(Offline() with { StateDirectory = folder }, TestLan.Guard));
        Assert.Contains(folder, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Damaged_caches_are_replaced()
    {
        await using var lan = await TestLan.StartAsync();
        Write($"networks.d/{lan.Network}.conf", "nonsense");
        Write($"peers.d/{lan.Root.Address}.peer", "nonsense");
        using var log = new ListLogger();
        var node = await lan.StartNodeAsync(1, lan.Options(1) with { StateDirectory = _folder, LoggerFactory = log });
        await node.JoinAsync(lan.Network, TestLan.Guard);
        await node.DisposeAsync();
        Assert.Contains(log.Lines, l => l.Contains($"'networks.d/{lan.Network}.conf' is malformed", StringComparison.Ordinal));
        Assert.True(NetworkConfig.TryParse(File.ReadAllBytes(PathOf($"networks.d/{lan.Network}.conf")), out _));
    }

    [Fact]
    public async Task Joined_networks_leave_a_trace_until_they_are_left()
    {
        await using var lan = await TestLan.StartAsync();
        lan.Controller.IsSilent = true;
        var options = lan.Options(1) with { StateDirectory = _folder, JoinKnownNetworks = true };
        await using (var node = await LanyardNode.StartAsync(options, TestLan.Guard))
            node.Join(lan.Network);
        await using (var node = await LanyardNode.StartAsync(options, TestLan.Guard))
        {
            Assert.Equal(lan.Network, Assert.Single(node.Networks).Id);
            node.Networks[0].Settings = new LanyardNetworkSettings { AllowGlobal = true };
            await node.LeaveAsync(lan.Network, TestLan.Guard);
        }

        Assert.Empty(Directory.GetFiles(PathOf("networks.d")));
    }

    [Fact]
    public async Task Settings_of_a_network_take_effect_at_once_and_are_kept()
    {
        await using var lan = await TestLan.StartAsync();
        Write($"networks.d/{lan.Network}.local.conf", "allowManaged=1\nallowGlobal=0\nallowDefault=0\nallowDNS=1\nother=kept\n");
        var options = lan.Options(1) with { StateDirectory = _folder };
        var node = await lan.StartNodeAsync(1, options);
        var network = await node.JoinAsync(lan.Network, TestLan.Guard);
        Assert.Equal(new LanyardNetworkSettings { AllowDns = true }, network.Settings);
        network.Settings = new LanyardNetworkSettings { AllowManagedNetworks = [InetPrefix.Parse("10.77.0.0/16")] };
        Assert.Equal([InetPrefix.Parse("10.77.0.1/24")], network.Addresses);
        network.Settings = new LanyardNetworkSettings { AllowManaged = false };
        Assert.Empty(network.Addresses);
        Assert.False(network.IsReady);
        network.Settings = new LanyardNetworkSettings { AllowManagedNetworks = [InetPrefix.Parse("10.77.0.0/16")] };
        Assert.True(network.IsReady);
        await node.DisposeAsync();
        Assert.Equal("allowManaged=10.77.0.0/16\nallowGlobal=0\nallowDefault=0\nallowDNS=0\nother=kept\n",
            File.ReadAllText(PathOf($"networks.d/{lan.Network}.local.conf")));
    }

    [Fact]
    public async Task A_given_planet_replaces_an_older_one_and_another_but_not_a_newer_one()
    {
        await using var lan = await TestLan.StartAsync();
        var key = WorldKey.Generate(new Random(1).NextBytes);
        var older = Planet(1, 1);
        var newer = Planet(1, 2);
        var another = Planet(2, 1);
        var store = new LanyardMemoryStore();
        foreach (var (given, expected) in ((World, World)[])[(older, older), (newer, newer), (older, newer), (another, another)])
        {
            await using var node = await LanyardNode.StartAsync(
                new LanyardOptions { Identity = TestIdentities.Get(1), Store = store, Planet = given,
                    BindAddresses = [IPAddress.Loopback] }, TestLan.Guard);
            Assert.Equal(expected, node.Planet);
        }

        World Planet(ulong id, long timestamp) => World.Create(WorldType.Planet, id, timestamp, key.PublicKey, [], key);
    }

    [Fact]
    public async Task A_moon_is_followed_again_after_a_restart()
    {
        var key = WorldKey.Generate(new Random(1).NextBytes);
        var root = TestIdentities.Get(3);
        var moon = World.Create(WorldType.Moon, root.Address.Value, 1, key.PublicKey,
            [new WorldRoot(root.WithoutSecret(), [InetEndpoint.Parse("192.0.2.1:9993")])], key);
        await using (var node = await LanyardNode.StartAsync(Offline() with { Identity = TestIdentities.Get(1) }, TestLan.Guard))
            Assert.True(node.AddWorld(moon));
        await using (var node = await LanyardNode.StartAsync(Offline(), TestLan.Guard))
        {
            Assert.Equal(moon, Assert.Single(node.Moons));
            Assert.Equal(LanyardPeerRole.Moon, node.FindPeer(root.Address)!.Role);
            Assert.True(node.Deorbit(moon.Id));
        }

        Assert.Empty(Directory.GetFiles(PathOf("moons.d")));
    }

    [Fact]
    public void The_secret_is_never_overwritten()
    {
        using var store = new LanyardFolderStore(_folder);
        store.Save("identity.secret", "first"u8);
        Assert.Throws<LanyardStateException>(() => store.Save("identity.secret", "second"u8));
        Assert.Equal("first"u8.ToArray(), store.Load("identity.secret"));
        Assert.Null(store.Load("planet"));
        store.Delete("moons.d/none.moon");
        Assert.Throws<ArgumentException>(() => store.Load("../identity.secret"));
    }

    [Fact]
    public void A_value_never_goes_through_what_is_planted_in_its_place()
    {
        RequireUnix();
        using var store = new LanyardFolderStore(_folder);
        Write("victim", "untouched");
        File.CreateSymbolicLink(PathOf("planet"), PathOf("victim"));
        Directory.CreateDirectory(PathOf("moons.d"));
        File.CreateSymbolicLink(PathOf("moons.d/1.moon.new"), PathOf("victim"));
        File.CreateSymbolicLink(PathOf("moons.d/1.moon"), PathOf("none"));
        store.Save("planet", "planet"u8);
        store.Save("moons.d/1.moon", "moon"u8);
        Assert.Equal("untouched", File.ReadAllText(PathOf("victim")));
        Assert.False(File.Exists(PathOf("none")));
        Assert.Null(new FileInfo(PathOf("planet")).LinkTarget);
        Assert.Equal("planet", File.ReadAllText(PathOf("planet")));
        Assert.Equal("moon", File.ReadAllText(PathOf("moons.d/1.moon")));
    }

    [Fact]
    public void A_secret_does_not_go_through_a_link_to_nowhere()
    {
        RequireUnix();
        using var store = new LanyardFolderStore(_folder);
        File.CreateSymbolicLink(PathOf("identity.secret"), PathOf("elsewhere"));
        Assert.Throws<LanyardStateException>(() => store.Save("identity.secret", "secret"u8));
        Assert.False(File.Exists(PathOf("elsewhere")));
    }

    [Fact]
    public void A_value_read_earlier_does_not_change_when_it_is_replaced()
    {
        RequireUnix();
        using var store = new LanyardFolderStore(_folder);
        store.Save("planet", "before"u8);
        // Another name and an open file keep the old content: none of it is written over.
        using (var open = File.OpenRead(PathOf("planet")))
        {
            store.Save("planet", "after"u8);
            Assert.Equal("before", new StreamReader(open).ReadToEnd());
        }

        Assert.Equal("after"u8.ToArray(), store.Load("planet"));
    }

    [Fact]
    public void Modes_that_let_others_in_are_narrowed_and_that_is_logged()
    {
        RequireUnix();
        string[] secrets = ["identity.secret", "planet", "lanyard.port", "lanyard.lock", "moons.d/000000b1bbf07c1b.moon", "networks.d/8056c2e21c000001.conf", "peers.d/b1bbf07c1b.peer"];
        foreach (var name in secrets)
        {
            Write(name, "x");
            SetMode(name, "0666");
        }

        Write("identity.public", "x");
        SetMode("identity.public", "0666");
        Write("notes.txt", "x");
        SetMode("notes.txt", "0666");
        SetMode("peers.d", "0777");
        SetMode("", "0777");
        using var log = new ListLogger();
        using (new LanyardFolderStore(_folder, log))
        {
            Assert.All(secrets, name => Assert.Equal("0600", Mode(name)));
            Assert.Equal("0644", Mode("identity.public"));
            Assert.Equal("0700", Mode("peers.d"));
            // Others keep on reading where they could: what is in it has its own mode. What is no part of the state is left alone.
            Assert.Equal("0755", Mode(""));
            Assert.Equal("0666", Mode("notes.txt"));
        }

        Assert.All([.. secrets, "identity.public", ""], name => Assert.Contains(log.Lines, line => line.Contains($"'{PathOf(name).TrimEnd('/')}'", StringComparison.Ordinal)));
        var told = log.Lines.Count;
        new LanyardFolderStore(_folder, log).Dispose();
        Assert.Equal(told, log.Lines.Count);
    }

    [Fact]
    public void The_next_start_removes_only_temporary_files_of_a_crash()
    {
        string[] left = ["planet.new", "identity.public.new-0123456789ab", "lanyard.lock.new-a", "networks.d/8056c2e21c000001.conf.new-0123456789ab", "peers.d/b1bbf07c1b.peer.new"];
        foreach (var name in left)
            Write(name, "half");
        Write("other.new", "kept");
        Write("planet", "whole");
        using (var first = new LanyardFolderStore(_folder))
        {
            Assert.All(left, name => Assert.False(File.Exists(PathOf(name)), name));
            Assert.Equal("kept", File.ReadAllText(PathOf("other.new")));
            Assert.Equal("whole", File.ReadAllText(PathOf("planet")));
            // A second node has no business there while the first one writes.
            Write("planet.new-0123456789ab", "being written");
            Assert.Throws<LanyardStateInUseException>(() => new LanyardFolderStore(_folder));
            Assert.True(File.Exists(PathOf("planet.new-0123456789ab")));
        }
    }

    [Theory]
    [InlineData("identity.secret")]
    [InlineData("lanyard.lock")]
    [InlineData("networks.d/8056c2e21c000001.conf")]
    public async Task A_file_of_another_user_is_refused_and_named(string name)
    {
        RequireSuperuser();
        Write(name, "x");
        await RunAsync("chown", "65534", PathOf(name));
        var error = Assert.Throws<LanyardStateException>(() => new LanyardFolderStore(_folder));
        Assert.Equal(PathOf(name), error.Path);
        Assert.Contains("65534", error.Message, StringComparison.Ordinal);
        // Nothing is held: with the file gone, the folder is there to use.
        File.Delete(PathOf(name));
        new LanyardFolderStore(_folder).Dispose();
    }

    [Fact]
    public async Task A_link_of_another_user_is_refused_and_one_of_this_user_is_followed_but_what_it_leads_to_left_alone()
    {
        RequireSuperuser();
        var elsewhere = Directory.CreateTempSubdirectory("lanyard-elsewhere-").FullName;
        try
        {
            var target = System.IO.Path.Combine(elsewhere, "planet");
            File.WriteAllText(target, "linked");
            await RunAsync("chmod", "0644", target);
            Directory.CreateDirectory(_folder);
            File.CreateSymbolicLink(PathOf("planet"), target);
            using (var store = new LanyardFolderStore(_folder))
                Assert.Equal("linked"u8.ToArray(), store.Load("planet"));
            Assert.Equal("0644", Mode(target));
            await RunAsync("chown", "-h", "65534", PathOf("planet"));
            Assert.Equal(PathOf("planet"), Assert.Throws<LanyardStateException>(() => new LanyardFolderStore(_folder)).Path);
        }
        finally
        {
            Directory.Delete(elsewhere, recursive: true);
        }
    }

    [Fact]
    public async Task The_folders_owner_may_own_its_files()
    {
        RequireSuperuser();
        Write("identity.secret", "x");
        SetMode("identity.secret", "0640");
        await RunAsync("chown", "-R", "65534", _folder);
        using var store = new LanyardFolderStore(_folder);
        Assert.Equal("0600", Mode("identity.secret"));
    }

    [Fact]
    public async Task A_pipe_in_a_files_place_does_not_hold_up_the_start()
    {
        RequireUnix();
        Directory.CreateDirectory(_folder);
        await RunAsync("mkfifo", PathOf("planet"));
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells what kind of file it is.");
        Assert.Equal(PathOf("planet"), Assert.Throws<LanyardStateException>(() => new LanyardFolderStore(_folder)).Path);
    }

    [Fact]
    public async Task A_stranger_cannot_hold_the_lock()
    {
        RequireSuperuser();
        Assert.SkipUnless(File.Exists("/usr/bin/setpriv") && File.Exists("/usr/bin/flock"), "It takes setpriv and flock to be another user who locks.");
        // A folder of an existing node, into which others may look.
        Directory.CreateDirectory(_folder);
        SetMode("", "0755");
        new LanyardFolderStore(_folder).Dispose();
        Assert.NotEqual(0, await TryRunAsync("setpriv", "--reuid", "65534", "--clear-groups", "flock", "--nonblock", PathOf("lanyard.lock"), "true"));
        Assert.Equal(0, await TryRunAsync("setpriv", "--reuid", "65534", "--clear-groups", "test", "-x", _folder));
    }

    [Fact]
    public async Task An_old_lock_file_that_another_user_holds_is_told_with_what_to_do()
    {
        RequireSuperuser();
        Assert.SkipUnless(File.Exists("/usr/bin/setpriv") && File.Exists("/usr/bin/flock"), "It takes setpriv and flock to be another user who locks.");
        Directory.CreateDirectory(_folder);
        SetMode("", "0755");
        Write("lanyard.lock", "");
        SetMode("lanyard.lock", "0644");
        using var holder = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("/usr/bin/setpriv",
            ["--reuid", "65534", "--clear-groups", "flock", "--no-fork", PathOf("lanyard.lock"), "sh", "-c", "echo held; exec sleep 60"]) { RedirectStandardOutput = true })!;
        try
        {
            Assert.Equal("held", await holder.StandardOutput.ReadLineAsync(TestLan.Guard));
            var error = Assert.Throws<LanyardStateInUseException>(() => new LanyardFolderStore(_folder));
            Assert.Contains($"process {holder.Id} of user 65534", error.Message, StringComparison.Ordinal);
            Assert.Contains("remove the file", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            holder.Kill();
            await holder.WaitForExitAsync(TestLan.Guard);
        }
    }

    [Fact]
    public async Task Options_that_contradict_each_other_are_refused()
    {
        var store = new LanyardMemoryStore();
        await Assert.ThrowsAsync<ArgumentException>(() => LanyardNode.StartAsync(Offline() with { Store = store }, TestLan.Guard));
        await Assert.ThrowsAsync<ArgumentException>(() => LanyardNode.StartAsync(Offline() with { Identity = TestIdentities.Get(1).WithoutSecret() }, TestLan.Guard));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => LanyardNode.StartAsync(Offline() with { Port = 70_000 },
            TestLan.Guard));
    }

    [Fact]
    public async Task State_folder_events_are_logged()
    {
        using var log = new ListLogger();
        await using var lan = await TestLan.StartAsync();
        var node = await lan.StartNodeAsync(1, lan.Options(1) with { LoggerFactory = log });
        await node.JoinAsync(lan.Network, TestLan.Guard);
        await node.DisposeAsync();
        var lines = log.Lines.ToArray();
        Assert.Contains(lines, l => l.Contains($"Node {node.Address} started", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.Contains("10.77.0.1/24", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, l => l.Contains("Error", StringComparison.Ordinal)
            || l.Contains("Critical", StringComparison.Ordinal));
    }

    private LanyardOptions Offline() => new() { StateDirectory = _folder, BindAddresses = [IPAddress.Loopback] };

    private static void RequireUnix() => Assert.SkipWhen(OperatingSystem.IsWindows(), "Links and modes of files are a matter of Unix.");

    private static void RequireSuperuser() =>
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "It takes the superuser of Linux to be two users.");

    private static async Task<int> TryRunAsync(params string[] command)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true })!;
        await process.StandardError.ReadToEndAsync(TestLan.Guard);
        await process.WaitForExitAsync(TestLan.Guard);
        return process.ExitCode;
    }

    private static async Task RunAsync(params string[] command) => Assert.Equal(0, await TryRunAsync(command));

    private string Mode(string name) => OperatingSystem.IsWindows() ? "" : "0" + Convert.ToString((int)File.GetUnixFileMode(PathOf(name)), 8);

    private void SetMode(string name, string mode)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(PathOf(name), (UnixFileMode)Convert.ToInt32(mode, 8));
    }

    private string PathOf(string name) => System.IO.Path.Combine(_folder, name);

    private void Write(string name, string content)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(PathOf(name))!);
        File.WriteAllBytes(PathOf(name), Encoding.UTF8.GetBytes(content));
    }
}
