using System.Net;
using System.Net.Sockets;
using Lanyard.Engine;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lanyard.Tests;

public sealed class PartTests
{
    private static readonly NetworkId Network = new(0x8056c2e21c000001);
    private static readonly NodeAddress Self = new(0x1122334455);
    private static readonly NodeAddress Other = new(0xabcdef0123);

    [Fact]
    public void Members_are_read_out_of_the_addresses_that_follow_from_them()
    {
        var members = new MemberAddresses(Network, Self);
        foreach (var address in (InetAddress[])[DerivedAddresses.Rfc4193(Network, Other).Address, DerivedAddresses.SixPlane(Network,
            Other).Address])
        {
            Assert.True(members.TryFindNode(address, out var node));
            Assert.Equal(Other, node);
            Assert.True(((INeighborResolver)members).TryResolve(address, out var mac));
            Assert.Equal(DerivedAddresses.Mac(Network, Other), mac);
        }

        Assert.False(members.TryFindNode(InetAddress.Parse("10.0.0.1"), out _));
        Assert.False(members.TryFindNode(InetAddress.Parse("fd00::1"), out _));
        Assert.False(((INeighborResolver)members).TryResolve(DerivedAddresses.Rfc4193(Network, Self).Address, out _));
    }

    [Fact]
    public void Members_have_addresses_of_the_kind_that_this_node_has()
    {
        var members = new MemberAddresses(Network, Self);
        Assert.True(members.TryFindAddress(Other, [DerivedAddresses.SixPlane(Network, Self)], out var sixPlane));
        Assert.Equal(DerivedAddresses.SixPlane(Network, Other).Address, sixPlane);
        Assert.True(members.TryFindAddress(Other, [DerivedAddresses.SixPlane(Network, Self), DerivedAddresses.Rfc4193(Network, Self)],
            out var rfc4193));
        Assert.Equal(DerivedAddresses.Rfc4193(Network, Other).Address, rfc4193);
        Assert.False(members.TryFindAddress(Other, [InetPrefix.Parse("10.0.0.1/24")], out _));
    }

    [Fact]
    public async Task Saved_state_is_loaded_before_it_is_written()
    {
        var store = new SlowStore();
        var keeper = new StateKeeper(store, new EventQueue(NullLogger.Instance));
        keeper.Save(StateKind.Peer, 1, "old"u8);
        keeper.Save(StateKind.Peer, 1, "new"u8);
        keeper.Save(StateKind.Peer, 2, "two"u8);
        keeper.Delete(StateNames.Of(StateKind.Peer, 2));
        Assert.Equal("new"u8.ToArray(), keeper.Load(StateKind.Peer, 1));
        Assert.Null(keeper.Load(StateKind.Peer, 2));
        store.Release.SetResult();
        await keeper.FlushAsync();
        Assert.Equal("new"u8.ToArray(), store.Load("peers.d/0000000001.peer"));
        Assert.Null(store.Load("peers.d/0000000002.peer"));
        Assert.Equal("new"u8.ToArray(), keeper.Load(StateKind.Peer, 1));
    }

    [Fact]
    public async Task State_that_cannot_be_written_does_not_stop_the_rest()
    {
        var store = new SlowStore { FailsOn = "peers.d/0000000001.peer" };
        store.Release.SetResult();
        var keeper = new StateKeeper(store, new EventQueue(NullLogger.Instance));
        keeper.Save(StateKind.Peer, 1, "one"u8);
        keeper.Save(StateKind.Peer, 2, "two"u8);
        await keeper.FlushAsync();
        Assert.NotNull(store.Load("peers.d/0000000002.peer"));
    }

    [Fact]
    public async Task Events_that_others_cause_do_not_pile_up_where_handlers_are_slow()
    {
        var events = new EventQueue(NullLogger.Instance);
        var release = new TaskCompletionSource();
        var (own, others) = (0, 0);
        events.Add(() => release.Task.Wait());
        for (var i = 0; i < EventQueue.MaxCausedByOthers * 4; i++)
            events.AddCausedByOthers(_ => others++);
        events.Add(() => own++);
        release.SetResult();
        await events.DrainAsync();
        Assert.Equal((1, EventQueue.MaxCausedByOthers - 1), (own, others));
    }

    [Theory]
    [InlineData("192.0.2.1:9993")]
    [InlineData("[2001:db8::1:2:3:4]:65535")]
    public void Endpoints_survive_the_systems_form(string text)
    {
        var endpoint = InetEndpoint.Parse(text);
        Assert.Equal(endpoint, EndpointAddress.Read(EndpointAddress.ToSocketAddress(endpoint)));
    }

    [Fact]
    public void Sockets_share_a_port_and_tell_of_the_addresses_that_they_are_bound_to()
    {
        using var transport = UdpTransport.Bind([], 0, batch: true, awaitAddresses: false, NullLogger.Instance);
        Assert.Single(transport.Senders.Select(s => s.LocalEndpoint.Port).Distinct());
        var interfaces = new LocalInterfaces([InetAddress.Parse("192.0.2.1"), InetAddress.Parse("2001:db8::1")],
            [InetPrefix.Parse("10.1.2.3/24")], [], []);
        Assert.Equal(transport.Senders.Count, interfaces.Endpoints(transport.Senders).Count);
        using var bound = UdpTransport.Bind([IPAddress.Loopback], 0, batch: true, awaitAddresses: false, NullLogger.Instance);
        Assert.Empty(interfaces.Endpoints(bound.Senders));
        Assert.True(interfaces.Excludes(InetAddress.Parse("10.1.2.200")));
        Assert.False(interfaces.Excludes(InetAddress.Parse("10.1.3.1")));
    }

    [Theory]
    [InlineData("eth0\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0", "192.168.2.0/24")]
    [InlineData("eth0\t0000A8C0\t0102A8C0\t0003\t0\t0\t0\t0000FFFF\t0\t0\t0", "192.168.0.0/16")]
    [InlineData("eth0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0", null)]
    [InlineData("*\t000010AC\t00000000\t0201\t0\t0\t0\t0000F0FF\t0\t0\t0", null)]
    [InlineData("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT", null)]
    [InlineData("", null)]
    public void Routes_of_the_machine_are_read(string line, string? network)
    {
        Assert.Equal(network is not null, HostRoutes.TryParseV4(line, out var route));
        if (network is not null)
            Assert.Equal((InetPrefix.Parse(network), "eth0"), route);
    }

    [Theory]
    [InlineData("fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0", "fd00::/64")]
    [InlineData("00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000002 00000000 00000003     eth0", null)]
    [InlineData("00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000004 00000000 80200001       lo", null)]
    [InlineData("fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000002 00000000 00000001     eth0", null)]
    public void Routes_of_the_machine_over_IPv6_are_read(string line, string? network)
    {
        Assert.Equal(network is not null, HostRoutes.TryParseV6(line, out var route));
        if (network is not null)
            Assert.Equal((InetPrefix.Parse(network), "eth0"), route);
    }

    [Theory]
    [InlineData("192.168.2.9", "0.0.0.0/0", true)] // on a LAN of the machine
    [InlineData("192.168.2.9", "192.168.2.0/24", true)]
    [InlineData("172.16.5.1", "0.0.0.0/0", true)] // by a route of the machine
    [InlineData("172.16.5.1", "172.16.0.0/12", true)]
    [InlineData("172.16.5.1", "172.16.0.0/16", true)] // the machine's route is as specific
    [InlineData("172.16.5.1", "172.16.5.0/24", false)] // the network's route is more specific
    [InlineData("198.51.100.1", "0.0.0.0/0", false)] // the machine has only its default route
    [InlineData("10.9.0.1", "10.0.0.0/8", false)] // the machine's route leads to another node's port on this very network
    public void Nearer_routes_of_the_machine_win(string destination, string range, bool isHosts)
    {
        var network = NetworkId.Parse("8056c2e21c000001");
        var port = DerivedAddresses.Mac(network, NodeAddress.Parse("0123456789"));
        var interfaces = new LocalInterfaces([], [], [new OwnLan(InetPrefix.Parse("192.168.2.5/24"), default)],
            [new OwnLan(InetPrefix.Parse("172.16.0.0/16"), default), new OwnLan(InetPrefix.Parse("10.9.0.0/16"), port)]);
        Assert.Equal(isHosts, interfaces.IsNearerThan(InetPrefix.Parse(range), InetAddress.Parse(destination), network));
    }

    [Fact]
    public void This_machines_own_addresses_are_found()
    {
        Assert.Contains(LocalInterfaces.Read([]).Addresses, address => address.IsLoopback);
        Assert.DoesNotContain(LocalInterfaces.Read(["lo", "Loopback"]).Addresses, address => address.IsLoopback);
    }

    [Fact]
    public void Errors_have_their_counterparts_in_the_systems_terms()
    {
        foreach (var error in Enum.GetValues<NetError>())
            Assert.True(error == NetError.None == (SocketErrors.Of(error) == SocketError.Success), error.ToString());
        Assert.Equal(SocketError.ConnectionRefused, SocketErrors.Of(NetError.ConnectionRefused));
    }

    private sealed class SlowStore : ILanyardStore
    {
        private readonly LanyardMemoryStore _store = new();

        public TaskCompletionSource Release { get; } = new();

        public string? FailsOn { get; init; }

        public byte[]? Load(string name) => _store.Load(name);

        public void Save(string name, ReadOnlySpan<byte> value)
        {
            Release.Task.Wait();
            if (name == FailsOn)
                throw new LanyardStateException(name, "The disk is full.");
            _store.Save(name, value);
        }

        public void Delete(string name)
        {
            Release.Task.Wait();
            _store.Delete(name);
        }

        public IReadOnlyList<string> List(string folder) => _store.List(folder);
    }
}
