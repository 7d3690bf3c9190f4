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
        var core = new NetworkController(_empty.Identity, store, _ => { }, import: ControllerFolder.Read(_folder));
        Assert.True(core.IsAuthorized(_empty.NetworkId, Wire.NodeAddress.Parse("30951979c5")));
        Assert.Equal((1, 1), (store.Load().Networks.Count, store.Load().Members.Count));

        core.DeleteMember(0, _empty.NetworkId, Wire.NodeAddress.Parse("30951979c5"));
        core = new NetworkController(_empty.Identity, store, _ => { }, import: ControllerFolder.Read(_folder));
        Assert.Equal((0, 0), core.CountMembers(_empty.NetworkId));
        Assert.NotNull(core.FindNetwork(_empty.NetworkId));
    }

    [Fact]
    public void A_folder_that_is_not_there_holds_nothing() =>
        Assert.Empty(ControllerFolder.Read(Path.Combine(_folder, "controller.d")).Networks);

    [Theory]
    [InlineData("network/084d44421700beef.json", "{")]
    [InlineData("network/084d44421700beef.json", "[]")]
    [InlineData("network/084d44421700bee0.json", null)]
    public void A_damaged_or_misnamed_file_is_named(string file, string? text)
    {
        Write(file, text ?? _network);
        Assert.Contains(Path.Combine(_folder, file), Assert.Throws<ControllerStoreException>(() => ControllerFolder.Read(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_beyond_the_limits_is_refused_by_name()
    {
        Write($"network/{_empty.NetworkId}.json", _network.Replace("\"name\":\"vectors\"", $"\"name\":\"{new string('x', 200)}\"", StringComparison.Ordinal));
        var records = ControllerFolder.Read(_folder);
        var message = Assert.Throws<ControllerStoreException>(() => new NetworkController(_empty.Identity, new MemoryControllerStore(), _ => { }, import: records)).Message;
        Assert.Contains(_empty.NetworkId.ToString(), message, StringComparison.Ordinal);
    }

    private void Write(string file, string text)
    {
        var path = Path.Combine(_folder, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
