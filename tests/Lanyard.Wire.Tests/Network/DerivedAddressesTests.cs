using Lanyard.Primitives;

namespace Lanyard.Wire.Tests;

public sealed class DerivedAddressesTests
{
    private static readonly NetworkId Network = NetworkId.Parse("084d44421700beef");
    private static readonly NodeAddress Member = NodeAddress.Parse("30951979c5");

    [Fact]
    public void Addresses_are_those_that_a_recorded_node_had()
    {
        Assert.Equal("fd08:4d44:4217:be:ef99:9330:9519:79c5/88", DerivedAddresses.Rfc4193(Network, Member).ToString());
        Assert.Equal("fc1f:4dfa:ad30:9519:79c5::1/40", DerivedAddresses.SixPlane(Network, Member).ToString());
        Assert.Equal("ee:8e:95:0e:3b:81", DerivedAddresses.Mac(Network, Member).ToString());
    }

    [Fact]
    public void An_Ethernet_address_leads_back_to_its_node()
    {
        Assert.Equal(Member, DerivedAddresses.NodeOf(Network, DerivedAddresses.Mac(Network, Member)));
        Assert.True(DerivedAddresses.NodeOf(Network, new MacAddress(DerivedAddresses.Mac(Network, Member).Value ^ (4UL << 40))).IsNone);
        Assert.True(DerivedAddresses.NodeOf(Network, DerivedAddresses.Mac(Network, default)).IsNone);
        Assert.True(DerivedAddresses.NodeOf(Network, MacAddress.Broadcast).IsNone);
    }

    [Fact]
    public void The_first_byte_avoids_the_value_of_virtual_machines()
    {
        var network = NetworkId.Parse("084d444217000050");
        Assert.StartsWith("32:", DerivedAddresses.Mac(network, Member).ToString(), StringComparison.Ordinal);
        Assert.Equal(Member, DerivedAddresses.NodeOf(network, DerivedAddresses.Mac(network, Member)));
    }
}
