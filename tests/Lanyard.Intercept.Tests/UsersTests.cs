namespace Lanyard.Intercept.Tests;

/// <summary>One service for programs of several users.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class UsersTests(ProgramLan lan) : IClassFixture<ProgramLan>
{
    private const string Stranger = "12345";
    private const UnixFileMode Passable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute;

    [Fact]
    public async Task Users_of_one_service_do_not_reach_each_others_sockets()
    {
        await OpenToAllAsync("""{ "lanyard": { "intercept": { "mode": "0666" } } }""");
        const string Server = """
            import selectors, socket
            tcp = socket.create_server(("0.0.0.0", 8300))
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.bind(("0.0.0.0", 8301))
            tcp.setblocking(False)
            udp.setblocking(False)
            print("ready", flush=True)
            s = selectors.DefaultSelector()
            s.register(tcp, selectors.EVENT_READ)
            s.register(udp, selectors.EVENT_READ)
            while True:
                for key, _ in s.select():
                    try:
                        if key.fileobj is tcp:
                            c, who = tcp.accept()
                            print("accepted", who[0], flush=True)
                            c.close()
                        else:
                            print("received", *udp.recvfrom(100), flush=True)
                    except BlockingIOError:
                        pass
            """;
        await using var server = lan.Start("b", "python3", "-c", Server);
        await ProgramLan.UntilAsync(() => server.Output.Contains("ready", StringComparison.Ordinal) || server.HasExited, () => server.Output);
        var (tcp, udp) = (server.FindSocket("tcp"), server.FindSocket("udp"));

        // Its ports are taken for another user too, whatever that one would share.
        const string Binder = """
            import socket
            for kind, port in (socket.SOCK_STREAM, 8300), (socket.SOCK_DGRAM, 8301):
                s = socket.socket(socket.AF_INET, kind)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                try:
                    s.bind(("0.0.0.0", port))
                    s.listen() if kind == socket.SOCK_STREAM else None
                    print("bound")
                except OSError as e:
                    print(e.strerror)
            """;
        Assert.Equal("Address already in use\nAddress already in use\n", await AsStrangerAsync(isRedirected: true, Binder));

        // Nor are its sockets reached where they really are, or taken over there.
        const string Intruder = """
            import socket
            s = socket.create_connection(("TCP", TCPPORT))
            s.sendall(b"let me in")
            s.settimeout(20)
            try:
                print("answered", s.recv(100))
            except ConnectionResetError:
                print("answered", b"")
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"let me in", ("UDP", UDPPORT))
            for kind, where in (socket.SOCK_STREAM, ("TCP", TCPPORT)), (socket.SOCK_DGRAM, ("UDP", UDPPORT)):
                t = socket.socket(socket.AF_INET, kind)
                t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                try:
                    t.bind(where)
                    t.listen() if kind == socket.SOCK_STREAM else None
                    print("taken over")
                except OSError as e:
                    print(e.strerror)
            """;
        var script = Intruder.Replace("TCPPORT", $"{tcp.Port}", StringComparison.Ordinal).Replace("UDPPORT", $"{udp.Port}", StringComparison.Ordinal)
            .Replace("TCP\"", $"{tcp.Address}\"", StringComparison.Ordinal).Replace("UDP\"", $"{udp.Address}\"", StringComparison.Ordinal);
        Assert.Equal("answered b''\nAddress already in use\nAddress already in use\n", await AsStrangerAsync(isRedirected: false, script));

        // On the LAN both are reached, and nothing else has been heard.
        const string Friend = """
            import socket, time
            socket.create_connection(("ADDRESS", 8300), 20)
            u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            for i in range(5):
                u.sendto(b"hello", ("ADDRESS", 8301))
                time.sleep(0.1)
            """;
        var (code, output) = await lan.RunAsync("a", "python3", "-c", Friend.Replace("ADDRESS", lan.Address("b"), StringComparison.Ordinal));
        Assert.True(code == 0, output);
        await ProgramLan.UntilAsync(() => server.Output.Contains("received", StringComparison.Ordinal), () => server.Output);
        Assert.Contains($"accepted {lan.Address("a")}", server.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("let me in", server.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("accepted 127", server.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_that_has_no_network_is_on_none()
    {
        await OpenToAllAsync("""{ "lanyard": { "intercept": { "mode": "0666", "users": { "*": [] } } } }""");
        const string Script = """
            import socket
            s = socket.socket()
            try:
                s.bind(("0.0.0.0", 8302))
                print("bound")
            except OSError as e:
                print(e.strerror)
            """;
        Assert.Equal("Network is down\n", await AsStrangerAsync(isRedirected: true, Script));
        await using var own = await lan.ServeAsync(8302, "python3", "-m", "http.server", "8302");
    }

    [Fact]
    public async Task A_server_that_gives_up_its_user_goes_on()
    {
        await OpenToAllAsync("""{ "lanyard": { "intercept": { "mode": "0666", "users": { "*": [] } } } }""");
        const string Script = """
            import os, socket
            s = socket.create_server(("0.0.0.0", 8303))
            os.setgroups([])
            os.setgid(12345)
            os.setuid(12345)
            while True:
                c = s.accept()[0]
                c.sendall(("for " + c.getpeername()[0]).encode())
                c.close()
            """;
        await using var server = ProgramProcess.StartPlain(
            "/", "dotnet", Path.Combine(AppContext.BaseDirectory, "Lanyard.Cli.dll"), "run", "--home", lan.Home("b"), "--", ProgramProcess.Find("python3")!, "-c", Script);
        var output = "";
        await ProgramLan.UntilAsync(
            async () =>
            {
                (_, output) = await lan.RunAsync("a", "python3", "-c", $"import socket; print(socket.create_connection(('{lan.Address("b")}', 8303), 20).recv(100).decode())");
                return output.StartsWith("for", StringComparison.Ordinal) || server.HasExited;
            },
            () => server.Output + output);
        Assert.Equal($"for {lan.Address("a")}\n", output);
    }

    // Starts service b anew with these settings, and with its folder open enough to get at its socket.
    private async Task OpenToAllAsync(string settings)
    {
        lan.Require("python3");
        Assert.SkipUnless(Environment.IsPrivilegedProcess && Unprivileged.IsSo, "It takes the superuser to be two users.");
        await lan.Service("b").SignalAsync("TERM");
        await lan.Service("b").WaitAsync();
        File.WriteAllText(Path.Combine(lan.Home("b"), "local.conf"), settings);
        Unprivileged.Own(lan.Home("b"));
        File.SetUnixFileMode(lan.Home(""), Passable);
        File.SetUnixFileMode(lan.Home("b"), Passable);
        await lan.StartServiceAsync("b", "--port", "0");
        await lan.JoinAsync("b");
    }

    private async Task<string> AsStrangerAsync(bool isRedirected, string script)
    {
        string[] redirection = isRedirected
            ? [$"LD_PRELOAD={Path.Combine(AppContext.BaseDirectory, "liblanyard-intercept.so")}", $"LANYARD_INTERCEPT={lan.Home("b")}/intercept.sock"] : [];
        await using var stranger = ProgramProcess.StartPlain(
            "/", ["setpriv", $"--reuid={Stranger}", $"--regid={Stranger}", "--clear-groups", "env", .. redirection, ProgramProcess.Find("python3")!, "-c", script]);
        await stranger.WaitAsync();
        return stranger.Output;
    }
}
