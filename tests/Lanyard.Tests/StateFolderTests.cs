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

    [Fact]
    public async Task The_folder_has_the_layout_and_the_modes_of_existing_nodes()
    {
        await using var lan = await TestLan.StartAsync();
        var node = await lan.StartNodeAsync(1, lan.Options(1) with { StateDirectory = _folder });
        await node.JoinAsync(lan.Network, TestLan.Guard);
        var peer = await lan.JoinAsync(2);
        Assert.True((await node.Networks[0].PingAsync(peer.IPv4Address!, TimeSpan.FromMinutes(1), cancellationToken: TestLan.Guard)).IsSuccess);
        await node.DisposeAsync();
        Assert.Equal(TestIdentities.Get(1).ToSecretString(), File.ReadAllText(PathOf("identity.secret")));
        Assert.Equal(TestIdentities.Get(1).ToString(), File.ReadAllText(PathOf("identity.public")));
        Assert.Equal(lan.Planet.ToArray(), File.ReadAllBytes(PathOf("planet")));
        Assert.True(NetworkConfig.TryParse(File.ReadAllBytes(PathOf($"networks.d/{lan.Network}.conf")), out _));
        Assert.True(File.Exists(PathOf($"peers.d/{peer.Node.Address}.peer")));
        Assert.DoesNotContain(Directory.GetFiles(_folder, "*", SearchOption.AllDirectories), f => f.EndsWith(".new", StringComparison.Ordinal));
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
    [InlineData("public", "holds the public part")]
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
    [InlineData("planet", "is not a planet")]
    [InlineData("moons.d/000000b1bbf07c1b.moon", "is not moon b1bbf07c1b")]
    public async Task A_bad_world_is_named(string name, string expected)
    {
        Write("identity.secret", TestIdentities.Get(1).ToSecretString());
        Write(name, "nonsense");
        var error = await Assert.ThrowsAsync<LanyardStateException>(() => LanyardNode.StartAsync(Offline(), TestLan.Guard));
        Assert.Equal(PathOf(name), error.Path);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
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
                new LanyardOptions { Identity = TestIdentities.Get(1), Store = store, Planet = given, BindAddresses = [IPAddress.Loopback] }, TestLan.Guard);
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
            Assert.Equal(PeerRole.Moon, node.FindPeer(root.Address)!.Role);
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
    public async Task Options_that_contradict_each_other_are_refused()
    {
        var store = new LanyardMemoryStore();
        await Assert.ThrowsAsync<ArgumentException>(() => LanyardNode.StartAsync(Offline() with { Store = store }, TestLan.Guard));
        await Assert.ThrowsAsync<ArgumentException>(() => LanyardNode.StartAsync(Offline() with { Identity = TestIdentities.Get(1).WithoutSecret() }, TestLan.Guard));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => LanyardNode.StartAsync(Offline() with { Port = 70_000 }, TestLan.Guard));
    }

    [Fact]
    public async Task What_happens_is_logged()
    {
        using var log = new ListLogger();
        await using var lan = await TestLan.StartAsync();
        var node = await lan.StartNodeAsync(1, lan.Options(1) with { LoggerFactory = log });
        await node.JoinAsync(lan.Network, TestLan.Guard);
        await node.DisposeAsync();
        var lines = log.Lines.ToArray();
        Assert.Contains(lines, l => l.Contains($"Node {node.Address} started", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.Contains("10.77.0.1/24", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, l => l.Contains("Error", StringComparison.Ordinal) || l.Contains("Critical", StringComparison.Ordinal));
    }

    private LanyardOptions Offline() => new() { StateDirectory = _folder, BindAddresses = [IPAddress.Loopback] };

    private string PathOf(string name) => System.IO.Path.Combine(_folder, name);

    private void Write(string name, string content)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(PathOf(name))!);
        File.WriteAllBytes(PathOf(name), Encoding.UTF8.GetBytes(content));
    }

    private sealed class ListLogger : ILoggerFactory, ILogger
    {
        public System.Collections.Concurrent.ConcurrentQueue<string> Lines { get; } = [];

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue($"{logLevel} {formatter(state, exception)}");

        public void Dispose()
        {
        }
    }
}
