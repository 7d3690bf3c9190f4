using Lanyard.Primitives;
using Lanyard.Wire;
using Microsoft.Data.Sqlite;

namespace Lanyard.Controller.Tests;

public sealed class StoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lanyard-controller-").FullName;

    private string DatabasePath => Path.Combine(_folder, "controller.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Networks_and_members_come_back_as_they_were()
    {
        var node = TestController.Stranger(0xa1);
        IReadOnlyList<NetworkRecord> networks;
        IReadOnlyList<MemberRecord> members;
        using (var store = SqliteControllerStore.Open(DatabasePath))
        {
            var test = new TestController(store: store);
            test.Post("", RecordedApiTests.NetworkBody);
            test.Post("", """{"authTokens":{"secret":0,"soon":1795288899999},"remoteTraceTarget":"00000000b2","remoteTraceLevel":15,"certificateTimeoutWindowSize":600000}""");
            test.Core.CreateNetwork(test.NowMs, network => network);
            test.Core.CreateNetwork(test.NowMs, network => network with { Name = "Größe 😀 \"\u0001\"", AuthTokens = default(EquatableArray<AuthToken>), Rules = [Rule.ActionAccept] });
            test.Post($"member/{node.Address}", """{"name":"gateway","authorized":true,"activeBridge":true,"tags":[[5,6],[1,2]],"ipAssignments":["10.144.3.3","fd00::1"],"remoteTraceLevel":5}""");
            test.Ask(node);
            test.Ask(TestController.Stranger(0xb2));
            networks = test.Core.ListNetworks();
            members = test.Core.ListMembers(test.NetworkId)!;
        }

        using (var store = SqliteControllerStore.Open(DatabasePath))
        {
            var test = new TestController(store: store);
            Assert.Equal(networks, test.Core.ListNetworks());
            Assert.Equal(members, test.Core.ListMembers(test.NetworkId));
            // And in effect: the address is taken, the identity pinned, the bridge known.
            Assert.Equal(ControllerReason.IdentityMismatch, test.Ask(TestController.Stranger(0xa1, key: 1)).Reason);
            Assert.Equal([node.Address], test.ConfigOf(node).Specialists.Select(specialist => specialist.Node));
        }
    }

    [Fact]
    public async Task Flushed_changes_survive_a_crash()
    {
        using var store = SqliteControllerStore.Open(DatabasePath);
        var test = new TestController(store: store);
        test.SaveNetwork(network => network with { Name = "kept" });
        test.Authorize(TestController.Stranger(0xa1));
        await store.FlushAsync();

        // The files as a process that was killed leaves them: the write-ahead log is not yet in the database.
        var crashed = Path.Combine(_folder, "crashed.db");
        File.Copy(DatabasePath, crashed);
        File.Copy(DatabasePath + "-wal", crashed + "-wal");
        using var reopened = SqliteControllerStore.Open(crashed);
        var records = reopened.Load();
        Assert.Equal("kept", Assert.Single(records.Networks).Name);
        Assert.True(Assert.Single(records.Members).IsAuthorized);
    }

    [Fact]
    public async Task A_log_cut_off_anywhere_gives_a_state_as_of_some_flush()
    {
        using (var store = SqliteControllerStore.Open(DatabasePath))
        {
            var test = new TestController(store: store);
            test.SaveNetwork(network => network);
            await store.FlushAsync();
            for (var n = 1; n <= 10; n++)
            {
                // Two records that change together in one batch or not at all are not promised; each by itself is whole.
                test.SaveNetwork(network => network with { Name = $"revision {n + 1}" });
                await store.FlushAsync();
            }

            File.Copy(DatabasePath, Path.Combine(_folder, "whole.db"));
            File.Copy(DatabasePath + "-wal", Path.Combine(_folder, "whole.db-wal"));
        }

        var log = File.ReadAllBytes(Path.Combine(_folder, "whole.db-wal"));
        var random = new Random(4);
        for (var i = 0; i < 20; i++)
        {
            var cut = Path.Combine(_folder, $"cut{i}.db");
            File.Copy(Path.Combine(_folder, "whole.db"), cut);
            File.WriteAllBytes(cut + "-wal", log[..random.Next(log.Length / 2, log.Length)]);
            using var store = SqliteControllerStore.Open(cut);
            var records = store.Load();
            if (records.Networks.Count > 0)
                Assert.True(records.Networks[0].Revision == 1 || records.Networks[0].Name == $"revision {records.Networks[0].Revision}");
        }
    }

    [Fact]
    public void Deletions_are_stored_and_a_network_made_anew_has_no_members()
    {
        using (var store = SqliteControllerStore.Open(DatabasePath))
        {
            var test = new TestController(store: store);
            test.SaveNetwork(network => network);
            test.Authorize(TestController.Stranger(1));
            test.Authorize(TestController.Stranger(2));
            test.Core.DeleteMember(test.NowMs, test.NetworkId, new NodeAddress(1));
            Assert.Equal([new NodeAddress(2)], test.Core.ListMembers(test.NetworkId)!.Select(member => member.Address));
        }

        using (var store = SqliteControllerStore.Open(DatabasePath))
        {
            var test = new TestController(store: store);
            Assert.Equal([new NodeAddress(2)], test.Core.ListMembers(test.NetworkId)!.Select(member => member.Address));
            test.Core.DeleteNetwork(test.NowMs, test.NetworkId);
            test.SaveNetwork(network => network);
        }

        using (var store = SqliteControllerStore.Open(DatabasePath))
        {
            var records = store.Load();
            Assert.Single(records.Networks);
            Assert.Empty(records.Members);
        }
    }

    [Fact]
    public void The_file_is_the_owners_alone()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("File modes are a matter of Unix.");
            return;
        }

        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var store = SqliteControllerStore.Open(DatabasePath))
        {
            new TestController(store: store).SaveNetwork(network => network);
            foreach (var file in Directory.GetFiles(_folder))
                Assert.Equal(OwnerOnly, File.GetUnixFileMode(file));
        }

        File.SetUnixFileMode(DatabasePath, OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        using (SqliteControllerStore.Open(DatabasePath))
            Assert.Equal(OwnerOnly, File.GetUnixFileMode(DatabasePath));
    }

    [Fact]
    public void A_second_open_reports_that_the_file_is_in_use()
    {
        using var store = SqliteControllerStore.Open(DatabasePath);
        AssertRefused("in use");
    }

    [Fact]
    public void A_damaged_file_another_programs_and_a_later_versions_are_each_refused_by_name()
    {
        File.WriteAllBytes(DatabasePath, TestData.RandomBytes(1, 10_000));
        AssertRefused("damaged");

        File.Delete(DatabasePath);
        Execute("CREATE TABLE recipe (title TEXT)");
        AssertRefused("another program");

        File.Delete(DatabasePath);
        SqliteControllerStore.Open(DatabasePath).Dispose();
        Execute("UPDATE schema_version SET version = 99");
        AssertRefused("later version");
        Assert.Contains("folder", Assert.Throws<ControllerStoreException>(() => SqliteControllerStore.Open(Path.Combine(_folder, "no", "such", "folder.db"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("""{"id":"nothing"}""")]
    [InlineData("""{"id":"\ud800"}""")]
    public void A_damaged_record_is_named(string document)
    {
        using (var store = SqliteControllerStore.Open(DatabasePath))
            new TestController(store: store).SaveNetwork(network => network);
        Execute($"UPDATE network SET document = '{document}'");
        using var damaged = SqliteControllerStore.Open(DatabasePath);
        var message = Assert.Throws<ControllerStoreException>(damaged.Load).Message;
        Assert.Contains(DatabasePath, message, StringComparison.Ordinal);
        Assert.Contains(new TestController().NetworkId.ToString(), message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_write_that_fails_is_reported_kept_and_made_up_for()
    {
        using var store = SqliteControllerStore.Open(DatabasePath);
        var test = new TestController(store: store);
        test.SaveNetwork(network => network);
        await store.FlushAsync();

        // A network that the database does not know: the member cannot be stored until it does.
        var orphan = new MemberRecord { Network = new NetworkId(42), Address = new NodeAddress(1) };
        store.Save(orphan);
        var error = await Assert.ThrowsAsync<ControllerStoreException>(() => store.FlushAsync());
        Assert.Contains(DatabasePath, error.Message, StringComparison.Ordinal);
        Assert.False(store.IsHealthy);
        var (status, json) = test.Call("GET", "/controller");
        Assert.Equal((503, true), (status, json.Contains("\"databaseReady\": false", StringComparison.Ordinal)));
        Assert.Equal(500, test.Call("POST", test.PathOf(""), """{"name":"waits"}""").Status);

        store.Save(new NetworkRecord { Id = new NetworkId(42) });
        await store.FlushAsync();
        Assert.True(store.IsHealthy);
        store.Dispose();
        using var reopened = SqliteControllerStore.Open(DatabasePath);
        var records = reopened.Load();
        Assert.Equal(orphan, Assert.Single(records.Members));
        Assert.Contains(records.Networks, network => network.Name == "waits");
    }

    [Fact]
    public async Task A_flush_of_a_closed_store_fails_and_does_not_wait_forever()
    {
        var store = SqliteControllerStore.Open(DatabasePath);
        var test = new TestController(store: store);
        test.SaveNetwork(network => network);
        store.Dispose();
        store.Dispose();
        await store.FlushAsync();
        test.SaveNetwork(network => network with { Name = "too late" });
        await Assert.ThrowsAsync<ControllerStoreException>(() => store.FlushAsync());
    }

    [Fact]
    public void Changes_that_wait_keep_only_the_latest_state_of_a_record()
    {
        var pending = new PendingChanges();
        var (one, two) = (new NetworkId(1), new NetworkId(2));
        for (var revision = 1UL; revision <= 100; revision++)
        {
            pending.Save(new NetworkRecord { Id = one, Revision = revision });
            pending.Save(new MemberRecord { Network = one, Address = new NodeAddress(revision % 3), Revision = revision });
        }

        Assert.Equal(4, pending.Count);
        Assert.Equal(100UL, pending.Networks[one].Saved!.Revision);
        pending.Delete(one);
        pending.Save(new NetworkRecord { Id = one, Revision = 1 });
        Assert.Equal((1, true, 1UL), (pending.Count, pending.Networks[one].Deleted, pending.Networks[one].Saved!.Revision));

        // What could not be written goes before, and does not undo what came since.
        var earlier = new PendingChanges();
        earlier.Save(new MemberRecord { Network = one, Address = new NodeAddress(9) });
        earlier.Save(new NetworkRecord { Id = one, Revision = 77 });
        earlier.Delete(two);
        earlier.Save(new NetworkRecord { Id = two, Revision = 5 });
        earlier.Save(new MemberRecord { Network = two, Address = new NodeAddress(9), Revision = 1 });
        pending.Save(new NetworkRecord { Id = two, Revision = 6 });
        pending.Save(new MemberRecord { Network = two, Address = new NodeAddress(8), Revision = 1 });
        pending.AddEarlier(earlier);
        Assert.Equal((true, 1UL), (pending.Networks[one].Deleted, pending.Networks[one].Saved!.Revision));
        Assert.False(pending.Members.ContainsKey(one));
        Assert.Equal((true, 6UL), (pending.Networks[two].Deleted, pending.Networks[two].Saved!.Revision));
        Assert.Equal(2, pending.Members[two].Count);
    }

    [Fact]
    public void A_record_read_from_a_controller_of_the_same_API_is_taken_as_it_is()
    {
        foreach (var recording in TestData.Recordings)
        {
            var network = TestData.Text(recording, "api", "controller_network.json");
            var member = TestData.Text(recording, "api", "controller_member.json");
            SqliteControllerStore.Open(DatabasePath).Dispose();
            var id = network.Split("\"nwid\":\"")[1][..16];
            Execute($"INSERT INTO network VALUES ('{id}', 1, '{network}'); INSERT INTO member VALUES ('{id}', '0', 1, '{member}')");
            using (var store = SqliteControllerStore.Open(DatabasePath))
            {
                var test = new TestController(recording, store: store);
                Assert.Equal(network, test.Get(""));
                Assert.Equal(member, test.Get($"member/{TestData.SecretIdentity(recording, "a").Address}"));
            }

            File.Delete(DatabasePath);
        }
    }

    private void AssertRefused(string reason)
    {
        var message = Assert.Throws<ControllerStoreException>(() => SqliteControllerStore.Open(DatabasePath).Dispose()).Message;
        Assert.Contains(reason, message, StringComparison.Ordinal);
        Assert.Contains(DatabasePath, message, StringComparison.Ordinal);
    }

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={DatabasePath};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
