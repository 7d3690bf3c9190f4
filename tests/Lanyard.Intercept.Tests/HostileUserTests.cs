using System.Globalization;
using System.Net;

namespace Lanyard.Intercept.Tests;

/// <summary>Another user of the machine tries each way that the kernel offers (<c>hostile.c</c>) to replace a peer or a program, and fails.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class HostileUserTests(ProgramLan lan) : IClassFixture<ProgramLan>
{
    private const string Stranger = "12345";
    private const UnixFileMode Passable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute;

    // What a program does that somebody could want to be, or to speak to.
    private const string Victim = """
        import os, socket, threading, time
        family = socket.AF_INET6 if ":" in "PEER" else socket.AF_INET
        any = "::" if ":" in "PEER" else "0.0.0.0"
        nobody = "PEER".rsplit(":" if ":" in "PEER" else ".", 1)[0] + (":9" if ":" in "PEER" else ".201")
        def say(*words):
            os.write(1, (" ".join(map(str, words)) + "\n").encode())
        def listen(port):
            s = socket.socket(family)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((any, port))
            s.listen(50)
            while True:
                c, who = s.accept()
                threading.Thread(target=serve, args=(c, who), daemon=True).start()
        def serve(c, who):
            try:
                say("accepted", who[0])
                c.sendall(("for " + who[0] + "\n").encode())
                while data := c.recv(100):
                    say("heard", data, "from", who[0])
            except OSError:
                pass
            c.close()
        def receive():
            while True:
                data, who = udp.recvfrom(100)
                say("received", data, "from", who[0])
                udp.sendto(data, who)
        def ask():
            ticks = 0
            while True:
                try:
                    connected.send(b"tick")
                    data = connected.recv(100)
                    if data == b"tick":
                        ticks += 1
                        say("ticks", ticks)
                    else:
                        say("answered", data)
                except OSError:
                    pass
                time.sleep(0.1)
        def reach():
            while True:
                s = socket.socket(family)
                s.setblocking(False)
                s.connect_ex((nobody, 9))
                for _ in range(15):
                    time.sleep(0.1)
                    try:
                        s.getpeername()
                        say("reached", nobody)
                    except OSError:
                        pass
                s.close()
        udp = socket.socket(family, socket.SOCK_DGRAM)
        udp.bind((any, UDPPORT))
        connected = socket.socket(family, socket.SOCK_DGRAM)
        connected.settimeout(0.5)
        connected.connect(("PEER", ECHOPORT))
        for target, args in (listen, (TCPPORT,)), (listen, (HELDPORT,)), (receive, ()), (ask, ()), (reach, ()):
            threading.Thread(target=target, args=args, daemon=True).start()
        say("ready")
        while True:
            time.sleep(60)
        """;

    private const string Echo = """
        import socket
        family = socket.AF_INET6 if ":" in "PEER" else socket.AF_INET
        u = socket.socket(family, socket.SOCK_DGRAM)
        u.bind(("::" if ":" in "PEER" else "0.0.0.0", ECHOPORT))
        print("ready", flush=True)
        while True:
            data, who = u.recvfrom(100)
            if data != b"tick":
                print("received", data, "from", who[0], flush=True)
            u.sendto(data, who)
        """;

    // Keeps a connection, so that there is one whose address and port could be used.
    private const string Holder = """
        import socket, time
        s = socket.create_connection(("VICTIM", HELDPORT), 20)
        print("held", s.recv(100), flush=True)
        time.sleep(600)
        """;

    private const string Friend = """
        import socket
        s = socket.create_connection(("VICTIM", TCPPORT), 20)
        print(s.recv(100).decode().strip())
        u = socket.socket(socket.AF_INET6 if ":" in "VICTIM" else socket.AF_INET, socket.SOCK_DGRAM)
        u.settimeout(1)
        for i in range(20):
            u.sendto(b"hello", ("VICTIM", UDPPORT))
            try:
                print(u.recvfrom(100)[0].decode())
                break
            except OSError:
                pass
        """;

    private static readonly System.Net.IPNetwork s_far = System.Net.IPNetwork.Parse("127.80.0.0/12");

    // What must have been tried, each in the ways that there are: all of it, whatever came of it.
    private static readonly string[] s_tries =
    [
        "raw UDP:", "raw IP:", "raw TCP:", "raw UDP (IPv6):", "packets:", "ending a socket:",
        "/proc/PID/fd:", "/proc/PID/mem:", "/proc/PID/environ:", "/proc/PID/maps:", "/proc/PID/fdinfo:", "/proc/PID/cwd:", "ptrace:", "process_vm_readv:", "pidfd_getfd:",
        "writing identity.secret:", "writing authtoken.secret:", "writing intercept.json:", "reading authtoken.secret:", "reading intercept.json:", "a new file in the folder:",
        "the local socket's name:", "deleting the local socket:", "renaming the local socket:",
        "asking what a connection to a program is:", "asking what a connection of another is:", "asking whom a far address stands for:", "asking whom a socket is connected to:",
        "asking with a socket at a far address:",
        "TCP listening where a connection waits ", "TCP meeting a connection that waits ", "TCP in the place of a program that connects ",
        "TCP from 127.0.0.1", "TCP from an unused far address", "TCP from an address and port in use ", "TCP listening in a program's place ",
        "UDP to a program from 127.0.0.1", "UDP to a program from a peer's address", "UDP to a program from the service's port ",
        "UDP to a connected program from the service's port ", "UDP at a peer's address ", "UDP at a program's address ", "UDP in a program's name ",
        "UDP in a connected program's name ",
    ];

    private static readonly string[] s_ways =
        ["plainly", "with SO_REUSEADDR", "with SO_REUSEPORT", "with SO_REUSEADDR on lo", "with SO_REUSEADDR on another device", "with IP_FREEBIND", "with IP_TRANSPARENT"];

    public static TheoryData<string, bool, bool> Cases => new(
        from engine in (string[])["preload", "supervise"]
        from v6 in (bool[])[false, true]
        from isShared in (bool[])[false, true]
        select (engine, v6, isShared));

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Another_user_has_no_access(string engine, bool v6, bool isShared)
    {
        var program = await BuildAsync("hostile.c");
        await RestartAsync(isShared);
        // Ports of its own, since those of the case before may not be free yet.
        var number = ((engine == "supervise" ? 4 : 0) + (v6 ? 2 : 0) + (isShared ? 1 : 0)) * 10;
        string Script(string text) => text.Replace("PEER", lan.Address("a", v6), StringComparison.Ordinal).Replace("VICTIM", lan.Address("b", v6), StringComparison.Ordinal)
            .Replace("TCPPORT", $"{8400 + number}", StringComparison.Ordinal).Replace("UDPPORT", $"{8401 + number}", StringComparison.Ordinal)
            .Replace("ECHOPORT", $"{8402 + number}", StringComparison.Ordinal).Replace("HELDPORT", $"{8403 + number}", StringComparison.Ordinal);
        await using var echo = lan.StartWith("a", ["--engine", engine], "python3", "-c", Script(Echo));
        await UntilSaidAsync(echo, "ready");
        await using var victim = lan.StartWith("b", ["--engine", engine], "python3", "-c", Script(Victim));
        await UntilSaidAsync(victim, "ready");
        await using var holder = lan.Start("a", "python3", "-c", Script(Holder));
        await UntilSaidAsync(holder, "held");
        await UntilSaidAsync(victim, "ticks 1\n");

        var processes = Descendants(victim.Id).ToArray();
        string[] Targets()
        {
            var own = processes.SelectMany(SocketsOf).ToArray();
            return
            [
                .. own.Where(socket => socket is { Kind: "tcp", State: 10 }).Select(socket => $"listener={socket.Local}"),
                .. own.Where(socket => socket is { Kind: "udp", Remote.Port: 0 }).Select(socket => $"datagrams={socket.Local}"),
                .. own.Where(socket => socket is { Kind: "udp", Remote.Port: not 0 }).Select(socket => $"connected={socket.Local},{socket.Remote}"),
                .. own.Where(socket => socket is { Kind: "tcp", State: 2 }).Select(socket => $"pending={socket.Local},{socket.Remote}"),
                .. SocketsOf(lan.Service("b").Id).Where(socket => socket is { Kind: "tcp", State: 1 } && s_far.Contains(socket.Local.Address))
                    .Select(socket => $"carried={socket.Local}"),
                .. processes.Append(lan.Service("b").Id).Select(process => $"process={process}"),
                $"folder={lan.Home("b")}", $"socket={lan.Home("b")}/intercept.sock",
            ];
        }

        // Taken once all kinds are there together: the connection that waits is a new one every 1.5 s.
        string[] targets = [];
        await ProgramLan.UntilAsync(() =>
        {
            targets = Targets();
            return ((string[])["listener", "datagrams", "connected", "pending", "carried"]).All(kind => targets.Any(target => target.StartsWith(kind, StringComparison.Ordinal)));
        }, () => string.Join(' ', targets));
        await using var stranger = ProgramProcess.StartPlain("/", ["setpriv", $"--reuid={Stranger}", $"--regid={Stranger}", "--clear-groups", program, .. targets]);
        Assert.Equal(0, await stranger.WaitAsync());
        var tried = stranger.Output;
        TestContext.Current.SendDiagnosticMessage(tried);
        Assert.EndsWith($"done as user {Stranger}\n", tried, StringComparison.Ordinal);
        Assert.All(s_tries, name => Assert.Contains(tried.Split('\n'), line => line.StartsWith(name, StringComparison.Ordinal)));
        Assert.All(s_ways, way => Assert.Contains($"TCP from an address and port in use {way}: ", tried, StringComparison.Ordinal));

        // What did arrive is from who may send it, and it still does.
        Assert.Equal((0, $"for {lan.Address("a", v6)}\nhello\n"), await lan.RunAsync("a", "python3", "-c", Script(Friend)));
        await UntilSaidAsync(victim, "received b'hello'");
        var ticks = Count(victim.Output, "ticks");
        await ProgramLan.UntilAsync(() => Count(victim.Output, "ticks") > ticks + 5, () => victim.Output);
        string[] gained =
        [
            .. tried.Split('\n').Where(line => line.Contains("GAINED", StringComparison.Ordinal)),
            .. victim.Output.Split('\n').Where(line => line.Contains("evil", StringComparison.Ordinal) || line.StartsWith("reached", StringComparison.Ordinal)
                || line.StartsWith("answered", StringComparison.Ordinal) || (line.StartsWith("accepted", StringComparison.Ordinal) && line != $"accepted {lan.Address("a", v6)}"))
                .Select(line => $"The program {line}").Distinct(),
            .. echo.Output.Split('\n').Where(line => line.Contains("evil", StringComparison.Ordinal)).Select(line => $"The peer {line}").Distinct(),
        ];
        Assert.True(gained.Length == 0, string.Join('\n', gained));
    }

    [Theory]
    [InlineData("preload", false)]
    [InlineData("preload", true)]
    [InlineData("supervise", false)]
    [InlineData("supervise", true)]
    public async Task A_name_is_cut_to_the_room_that_a_program_gave(string engine, bool v6)
    {
        lan.Require("python3");
        var program = await BuildAsync("names.c");
        var port = 8490 + (engine == "supervise" ? 2 : 0) + (v6 ? 1 : 0);
        await using var names = lan.StartWith("b", ["--engine", engine], program, v6 ? "6" : "4", $"{port}");
        await UntilSaidAsync(names, "ready");
        const string Script = """
            import socket, time
            u = socket.socket(socket.AF_INET6 if ":" in "ADDRESS" else socket.AF_INET, socket.SOCK_DGRAM)
            while True:
                for i in range(10):
                    u.sendto(b"name", ("ADDRESS", PORT))
                try:
                    socket.create_connection(("ADDRESS", PORT), 5).close()
                except OSError:
                    pass
                time.sleep(0.01)
            """;
        await using var sender = lan.Start(
            "a", "python3", "-c", Script.Replace("ADDRESS", lan.Address("b", v6), StringComparison.Ordinal).Replace("PORT", $"{port}", StringComparison.Ordinal));
        await names.WaitAsync();
        Assert.Equal("ready\ndone with 0 failures\n", names.Output);
    }

    // A supervisor that runs as the superuser makes the program's sockets: those of a program that gave up its user are the user's that it became.
    [Fact]
    public async Task A_supervisor_gives_a_program_that_gave_up_its_user_no_sockets_of_the_superuser()
    {
        await RestartAsync(isShared: true);
        const string Script = """
            import os, socket
            held = socket.create_server(("0.0.0.0", 8480))
            os.setgroups([])
            os.setgid(12345)
            os.setuid(12345)
            print("listens", flush=True)
            own = socket.create_server(("0.0.0.0", 8481))
            print("bound", os.fstat(own.fileno()).st_uid, flush=True)
            c = held.accept()[0]
            print("accepted", os.fstat(c.fileno()).st_uid, flush=True)
            echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
            print("echo", os.fstat(echo.fileno()).st_uid, flush=True)
            s = socket.socket()
            s.bind(("0.0.0.0", 8482))
            s.setblocking(False)
            s.connect_ex(("192.0.2.1", 9))
            print("host", os.fstat(s.fileno()).st_uid, flush=True)
            """;
        await using var server = ProgramProcess.StartPlain(
            "/", "dotnet", Path.Combine(AppContext.BaseDirectory, "Lanyard.Cli.dll"), "run", "--home", lan.Home("b"), "--engine", "supervise", "--", ProgramProcess.Find("python3")!, "-c", Script);
        await UntilSaidAsync(server, "bound");
        var (code, output) = await lan.RunAsync("a", "python3", "-c", $"import socket; socket.create_connection(('{lan.Address("b")}', 8480), 20).recv(1)");
        await server.WaitAsync();
        Assert.True(code == 0, output);
        Assert.Equal("listens\nbound 12345\naccepted 12345\necho 12345\nhost 12345\n", server.Output);
    }

    private static int Count(string text, string word) => text.Split('\n').Count(line => line.StartsWith(word, StringComparison.Ordinal));

    private static Task UntilSaidAsync(ProgramProcess program, string text) =>
        ProgramLan.UntilAsync(() => program.Output.Contains(text, StringComparison.Ordinal) || program.HasExited, () => program.Output);

    // A process and what it started: of a supervised program, the supervisor is the first.
    private static IEnumerable<int> Descendants(int process) => Directory.GetDirectories(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/task"))
        .SelectMany(task => File.ReadAllText(Path.Combine(task, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .SelectMany(child => Descendants(int.Parse(child, CultureInfo.InvariantCulture))).Prepend(process);

    // Of IPv4, and of IPv6 those at mapped addresses (proc_pid_net(5)): numbers are of this machine's byte order.
    private static IEnumerable<(string Kind, IPEndPoint Local, IPEndPoint Remote, int State)> SocketsOf(int process)
    {
        var own = Directory.GetFiles(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/fd")).Select(path => new FileInfo(path).LinkTarget).ToHashSet();
        foreach (var file in (string[])["tcp", "tcp6", "udp", "udp6"])
        {
            foreach (var line in File.ReadLines($"/proc/net/{file}").Skip(1))
            {
                var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (own.Contains($"socket:[{fields[9]}]"))
                    yield return (file[..3], Parse(fields[1]), Parse(fields[2]), int.Parse(fields[3], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
            }
        }

        static IPEndPoint Parse(string text)
        {
            var parts = text.Split(':');
            return new IPEndPoint(
                uint.Parse(parts[0].AsSpan(parts[0].Length - 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
                int.Parse(parts[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
        }
    }

    private async Task<string> BuildAsync(string source)
    {
        lan.Require("gcc", "python3");
        var output = Path.Combine(lan.Folder, Path.GetFileNameWithoutExtension(source));
        if (File.Exists(output))
            return output;
        await using var build = ProgramProcess.Start(lan.Folder, ProgramProcess.Find("gcc")!, "-o", output, Path.Combine(AppContext.BaseDirectory, source));
        Assert.True(await build.WaitAsync() == 0, build.Output);
        return output;
    }

    // Starts service b anew, with its folder open enough to get at its socket, which only its user may use or everybody.
    private async Task RestartAsync(bool isShared)
    {
        lan.Require("python3");
        Assert.SkipUnless(Environment.IsPrivilegedProcess && Unprivileged.IsSo, "It takes the superuser to be two users.");
        await lan.Service("b").SignalAsync("TERM");
        await lan.Service("b").WaitAsync();
        File.WriteAllText(Path.Combine(lan.Home("b"), "local.conf"), isShared ? """{ "lanyard": { "intercept": { "mode": "0666" } } }""" : "{}");
        Unprivileged.Own(lan.Home("b"));
        foreach (var folder in (string[])[lan.Home(""), lan.Folder, lan.Home("b")])
            File.SetUnixFileMode(folder, Passable | (folder == lan.Folder ? UnixFileMode.OtherRead : 0));
        await lan.StartServiceAsync("b", "--port", "0");
        await lan.JoinAsync("b");
    }
}
