using EndToEnd.Lab;

namespace EndToEnd;

/// <summary>The demo, as a user runs it. It prints the time until the first response, which this test does not check.</summary>
public sealed class DemoTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(3);
    private static readonly string Command = Path.Combine(AppContext.BaseDirectory, "Lanyard.Cli.dll");

    [Fact]
    public async Task The_demo_shows_what_it_claims_and_leaves_nothing_behind()
    {
        var temporary = Directory.CreateTempSubdirectory("lanyard-test-");
        try
        {
            var (exitCode, output, error) = await RunningProcess.RunAsync(Timeout, "env", $"TMPDIR={temporary.FullName}", "dotnet", Command, "demo", "--no-deadline");
            AssertShown(exitCode, output, error);
            Assert.Empty(temporary.EnumerateFileSystemInfos("lanyard-demo-*"));
        }
        finally
        {
            temporary.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task The_demo_needs_neither_privileges_nor_a_home()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
            Assert.Skip("Only the superuser of a Linux system can become another user; the other test runs as this one.");
        string[] asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs", "env", "-u", "HOME", "TMPDIR=/tmp"];
        var (readable, _, _) = await RunningProcess.RunAsync(Timeout, asNobody[0], [.. asNobody[1..], "test", "-r", Command]);
        if (readable != 0)
            Assert.Skip($"An ordinary user may not read '{Command}', or there is no setpriv.");
        var (exitCode, output, error) = await RunningProcess.RunAsync(Timeout, asNobody[0], [.. asNobody[1..], "dotnet", Command, "demo", "--no-deadline"]);
        AssertShown(exitCode, output, error);
    }

    private static void AssertShown(int exitCode, string output, string error)
    {
        Assert.True(exitCode == 0, $"The demo ended with {exitCode}:\n{output}\n{error}");
        string[] shown =
        [
            "is refused because it is not authorized", "serves HTTP with Kestrel", "reaches the game directly", "has a TUN or TAP device open", "listens on no TCP port",
            "The network is private", "Each player sees the other player's moves", "first response",
        ];
        foreach (var text in shown)
            Assert.Contains(text, output, StringComparison.Ordinal);
    }
}
