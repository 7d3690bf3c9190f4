using System.Net;
using Lanyard.Primitives;

namespace Lanyard.Primitives.Tests;

public sealed class AddressTests
{
    [Theory]
    [InlineData("10.1.2.3")]
    [InlineData("::")]
    [InlineData("fd00::1")]
    [InlineData("2001:db8:1:2:3:4:5:6")]
    public void An_address_survives_text_bytes_and_the_frameworks_type(string text)
    {
        var address = InetAddress.Parse(text);
        Assert.Equal(text, address.ToString());
        Assert.Equal(address, InetAddress.FromIPAddress(IPAddress.Parse(text)));
        var bytes = new byte[16];
        Assert.Equal(address, InetAddress.FromBytes(bytes.AsSpan(0, address.Write(bytes))));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("1.2.3")]
    [InlineData("1.2.3.256")]
    [InlineData("fe80::1%eth0")]
    [InlineData("[::1]")]
    public void Text_that_is_no_plain_address_is_refused(string text) => Assert.False(InetAddress.TryParse(text, out _));

    [Fact]
    public void A_text_that_ends_in_NUL_is_refused()
    {
        Assert.False(InetAddress.TryParse("10.1.2.3\0", out _));
        Assert.False(InetEndpoint.TryParse("10.1.2.3:99\0", out _));
        Assert.False(InetPrefix.TryParse("10.1.2.3/8\0", out _));
        Assert.False(MacAddress.TryParse("02000000000\0", out _));
    }

    [Fact]
    public void A_mapped_address_is_its_IPv4_address() =>
        Assert.Equal(InetAddress.Parse("1.2.3.4"), InetAddress.FromIPAddress(IPAddress.Parse("::ffff:1.2.3.4")));

    [Theory]
    [InlineData("10.1.2.3/8", "10.0.0.0", "10.255.255.255")]
    [InlineData("10.1.2.3/0", "0.0.0.0", "255.255.255.255")]
    [InlineData("10.1.2.3/32", "10.1.2.3", "10.1.2.3")]
    [InlineData("fd00::1:2/64", "fd00::", "fd00::ffff:ffff:ffff:ffff")]
    [InlineData("fd00::1:2/127", "fd00::1:2", "fd00::1:3")]
    [InlineData("fd00::1:2/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    public void A_prefix_knows_its_first_and_last_address(string text, string first, string last)
    {
        var prefix = InetPrefix.Parse(text);
        Assert.Equal(first, prefix.Network.ToString());
        Assert.Equal(last, prefix.Last.ToString());
        Assert.True(prefix.Contains(prefix.Network) && prefix.Contains(prefix.Last) && prefix.Contains(prefix.Address));
        Assert.Equal(text, prefix.ToString());
    }

    [Fact]
    public void Common_prefixes_are_counted_in_bits()
    {
        Assert.Equal(15, InetAddress.Parse("10.0.0.0").CommonPrefixLength(InetAddress.Parse("10.1.0.0")));
        Assert.Equal(128, InetAddress.Parse("::1").CommonPrefixLength(InetAddress.Parse("::1")));
        Assert.Equal(0, InetAddress.Parse("::1").CommonPrefixLength(InetAddress.Parse("0.0.0.1")));
    }

    [Theory]
    [InlineData("10.0.0.1:99", "10.0.0.1/99", "10.0.0.1:99")]
    [InlineData("[::1]:99", "::1/99", "[::1]:99")]
    [InlineData("fd00::1/9993", "fd00::1/9993", "[fd00::1]:9993")]
    public void An_endpoint_reads_both_text_forms(string text, string slash, string usual)
    {
        var endpoint = InetEndpoint.Parse(text);
        Assert.Equal(slash, endpoint.ToSlashString());
        Assert.Equal(usual, endpoint.ToString());
    }

    [Theory]
    [InlineData("::1:99")]
    [InlineData("10.0.0.1")]
    [InlineData("10.0.0.1:65536")]
    [InlineData("10.0.0.1:-1")]
    [InlineData(":1")]
    public void Text_that_is_no_endpoint_is_refused(string text) => Assert.False(InetEndpoint.TryParse(text, out _));

    [Fact]
    public void A_MAC_address_survives_text_and_bytes()
    {
        Assert.True(MacAddress.TryParse("32:0a:ff:00:01:02", out var mac));
        Assert.True(MacAddress.TryParse("320aff000102", out var plain));
        Assert.Equal(mac, plain);
        var bytes = new byte[6];
        mac.Write(bytes);
        Assert.Equal(mac, MacAddress.Read(bytes));
        Assert.Equal("32:0a:ff:00:01:02", mac.ToString());
        Assert.False(mac.IsMulticast);
        Assert.True(MacAddress.Broadcast.IsMulticast);
    }
}
