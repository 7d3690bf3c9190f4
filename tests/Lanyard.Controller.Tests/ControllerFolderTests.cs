namespace Lanyard.Controller.Tests;

public sealed class ControllerFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lanyard-controller-").FullName;
    private readonly string _network = TestData.Text("peer-1.14", "api", "controller_network.json");
    private readonly string _member = TestData.Text("peer-1.14", "api", "controller_member.json");
    private readonly TestController _empty = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Records_of_another_controller_are_taken_into_an_empty_store_once()
    {
        Write($"network/{_empty.NetworkId}.json", _network);
        Write($"network/{_empty.NetworkId}/member/30951979c5.json", _member);
        Write("network/README.txt", "not a record");
        var store = new MemoryControllerStore();
        var core = new NetworkController(_empty.Identity, store, _ => { }, import: ControllerFolder.Read(_folder, _empty.Identity.Address));
        Assert.True(core.IsAuthorized(_empty.NetworkId, NodeAddress.Parse("30951979c5")));
        Assert.Equal((1, 1), (store.Load().Networks.Count, store.Load().Members.Count));

        core.DeleteMember(0, _empty.NetworkId, NodeAddress.Parse("30951979c5"));
        core = new NetworkController(_empty.Identity, store, _ => { }, import: ControllerFolder.Read(_folder, _empty.Identity.Address));
        Assert.Equal((0, 0), core.CountMembers(_empty.NetworkId));
        Assert.NotNull(core.FindNetwork(_empty.NetworkId));
    }

    [Fact]
    public void A_missing_folder_is_empty() =>
        Assert.Empty(ControllerFolder.Read(Path.Combine(_folder, "controller.d"), _empty.Identity.Address).Networks);

    /// <summary>Invalid files beside valid records, as in the folders of controllers in use: each is skipped and reported by name.</summary>
    [Theory]
    [InlineData("network/{0}00bee0.json", "{", "not JSON")]
    [InlineData("network/{0}00bee0.json", "[]", "a record of this kind")]
    [InlineData("network/{0}00bee0.json", null, "does not match the record")]
    [InlineData("network/{0}00bee0.json", "", "empty")]
    [InlineData("network/{0}00bee0.json", "\n", "empty")]
    [InlineData("network/8056c2e21c000001.json", """{"id":"8056c2e21c000001","nwid":"8056c2e21c000001"}""", "the controller 8056c2e21c")]
    [InlineData("network/{0}00beef (copy).json", null, "not a network ID")]
    [InlineData("network/{0}00bee0.json", """{"id":"{0}00bee0","name":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}""", "at most")]
    [InlineData("network/8056c2e21c000001/member/30951979c5.json", null, "Its network was not imported")]
    [InlineData("network/{0}00beef/member/30951979c5.bak.json", "MEMBER", "does not match the record")]
    [InlineData("network/{0}00beef/member/00000000a1.json", "{", "not JSON")]
    [InlineData("network/{0}00beef/member/00000000a1.json", "", "empty")]
    [InlineData("network/{0}00beef/member/00000000a1.json", "45 ADDRESSES", "at most 30 addresses, not 45")]
    public void An_invalid_file_is_skipped_with_its_name_and_the_others_are_imported(string file, string? text, string reason)
    {
        var controller = _empty.Identity.Address.ToString();
        Write($"network/{_empty.NetworkId}.json", _network);
        Write($"network/{_empty.NetworkId}/member/30951979c5.json", _member);
        text = text switch
        {
            null => _network,
            "MEMBER" => _member,
            "45 ADDRESSES" => $$"""{"id":"00000000a1","nwid":"{{_empty.NetworkId}}","ipAssignments":[{{string.Join(',', Enumerable.Range(1, 45).Select(i => $"\"10.0.0.{i}\""))}}]}""",
            _ => text.Replace("{0}", controller, StringComparison.Ordinal),
        };
        file = file.Replace("{0}", controller, StringComparison.Ordinal);
        Write(file, text);
        var left = new List<(string File, string Reason)>();
        var records = ControllerFolder.Read(_folder, _empty.Identity.Address, (name, why) => left.Add((name, why)));
        Assert.StartsWith(Path.Combine(_folder, Path.GetDirectoryName(file)!), Assert.Single(left).File, StringComparison.Ordinal);
        Assert.Contains(reason, left[0].Reason, StringComparison.Ordinal);
        var core = new NetworkController(_empty.Identity, new MemoryControllerStore(), _ => { }, import: records);
        Assert.Single(core.ListNetworks());
        Assert.True(core.IsAuthorized(_empty.NetworkId, NodeAddress.Parse("30951979c5")));
    }

    [Fact]
    public void A_part_of_a_record_that_cannot_be_read_is_left_by_name_and_the_record_is_taken()
    {
        Write($"network/{_empty.NetworkId}.json", $$"""{"id":"{{_empty.NetworkId}}","name":"kept","routes":[{"target":"10.0.0.0"},{"target":"10.1.0.0/16"}]}""");
        var left = new List<string>();
        var network = Assert.Single(ControllerFolder.Read(_folder, _empty.Identity.Address, (_, why) => left.Add(why)).Networks);
        Assert.Equal(("kept", 1), (network.Name, network.Routes.Count));
        Assert.Contains("\"routes[0]\"", Assert.Single(left), StringComparison.Ordinal);
    }

    private void Write(string file, string text)
    {
        var path = Path.Combine(_folder, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
