using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>The choice of source and destination addresses (RFC 6724), with the examples of its section 10 where they apply.</summary>
public class AddressSelectionTests
{
    [Theory]
    // 10.1: a matching scope, the longest prefix, the destination itself, a matching label.
    [InlineData("2001:db8:1::1", "2001:db8:3::1", "2001:db8:3::1/64 fe80::1/64")]
    [InlineData("ff05::1", "2001:db8:3::1", "2001:db8:3::1/64 fe80::1/64")]
    [InlineData("ff02::1", "fe80::1", "2001:db8:3::1/64 fe80::1/64")]
    [InlineData("2001:db8:1::1", "2001:db8:1::2", "2001:db8:3::1/64 2001:db8:1::2/64")]
    [InlineData("fe80::1", "fe80::2", "fe80::2/64 2001:db8:1::1/64")]
    [InlineData("2001:db8:1::1", "2001:db8:1::1", "2001:db8:1::1/64 2001:db8:2::2/64")]
    [InlineData("2002:c633:6401::1", "2002:c633:6401::d5e3:7953:13eb:22e8", "2001:db8:1::2/64 2002:c633:6401::d5e3:7953:13eb:22e8/64")]
    [InlineData("2001:db8:1::d5e3:0:0:1", "2001:db8:1::2", "2001:db8:1::2/64 2001:db8:3::2/64")]
    // Labels keep unique local and global addresses apart, whatever the length of the common prefix.
    [InlineData("2001:db8:9::1", "2001:db8:1::1", "fd00:1::1/64 2001:db8:1::1/64")]
    [InlineData("fd99::1", "fd00:1::1", "2001:db8:1::1/64 fd00:1::1/64")]
    [InlineData("224.0.0.251", "169.254.1.1", "10.1.0.1/24 169.254.1.1/16")]
    [InlineData("239.1.1.1", "10.1.0.1", "169.254.1.1/16 10.1.0.1/24")]
    public void The_source_is_chosen_by_scope_label_and_prefix(string destination, string source, string addresses)
    {
        var host = Host(addresses);
        host.SetRoutes([new Route(InetPrefix.Parse("::/0"), default), new Route(InetPrefix.Parse("0.0.0.0/0"), default)]);
        Assert.True(host.TrySelectSource(InetAddress.Parse(destination), out var chosen));
        Assert.Equal(InetAddress.Parse(source), chosen);
    }

    [Fact]
    public void A_prefix_counts_no_further_than_it_reaches()
    {
        // Beyond the prefix both have nothing in common with the destination, so the first stays (section 2.2).
        var host = Host("2001:db8:1::1/64 2001:db8:1:0:8000::1/64");
        host.SetRoutes([new Route(InetPrefix.Parse("::/0"), default)]);
        Assert.True(host.TrySelectSource(InetAddress.Parse("2001:db8:1:0:8000::9"), out var chosen));
        Assert.Equal(InetAddress.Parse("2001:db8:1::1"), chosen);
    }

    [Theory]
    // 10.2, with the sources that the examples give.
    [InlineData("2001:db8:1::1 198.51.100.121", "2001:db8:1::1 198.51.100.121", "2001:db8:1::2/64 fe80::1/64 169.254.13.78/16")]
    [InlineData("2001:db8:1::1 198.51.100.121", "198.51.100.121 2001:db8:1::1", "fe80::1/64 198.51.100.117/24")]
    [InlineData("2001:db8:1::1 10.1.2.3", "2001:db8:1::1 10.1.2.3", "2001:db8:1::2/64 fe80::1/64 10.1.2.4/24")]
    [InlineData("2001:db8:1::1 fe80::1", "fe80::1 2001:db8:1::1", "2001:db8:1::2/64 fe80::2/64")]
    [InlineData("2001:db8:1::1 2001:db8:3ffe::1", "2001:db8:1::1 2001:db8:3ffe::1", "2001:db8:1::2/64 2001:db8:3f44::2/64 fe80::2/64")]
    [InlineData("2002:c633:6401::1 2001:db8:1::1", "2002:c633:6401::1 2001:db8:1::1", "2002:c633:6401::2/64 fe80::2/64")]
    [InlineData("2002:c633:6401::1 2001:db8:1::1", "2001:db8:1::1 2002:c633:6401::1", "2002:c633:6401::2/64 2001:db8:1::2/64 fe80::2/64")]
    // What cannot be reached comes last; equals stay in order.
    [InlineData("10.1.2.9 10.1.2.8 fd00::1", "10.1.2.9 10.1.2.8 fd00::1", "10.1.2.4/24")]
    [InlineData("fd00::1 10.1.2.9", "10.1.2.9 fd00::1", "10.1.2.4/24")]
    public void Destinations_are_put_in_the_order_to_try_them(string given, string expected, string addresses)
    {
        var host = Host(addresses);
        host.SetRoutes([new Route(InetPrefix.Parse("::/0"), default), new Route(InetPrefix.Parse("0.0.0.0/0"), default)]);
        var destinations = given.Split(' ').Select(InetAddress.Parse).ToArray();
        host.SortDestinations(destinations);
        Assert.Equal(expected, string.Join(' ', destinations));
    }

    [Fact]
    public void The_policy_table_can_be_another()
    {
        var host = Host("2001:db8:1::2/64 10.1.2.4/24", new AddressPolicy(InetPrefix.Parse("::/0"), 40, 1),
            new AddressPolicy(new InetPrefix(InetAddress.FromV6(0, 0xffff_0000_0000), 96), 100, 4));
        var destinations = new[] { InetAddress.Parse("2001:db8:1::1"), InetAddress.Parse("10.1.2.3") };
        host.SortDestinations(destinations);
        Assert.Equal("10.1.2.3 2001:db8:1::1", string.Join(' ', destinations));
    }

    private static NetworkHost Host(string addresses, params AddressPolicy[] policies) => new RawPeer(options => options with
    {
        Addresses = [.. addresses.Split(' ').Select(InetPrefix.Parse)],
        AddressPolicies = policies.Length == 0 ? AddressPolicy.Default : policies,
    }).Host;
}
