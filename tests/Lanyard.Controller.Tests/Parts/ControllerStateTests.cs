using Lanyard.Wire;

namespace Lanyard.Controller.Tests;

public class ControllerStateTests
{
    private readonly TestParts _parts = new();

    [Fact]
    public void Saved_and_deleted_records_are_in_memory_and_in_the_store()
    {
        var member = _parts.Add(0xa1);
        Assert.Equal([member.Record], _parts.Store.Load().Members);
        Assert.Same(member, _parts.State.Find(TestParts.Id, member.Record.Address));
        Assert.Equal(TestController.Stranger(0xa1), _parts.State.FindIdentity(member.Record.Address));

        Assert.Same(member, _parts.State.Save(_parts.Network, member.Record with { Name = "printer" }));
        Assert.Equal("printer", Assert.Single(_parts.Store.Load().Members).Name);

        _parts.State.Delete(_parts.Network, member);
        Assert.True(member.IsDeleted);
        Assert.Empty(_parts.Store.Load().Members);
        Assert.False(_parts.State.TryFind(TestParts.Id, member.Record.Address, out _, out _));
    }

    [Fact]
    public void A_deleted_network_takes_its_members_and_their_identities_along()
    {
        _parts.Add(0xa1);
        _parts.State.Delete(_parts.Network);
        Assert.True(_parts.Network.IsDeleted);
        Assert.Equal(0, _parts.State.NetworkCount);
        Assert.Null(_parts.State.FindIdentity(new NodeAddress(0xa1)));
        Assert.Empty(_parts.Store.Load().Networks);
    }

    [Fact]
    public void Loaded_records_are_not_saved_again_until_save_all()
    {
        _parts.Add(0xa1);
        var records = _parts.Store.Load();
        var store = new MemoryControllerStore();
        var state = new ControllerState(TestParts.Controller, store);
        state.Load(records);
        Assert.Empty(store.Load().Networks);
        Assert.True(state.Find(TestParts.Id, new NodeAddress(0xa1))!.WasMember);

        state.SaveAll();
        Assert.Equal(records.Networks, store.Load().Networks);
        Assert.Equal(records.Members, store.Load().Members);
    }

    [Fact]
    public void Records_that_cannot_be_served_are_refused_with_the_reason()
    {
        Refused("belongs to nobody", new NetworkRecord { Id = NetworkId.Create(new NodeAddress(2), 1) }, null, "of the controller 0000000002");
        Refused("has no network", null, TestParts.Record(0xa1), "but not the network");
        Refused("is too long", new NetworkRecord { Id = TestParts.Id, Name = new string('x', 200) }, null, "exceeds a limit");
    }

    private static void Refused(string reason, NetworkRecord? network, MemberRecord? member, string expected)
    {
        var state = new ControllerState(TestParts.Controller, new MemoryControllerStore());
        var error = Assert.Throws<ControllerStoreException>(() => state.Load(new StoredRecords(network is null ? [] : [network], member is null ? [] : [member])));
        Assert.True(error.Message.Contains(expected, StringComparison.Ordinal), $"{reason}: {error.Message}");
    }
}
