using Lanyard.Wire;

namespace Lanyard.Controller.Tests;

public class RecordChangesTests
{
    private readonly TestParts _parts = new();

    [Fact]
    public void A_change_keeps_the_fields_of_the_controller_and_raises_the_revision()
    {
        var old = TestParts.Record(0xa1, isAuthorized: false) with { Revision = 4, CreationTimeMs = 10 };
        var changed = RecordChanges.Changed(TestParts.Id, old.Address, old, record => record with { Revision = 99, Identity = null, CreationTimeMs = 0, IsAuthorized = true }, 50);
        Assert.Equal((5UL, old.Identity, 10L, 50L, "api"),
            (changed.Revision, changed.Identity, changed.CreationTimeMs, changed.LastAuthorizedTimeMs, changed.LastAuthorizedCredentialType));
        Assert.Same(old, RecordChanges.Changed(TestParts.Id, old.Address, old, record => record with { Revision = 99 }, 50));

        var network = _parts.Network.Record;
        Assert.Same(network, RecordChanges.Changed(TestParts.Id, network, record => record with { CreationTimeMs = 99 }, 50));
        Assert.Equal(1UL, RecordChanges.Changed(TestParts.Id, null, record => record, 50).Revision);
    }

    [Fact]
    public void A_change_of_a_record_that_changed_in_between_is_not_applied()
    {
        var network = _parts.Network.Record;
        Assert.True(_parts.Changes.TryReplace(network, network with { Name = "a" }));
        Assert.False(_parts.Changes.TryReplace(network, network with { Name = "b" }));
        Assert.Equal("a", _parts.State.Find(TestParts.Id)!.Record.Name);

        var member = _parts.Add(0xa1).Record;
        Assert.True(_parts.Changes.TryReplace(member, member with { Name = "a" }, 1));
        Assert.False(_parts.Changes.TryReplace(member, member with { Name = "b" }, 1));
        Assert.False(_parts.Changes.TryReplace(null, member with { Name = "b" }, 1));
    }

    [Fact]
    public void The_affected_members_are_notified()
    {
        var record = TestParts.Record(0xa1);
        Assert.True(_parts.Changes.TryReplace(null, record, 1));
        Assert.Equal(["notify a1"], _parts.Notifier.Take());

        var bridge = record with { IsActiveBridge = true };
        Assert.True(_parts.Changes.TryReplace(record, bridge, 2));
        Assert.Equal(["notify a1", "notify all"], _parts.Notifier.Take());

        Assert.True(_parts.Changes.TryReplace(bridge, bridge with { IsAuthorized = false }, 3));
        Assert.Equal(["notify a1", "notify all", "revoke a1 at 3"], _parts.Notifier.Take());

        Assert.True(_parts.Changes.TryReplace(_parts.Network.Record, _parts.Network.Record with { Name = "a" }));
        Assert.Equal(["notify all"], _parts.Notifier.Take());
    }

    [Fact]
    public void An_update_saves_a_record_only_if_it_differs()
    {
        var member = _parts.Changes.Update(_parts.Network, null, TestParts.Record(0xa1));
        Assert.Equal(1UL, member.Record.Revision);
        Assert.Same(member, _parts.Changes.Update(_parts.Network, member, member.Record));
        Assert.Equal(1UL, member.Record.Revision);
        Assert.Empty(_parts.Notifier.Take());
    }

    [Fact]
    public void A_deleted_member_is_notified_and_its_certificate_revoked_if_it_was_authorized()
    {
        _parts.Add(0xa1);
        _parts.Add(0xb2, isAuthorized: false);
        Assert.NotNull(_parts.Changes.DeleteMember(TestParts.Id, new NodeAddress(0xa1), 5));
        Assert.Equal(["notify a1", "revoke a1 at 5"], _parts.Notifier.Take());
        Assert.NotNull(_parts.Changes.DeleteMember(TestParts.Id, new NodeAddress(0xb2), 5));
        Assert.Equal(["notify b2"], _parts.Notifier.Take());
        Assert.Null(_parts.Changes.DeleteMember(TestParts.Id, new NodeAddress(0xb2), 5));
    }

    [Fact]
    public void A_deleted_network_revokes_the_certificates_of_a_hundred_online_members()
    {
        for (var number = 1UL; number <= 120; number++)
            _parts.Add(number, lastRequestMs: 10);
        _parts.Add(500);
        Assert.NotNull(_parts.Changes.DeleteNetwork(TestParts.Id, 20));
        var calls = _parts.Notifier.Take();
        Assert.Equal(("notify all", 101), (calls[0], calls.Length));
        Assert.DoesNotContain("revoke 1f4 at 20", calls);
        Assert.Null(_parts.Changes.DeleteNetwork(TestParts.Id, 20));
    }

    [Fact]
    public void Records_beyond_the_limits_are_refused()
    {
        var parts = new TestParts(new ControllerLimits { MaxNetworks = 1, MaxMembersPerNetwork = 1 });
        parts.Add(0xa1);
        Assert.Throws<ControllerLimitException>(() => parts.Changes.TryReplace(null, TestParts.Record(0xb2), 1));
        Assert.Throws<ControllerLimitException>(() => parts.Changes.TryReplace(null, new NetworkRecord { Id = NetworkId.Create(TestParts.Controller, 2) }));
        Assert.Equal(1, parts.State.NetworkCount);
        Assert.Single(parts.Network.Members);
    }
}
