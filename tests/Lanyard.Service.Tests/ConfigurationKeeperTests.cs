using System.Text.Json;

namespace Lanyard.Service.Tests;

/// <summary>Detection of changes of <c>local.conf</c>.</summary>
public sealed class ConfigurationKeeperTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly LogCollector _log = new();

    [Fact]
    public async Task A_file_that_is_written_replaced_by_another_or_gone_is_noticed()
    {
        await using var keeper = Keep("""{ "settings": { "primaryPort": 1 } }""");
        // Never by looking: the system tells.
        keeper.Watch(Timeout.InfiniteTimeSpan);
        Write("""{ "settings": { "primaryPort": 2 } }""");
        await UntilAsync(keeper, 2);
        File.WriteAllText(_folder.PathOf("other"), """{ "settings": { "primaryPort": 3 } }""");
        File.Move(_folder.PathOf("other"), Conf, overwrite: true);
        await UntilAsync(keeper, 3);
        File.Delete(Conf);
        await UntilAsync(keeper, null);
        File.WriteAllText(_folder.PathOf("other"), """{ "settings": { "primaryPort": 4 } }""");
        File.Move(_folder.PathOf("other"), Conf);
        await UntilAsync(keeper, 4);
    }

    [Fact]
    public async Task A_change_that_the_system_does_not_report_is_found_by_polling()
    {
        Directory.CreateDirectory(_folder.PathOf("elsewhere"));
        var target = _folder.PathOf("elsewhere", "file");
        File.WriteAllText(target, """{ "settings": { "primaryPort": 1 } }""");
        File.CreateSymbolicLink(Conf, target);
        await using var keeper = new ConfigurationKeeper(_folder.PathOf(), _log);
        keeper.Watch(TimeSpan.FromMilliseconds(20));
        Assert.Equal(1, keeper.Current.PrimaryPort);
        File.WriteAllText(target, """{ "settings": { "primaryPort": 2 } }""");
        await UntilAsync(keeper, 2);
    }

    [Fact]
    public async Task A_change_before_the_watcher_started_is_noticed()
    {
        await using var keeper = Keep("""{ "settings": { "primaryPort": 1 } }""");
        Write("""{ "settings": { "primaryPort": 2 } }""");
        keeper.Watch(Timeout.InfiniteTimeSpan);
        await UntilAsync(keeper, 2);
    }

    [Fact]
    public async Task An_invalid_file_is_reported_once_and_again_on_reload()
    {
        await using var keeper = Keep("""{ "settings": { "primaryPort": 1 } }""");
        var changes = 0;
        keeper.Changed += (_, _) => Interlocked.Increment(ref changes);
        keeper.Watch(TimeSpan.FromMilliseconds(5));
        Write("""{ "settings": { "primaryPort": 2 }, "lanyard": { "proxies": 1 } }""");
        await UntilAsync(() => Refusals() == 1);
        Assert.Equal(1, keeper.Current.PrimaryPort);
        keeper.Reload();
        Assert.Equal(2, Refusals());
        Assert.Equal((1, 0), (keeper.Current.PrimaryPort, changes));
        Write("""{ "settings": { "primaryPort": 3 } }""");
        await UntilAsync(keeper, 3);
        Assert.Equal(2, Refusals());

        int Refusals() => _log.Lines.Count(line => line.Contains("\"lanyard.proxies\" is not an array, but 1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_unreadable_file_keeps_the_previous_configuration()
    {
        await using var keeper = Keep("""{ "settings": { "primaryPort": 1 } }""");
        File.Delete(Conf);
        Directory.CreateDirectory(Conf);
        keeper.Reload();
        Assert.Contains(_log.Lines, line => line.Contains("cannot be read", StringComparison.Ordinal) && line.Contains(Conf, StringComparison.Ordinal));
        Assert.Equal(1, keeper.Current.PrimaryPort);
    }

    [Fact]
    public async Task Settings_that_are_changed_go_into_the_file_as_it_is_by_now()
    {
        await using var keeper = Keep("""{ "settings": { "mine": 1 } }""");
        Write("""{ "settings": { "mine": 2 }, "lanyard": { "proxies": [ { "listen": 1080 } ] } }""");
        using var changes = JsonDocument.Parse("""{ "primaryPort": 7 }""");
        keeper.ChangeSettings(changes.RootElement);
        Assert.Equal(7, keeper.Current.PrimaryPort);
        Assert.Single(keeper.Current.Proxies);
        var written = LocalConfiguration.Read(_folder.PathOf());
        Assert.Equal((7, 2, 1), (written.PrimaryPort, written.Document.GetProperty("settings").GetProperty("mine").GetInt32(), written.Proxies.Count));

        const string Wrong = """{ "lanyard": { "proxies": 1 } }""";
        Write(Wrong);
        Assert.Throws<LanyardStateException>(() => keeper.ChangeSettings(changes.RootElement));
        Assert.Equal(Wrong, File.ReadAllText(Conf));
        Assert.Single(keeper.Current.Proxies);
    }

    public void Dispose()
    {
        _log.Dispose();
        _folder.Dispose();
    }

    private string Conf => _folder.PathOf(LocalConfiguration.FileName);

    private ConfigurationKeeper Keep(string text)
    {
        Write(text);
        return new ConfigurationKeeper(_folder.PathOf(), _log);
    }

    private void Write(string text) => File.WriteAllText(Conf, text);

    private static Task UntilAsync(ConfigurationKeeper keeper, int? port) => UntilAsync(() => keeper.Current.PrimaryPort == port);

    private static async Task UntilAsync(Func<bool> isSo)
    {
        while (!isSo())
            await Task.Delay(10, ServiceLan.Guard);
    }
}
