namespace Lanyard.Cli.Tests;

/// <summary>Help texts and usage errors of the command.</summary>
public sealed class UsageTests
{
    public static TheoryData<string> Verbs =>
    [
        "demo", "service", "join", "leave", "networks", "peers", "info", "status", "connect", "expose", "forward", "proxy", "ssh-proxy", "ping", "http", "udp-echo", "udp-send",
        "capture", "perf server", "perf client", "run", "completion", "identity new", "identity show", "identity validate", "identity sign", "identity verify", "planet new", "moon new", "dissect",
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
            Assert.Contains($"\n  {verb.Data.Split(' ')[0]} ", run.Output.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.Contains("Exit codes:", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("demo-player", run.Output, StringComparison.Ordinal);
        Assert.All(run.Output.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, 80));
    }

    [Theory]
    [InlineData("lanyard c", 9, "capture", "completion", "connect")]
    [InlineData("lanyard identity s", 18, "show", "sign")]
    [InlineData("/usr/bin/lanyard ping --co", 26, "--count")]
    [InlineData("lanyard service --log-format ", 29, "Json", "Text")]
    [InlineData("lanyard c more", 9, "capture", "completion", "connect")]
    [InlineData("lanyard", 7)]
    [InlineData("", 99)]
    public void Completions_are_what_may_stand_at_the_cursor(string line, int position, params string[] expected)
    {
        var run = CommandRun.Of("complete", $"{position}", line);
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        var found = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.All(expected, word => Assert.Contains(word, found));
        Assert.True(expected.Length > 0 || found.Length == 0, run.Output);
    }

    [Fact]
    public void Bash_completes_a_command_line_with_the_script()
    {
        if (OperatingSystem.IsWindows() || !File.Exists("/bin/bash"))
            Assert.Skip("/bin/bash is missing.");
        using var folder = new TestFolder();
        var script = folder.PathOf("completion.bash");
        File.WriteAllText(script, CommandRun.Of("completion", "bash").Output);
        var start = new System.Diagnostics.ProcessStartInfo("/bin/bash") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add($$"""
            lanyard() { dotnet '{{Path.Combine(AppContext.BaseDirectory, "Lanyard.Cli.dll")}}' "$@"; }
            . '{{script}}'
            COMP_WORDS=(lanyard netw) COMP_CWORD=1 COMP_LINE='lanyard netw' COMP_POINT=12
            _lanyard
            echo "${COMPREPLY[@]}"
            """);
        using var bash = System.Diagnostics.Process.Start(start)!;
        Assert.Equal("networks\n", bash.StandardOutput.ReadToEnd());
        bash.WaitForExit();
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
    public void A_usage_error_is_explained_on_standard_error_with_exit_code_2(string line)
    {
        var run = CommandRun.Of(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(ExitCode.Usage, run.ExitCode);
        Assert.Empty(run.Output);
        Assert.Contains("--help", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Commands_without_a_running_service_report_it_with_exit_code_3()
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
