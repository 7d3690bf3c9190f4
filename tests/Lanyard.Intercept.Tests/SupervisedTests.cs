using System.Globalization;

namespace Lanyard.Intercept.Tests;

/// <summary>Programs that cannot be preloaded: static programs, and programs that make system calls directly.</summary>
public sealed class SupervisedTests(ProgramLan lan, ProgramTable table) : IClassFixture<ProgramLan>
{
    private const string Engine = "supervise";

    public static TheoryData<bool> Families => [false, true];

    [Theory]
    [MemberData(nameof(Families))]
    public async Task A_static_program_connects_accepts_and_sends_datagrams(bool v6)
    {
        var program = await BuildAsync("gcc", "-static", "-pthread", "-o", "{output}", "supervised.c");
        var port = v6 ? 8106 : 8104;
        await using var server = await lan.ServeAsync(port, program, "serve", $"{port}");
        var own = v6 ? lan.Address("a", v6) : $"::ffff:{lan.Address("a")}";
        var (code, output) = await lan.RunAsync("a", program, "talk", lan.Address("b", v6), $"{port}");
        Assert.Equal($"peer\n{own} closes\nin progress\n0\n{own} closes\nConnection refused\nasked peer\n", output);
        Assert.Equal(0, code);
        table.Works("static C program (TCP and UDP)", "server and client", v6, Engine);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task A_static_Go_program_serves_and_fetches(bool v6)
    {
        var program = await BuildAsync("go", "build", "-o", "{output}", "supervised.go");
        var (port, echoPort) = v6 ? (8116, 8126) : (8114, 8124);
        await using var server = await lan.ServeAsync(port, program, "serve", $"{port}");
        var (code, output) = await lan.RunAsync("a", program, "fetch", $"http://{lan.Host("b", v6)}:{port}/");
        Assert.Equal($"go for {lan.Address("a", v6)}\n", output);
        Assert.Equal(0, code);
        await using var echo = lan.Start("b", program, "echo", $"{echoPort}");
        await ProgramLan.UntilAsync(() => echo.Output.Contains("bound", StringComparison.Ordinal), () => echo.Output);
        await using var ask = lan.Start("a", program, "ask", $"{lan.Host("b", v6)}:{echoPort}");
        await ProgramLan.UntilAsync(() => ask.HasExited || echo.HasExited, () => ask.Output + echo.Output);
        Assert.False(echo.HasExited, echo.Output);
        await ask.WaitAsync();
        Assert.Equal("asked true\n", ask.Output);
        table.Works("Go net/http and UDP, static", "server and client", v6, Engine);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Dynamic_programs_can_be_supervised_as_well(bool v6)
    {
        lan.Require("python3", "curl");
        File.WriteAllText(Path.Combine(lan.Folder, "supervised.txt"), "supervised\n");
        await using var server = lan.StartWith("b", ["--engine", Engine], "python3", "-m", "http.server", "8103", "--bind", "::", "--directory", lan.Folder);
        var guard = ProgramProcess.Guard;
        while (true)
        {
            guard.ThrowIfCancellationRequested();
            await using var client = lan.StartWith("a", ["--engine", Engine], "curl", "-sS", $"http://{lan.Host("b", v6)}:8103/supervised.txt");
            if (await client.WaitAsync() == 0)
            {
                Assert.Equal("supervised\n", client.Output);
                break;
            }

            Assert.False(server.HasExited, server.Output);
        }

        table.Works("python3 http.server", "server", v6, Engine);
        table.Works("curl", "client", v6, Engine);
    }

    [Fact]
    public async Task Ten_thousand_connections_leave_no_descriptors_behind()
    {
        var program = await BuildAsync("gcc", "-static", "-pthread", "-o", "{output}", "supervised.c");
        await using var server = await lan.ServeAsync(8130, program, "serve", "8130");
        await using var client = lan.Start("a", program, "many", lan.Address("b"), "8130", "10");
        await ProgramLan.UntilAsync(() => client.Output.Contains("done", StringComparison.Ordinal), () => client.Output);
        var before = CountDescriptors(server.Id);
        await using var many = lan.Start("a", program, "many", lan.Address("b"), "8130", "10000");
        await ProgramLan.UntilAsync(() => many.Output.Contains("done", StringComparison.Ordinal), () => many.Output);
        await many.FeedAsync("\n");
        Assert.Equal(0, await many.WaitAsync());
        await ProgramLan.UntilAsync(
            () => CountDescriptors(server.Id) <= before + 8, () => $"{CountDescriptors(server.Id)} descriptors, and {before} before");
    }

    [Fact]
    public async Task A_signal_interrupts_a_call_that_waits_and_a_killed_program_ends_its_supervisor()
    {
        var program = await BuildAsync("gcc", "-static", "-pthread", "-o", "{output}", "supervised.c");
        await using var server = await lan.ServeAsync(8140, program, "serve", "8140");
        var before = CountDescriptors(server.Id);
        // It may come while the program does something else.
        var guard = ProgramProcess.Guard;
        while (!server.Output.Contains("interrupted", StringComparison.Ordinal))
        {
            await SignalAsync(server, "USR1");
            await Task.Delay(100, guard);
        }

        var (code, output) = await lan.RunAsync("a", program, "talk", lan.Address("b"), "8140");
        Assert.True(code == 0, output);
        await ProgramLan.UntilAsync(() => CountDescriptors(server.Id) <= before + 8, () => $"{CountDescriptors(server.Id)} descriptors, and {before} before");
        await SignalAsync(server, "KILL");
        Assert.Equal(128 + 9, await server.WaitAsync());
    }

    // To the program itself, not to what supervises it.
    private static async Task SignalAsync(ProgramProcess supervisor, string signal)
    {
        var children = Directory.GetDirectories(string.Create(CultureInfo.InvariantCulture, $"/proc/{supervisor.Id}/task"))
            .SelectMany(task => File.ReadAllText(Path.Combine(task, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries));
        await using var kill = ProgramProcess.Start("/", ["kill", $"-{signal}", children.Single()]);
        Assert.Equal(0, await kill.WaitAsync());
    }

    private static int CountDescriptors(int process) =>
        Directory.GetFiles(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/fd")).Length;

    private Task<string> BuildAsync(string compiler, params string[] args) => Compiled.BuildAsync(lan, $"supervised-{compiler}", compiler, args);
}
