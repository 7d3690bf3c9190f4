using Lanyard.Engine;
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
        Assert.Equal(NetworkStatus.Ok, network.Status);
        Assert.Equal("test", network.Name);
        Assert.Equal("10.77.0.1", network.IPv4Address!.ToString());
        Assert.Equal(3, network.Addresses.Count);
        Assert.Contains(DerivedAddresses.SixPlane(lan.Network, network.Node.Address), network.Addresses);
        Assert.True(network.Node.IsOnline);
    }

    [Fact]
    public async Task A_stranger_is_told_whom_to_ask_and_comes_in_once_authorised()
    {
        await using var lan = await TestLan.StartAsync();
        await using var node = await LanyardNode.StartAsync(lan.Options(1), TestLan.Guard);
        var refused = await Assert.ThrowsAsync<LanyardNetworkException>(() => node.JoinAsync(lan.Network, TestLan.Guard));
        Assert.Equal(LanyardNetworkFailure.AccessDenied, refused.Failure);
        Assert.Equal(node.Address, refused.Member);
        Assert.Contains($"authorise member {node.Address}", refused.Message, StringComparison.Ordinal);

        lan.Controller.Authorize(node.Address);
        await node.Networks[0].WaitUntilReadyAsync(waitForAuthorization: true, TestLan.Guard);
        Assert.Equal("10.77.0.1", node.Networks[0].IPv4Address!.ToString());
    }
}
