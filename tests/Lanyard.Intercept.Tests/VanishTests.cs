using System.Diagnostics;
using System.Globalization;

namespace Lanyard.Intercept.Tests;

/// <summary>Vanishing members: the programs of their peers notice as on the system's network.</summary>
public sealed class VanishTests(ProgramLan lan, ProgramTable table) : IClassFixture<ProgramLan>
{
    private const string Server = """
        import errno, socket, sys, time
        mode, port = sys.argv[1], int(sys.argv[2])
        listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
        if mode == "inherited":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in ((4, 4), (5, 1), (6, 3)):
                listener.setsockopt(socket.IPPROTO_TCP, option, value)
        print("listens", flush=True)
        client, _ = listener.accept()
        if mode == "keepalive":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in ((4, 4), (5, 1), (6, 3)):
                client.setsockopt(socket.IPPROTO_TCP, option, value)
        if mode == "timeout":
            client.setsockopt(socket.IPPROTO_TCP, 18, 4000)
        print("ready", flush=True)
        sys.stdin.readline()
        start = time.monotonic()
        if mode == "timeout":
            client.sendall(b"question")
        try:
            print(client.recv(10))
        except OSError as e:
            print(errno.errorcode[e.errno], time.monotonic() - start, flush=True)
        """;

    public static TheoryData<string, string, int> Cases => new()
    {
        { "preload", "keepalive", 8600 }, { "preload", "inherited", 8601 }, { "preload", "timeout", 8602 },
        { "supervise", "keepalive", 8603 }, { "supervise", "inherited", 8604 }, { "supervise", "timeout", 8605 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_server_that_asks_for_it_is_told_that_its_client_is_gone(string engine, string mode, int port)
    {
        lan.Require("python3");
        await using var server = lan.StartWith("b", ["--engine", engine], "python3", "-c", Server, mode, $"{port}");
        await ProgramLan.UntilAsync(() => server.Output.Contains("listens", StringComparison.Ordinal), () => server.Output);
        await using var client = lan.Start("a", "python3", "-c", $"import socket, time; s = socket.create_connection(('{lan.Address("b", v6: mode == "timeout")}', {port}), 20); time.sleep(300)");
        await ProgramLan.UntilAsync(() => server.Output.Contains("ready", StringComparison.Ordinal), () => server.Output + client.Output);
        await lan.Service("a").SignalAsync("STOP");
        try
        {
            await server.FeedAsync("\n");
            await server.WaitAsync();
        }
        finally
        {
            await lan.Service("a").SignalAsync("CONT");
        }

        var words = server.Output.Split('\n')[2].Split(' ');
        Assert.True(words[0] == "ETIMEDOUT", server.Output);
        // The program's kernel measures the time: the error does not come before the time that the program set. The time starts at the last segment from the peer.
        Assert.True(double.Parse(words[1], CultureInfo.InvariantCulture) >= 2, server.Output);
    }

    [Theory]
    [InlineData("preload", 8606)]
    [InlineData("supervise", 8607)]
    public async Task A_client_that_asks_for_it_is_told_that_its_server_is_gone(string engine, int port)
    {
        lan.Require("python3");
        const string script = """
            import errno, socket, sys
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in ((4, 4), (5, 1), (6, 3)):
                client.setsockopt(socket.IPPROTO_TCP, option, value)
            client.connect((sys.argv[1], int(sys.argv[2])))
            print("connected", flush=True)
            try:
                print(client.recv(10))
            except OSError as e:
                print(errno.errorcode[e.errno])
            """;
        await using var server = lan.Start("a", "python3", "-c", $"import socket, time; s = socket.create_server(('0.0.0.0', {port})); print('listens', flush=True); c = s.accept(); time.sleep(300)");
        await ProgramLan.UntilAsync(() => server.Output.Contains("listens", StringComparison.Ordinal), () => server.Output);
        await using var client = lan.StartWith("b", ["--engine", engine], "python3", "-c", script, lan.Address("a"), $"{port}");
        await ProgramLan.UntilAsync(() => client.Output.Contains("connected", StringComparison.Ordinal) || client.HasExited, () => client.Output);
        await lan.Service("a").SignalAsync("STOP");
        try
        {
            await client.WaitAsync();
        }
        finally
        {
            await lan.Service("a").SignalAsync("CONT");
        }

        Assert.Equal("connected\nETIMEDOUT\n", client.Output);
    }

    [Fact]
    public async Task A_connection_whose_client_answers_late_goes_on()
    {
        lan.Require("python3");
        await using var server = lan.Start("b", "python3", "-c", Server, "inherited", "8610");
        await ProgramLan.UntilAsync(() => server.Output.Contains("listens", StringComparison.Ordinal), () => server.Output);
        await using var client = lan.Start("a", "python3", "-c", $"import socket, sys; s = socket.create_connection(('{lan.Address("b")}', 8610), 20); sys.stdin.readline(); s.sendall(b'late'); s.recv(1)");
        await ProgramLan.UntilAsync(() => server.Output.Contains("ready", StringComparison.Ordinal), () => server.Output + client.Output);
        await server.FeedAsync("\n");
        // The silence is longer than the time after which the service stops answering on loopback, but shorter than the program's timeout.
        var silence = Stopwatch.StartNew();
        await lan.Service("a").SignalAsync("STOP");
        await Task.Delay(TimeSpan.FromSeconds(4), ProgramProcess.Guard);
        await lan.Service("a").SignalAsync("CONT");
        Assert.SkipWhen(silence.Elapsed > TimeSpan.FromSeconds(5.5), "The machine is too slow to be silent for a certain time.");
        // Without an answer since then, the program's timeout has passed by now.
        await Task.Delay(TimeSpan.FromSeconds(8), ProgramProcess.Guard);
        Assert.False(server.HasExited, server.Output);
        await client.FeedAsync("\n");
        await server.WaitAsync();
        Assert.Contains("b'late'", server.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("preload", 5440)]
    [InlineData("supervise", 5441)]
    public async Task PostgreSQL_ends_the_session_of_a_client_that_vanished(string engine, int port)
    {
        var folder = Directory.GetDirectories("/usr/lib/postgresql").Order().LastOrDefault();
        lan.Require("psql", folder is null ? "postgres" : $"{folder}/bin/initdb");
        Assert.SkipUnless(Unprivileged.IsSo, "PostgreSQL does not serve as the superuser.");
        var data = Path.Combine(lan.Folder, $"pg-{engine}");
        await using var make = ProgramProcess.Start(lan.Folder, $"{folder}/bin/initdb", "-D", data, "-U", "tester", "-A", "trust");
        Assert.True(await make.WaitAsync() == 0, make.Output);
        File.AppendAllText(Path.Combine(data, "pg_hba.conf"), "host all all 0.0.0.0/0 trust\nhost all all ::/0 trust\n");
        await using var server = lan.StartWith(
            "b", ["--engine", engine], $"{folder}/bin/postgres", "-D", data, "-p", $"{port}", "-h", "*", "-k", lan.Folder, "-c", "tcp_keepalives_idle=4",
            "-c", "tcp_keepalives_interval=1", "-c", "tcp_keepalives_count=3", "-c", "log_disconnections=on");
        await ProgramLan.UntilAsync(() => server.Output.Contains("ready to accept", StringComparison.Ordinal) || server.HasExited, () => server.Output);
        await using var client = lan.Start("a", "psql", "-h", lan.Address("b"), "-p", $"{port}", "-U", "tester", "postgres", "-c", "select 'connected'", "-c", "\\! sleep 300");
        await ProgramLan.UntilAsync(() => client.Output.Contains("connected", StringComparison.Ordinal) || client.HasExited, () => client.Output + server.Output);
        await lan.Service("a").SignalAsync("STOP");
        try
        {
            await ProgramLan.UntilAsync(() => server.Output.Contains("disconnection: session", StringComparison.Ordinal), () => server.Output);
            Assert.Contains("could not receive data from client: Connection timed out", server.Output, StringComparison.Ordinal);
        }
        finally
        {
            await lan.Service("a").SignalAsync("CONT");
        }

        table.Works("PostgreSQL (keepalive, a client that vanishes)", "server", v6: false, engine);
    }
}
