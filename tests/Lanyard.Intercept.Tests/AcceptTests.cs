namespace Lanyard.Intercept.Tests;

/// <summary>Servers that accept under adverse conditions, with both engines: no connection is lost.</summary>
public sealed class AcceptTests(ProgramLan lan, ProgramTable table) : IClassFixture<ProgramLan>
{
    public static TheoryData<string> Engines => ["preload", "supervise"];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Signals_lose_no_connection(string engine)
    {
        var port = engine == "preload" ? 8500 : 8501;
        var program = await Compiled.OfC(lan, "accepts.c");
        await using var server = await ServeAsync(engine, program, "signals", $"{port}");
        await FetchAsync(program, server, port, 500);
        table.Works("Fork server (SIGCHLD without SA_RESTART)", "server", v6: false, engine);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_connection_stays_in_the_queue_where_the_program_has_no_descriptor_for_it(string engine)
    {
        var port = engine == "preload" ? 8502 : 8503;
        var program = await Compiled.OfC(lan, "accepts.c");
        await using var server = await ServeAsync(engine, program, "full", $"{port}");
        await FetchAsync(program, server, port, 1);
        Assert.Contains("full: EMFILE", server.Output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_connection_stays_in_the_queue_where_the_program_may_open_no_socket(string engine)
    {
        var port = engine == "preload" ? 8504 : 8505;
        var program = await Compiled.OfC(lan, "accepts.c");
        await using var server = await ServeAsync(engine, program, "sandboxed", $"{port}");
        await FetchAsync(program, server, port, 1);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_connection_survives_its_listener(string engine)
    {
        var port = engine == "preload" ? 20_000 : 21_000;
        var program = await Compiled.OfC(lan, "accepts.c");
        await using var server = await ServeAsync(engine, program, "once", $"{port}", "300");
        await FetchAsync(program, server, port, 300, step: 1);
    }

    [Theory]
    [InlineData("preload", false)]
    [InlineData("preload", true)]
    [InlineData("supervise", false)]
    public async Task Vsftpd_sends_files_actively_and_passively(string engine, bool v6)
    {
        lan.Require("vsftpd", "curl");
        Assert.SkipUnless(Unprivileged.IsSo && Unprivileged.Account is not null, "The test's vsftpd runs as its own user, who must not be the superuser: set LANYARD_TEST_USER.");
        var port = engine == "supervise" ? 8510 : v6 ? 8511 : 8512;
        var folder = Directory.CreateDirectory(Path.Combine(lan.Folder, $"ftp{port}")).FullName;
        var configuration = Path.Combine(lan.Folder, $"vsftpd{port}.conf");
        File.WriteAllText(Path.Combine(folder, "file.txt"), "sent\n");
        File.WriteAllText(configuration, $"""
            {(v6 ? "listen_ipv6" : "listen")}=YES
            listen_port={port}
            background=NO
            run_as_launching_user=YES
            anonymous_enable=YES
            no_anon_password=YES
            anon_root={folder}
            ftp_username={Unprivileged.Account}
            xferlog_enable=NO
            connect_from_port_20=NO
            secure_chroot_dir={folder}

            """);
        Unprivileged.Own(folder);
        Unprivileged.Own(configuration);
        await using var server = lan.StartWith("b", ["--engine", engine], "vsftpd", configuration);
        var url = $"ftp://{lan.Host("b", v6)}:{port}/file.txt";
        await ProgramLan.UntilAsync(async () => (await lan.RunAsync("a", "curl", "-sS", url)).Output == "sent\n", () => server.Output);
        string[] modes = ["", "-P-"];
        foreach (var mode in modes)
        {
            await using var client = lan.StartWith("a", ["--engine", engine], "sh", "-c", $"for i in $(seq 30); do curl -sS {mode} {url}; done");
            Assert.Equal(0, await client.WaitAsync());
            Assert.Equal(string.Concat(Enumerable.Repeat("sent\n", 30)), client.Output);
        }

        table.Works("vsftpd and curl (active and passive)", "server and client", v6, engine);
    }

    private async Task<ProgramProcess> ServeAsync(string engine, params string[] command)
    {
        var server = lan.StartWith("b", ["--engine", engine], command);
        await ProgramLan.UntilAsync(() => server.Output.Contains("listens", StringComparison.Ordinal) || server.HasExited, () => server.Output);
        return server;
    }

    private async Task FetchAsync(string program, ProgramProcess server, int port, int count, int step = 0)
    {
        var (_, output) = await lan.RunAsync("a", program, "fetch", lan.Address("b"), $"{port}", $"{count}", $"{step}");
        Assert.True(output == $"{count} of {count}\n", $"{output}\n{server.Output}");
    }
}
