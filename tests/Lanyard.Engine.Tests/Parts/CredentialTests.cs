using Lanyard.Engine.Members;
using Lanyard.Engine.Tests.Harness;
using Lanyard.Engine.Verbs;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Verbs;

namespace Lanyard.Engine.Tests.Parts;

/// <summary>The credentials that members show, and their revocation.</summary>
public sealed class CredentialTests
{
    private const long Now = NetworkParts.Now;
    private readonly NetworkParts _parts = new();

    [Fact]
    public void A_certificate_that_the_controller_signed_makes_a_member()
    {
        var peer = _parts.AddPeer();
        Assert.False(_parts.Network.Admits(Now, peer));
        Assert.Equal(VerbOutcome.AcceptedFromMember, Show(peer, _parts.CertificateOf(peer)));
        Assert.True(_parts.Network.Admits(Now, peer));
        Assert.Equal([peer.Address], _parts.Retried);
    }

    [Fact]
    public void A_certificate_with_another_signer_makes_no_member()
    {
        var peer = _parts.AddPeer();
        var forged = CertificateOfMembership.Create(_parts.Network.Id, Now, NetworkLimits.MaxCredentialTimeMaxDelta, peer.Identity).Sign(peer.Identity);
        Show(peer, forged);
        Assert.False(_parts.Network.Admits(Now, peer));
        Assert.Equal(1, _parts.Dropped(DropReason.BadCredential));
        Assert.Null(_parts.Network.FindMember(peer.Address));
    }

    [Fact]
    public void A_certificate_outside_of_the_time_window_makes_no_member()
    {
        var peer = _parts.AddPeer();
        Show(peer, _parts.CertificateOf(peer, Now - NetworkLimits.MaxCredentialTimeMaxDelta - 1));
        Assert.False(_parts.Network.Admits(Now, peer));
    }

    [Fact]
    public void An_older_certificate_does_not_replace_a_newer_one()
    {
        var peer = _parts.AddMember();
        var membership = _parts.Network.FindMember(peer.Address)!;
        Assert.True(membership.Add(_parts.CertificateOf(peer, Now + 10), _parts.Controller));
        Assert.False(membership.Add(_parts.CertificateOf(peer, Now + 5), _parts.Controller));
    }

    [Fact]
    public void A_credential_of_a_network_that_was_not_joined_is_dropped()
    {
        var peer = _parts.AddPeer();
        var other = NetworkId.Create(_parts.Controller.Address, 99);
        Show(peer, CertificateOfMembership.Create(other, Now, NetworkLimits.MaxCredentialTimeMaxDelta, peer.Identity).Sign(_parts.Controller));
        Assert.Equal(1, _parts.Dropped(DropReason.UnknownNetwork));
    }

    [Fact]
    public void Tags_capabilities_and_ownerships_count_from_the_member_that_they_were_issued_to()
    {
        var (member, other) = (_parts.AddMember(), _parts.AddMember());
        var tag = new Tag { NetworkId = _parts.Network.Id, Id = 5, Value = 7, Timestamp = Now, IssuedTo = member.Address }.Sign(_parts.Controller);
        var address = InetAddress.Parse("10.144.9.9");
        var ownership = new CertificateOfOwnership
        {
            NetworkId = _parts.Network.Id, Id = 1, Timestamp = Now, IssuedTo = member.Address, Things = [OwnedThing.From(address)],
        }.Sign(_parts.Controller);
        foreach (var peer in new[] { other, member })
        {
            _parts.Receive(peer, Verb.NetworkCredentials, (ref ByteWriter writer) =>
                new NetworkCredentialsMessage { Tags = [tag], Ownerships = [ownership] }.Write(ref writer));
        }

        Assert.Equal(2, _parts.Dropped(DropReason.BadCredential));
        var membership = _parts.Network.FindMember(member.Address)!;
        Assert.True(membership.TryGetTag(5, out var value));
        Assert.Equal(7U, value);
        Assert.True(membership.Owns(address));
        Assert.False(_parts.Network.FindMember(other.Address)!.Owns(address));
        Assert.Equal(Networks.AddressOwner.Claimant, _parts.Network.FindOwner(address, _parts.MacOf(member)));
        Assert.Equal(Networks.AddressOwner.Other, _parts.Network.FindOwner(address, _parts.MacOf(other)));
    }

    [Fact]
    public void A_revoked_member_is_admitted_no_more()
    {
        var peer = _parts.AddMember();
        Revoke(peer, RevocationFlags.None);
        Assert.False(_parts.Network.Admits(Now, peer));
        Assert.Empty(_parts.SentTo(Verb.NetworkCredentials));
        Show(peer, _parts.CertificateOf(peer));
        Assert.False(_parts.Network.Admits(Now, peer), "The certificate is older than the revocation.");
    }

    [Fact]
    public void A_revocation_is_forwarded_to_the_other_members_if_it_says_so()
    {
        var (revoked, other) = (_parts.AddMember(), _parts.AddMember());
        Revoke(revoked, RevocationFlags.FastPropagate);
        Assert.Equal([other.Address], _parts.SentTo(Verb.NetworkCredentials));
    }

    [Fact]
    public void A_revocation_outlives_the_member_and_a_restart()
    {
        var peer = _parts.AddMember();
        Revoke(peer, RevocationFlags.None);
        var again = new Revocations(_parts.Context, _parts.Network.Id);
        Assert.Equal(1, again.Count);
        Assert.True(again.Ends(peer.Address, _parts.CertificateOf(peer)));
        Assert.False(again.Ends(peer.Address, _parts.CertificateOf(peer, Now + 1)));
    }

    [Fact]
    public void A_revocation_that_the_controller_did_not_sign_is_dropped()
    {
        var peer = _parts.AddMember();
        var forged = RevocationOf(peer, RevocationFlags.None).Sign(peer.Identity);
        _parts.Receive(peer, Verb.NetworkCredentials, (ref ByteWriter writer) => new NetworkCredentialsMessage { Revocations = [forged] }.Write(ref writer));
        Assert.True(_parts.Network.Admits(Now, peer));
        Assert.Equal(1, _parts.Dropped(DropReason.BadCredential));
    }

    [Fact]
    public void After_the_controllers_clock_was_set_back_a_revocation_ends_no_newer_credential()
    {
        var peer = _parts.AddMember();
        var revocations = _parts.Network.Revocations;
        var far = RevocationOf(peer, RevocationFlags.None) with { Threshold = Now + 90L * 86_400_000 };
        Assert.True(revocations.Add(far.Sign(_parts.Controller), _parts.Config));
        Assert.True(revocations.Ends(peer.Address, _parts.CertificateOf(peer, far.Threshold)));
        revocations.ClockWentBack(Now);
        Assert.False(revocations.Ends(peer.Address, _parts.CertificateOf(peer, Now + 1)));
    }

    [Fact]
    public void Credentials_that_are_too_old_are_forgotten()
    {
        var member = _parts.AddMember();
        var membership = _parts.Network.FindMember(member.Address)!;
        var tag = new Tag { NetworkId = _parts.Network.Id, Id = 5, Value = 7, Timestamp = Now, IssuedTo = member.Address }.Sign(_parts.Controller);
        Assert.True(membership.Add(tag, _parts.Controller));
        membership.Clean(_parts.Config with { Timestamp = Now + NetworkLimits.MaxCredentialTimeMaxDelta + 1 });
        Assert.False(membership.TryGetTag(5, out _));
    }

    [Fact]
    public void A_flood_of_credentials_is_limited()
    {
        var peer = _parts.AddPeer();
        for (var i = 0; i < 20; i++)
            Show(peer, _parts.CertificateOf(peer));
        Assert.Equal(12, _parts.Dropped(DropReason.RateLimited));
    }

    private VerbOutcome Show(Peers.Peer peer, CertificateOfMembership certificate) =>
        _parts.Receive(peer, Verb.NetworkCredentials, (ref ByteWriter writer) => new NetworkCredentialsMessage { Memberships = [certificate] }.Write(ref writer));

    private void Revoke(Peers.Peer peer, RevocationFlags flags)
    {
        var signed = RevocationOf(peer, flags).Sign(_parts.Controller);
        _parts.Layer.Pushes.Send(Now, new ControllerMessage { Kind = ControllerMessageKind.Revocation, To = _parts.Context.Address, Network = _parts.Network.Id, Revocation = signed });
        Assert.True(_parts.Layer.Outbox.TryTake(out var work));
        work.Run();
        work.Complete(Now);
    }

    private Revocation RevocationOf(Peers.Peer peer, RevocationFlags flags) => new()
    {
        Id = 1,
        NetworkId = _parts.Network.Id,
        CredentialId = 0,
        CredentialType = CredentialType.Membership,
        Threshold = Now,
        Target = peer.Address,
        Flags = flags,
    };
}
