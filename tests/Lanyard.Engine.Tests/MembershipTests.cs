using Lanyard.Engine.Members;
using Lanyard.Engine.Networks;
using Lanyard.Engine.Tests.Harness;
using Lanyard.Testing;
using Lanyard.Wire;

namespace Lanyard.Engine.Tests;

public sealed class MembershipTests
{
    [Theory]
    [InlineData(long.MinValue)]
    [InlineData(long.MaxValue)]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_credential_of_an_impossible_time_is_not_current_and_throws_nothing(long time)
    {
        var node = new TestNode().Online();
        var controller = node.NewPeer();
        var network = node.Node.Join(node.NowMs, NetworkId.Create(controller.Address, 1));
        var config = new OpenController(controller.Identity).Configure(node.NowMs, node.Identity, network.Id);
        Assert.True(network.Configure(node.NowMs, config, ConfigOrigin.Answer));
        var membership = new Membership(network, node.NewPeer().Address);
        var tag = new Tag { NetworkId = network.Id, Id = 1, Value = 2, Timestamp = time, IssuedTo = node.NewPeer().Address };
        Assert.False(membership.IsCurrent(config, tag));
        Assert.False(membership.IsCurrent(config, tag with { Timestamp = unchecked(long.MinValue + config.Timestamp) }));
        Assert.True(membership.IsCurrent(config, tag with { Timestamp = config.Timestamp }));
    }
}
