using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Tests;

public sealed class JoinTests
{
    [Fact]
    public async Task A_member_that_joins_has_its_addresses()
    {
        await using var lan = await TestLan.StartAsync();
        var network = await lan.JoinAsync(1);
        Assert.True(network.IsReady);
        Assert.Equal(LanyardNetworkStatus.Ok, network.Status);
        Assert.Equal("test", network.Name);
        Assert.Equal("10.77.0.1", network.IPv4Address!.ToString());
        Assert.Equal(3, network.Addresses.Count);
        Assert.Contains(DerivedAddresses.SixPlane(lan.Network, network.Node.Address), network.Addresses);
        Assert.True(network.Node.IsOnline);
    }

    [Fact]
    public async Task A_refused_node_names_the_address_to_authorize_and_joins_once_authorized()
    {
        await using var lan = await TestLan.StartAsync();
        await using var node = await LanyardNode.StartAsync(lan.Options(1), TestLan.Guard);
        var refused = await Assert.ThrowsAsync<LanyardNetworkException>(() => node.JoinAsync(lan.Network, TestLan.Guard));
        Assert.Equal(LanyardNetworkFailure.AccessDenied, refused.Failure);
        Assert.Equal(node.Address, refused.Member);
        Assert.Contains($"authorize member {node.Address}", refused.Message, StringComparison.Ordinal);

        lan.Controller.Authorize(node.Address);
        await node.Networks[0].WaitUntilReadyAsync(waitForAuthorization: true, TestLan.Guard);
        Assert.Equal("10.77.0.1", node.Networks[0].IPv4Address!.ToString());
    }

    [Fact]
    public async Task Joining_again_asks_the_controller_again_at_once()
    {
        await using var lan = await TestLan.StartAsync();
        await using var node = await LanyardNode.StartAsync(lan.Options(1), TestLan.Guard);
        for (var i = 0; i < 3; i++)
        {
            var refused = await Assert.ThrowsAsync<LanyardNetworkException>(() => node.JoinAsync(lan.Network, TestLan.Guard));
            Assert.Equal(LanyardNetworkFailure.AccessDenied, refused.Failure);
        }

        lan.Controller.Authorize(node.Address);
        Assert.True((await node.JoinAsync(lan.Network, TestLan.Guard)).IsReady);
    }

    [Fact]
    public async Task A_request_for_a_missing_network_gets_NOT_FOUND()
    {
        await using var lan = await TestLan.StartAsync();
        var node = await lan.StartNodeAsync(1);
        var error = await Assert.ThrowsAsync<LanyardNetworkException>(() => node.JoinAsync(NetworkId.Create(lan.Root.Address, 0x78),
            TestLan.Guard));
        Assert.Equal(LanyardNetworkFailure.NotFound, error.Failure);
        Assert.Throws<ArgumentException>(() => node.Join(default));
        await Assert.ThrowsAsync<FormatException>(() => node.JoinAsync("lan", TestLan.Guard));
    }

    [Fact]
    public async Task Joining_without_an_assigned_address_fails_with_NoAddress()
    {
        await using var lan = await TestLan.StartAsync();
        lan.Controller.AssignsAddresses = false;
        var node = await lan.StartNodeAsync(1);
        var error = await Assert.ThrowsAsync<LanyardNetworkException>(() => node.JoinAsync(lan.Network, TestLan.Guard));
        Assert.Equal(LanyardNetworkFailure.NoAddress, error.Failure);
        Assert.Equal(LanyardNetworkStatus.Ok, node.Networks[0].Status);
        lan.Controller.AssignsAddresses = true;
        lan.Root.Send(ControllerMessage.Push(node.Address, lan.Controller.ConfigFor(lan.Root.Status.ClockMs + 1, node.Identity)));
        await node.Networks[0].WaitUntilReadyAsync(waitForAuthorization: true, TestLan.Guard);
    }

    [Fact]
    public async Task Without_an_answer_the_exception_names_possible_causes()
    {
        await using var lan = await TestLan.StartAsync();
        lan.Controller.IsSilent = true;
        var node = await lan.StartNodeAsync(1, lan.Options(1) with { JoinTimeout = TimeSpan.FromMilliseconds(500) });
        await node.WaitUntilOnlineAsync(TestLan.Guard);
        var error = await Assert.ThrowsAsync<LanyardNetworkException>(() => node.JoinAsync(lan.Network, TestLan.Guard));
        Assert.Equal(LanyardNetworkFailure.TimedOut, error.Failure);
        Assert.Contains($"controller {lan.Root.Address} did not answer", error.Message, StringComparison.Ordinal);

        await using var lonely = await LanyardNode.StartAsync(
            new LanyardOptions { Identity = TestIdentities.Get(2), BindAddresses = [System.Net.IPAddress.Loopback],
                JoinTimeout = TimeSpan.FromMilliseconds(50) }, TestLan.Guard);
        var rootless = await Assert.ThrowsAsync<LanyardNetworkException>(() => lonely.JoinAsync(lan.Network, TestLan.Guard));
        Assert.Contains("knows no roots", rootless.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_public_network_takes_anyone()
    {
        await using var lan = await TestLan.StartAsync(isPrivate: false);
        await using var a = await LanyardNode.StartAsync(lan.Options(1), TestLan.Guard);
        await using var b = await LanyardNode.StartAsync(lan.Options(2), TestLan.Guard);
        var networkA = await a.JoinAsync(lan.Network, TestLan.Guard);
        var networkB = await b.JoinAsync(lan.Network, TestLan.Guard);
        Assert.True((await networkA.PingAsync(networkB.IPv4Address!, TimeSpan.FromMinutes(1), cancellationToken: TestLan.Guard)).IsSuccess);
    }

    [Fact]
    public async Task A_lan_can_run_over_IPv6()
    {
        if (!System.Net.Sockets.Socket.OSSupportsIPv6)
            Assert.Skip("This machine has no IPv6.");
        await using var lan = await TestLan.StartAsync(overIPv6: true);
        var a = await lan.JoinAsync(1);
        var b = await lan.JoinAsync(2);
        Assert.True((await a.PingAsync(b.IPv4Address!, TimeSpan.FromMinutes(1), cancellationToken: TestLan.Guard)).IsSuccess);
        Assert.All(a.Node.BoundEndPoints, e => Assert.Equal(System.Net.Sockets.AddressFamily.InterNetworkV6, e.AddressFamily));
    }

    [Fact]
    public async Task Blocked_physical_networks_are_not_used()
    {
        await using var lan = await TestLan.StartAsync();
        var options = lan.Options(1) with { BlockedPhysicalNetworks = [InetPrefix.Parse("127.0.0.0/8")],
            JoinTimeout = TimeSpan.FromSeconds(1) };
        var node = await lan.StartNodeAsync(1, options);
        var error = await Assert.ThrowsAsync<LanyardNetworkException>(() => node.JoinAsync(lan.Network, TestLan.Guard));
        Assert.Contains("offline", error.Message, StringComparison.Ordinal);
        Assert.False(node.IsOnline);
    }
}
