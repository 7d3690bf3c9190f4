using System.Net;
using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Tests.Naming;
using Lanyard.Wire;

namespace Lanyard.Tests.Networks;

/// <summary>The effects of a hostile controller on a node, for each field of a configuration.</summary>
public sealed class HostileControllerTests
{
    [Theory]
    [InlineData("10.0.0.1/1")]
    [InlineData("126.1.2.3/7")]
    public async Task An_address_in_a_range_that_is_not_all_private_is_ignored(string assigned)
    {
        await using var lan = await TestLan.StartAsync();
        var prefix = InetPrefix.Parse(assigned);
        lan.Controller.Customize = config => config with
        {
            StaticAddresses = [.. config.StaticAddresses, prefix],
            Routes = [.. config.Routes, new NetworkRoute(new InetPrefix(prefix.Network, prefix.Bits))],
        };
        var network = await lan.JoinAsync(1);
        Assert.DoesNotContain(network.Addresses, address => address.Address == prefix.Address);
        Assert.DoesNotContain(network.Routes, route => route.Target.Bits == prefix.Bits);
        // The root, on the loopback interface, lies in the range.
        network.Node.NotifyNetworkChanged();
        var other = await lan.JoinAsync(2);
        Assert.True((await network.PingAsync(other.IPv6Address!, TimeSpan.FromSeconds(60), cancellationToken: TestLan.Guard)).IsSuccess);
    }

    [Theory]
    // Private: all of it, and no larger than a network.
    [InlineData("10.0.0.0/8", "", true)]
    [InlineData("10.0.0.0/7", "", false)]
    [InlineData("10.0.0.0/1", "", false)]
    [InlineData("172.16.0.0/12", "", true)]
    [InlineData("172.16.0.0/11", "", false)]
    [InlineData("192.168.0.0/15", "", false)]
    [InlineData("28.0.0.0/7", "", true)]
    [InlineData("28.0.0.0/6", "", false)]
    [InlineData("240.0.0.0/5", "", false)]
    [InlineData("fd00:1234::/48", "", true)]
    [InlineData("fc12:3456:7800::/40", "", true)]
    [InlineData("fd00::/8", "", false)]
    [InlineData("fc00::/6", "", false)]
    // Global.
    [InlineData("8.0.0.0/8", "", false)]
    [InlineData("8.0.0.0/8", "global", true)]
    [InlineData("8.0.0.0/7", "global", false)]
    [InlineData("8.0.0.0/7", "global default", true)]
    [InlineData("2001:db8::/32", "", false)]
    [InlineData("2001:db8::/32", "global", true)]
    [InlineData("2000::/3", "global", false)]
    [InlineData("0.0.0.0/0", "global", false)]
    [InlineData("0.0.0.0/0", "default", true)]
    [InlineData("0.0.0.0/1", "default", true)]
    [InlineData("0.0.0.0/1", "global", false)]
    // What no network has.
    [InlineData("127.0.0.0/8", "global default", false)]
    [InlineData("224.0.0.0/8", "global default", false)]
    [InlineData("169.254.0.0/16", "global default", false)]
    [InlineData("168.0.0.0/7", "global", false)]
    [InlineData("169.0.0.0/8", "global", false)]
    [InlineData("::ffff:0:0/96", "global default", false)]
    [InlineData("::/64", "global", false)]
    [InlineData("fe80::/64", "global default", false)]
    // What the user names.
    [InlineData("10.1.0.0/16", "10.0.0.0/8", true)]
    [InlineData("10.0.0.0/8", "10.1.0.0/16", false)]
    [InlineData("fd00::/8", "fd00::/8", true)]
    [InlineData("10.0.0.0/7", "0.0.0.0/0", false)]
    public void The_whole_range_of_an_assignment_is_judged(string range, string allowed, bool isTaken)
    {
        var settings = new LanyardNetworkSettings
        {
            AllowGlobal = allowed.Contains("global", StringComparison.Ordinal),
            AllowDefault = allowed.Contains("default", StringComparison.Ordinal),
            AllowManagedNetworks = InetPrefix.TryParse(allowed, out var named) ? [named] : default,
        };
        Assert.Equal(isTaken, settings.RefusesRange(InetPrefix.Parse(range)) is null);
        Assert.NotNull((settings with { AllowManaged = false }).RefusesRange(InetPrefix.Parse(range)));
    }

    [Theory]
    [InlineData("10.1.2.3/24", true)]
    [InlineData("10.1.2.0/24", false)]
    [InlineData("10.1.2.255/24", false)]
    [InlineData("10.1.2.0/31", true)]
    [InlineData("10.1.2.3/0", false)]
    [InlineData("127.0.0.1/8", false)]
    [InlineData("127.0.0.1/0", false)]
    [InlineData("224.0.0.1/0", false)]
    [InlineData("255.255.255.255/0", false)]
    [InlineData("0.0.0.0/0", false)]
    [InlineData("::/0", false)]
    [InlineData("ff02::1/0", false)]
    [InlineData("::ffff:10.0.0.1/120", false)]
    public void An_assigned_address_is_one_that_a_host_can_have(string assigned, bool isTaken)
    {
        var settings = new LanyardNetworkSettings { AllowDefault = true, AllowGlobal = true };
        Assert.Equal(isTaken, settings.RefusesAddress(InetPrefix.Parse(assigned)) is null);
    }

    [Fact]
    public async Task Addresses_that_no_host_can_have_do_not_stop_those_that_it_can()
    {
        await using var lan = await TestLan.StartAsync();
        var client = await lan.StartNodeAsync(1);
        lan.Controller.Customize = config => config with
        {
            StaticAddresses = [InetPrefix.Parse("127.0.0.1/0"), InetPrefix.Parse("224.0.0.1/0"), InetPrefix.Parse("::/0"), .. config.StaticAddresses],
        };
        var network = await client.JoinAsync(lan.Network, TestLan.Guard);
        network.Settings = network.Settings with { AllowDefault = true, AllowGlobal = true };
        Assert.Equal(3, network.Addresses.Count);
    }

    [Theory]
    [InlineData("10.77.0.9", true)]
    [InlineData("10.99.0.1", false)]
    [InlineData("192.168.7.1", false)]
    [InlineData("127.0.0.1", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("fdff::1", false)]
    public async Task A_gateway_is_on_the_network(string gateway, bool isTaken)
    {
        await using var lan = await TestLan.StartAsync();
        var target = InetPrefix.Parse("10.98.0.0/16");
        lan.Controller.Customize = config => config with { Routes = [new NetworkRoute(target, InetAddress.Parse(gateway)), .. config.Routes] };
        var network = await lan.JoinAsync(1);
        Assert.Equal(isTaken, network.Routes.Any(route => route.Target == target));
    }

    [Fact]
    public async Task A_host_s_own_LAN_does_not_become_a_virtual_networks()
    {
        if (LocalInterfaces.Read([]).Lans.FirstOrDefault(lan => lan.Network.Address.IsV4) is not { Network.Address.Family: not InetFamily.None } own)
        {
            Assert.Skip("This machine has no IPv4 interface but loopback.");
            return;
        }

        await using var lan = await TestLan.StartAsync();
        var range = new InetPrefix(own.Network.Network, own.Network.Bits);
        var half = new InetPrefix(range.Network, (byte)Math.Min(range.Bits + 1, 32));
        lan.Controller.Customize = config => config with { Routes = [.. config.Routes, new NetworkRoute(range), new NetworkRoute(half)] };
        var network = await lan.JoinAsync(1);
        network.Settings = network.Settings with { AllowGlobal = true };
        var first = range.Network.ToIPAddress();
        Assert.Contains(network.Routes, route => route.Target == half);
        Assert.Null(network.Node.FindNetwork(first, preferHostNetwork: true));
        Assert.Same(network, network.Node.FindNetwork(first));
        Assert.Null(LanyardNode.FindNetwork([], first));
        Assert.Same(network, network.Node.FindNetwork(IPAddress.Parse("10.77.0.200"), preferHostNetwork: true));
        Assert.Null(network.Node.FindNetwork(IPAddress.Loopback, preferHostNetwork: true));

        // The user says that it is the network's.
        network.Settings = network.Settings with { AllowManagedNetworks = [range, InetPrefix.Parse("10.77.0.0/24")] };
        Assert.Same(network, network.Node.FindNetwork(first, preferHostNetwork: true));
    }

    [Theory]
    [InlineData("mtu")]
    [InlineData("multicast")]
    [InlineData("name")]
    [InlineData("rules")]
    [InlineData("specialists")]
    [InlineData("certificates")]
    [InlineData("timestamps")]
    [InlineData("flags")]
    [InlineData("trace")]
    [InlineData("sso")]
    [InlineData("routes")]
    [InlineData("dns")]
    public async Task A_field_at_its_worst_leaves_the_node_working(string field)
    {
        await using var pair = await Pair.StartAsync();
        NodeAddress victim = pair.A.Node.Address;
        pair.Lan.Controller.Customize = config => config.IssuedTo == victim ? Worst(field, config) : config;
        var root = pair.Lan.Root;
        for (var i = 0; i < 3; i++)
        {
            root.Send(ControllerMessage.Push(victim, pair.Lan.Controller.ConfigFor(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() + i, TestIdentities.Get(1))));
            await WaitAsync(() => pair.A.Config is { } config && IsIn(field, config));
        }

        // The node goes on, with this network and with its roots, and is mended by an honest configuration where that is not older.
        await pair.A.Node.WaitUntilOnlineAsync(TestLan.Guard);
        Assert.InRange(pair.A.Mtu, NetworkLimits.MinMtu, NetworkLimits.MaxMtu);
        Assert.DoesNotContain(pair.A.Name, char.IsControl);
        Assert.Equal(3, pair.A.Addresses.Count);
        if (field is "rules" or "certificates" or "timestamps")
            return;
        // An address that follows from a node address needs no multicast, which the controller may give to replicators that do not exist.
        Assert.True((await pair.A.PingAsync(pair.B.IPv6Address!, TimeSpan.FromSeconds(30), cancellationToken: TestLan.Guard)).IsSuccess);
    }

    private static NetworkConfig Worst(string field, NetworkConfig config) => field switch
    {
        "mtu" => config with { Mtu = NetworkLimits.MaxMtu },
        "multicast" => config with { MulticastLimit = uint.MaxValue },
        "name" => config with { Name = "\u001b[2J\u001b]0;owned\u0007\r\n\u202egnp.exe" },
        "rules" => config with { Rules = Enumerable.Repeat(Rule.MatchRandom(uint.MaxValue), NetworkLimits.Rules).ToEquatableArray() },
        "specialists" => config with
        {
            Specialists = Enumerable.Range(1, NetworkLimits.Specialists).Select(i => new NetworkSpecialist(new NodeAddress((ulong)i << 8), (SpecialistRoles)0xffffff))
                .Append(new NetworkSpecialist(config.IssuedTo, (SpecialistRoles)0xffffff)).ToEquatableArray(),
        },
        "certificates" => config with
        {
            Tags = [new Tag { NetworkId = config.NetworkId, Timestamp = long.MinValue, Id = 1, Value = 1, IssuedTo = config.IssuedTo }],
            CertificatesOfOwnership =
            [
                new CertificateOfOwnership
                {
                    NetworkId = config.NetworkId, Timestamp = long.MaxValue, Id = 0, Things = [OwnedThing.From(InetAddress.Parse("8.8.8.8"))], IssuedTo = default,
                },
            ],
        },
        "timestamps" => config with { Timestamp = long.MaxValue, CredentialTimeMaxDelta = long.MinValue, Revision = ulong.MaxValue },
        "flags" => config with { Flags = (NetworkFlags)ulong.MaxValue },
        "trace" => config with { RemoteTraceTarget = new NodeAddress(0x1122334455), RemoteTraceLevel = ulong.MaxValue },
        "sso" => config with
        {
            Sso = new NetworkSso { Version = 1, IsEnabled = true, AuthenticationUrl = new string('a', 2000), IssuerUrl = "\u001b[31m", Provider = "x" },
        },
        "routes" => config with
        {
            Routes = Enumerable.Range(0, NetworkLimits.Routes)
                .Select(i => new NetworkRoute(new InetPrefix(InetAddress.FromV4((uint)i << 25), 7), InetAddress.FromV4((uint)i))).ToEquatableArray(),
        },
        "dns" => config with
        {
            Dns = new NetworkDns("com", [InetAddress.Parse("255.255.255.255"), InetAddress.Parse("224.0.0.251"), InetAddress.Parse("127.0.0.53")]),
        },
        _ => throw new ArgumentOutOfRangeException(nameof(field)),
    };

    private static bool IsIn(string field, NetworkConfig config) => field switch
    {
        "mtu" => config.Mtu == NetworkLimits.MaxMtu,
        "multicast" => config.MulticastLimit == uint.MaxValue,
        "name" => config.Name.Contains("owned", StringComparison.Ordinal),
        "rules" => config.Rules.Count == NetworkLimits.Rules,
        "specialists" => config.Specialists.Count == NetworkLimits.Specialists,
        "certificates" => config.Tags.Count == 1,
        "timestamps" => config.Timestamp == long.MaxValue,
        "flags" => config.Flags == (NetworkFlags)ulong.MaxValue,
        "trace" => config.RemoteTraceLevel == ulong.MaxValue,
        "sso" => config.Sso.IsEnabled,
        "routes" => config.Routes.Count == NetworkLimits.Routes,
        _ => config.Dns is not null,
    };

    private static async Task WaitAsync(Func<bool> condition)
    {
        while (!condition())
            await Task.Delay(5, TestLan.Guard);
    }

    [Theory]
    [InlineData("com")]
    [InlineData("")]
    [InlineData("lan.test")]
    public async Task A_network_resolves_no_names_without_allowDNS(string domain)
    {
        await using var lan = await TestLan.StartAsync();
        var server = await lan.JoinAsync(1);
        lan.Controller.Dns = new NetworkDns(domain, new[] { Pair.Address(server) }.ToEquatableArray());
        var client = await lan.JoinAsync(2);
        await using var dns = new DnsServer(server);
        dns.Add("example.com", Pair.Address(server));
        dns.Add("a.lan.test", Pair.Address(server));
        foreach (var name in (string[])["example.com", "a.lan.test", "a"])
            Assert.Equal(LanyardNameFailure.NotOnNetwork, (await Assert.ThrowsAsync<LanyardNameException>(async () => await client.ResolveAsync(name, TestLan.Guard))).Failure);
        Assert.Equal(0, dns.Questions);
    }
}
