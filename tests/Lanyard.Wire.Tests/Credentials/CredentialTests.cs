using Lanyard.Primitives;

namespace Lanyard.Wire.Tests;

public sealed class CredentialTests
{
    private static readonly Identity Controller = TestData.SecretIdentity("peer-1.14", "r");
    private static readonly Identity Member = TestData.SecretIdentity("peer-1.14", "a");
    private static readonly Identity Other = TestData.SecretIdentity("peer-1.14", "b");
    private static readonly NetworkId Network = NetworkId.Create(Controller.Address, 0xbeef);

    [Fact]
    public void A_signed_credential_verifies_and_survives_the_wire()
    {
        Check(MakeMembership().Sign(Controller), CertificateOfMembership.TryRead);
        Check(MakeOwnership().Sign(Controller), CertificateOfOwnership.TryRead);
        Check(MakeTag().Sign(Controller), Tag.TryRead);
        Check(MakeCapability().Sign(Controller, Member.Address), Capability.TryRead);
        var revocation = MakeRevocation().Sign(Controller);
        Assert.True(revocation.Verify(Controller));
        var reader = new ByteReader(Bytes(revocation.Write));
        Assert.True(Revocation.TryRead(ref reader, out var again) && reader.IsAtEnd);
        Assert.Equal(revocation, again);

        static void Check<T>(T credential, Reader<T> read) where T : class, ICredential
        {
            Assert.True(credential.Verify(Controller));
            Assert.Equal((Network, 5000L, Member.Address, Controller.Address), (credential.NetworkId, credential.Timestamp, credential.IssuedTo, credential.SignedBy));
            var reader = new ByteReader(Bytes(credential.Write));
            Assert.True(read(ref reader, out var again) && reader.IsAtEnd);
            Assert.Equal(credential, again);
            Assert.True(again!.Verify(Controller));
        }
    }

    [Fact]
    public void A_credential_that_was_not_signed_survives_the_wire_and_does_not_verify()
    {
        var tag = MakeTag();
        var reader = new ByteReader(Bytes(tag.Write));
        Assert.True(Tag.TryRead(ref reader, out var again));
        Assert.False(again.Verify(Controller));
        Assert.False(tag.Verify(Controller));
        Assert.False(MakeMembership().Verify(Controller));
        Assert.False(MakeCapability().Verify(Controller));
        Assert.False(MakeOwnership().Verify(Controller));
        Assert.False(MakeRevocation().Verify(Controller));
    }

    [Fact]
    public void A_credential_that_another_signed_does_not_verify()
    {
        Assert.False(MakeTag().Sign(Other).Verify(Other));
        Assert.False(MakeTag().Sign(Other).Verify(Controller));
        Assert.False((MakeTag().Sign(Other) with { SignedBy = Controller.Address }).Verify(Controller));
        Assert.False(MakeTag().Sign(Controller).Verify(Other));
        Assert.False(MakeMembership().Sign(Other).Verify(Other));
        Assert.False(MakeOwnership().Sign(Other).Verify(Other));
        Assert.False(MakeRevocation().Sign(Other).Verify(Other));
        Assert.False(MakeCapability().Sign(Other, Member.Address).Verify(Other));
    }

    [Fact]
    public void A_change_to_any_byte_of_a_credential_is_noticed()
    {
        NoticesChanges(MakeMembership().Sign(Controller), CertificateOfMembership.TryRead);
        NoticesChanges(MakeOwnership().Sign(Controller), CertificateOfOwnership.TryRead);
        NoticesChanges(MakeTag().Sign(Controller), Tag.TryRead);
        NoticesChanges(MakeCapability().Sign(Controller, Other.Address), Capability.TryRead, unsigned: NodeAddress.Size);

        // Who received a capability is the one thing that its signature does not cover: it is in the chain of custody.
        static void NoticesChanges<T>(T credential, Reader<T> read, int unsigned = 0) where T : class, ICredential
        {
            var good = Bytes(credential.Write);
            var unnoticed = 0;
            for (var i = 0; i < good.Length; i++)
            {
                var changed = good.ToArray();
                changed[i] ^= 0x10;
                var reader = new ByteReader(changed);
                if (read(ref reader, out var other) && reader.IsAtEnd && other.Verify(Controller))
                    unnoticed++;
            }

            Assert.Equal(unsigned, unnoticed);
        }
    }

    [Fact]
    public void Signing_needs_a_secret()
    {
        var controller = Controller.WithoutSecret();
        Assert.Throws<InvalidOperationException>(() => MakeTag().Sign(controller));
        Assert.Throws<InvalidOperationException>(() => MakeCapability().Sign(controller, Member.Address));
    }

    [Fact]
    public void Certificates_of_membership_agree_when_issued_within_the_allowed_time()
    {
        var mine = MakeMembership(timestamp: 10_000, maxDelta: 1000);
        Assert.True(mine.AgreesWith(MakeMembership(timestamp: 11_000, member: Other), Other));
        Assert.True(mine.AgreesWith(MakeMembership(timestamp: 9_000, member: Other), Other));
        Assert.False(mine.AgreesWith(MakeMembership(timestamp: 11_001, member: Other), Other));
        Assert.False(mine.AgreesWith(MakeMembership(timestamp: 8_999, member: Other), Other));
    }

    [Fact]
    public void Certificates_of_membership_of_two_networks_never_agree()
    {
        var mine = MakeMembership();
        var other = CertificateOfMembership.Create(new NetworkId(Network.Value + 1), 5000, 1000, Other);
        Assert.False(mine.AgreesWith(other, Other));
    }

    [Fact]
    public void A_certificate_of_membership_agrees_only_with_one_for_the_other_members_own_keys()
    {
        var mine = MakeMembership();
        Assert.False(mine.AgreesWith(MakeMembership(member: Other), Member));
        // A controller of before 1.6 puts no key hash into its certificates.
        var old = mine with { Qualifiers = mine.Qualifiers.Take(3).ToEquatableArray() };
        Assert.True(old.AgreesWith(old, Other));
        Assert.False(mine.AgreesWith(old, Member));
        Assert.True(old.AgreesWith(mine, Other));
        Assert.False(mine.AgreesWith(mine with { Qualifiers = default }, Member));
        Assert.False((mine with { Qualifiers = default }).AgreesWith(mine, Member));
    }

    [Theory]
    [InlineData("02 0000 0000000000")]
    [InlineData("01 0009 0000000000")]
    [InlineData("01 ffff 0000000000")]
    [InlineData("01 0000 0000000001")]
    [InlineData("01 0001 0000000000000000 0000000000000000")]
    [InlineData("01 0002 0000000000000001 0000000000000000 0000000000000000 0000000000000001 0000000000000000 0000000000000000 0000000000")]
    [InlineData("01 0002 0000000000000002 0000000000000000 0000000000000000 0000000000000001 0000000000000000 0000000000000000 0000000000")]
    public void A_malformed_certificate_of_membership_is_refused(string hex)
    {
        var reader = new ByteReader(TestData.Hex(hex));
        Assert.False(CertificateOfMembership.TryRead(ref reader, out var certificate));
        Assert.Null(certificate);
    }

    [Fact]
    public void A_certificate_of_ownership_finds_its_addresses()
    {
        var certificate = MakeOwnership();
        Assert.True(certificate.Owns(InetAddress.Parse("10.0.0.1")));
        Assert.True(certificate.Owns(InetAddress.Parse("fd00::1")));
        Assert.True(certificate.Owns(new MacAddress(0x112233445566)));
        Assert.False(certificate.Owns(InetAddress.Parse("10.0.0.2")));
        Assert.False(certificate.Owns(default(InetAddress)));
        Assert.False(certificate.Owns(InetAddress.Parse("a00:1::")));
        Assert.Equal("10.0.0.1", certificate.Things[0].Address.ToString());
        Assert.Equal("11:22:33:44:55:66", certificate.Things[2].Mac.ToString());
    }

    [Fact]
    public void A_certificate_of_ownership_names_at_most_sixteen_things()
    {
        var full = MakeOwnership() with { Things = Enumerable.Range(0, 16).Select(i => OwnedThing.From(InetAddress.FromV4((uint)i))).ToEquatableArray() };
        var signed = full.Sign(Controller);
        Assert.True(signed.Verify(Controller));
        var tooMany = full with { Things = Enumerable.Range(0, 17).Select(i => OwnedThing.From(InetAddress.FromV4((uint)i))).ToEquatableArray() };
        Assert.Throws<InvalidOperationException>(() => tooMany.Sign(Controller));
        var reader = new ByteReader(Bytes(tooMany.Write));
        Assert.False(CertificateOfOwnership.TryRead(ref reader, out _));
    }

    [Fact]
    public void A_signature_of_another_kind_is_passed_over()
    {
        var bytes = Bytes(MakeTag().Sign(Controller).Write);
        var signatureAt = bytes.Length - 2 - Identity.SignatureSize - 3;
        byte[] other = [.. bytes[..signatureAt], 2, 0, 3, 9, 9, 9, 0, 2, 8, 8, 7];
        var reader = new ByteReader(other);
        Assert.True(Tag.TryRead(ref reader, out var tag));
        Assert.Equal(1, reader.Remaining);
        Assert.True(tag.Signature.IsEmpty);
        Assert.False(tag.Verify(Controller));
    }

    [Fact]
    public void A_capability_can_be_handed_on_up_to_its_limit()
    {
        var capability = (MakeCapability() with { MaxCustody = 2 }).Sign(Controller, Member.Address).Sign(Member, Other.Address);
        Assert.Throws<InvalidOperationException>(() => capability.Sign(Other, Controller.Address));
        Assert.Equal((Controller.Address, Other.Address), (capability.SignedBy, capability.IssuedTo));
        Assert.True(capability.Verify(Find, out var unknown));
        Assert.True(unknown.IsNone);
        Assert.False(capability.Verify(Controller));
        Assert.False(capability.Verify(address => address == Controller.Address ? Controller : null, out unknown));
        Assert.Equal(Member.Address, unknown);
        // A step that was not given by the holder before.
        var stolen = (MakeCapability() with { MaxCustody = 2 }).Sign(Controller, Other.Address).Sign(Member, Other.Address);
        Assert.False(stolen.Verify(Find, out _));

        static Identity? Find(NodeAddress address) => new[] { Controller, Member, Other }.FirstOrDefault(identity => identity.Address == address);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(8, 0)]
    [InlineData(1, 65)]
    public void A_capability_beyond_the_limits_is_refused(byte maxCustody, int rules)
    {
        var capability = MakeCapability() with { MaxCustody = maxCustody, Rules = Enumerable.Repeat(Rule.ActionAccept, rules).ToEquatableArray() };
        var reader = new ByteReader(Bytes(capability.Write));
        Assert.False(Capability.TryRead(ref reader, out _));
    }

    [Fact]
    public void A_capability_with_more_holders_than_it_allows_is_refused()
    {
        var capability = (MakeCapability() with { MaxCustody = 2 }).Sign(Controller, Member.Address).Sign(Member, Other.Address) with { MaxCustody = 1 };
        var reader = new ByteReader(Bytes(capability.Write));
        Assert.False(Capability.TryRead(ref reader, out _));
        Assert.False(capability.Verify(_ => Controller, out _));
    }

    [Fact]
    public void A_revocation_voids_the_credentials_it_names_up_to_its_time()
    {
        var revocation = MakeRevocation();
        Assert.True(revocation.Revokes(MakeTag().Sign(Controller)));
        Assert.True(revocation.Revokes(MakeTag() with { Timestamp = 6000 }));
        Assert.False(revocation.Revokes(MakeTag() with { Timestamp = 6001 }));
        Assert.False(revocation.Revokes(MakeTag() with { Id = 1 }));
        Assert.False(revocation.Revokes(MakeTag() with { IssuedTo = Other.Address }));
        Assert.False(revocation.Revokes(MakeMembership()));
    }

    [Fact]
    public void Hostile_credentials_are_refused_or_survive_being_written()
    {
        FuzzOne(MakeMembership().Sign(Controller), CertificateOfMembership.TryRead);
        FuzzOne(MakeOwnership().Sign(Controller), CertificateOfOwnership.TryRead);
        FuzzOne(MakeTag().Sign(Controller), Tag.TryRead);
        FuzzOne((MakeCapability() with { MaxCustody = 7 }).Sign(Controller, Member.Address).Sign(Member, Other.Address), Capability.TryRead);
        foreach (var input in Fuzz.Around(8, Bytes(MakeRevocation().Sign(Controller).Write), 5_000))
        {
            var reader = new ByteReader(input);
            if (Revocation.TryRead(ref reader, out var revocation))
                Assert.NotEmpty(Bytes(revocation.Write));
        }

        static void FuzzOne<T>(T good, Reader<T> read) where T : class, ICredential
        {
            foreach (var input in Fuzz.Around(7, Bytes(good.Write), 5_000))
            {
                var reader = new ByteReader(input);
                if (!read(ref reader, out var credential))
                    continue;
                var written = Bytes(credential.Write);
                var again = new ByteReader(written);
                Assert.True(read(ref again, out var second) && again.IsAtEnd);
                Assert.Equal(written, Bytes(second.Write));
            }
        }
    }

    private delegate void Writer(ref ByteWriter writer);

    private delegate bool Reader<T>(ref ByteReader reader, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out T? credential) where T : class;

    private static byte[] Bytes(Writer write)
    {
        var writer = new ByteWriter(new byte[1 << 16]);
        write(ref writer);
        Assert.False(writer.Failed);
        return writer.Written.ToArray();
    }

    private static CertificateOfMembership MakeMembership(long timestamp = 5000, long maxDelta = 1000, Identity? member = null) =>
        CertificateOfMembership.Create(Network, timestamp, maxDelta, member ?? Member);

    private static Tag MakeTag() => new() { NetworkId = Network, Timestamp = 5000, Id = 1000, Value = 120, IssuedTo = Member.Address };

    private static Capability MakeCapability() =>
        new() { NetworkId = Network, Timestamp = 5000, Id = 7, Rules = [Rule.MatchIPDestinationPorts(80, 80), Rule.ActionAccept] };

    private static CertificateOfOwnership MakeOwnership() => new()
    {
        NetworkId = Network,
        Timestamp = 5000,
        Id = 1,
        IssuedTo = Member.Address,
        Things = [OwnedThing.From(InetAddress.Parse("10.0.0.1")), OwnedThing.From(InetAddress.Parse("fd00::1")), OwnedThing.From(new MacAddress(0x112233445566))],
    };

    private static Revocation MakeRevocation() => new()
    {
        Id = 77,
        NetworkId = Network,
        CredentialId = 1000,
        Threshold = 6000,
        Flags = RevocationFlags.FastPropagate,
        Target = Member.Address,
        CredentialType = CredentialType.Tag,
    };
}
