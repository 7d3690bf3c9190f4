using Lanyard.Engine;
using Lanyard.Engine.Members;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Verbs;

namespace Lanyard.Testing.Tests;

/// <summary>A revocation is kept, in bounded memory, as long as a revoked credential could be valid. Credentials count only for the member they were issued to.</summary>
public sealed class RevocationsTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    private readonly Lan _lan = new();
    private readonly SimulatedPort _port;
    private readonly SimulatedNode _node;

    public RevocationsTests()
    {
        _port = _lan.AddMember(out _node);
        Assert.True(_lan.Internet.RunUntil(() => _port.IsUp, Soon));
    }

    private long Now => _lan.Internet.NowMs;

    private NetworkConfig Config => _port.Network.Config!;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_revoked_member_stays_out_after_a_long_silence_and_a_restart(bool restarts)
    {
        var (lan, portA, a) = (_lan, _port, _node);
        var portB = lan.AddMember(out var b);
        Assert.True(lan.Internet.RunUntil(() => portA.IsUp && portB.IsUp, Soon));
        Assert.True(lan.Delivers(b, portB, portA, tries: 3));

        lan.Controller.Refused.Add(b.Address);
        lan.Send(ControllerMessage.Revoke(a.Address, new Revocation
        {
            Id = 1, NetworkId = lan.Network, CredentialId = 0, CredentialType = CredentialType.Membership, Threshold = Now, Target = b.Address,
        }.Sign(lan.Root.Node.Identity)));
        lan.Internet.Run(TimeSpan.FromSeconds(1));
        Assert.False(lan.Delivers(b, portB, portA, tries: 2));

        // The peer and all that was remembered of the member are forgotten meanwhile; its certificate is still in its window.
        lan.Internet.Cut(b.Host, a.Host);
        lan.Internet.Cut(b.Host, lan.Root.Host);
        lan.Internet.Run(TimeSpan.FromMinutes(7));
        Assert.Null(a.Node.FindPeer(lan.Internet.NowMs, b.Address));
        if (restarts)
        {
            a.Kill();
            a = a.Host.Start(a.Node.Identity, lan.Planet, state: a.State);
            portA = a.Join(lan.Network);
            Assert.True(lan.Internet.RunUntil(() => portA.IsUp && a.Node.IsOnline, Soon));
        }

        lan.Internet.Mend(b.Host, a.Host);
        lan.Internet.Mend(b.Host, lan.Root.Host);
        lan.Internet.Run(Soon);
        Assert.False(lan.Delivers(b, portB, portA, tries: 10));
    }

    [Fact]
    public void They_are_kept_over_restarts()
    {
        var revocations = new Revocations(_node.Node.Context, _lan.Network);
        Assert.True(revocations.Add(Revoke(1, Now), Config));
        Assert.False(revocations.Add(Revoke(1, Now), Config));
        Assert.False(revocations.Add(Revoke(1, Now - 1), Config));
        Assert.True(revocations.Add(Revoke(1, Now + 1), Config));
        var again = new Revocations(_node.Node.Context, _lan.Network);
        Assert.Equal(1, again.Count);
        Assert.True(again.Ends(Member(1), TagOf(1, Now + 1)));
        Assert.False(again.Ends(Member(1), TagOf(1, Now + 2)));
        Assert.False(again.Ends(Member(2), TagOf(2, Now)));

        // Leaving the network does not undo them.
        _node.Leave(_lan.Network);
        Assert.Equal(1, new Revocations(_node.Node.Context, _lan.Network).Count);
    }

    [Fact]
    public void Revocations_are_forgotten_when_they_cannot_end_any_credential()
    {
        var revocations = new Revocations(_node.Node.Context, _lan.Network);
        var certificate = new Revocation
        {
            Id = 1, NetworkId = _lan.Network, CredentialId = 0, CredentialType = CredentialType.Membership, Threshold = Now, Target = Member(1),
        };
        Assert.True(revocations.Add(certificate, Config));
        Assert.True(revocations.Add(Revoke(2, Now), Config));
        var later = Now + NetworkLimits.MaxCredentialTimeMaxDelta;
        var narrow = Config with
        {
            CredentialTimeMaxDelta = NetworkLimits.MinCredentialTimeMaxDelta,
            Timestamp = later,
            Membership = CertificateOfMembership.Create(_lan.Network, later, NetworkLimits.MinCredentialTimeMaxDelta, _node.Node.Identity),
        };

        // The window may be set wider again.
        revocations.Clean(narrow);
        Assert.Equal(2, revocations.Count);
        later++;
        narrow = narrow with
        {
            Timestamp = later,
            Membership = CertificateOfMembership.Create(_lan.Network, later, NetworkLimits.MinCredentialTimeMaxDelta, _node.Node.Identity),
        };
        revocations.Clean(narrow with { CredentialTimeMaxDelta = long.MaxValue });
        Assert.Equal(1, revocations.Count);
        revocations.Clean(narrow);
        Assert.Equal(0, revocations.Count);
        Assert.Null(((INodeHost)_node).LoadState(StateKind.Revocations, _lan.Network.Value));
        Assert.False(revocations.Add(certificate, narrow));
    }

    [Fact]
    public void The_number_of_revocations_is_limited_and_the_oldest_without_effect_are_dropped_first()
    {
        var revocations = new Revocations(_node.Node.Context, _lan.Network);
        for (var i = 1; i <= Revocations.Capacity; i++)
            Assert.True(revocations.Add(Revoke(i, Now + i), Config));
        Assert.True(revocations.Ends(Member(1), TagOf(1, Now)));
        var before = _node.Node.Counters.Dropped(DropReason.RevocationsFull);
        for (var i = Revocations.Capacity + 1; i <= Revocations.Capacity + 10; i++)
            Assert.True(revocations.Add(Revoke(i, Now + i), Config));
        Assert.Equal((Revocations.Capacity, before + 10), (revocations.Count, _node.Node.Counters.Dropped(DropReason.RevocationsFull)));
        Assert.True(revocations.Ends(Member(1), TagOf(1, Now)), "it ended something");
        Assert.False(revocations.Ends(Member(2), TagOf(2, Now)));
        Assert.False(revocations.Ends(Member(11), TagOf(11, Now)));
        Assert.True(revocations.Ends(Member(12), TagOf(12, Now)));
        Assert.True(((INodeHost)_node).LoadState(StateKind.Revocations, _lan.Network.Value)!.Length < 120_000);
        Assert.Equal(Revocations.Capacity, new Revocations(_node.Node.Context, _lan.Network).Count);
    }

    [Fact]
    public void A_damaged_revocation_file_is_read_without_failure()
    {
        var random = new Random(3);
        for (var i = 0; i < 200; i++)
        {
            var state = new byte[random.Next(200)];
            random.NextBytes(state);
            if (state.Length > 0)
                state[0] = (byte)(1 + random.Next(2));
            ((INodeHost)_node).SaveState(StateKind.Revocations, _lan.Network.Value, state);
            Assert.InRange(new Revocations(_node.Node.Context, _lan.Network).Count, 0, 10);
        }
    }

    [Theory]
    [InlineData(CredentialType.Tag)]
    [InlineData(CredentialType.Capability)]
    [InlineData(CredentialType.Ownership)]
    [InlineData(CredentialType.Membership)]
    public void A_revoked_credential_is_not_taken_after_its_member_was_forgotten(CredentialType type)
    {
        var controller = _lan.Root.Node.Identity;
        var other = _lan.AddMember(out var member);
        Assert.True(_lan.Internet.RunUntil(() => other.IsUp, Soon));
        var (network, address) = (_port.Network, member.Address);
        var first = new Membership(network, address);
        Assert.True(Add(first));
        network.Revocations.Add(
            new Revocation { Id = 1, NetworkId = _lan.Network, CredentialId = 0, CredentialType = type, Threshold = Now, Target = address }, Config);
        Assert.False(Counts(first));

        // Forgotten, and shown again.
        var second = new Membership(network, address);
        Assert.False(Add(second));
        Assert.False(Counts(second));

        bool Add(Membership membership) => type switch
        {
            CredentialType.Tag => membership.Add(TagOf(address, Now).Sign(controller), controller),
            CredentialType.Capability => membership.Add(
                new Capability { NetworkId = _lan.Network, Timestamp = Now, Id = 0, MaxCustody = 1, Rules = [Rule.ActionAccept] }.Sign(controller, address), controller),
            CredentialType.Ownership => membership.Add(Ownership(address, Owned).Sign(controller), controller),
            _ => membership.Add(CertificateOfMembership.Create(_lan.Network, Now, 7_200_000, member.Node.Identity).Sign(controller), controller),
        };

        bool Counts(Membership membership) => type switch
        {
            CredentialType.Tag => membership.TryGetTag(0, out _),
            CredentialType.Capability => !membership.CurrentCapabilities.IsEmpty,
            CredentialType.Ownership => membership.Owns(Owned),
            _ => membership.IsMember(Config, member.Node.Identity),
        };
    }

    [Fact]
    public void Credentials_are_taken_from_the_member_they_were_issued_to_only()
    {
        var controller = _lan.Root.Node.Identity;
        var honestPort = _lan.AddMember(out var honest);
        var thiefPort = _lan.AddMember(out var thief);
        Assert.True(_lan.Internet.RunUntil(() => honestPort.IsUp && thiefPort.IsUp, Soon));
        Assert.True(_lan.Delivers(thief, thiefPort, _port, tries: 3));
        Assert.True(_lan.Delivers(honest, honestPort, _port, tries: 3));
        var message = new NetworkCredentialsMessage
        {
            Tags = [TagOf(honest.Address, Now).Sign(controller)],
            Ownerships = [Ownership(honest.Address, Owned).Sign(controller)],
        };
        var buffer = new byte[2_000];
        var writer = new ByteWriter(buffer);
        message.Write(ref writer);
        var payload = buffer[..writer.Position];

        Insider.Send(_lan, thief, _node, Verb.NetworkCredentials, payload);
        var asThief = _port.Network.FindMember(thief.Address)!;
        Assert.False(asThief.TryGetTag(0, out _));
        Assert.False(asThief.Owns(Owned));
        Assert.Equal(2, _node.Node.Counters.Dropped(DropReason.BadCredential));
        Insider.Send(_lan, honest, _node, Verb.NetworkCredentials, payload);
        Assert.True(_port.Network.FindMember(honest.Address)!.TryGetTag(0, out _));
        Assert.True(_port.Network.FindMember(honest.Address)!.Owns(Owned));
    }

    [Fact]
    public void Times_at_the_ends_of_their_range_are_out_of_every_window()
    {
        var membership = new Membership(_port.Network, Member(1));
        foreach (var time in (long[])[long.MinValue, unchecked(Config.Timestamp + long.MinValue), 0, long.MaxValue])
            Assert.False(membership.IsCurrent(Config, TagOf(1, time)));
        Assert.False(membership.IsCurrent(Config with { CredentialTimeMaxDelta = long.MinValue }, TagOf(1, Now)));
        Assert.True(membership.IsCurrent(Config, TagOf(1, Now)));
    }

    [Fact]
    public void Under_NDP_emulation_a_derived_address_is_its_own_nodes_only()
    {
        var membership = new Membership(_port.Network, Member(1));
        Assert.True(membership.Owns(DerivedAddresses.SixPlane(_lan.Network, Member(1)).Address));
        Assert.True(membership.Owns(DerivedAddresses.Rfc4193(_lan.Network, Member(1)).Address));
        Assert.False(membership.Owns(DerivedAddresses.SixPlane(_lan.Network, Member(2)).Address));
        Assert.False(membership.Owns(DerivedAddresses.Rfc4193(_lan.Network, Member(2)).Address));
    }

    private static InetAddress Owned { get; } = InetAddress.Parse("10.144.7.7");

    private static NodeAddress Member(int number) => new(0x1100000000UL | (uint)number);

    private Revocation Revoke(int member, long threshold) => new()
    {
        Id = (uint)member, NetworkId = _lan.Network, CredentialId = 0, CredentialType = CredentialType.Tag, Threshold = threshold, Target = Member(member),
    };

    private Tag TagOf(int member, long time) => TagOf(Member(member), time);

    private Tag TagOf(NodeAddress member, long time) => new() { NetworkId = _lan.Network, Timestamp = time, Id = 0, Value = 1, IssuedTo = member };

    private CertificateOfOwnership Ownership(NodeAddress member, InetAddress address) =>
        new() { NetworkId = _lan.Network, Timestamp = Now, Id = 0, Things = [OwnedThing.From(address)], IssuedTo = member };
}
