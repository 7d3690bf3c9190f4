namespace Lanyard.Cli.Tests;

/// <summary>How the command explains itself, and what it says where it was not understood.</summary>
public sealed class UsageTests
{
    public static TheoryData<string> Verbs =>
    [
        "demo", "service", "join", "leave", "networks", "peers", "info", "status", "connect", "expose", "ping", "http", "udp-echo", "udp-send", "capture", "perf server",
        "perf client", "identity new", "identity show", "identity validate", "identity sign", "identity verify", "planet new", "moon new", "dissect",
    ];

    [Theory]
    [MemberData(nameof(Verbs))]
    public void Every_verb_explains_itself(string verb)
    {
        var run = CommandRun.Of([.. verb.Split(' '), "--help"]);
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        Assert.StartsWith("Description:", run.Output, StringComparison.Ordinal);
        Assert.Contains($"lanyard {verb}", run.Output, StringComparison.Ordinal);
        Assert.Empty(run.Error);
    }

    [Fact]
    public void The_help_lists_the_verbs_and_says_what_exit_codes_mean()
    {
        var run = CommandRun.Of("--help");
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        foreach (var verb in Verbs)
            Assert.Contains(verb.Data.Split(' ')[0], run.Output, StringComparison.Ordinal);
        Assert.Contains("Exit codes:", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("demo-player", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("no-such-verb")]
    [InlineData("join")]
    [InlineData("join 8056c2e21c00000")]
    [InlineData("ping 10.1.2 --home x --network 8056c2e21c000001")]
    [InlineData("ping 10.1.2.3 --network 8056c2e21c000001")]
    [InlineData("ping 10.1.2.3 --home x --network 8056c2e21c000001 --count 0")]
    [InlineData("connect 10.1.2.3 70000 --home x --network 8056c2e21c000001")]
    [InlineData("expose 80 nowhere --home x --network 8056c2e21c000001")]
    [InlineData("http ftp://10.1.2.3/ --home x --network 8056c2e21c000001")]
    [InlineData("perf client 10.1.2.3 --port 1 --rtt --streams 2 --home x --network 8056c2e21c000001")]
    [InlineData("service --port 65536")]
    [InlineData("service --log-format xml")]
    [InlineData("status --watch --interval never")]
    public void What_is_not_understood_is_explained_on_standard_error_and_ends_with_2(string line)
    {
        var run = CommandRun.Of(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(ExitCode.Usage, run.ExitCode);
        Assert.Empty(run.Output);
        Assert.Contains("--help", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_no_service_runs_the_callers_of_one_say_so_and_end_with_3()
    {
        using var folder = new TestFolder();
        foreach (var verb in new[] { "info", "status", "networks", "peers", "join 8056c2e21c000001", "leave 8056c2e21c000001" })
        {
            var run = CommandRun.Of([.. verb.Split(' '), "--home", folder.PathOf()]);
            Assert.Equal(ExitCode.Unreachable, run.ExitCode);
            Assert.Empty(run.Output);
            Assert.Contains("lanyard service", run.Error, StringComparison.Ordinal);
        }
    }
}
