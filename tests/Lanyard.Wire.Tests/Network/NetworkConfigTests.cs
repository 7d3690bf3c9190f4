using System.Text;
using Lanyard.Primitives;

namespace Lanyard.Wire.Tests;

public sealed class NetworkConfigTests
{
    private static readonly NetworkConfig Small = new() { NetworkId = NetworkId.Parse("084d44421700beef"), IssuedTo = NodeAddress.Parse("30951979c5") };
    private static readonly NodeAddress Node = NodeAddress.Parse("1122334455");

    [Fact]
    public void A_configuration_with_everything_in_it_survives()
    {
        var config = Small with
        {
            Timestamp = 1795288815309,
            CredentialTimeMaxDelta = 1,
            Revision = 2,
            RemoteTraceTarget = Node,
            RemoteTraceLevel = 15,
            Flags = NetworkFlags.Broadcast | NetworkFlags.NoCompression,
            MulticastLimit = 3,
            Type = NetworkType.Public,
            Name = "näme=\\",
            Mtu = 1280,
            Tags = [NewTag(1), NewTag(2)],
            Capabilities = [new Capability { NetworkId = Small.NetworkId, Timestamp = 1, Id = 5, Rules = [Rule.ActionAccept], Custody = [new CapabilityCustody(Node, Node, Signature())] }],
            CertificatesOfOwnership = [new CertificateOfOwnership { NetworkId = Small.NetworkId, Timestamp = 1, Id = 1, IssuedTo = Node, Things = [], Signature = Signature() }],
            Specialists = [new NetworkSpecialist(Node, SpecialistRoles.ActiveBridge | SpecialistRoles.Anchor), new NetworkSpecialist(new NodeAddress(5), SpecialistRoles.MulticastReplicator)],
            Routes = [new NetworkRoute(InetPrefix.Parse("10.0.0.0/8")), new NetworkRoute(default, InetAddress.Parse("10.0.0.1"), 1, 2), new NetworkRoute(InetPrefix.Parse("::/0"), InetAddress.Parse("fd00::1"))],
            StaticAddresses = [InetPrefix.Parse("10.0.0.7/8"), InetPrefix.Parse("fd00::7/88")],
            Rules = [Rule.MatchEtherType(0x800).With(not: true), Rule.ActionDrop, Rule.ActionAccept],
            Dns = new NetworkDns("corp.lan", [InetAddress.Parse("10.0.0.53"), InetAddress.Parse("fd00::53")]),
            Sso = new NetworkSso { IsEnabled = true, AuthenticationUrl = "https://sign.on", AuthenticationExpiry = 99 },
        };
        Assert.Equal(config, Survivor(config));
        Assert.True(config.HasRole(Node, SpecialistRoles.ActiveBridge));
        Assert.False(config.HasRole(Node, SpecialistRoles.MulticastReplicator));
        Assert.Equal([Node], config.WithRole(SpecialistRoles.Anchor));
        Assert.Equal([Node, new NodeAddress(5)], config.WithRole(SpecialistRoles.Anchor | SpecialistRoles.MulticastReplicator));
    }

    [Theory]
    [InlineData(long.MinValue)]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    public void Times_survive_whatever_a_controller_says(long time)
    {
        var config = Survivor(Small with { Timestamp = time, CredentialTimeMaxDelta = time });
        Assert.Equal((time, time), (config.Timestamp, config.CredentialTimeMaxDelta));
    }

    [Fact]
    public void Sign_on_by_OpenID_Connect_survives()
    {
        var sso = new NetworkSso { Version = 1, IsEnabled = true, IssuerUrl = "i", CentralUrl = "c", Nonce = "n", State = "s", ClientId = "id", Provider = "p" };
        Assert.Equal(sso, Survivor(Small with { Sso = sso }).Sso);
        Assert.Equal("default", Survivor(Small with { Sso = sso with { Provider = "" } }).Sso.Provider);
        Assert.Equal(new NetworkSso { Version = 1 }, Survivor(Small with { Sso = sso with { IsEnabled = false } }).Sso);
        Assert.Equal(new NetworkSso(), Survivor(Small with { Sso = sso with { Version = 2 } }).Sso);
    }

    [Fact]
    public void Capabilities_and_tags_are_put_in_order()
    {
        var config = Survivor(Small with { Tags = [NewTag(3), NewTag(1), NewTag(2)] });
        Assert.Equal([1u, 2u, 3u], config.Tags.Select(tag => tag.Id));
    }

    [Theory]
    [InlineData("")]
    [InlineData("v=7")]
    [InlineData("v=7\nnwid=084d44421700beef")]
    [InlineData("v=7\nid=30951979c5")]
    [InlineData("v=5\nnwid=084d44421700beef\nid=30951979c5")]
    [InlineData("nwid=084d44421700beef\nid=30951979c5")]
    [InlineData("v=7\nnwid=084d44421700beef\nid=30951979c5\nC=x")]
    [InlineData("v=7\nnwid=084d44421700beef\nid=30951979c5\nRT=x")]
    [InlineData("v=7\nnwid=084d44421700beef\nid=30951979c5\nI=x")]
    [InlineData("v=7\nnwid=084d44421700beef\nid=30951979c5\nR=x")]
    [InlineData("v=7\nnwid=084d44421700beef\nid=30951979c5\nCOO=x")]
    [InlineData("v=7\nnwid=084d44421700beef\nid=30951979c5\nDNS=x")]
    public void A_configuration_without_the_least_or_with_a_malformed_field_is_refused(string text) =>
        Assert.False(NetworkConfig.TryParse(Encoding.ASCII.GetBytes(text), out _));

    [Fact]
    public void The_least_configuration_has_the_defaults()
    {
        Assert.True(NetworkConfig.TryParse("v=6\nnwid=084d44421700beef\nid=30951979c5"u8, out var config));
        Assert.Equal(Small, config);
        Assert.Equal((NetworkLimits.DefaultMtu, false, 0), (config.Mtu, config.IsPublic, config.Rules.Count));
        Assert.Null(config.Dns);
        Assert.Null(config.Membership);
    }

    [Theory]
    [InlineData("0", NetworkLimits.MinMtu)]
    [InlineData("ffffffffffffffff", NetworkLimits.MaxMtu)]
    [InlineData("5dc", 1500)]
    public void The_MTU_is_kept_within_its_limits(string mtu, int expected)
    {
        Assert.True(NetworkConfig.TryParse(Encoding.ASCII.GetBytes($"v=7\nnwid=084d44421700beef\nid=30951979c5\nmtu={mtu}"), out var config));
        Assert.Equal(expected, config.Mtu);
    }

    [Fact]
    public void Items_beyond_the_limits_are_ignored()
    {
        var config = Survivor(Small with
        {
            Name = new string('x', 200),
            Tags = Enumerable.Range(0, 200).Select(i => NewTag((uint)i)).ToEquatableArray(),
            Routes = Enumerable.Repeat(new NetworkRoute(InetPrefix.Parse("10.0.0.0/8")), 200).ToEquatableArray(),
            StaticAddresses = Enumerable.Repeat(InetPrefix.Parse("10.0.0.7/8"), 100).ToEquatableArray(),
            Rules = Enumerable.Repeat(Rule.ActionAccept, 2000).ToEquatableArray(),
            Specialists = Enumerable.Repeat(new NetworkSpecialist(Node, SpecialistRoles.Anchor), 300).ToEquatableArray(),
        });
        Assert.Equal((NetworkLimits.NameLength, NetworkLimits.Tags, NetworkLimits.Routes, NetworkLimits.Addresses, NetworkLimits.Rules, NetworkLimits.Specialists),
            (config.Name.Length, config.Tags.Count, config.Routes.Count, config.StaticAddresses.Count, config.Rules.Count, config.Specialists.Count));
    }

    [Fact]
    public void A_malformed_tag_leaves_those_before_it()
    {
        Assert.True((Small with { Tags = [NewTag(1), NewTag(2)] }).TryWrite(out var text));
        var cut = Encoding.Latin1.GetString(text);
        // The second tag is cut off; what stands after the tags is left out with it.
        cut = cut[..(cut.IndexOf("TAG=", StringComparison.Ordinal) + 300)];
        Assert.True(NetworkConfig.TryParse(Encoding.Latin1.GetBytes(cut), out var config));
        Assert.Equal(NewTag(1), Assert.Single(config.Tags));
    }

    [Fact]
    public void A_configuration_that_is_too_long_is_not_written()
    {
        Assert.False((Small with { Name = new string('x', NetworkLimits.ConfigLength) }).TryWrite(out _));
        Assert.False((Small with { Rules = Enumerable.Repeat(Rule.MatchIPSource(InetPrefix.Parse("::/0")), 100_000).ToEquatableArray() }).TryWrite(out _));
        Assert.False((Small with { Dns = new NetworkDns(new string('x', 128), []) }).TryWrite(out _));
        Assert.False((Small with { Dns = new NetworkDns("", Enumerable.Repeat(InetAddress.AnyV4, 5).ToEquatableArray()) }).TryWrite(out _));
        Assert.True((Small with { Dns = new NetworkDns(new string('x', 127), []) }).TryWrite(out _));
    }

    [Fact]
    public void A_DNS_domain_that_is_not_UTF_8_does_not_outgrow_its_field()
    {
        Assert.True((Small with { Dns = new NetworkDns(new string('x', 127), []) }).TryWrite(out var text));
        text.AsSpan(text.AsSpan().IndexOf("DNS="u8) + 4, 127).Fill(0xff);
        Assert.True(NetworkConfig.TryParse(text, out var config));
        Assert.Equal(new string('\ufffd', 42), config.Dns!.Domain);
        Assert.Equal(config, Survivor(config));
    }

    [Fact]
    public void Empty_metadata_is_that_of_an_unknown_node()
    {
        var metadata = NetworkRequestMetadata.Parse(default);
        Assert.Equal((0ul, 0ul, ""), (metadata.ConfigVersion, metadata.RulesEngineRevision, metadata.AuthToken));
        Assert.False(new NetworkRequestMetadata { AuthToken = new string('x', 1000) }.TryWrite(out _));
        Assert.True(new NetworkRequestMetadata { AuthToken = "secret", Platform = "linux/arm64" }.TryWrite(out var text));
        Assert.Equal(new NetworkRequestMetadata { AuthToken = "secret", Platform = "linux/arm64" }, NetworkRequestMetadata.Parse(text));
    }

    [Fact]
    public void The_details_of_a_refusal_for_want_of_a_sign_on_are_read()
    {
        var info = NetworkAuthenticationInfo.Parse("aV=1\naU=u\niU=i\naCU=c\naN=n\naS=s\naCID=id\naSSOp=p"u8);
        var expected = new NetworkAuthenticationInfo { Version = 1, AuthenticationUrl = "u", IssuerUrl = "i", CentralUrl = "c", Nonce = "n", State = "s", ClientId = "id", Provider = "p" };
        Assert.Equal(expected, info);
    }

    private static Tag NewTag(uint id) => new() { NetworkId = Small.NetworkId, Timestamp = 1, Id = id, Value = 2, IssuedTo = Node, Signature = Signature() };

    private static EquatableArray<byte> Signature() => EquatableArray.Create<byte>(Enumerable.Repeat((byte)1, Identity.SignatureSize).ToArray());

    private static NetworkConfig Survivor(NetworkConfig config)
    {
        Assert.True(config.TryWrite(out var text));
        Assert.True(NetworkConfig.TryParse(text, out var again));
        return again;
    }
}
