using System.Net;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Tests.Networks;

public sealed class FindNetworkTests
{
    [Fact]
    public async Task The_network_with_the_longest_prefix_leads_to_a_destination()
    {
        await using var wide = await TestLan.StartAsync();
        await using var narrow = await TestLan.StartAsync();
        narrow.Controller.Customize = config => config with { Routes = [new NetworkRoute(InetPrefix.Parse("10.77.0.128/25")), .. config.Routes] };
        var (a, b) = (await wide.JoinAsync(1), await narrow.JoinAsync(2));

        Assert.Same(b, LanyardNode.FindNetwork([a, b], IPAddress.Parse("10.77.0.200")));
        Assert.Same(a, a.Node.FindNetwork(IPAddress.Parse("10.77.0.200")));
        // Of equals, the first.
        Assert.Same(a, LanyardNode.FindNetwork([a, b], IPAddress.Parse("10.77.0.20")));
        Assert.Same(b, LanyardNode.FindNetwork([b, a], IPAddress.Parse("10.77.0.20")));
        Assert.Same(a, LanyardNode.FindNetwork([a, b], IPAddress.Parse("::ffff:10.77.0.20")));
        foreach (var elsewhere in new[] { "192.0.2.1", "127.0.0.1", "0.0.0.0", "::1", "2001:db8::1" })
            Assert.Null(LanyardNode.FindNetwork([a, b], IPAddress.Parse(elsewhere)));
        Assert.Throws<ArgumentNullException>(() => a.Node.FindNetwork(null!));
    }
}
