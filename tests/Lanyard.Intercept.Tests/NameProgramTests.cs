using System.Globalization;

namespace Lanyard.Intercept.Tests;

/// <summary>Programs that query their own addresses, use two networks with one socket, or replace themselves.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class NameProgramTests(ProgramLan lan, ProgramTable table) : IClassFixture<ProgramLan>
{
    // A name server on the system's network that answers 10.77.0.7 for every name.
    private const string NameServer = """
        import socket
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("127.0.0.1", 0))
        print(s.getsockname()[1], flush=True)
        while True:
            q, who = s.recvfrom(2000)
            end = 12
            while q[end]:
                end += q[end] + 1
            question = q[12:end + 5]
            found = question[-4:-2] == b"\x00\x01"
            s.sendto(q[:2] + b"\x85\x80\x00\x01\x00" + (b"\x01" if found else b"\x00") + b"\x00\x00\x00\x00" + question
                + (b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x4d\x00\x07" if found else b""), who)
        """;

    public static TheoryData<bool, string> FamiliesAndEngines => new() { { false, "preload" }, { true, "preload" }, { false, "supervise" }, { true, "supervise" } };

    [Theory]
    [MemberData(nameof(FamiliesAndEngines))]
    public async Task Unbound_forwards_the_LANs_questions_to_a_server_of_the_systems_network(bool v6, string engine)
    {
        lan.Require("unbound", "dig", "python3");
        await using var upstream = ProgramProcess.Start(lan.Folder, ProgramProcess.Find("python3")!, "-c", NameServer);
        await ProgramLan.UntilAsync(() => upstream.Output.EndsWith('\n') || upstream.HasExited, () => upstream.Output);
        var port = 5500 + (v6 ? 1 : 0) + (engine == "preload" ? 0 : 2);
        var configuration = Write("unbound.conf", $"""
            server:
              interface: 0.0.0.0
              interface: ::0
              port: {port}
              access-control: 0.0.0.0/0 allow
              access-control: ::/0 allow
              username: ""
              chroot: ""
              pidfile: ""
              directory: "{lan.Folder}"
              logfile: ""
              use-syslog: no
              do-not-query-localhost: no
              module-config: "iterator"
              num-threads: 1
            remote-control:
              control-enable: no
            forward-zone:
              name: "."
              forward-addr: 127.0.0.1@{upstream.Output.Trim()}
            """);
        await using var server = lan.StartWith("b", ["--engine", engine], "unbound", "-d", "-c", configuration);
        await DigAsync(port, v6, server);
        table.Works("unbound (forwards to the system's network)", "server", v6, engine);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task Dnsmasq_answers_on_all_addresses_and_on_each(bool v6, bool isDynamic)
    {
        lan.Require("dnsmasq", "dig", "python3");
        Assert.SkipUnless(Unprivileged.IsSo, "dnsmasq gives up the superuser's privileges itself.");
        var port = 5510 + (v6 ? 1 : 0) + (isDynamic ? 2 : 0);
        string[] dynamic = isDynamic ? ["--bind-dynamic"] : [];
        await using var server = lan.Start(
            "b", ["dnsmasq", "--keep-in-foreground", $"--port={port}", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--pid-file=", "--log-facility=-", "--local-service",
                "--address=/host.lan/10.77.0.7", .. dynamic]);
        await DigAsync(port, v6, server);
        table.Works(isDynamic ? "dnsmasq --bind-dynamic" : "dnsmasq", "server", v6);
    }

    [Theory]
    [InlineData("preload")]
    [InlineData("supervise")]
    public async Task Ffmpeg_plays_what_a_member_sends_to_a_group(string engine)
    {
        lan.Require("ffmpeg");
        var port = engine == "preload" ? 5540 : 5541;
        await using var player = lan.StartWith(
            "b", ["--engine", engine], "ffmpeg", "-hide_banner", "-loglevel", "info", "-nostdin", "-i", $"udp://239.3.5.54:{port}?sources={lan.Address("a")}&timeout=100000000", "-t", "0.5", "-f", "null", "-");
        await using var sender = lan.StartWith(
            "a", ["--engine", engine], "ffmpeg", "-loglevel", "error", "-nostdin", "-re", "-f", "lavfi", "-i", "sine=frequency=440", "-c:a", "mp2", "-f", "mpegts", $"udp://239.3.5.54:{port}?pkt_size=1316");
        await ProgramLan.UntilAsync(() => player.HasExited || sender.HasExited, () => player.Output + sender.Output);
        Assert.False(sender.HasExited, sender.Output);
        Assert.True(await player.WaitAsync() == 0 && player.Output.Contains("Audio: mp2", StringComparison.Ordinal), player.Output);
        table.Works("ffmpeg (a group's source)", "server and client", v6: false, engine);
    }

    [Fact]
    public async Task Zeroconf_finds_a_service_of_another_member()
    {
        lan.Require("python3");
        await using (var check = ProgramProcess.Start(lan.Folder, ProgramProcess.Find("python3")!, "-c", "import zeroconf"))
        {
            if (await check.WaitAsync() != 0)
                Assert.Skip("python3-zeroconf is not installed.");
        }

        const string Service = """
            import ifaddr, socket, sys
            from zeroconf import ServiceInfo, Zeroconf
            own = [ip.ip for adapter in ifaddr.get_adapters() if adapter.nice_name != "lo" for ip in adapter.ips if ip.is_IPv4]
            zeroconf = Zeroconf()
            zeroconf.register_service(ServiceInfo("_lanyard._tcp.local.", "b._lanyard._tcp.local.", 1234, addresses=[socket.inet_aton(a) for a in own], server="b.local."))
            print("registered", own, flush=True)
            sys.stdin.readline()
            """;
        const string Browser = """
            from zeroconf import Zeroconf
            info = Zeroconf().get_service_info("_lanyard._tcp.local.", "b._lanyard._tcp.local.", 60000)
            print(info and (info.parsed_addresses(), info.port), flush=True)
            __import__("os")._exit(0)
            """;
        await using var service = lan.Start("b", "python3", "-c", Service);
        await ProgramLan.UntilAsync(() => service.Output.Contains('\n', StringComparison.Ordinal) || service.HasExited, () => service.Output);
        Assert.Equal($"registered ['{lan.Address("b")}']\n", service.Output);
        Assert.Equal((0, $"(['{lan.Address("b")}'], 1234)\n"), await lan.RunAsync("a", "python3", "-c", Browser));
        table.Works("python3-zeroconf", "server and client", v6: false);
    }

    [Theory]
    [InlineData("preload")]
    [InlineData("supervise")]
    public async Task Nginx_replaces_its_binary_and_stays_on_the_LAN(string engine)
    {
        lan.Require("nginx", "curl");
        var first = engine == "preload" ? 5520 : 5530;
        var site = Directory.CreateDirectory(Path.Combine(lan.Folder, $"upgrade-{engine}")).FullName;
        File.WriteAllText(Path.Combine(site, "file.txt"), "upgraded\n");
        var configuration = Path.Combine(site, "nginx.conf");
        void Configure(params int[] ports) => File.WriteAllText(configuration, $$"""
            worker_processes 1; error_log {{site}}/error.log; pid {{site}}/pid;
            events { }
            http {
              access_log off; client_body_temp_path {{site}}/t1; proxy_temp_path {{site}}/t2; fastcgi_temp_path {{site}}/t3;
              uwsgi_temp_path {{site}}/t4; scgi_temp_path {{site}}/t5;
              server { {{string.Concat(ports.Select(port => $"listen {port}; listen [::]:{port}; "))}} root {{site}}; }
            }
            """);
        Configure(first);
        Unprivileged.Own(site);
        // Runs in the background: nginx replaces its binary only as a daemon.
        await using var server = lan.StartWith("b", ["--engine", engine], "nginx", "-c", configuration);
        var newest = 0;
        try
        {
            await UntilFetchedAsync(first, v6: false);
            newest = ReadProcess(Path.Combine(site, "pid"));
            // The new binary opens its own port besides the inherited port.
            Configure(first, first + 1);
            await SignalAsync(newest, "USR2");
            var old = newest;
            await ProgramLan.UntilAsync(() => ReadProcess(Path.Combine(site, "pid")) is var id && id != 0 && id != old, () => File.ReadAllText(Path.Combine(site, "error.log")));
            newest = ReadProcess(Path.Combine(site, "pid"));
            await UntilFetchedAsync(first + 1, v6: false);
            await SignalAsync(old, "QUIT");
            await ProgramLan.UntilAsync(() => !Directory.Exists($"/proc/{old}"), () => $"{old} is still there.");
            foreach (var v6 in new[] { false, true })
            {
                await UntilFetchedAsync(first, v6);
                await UntilFetchedAsync(first + 1, v6);
                table.Works("nginx (USR2, a new binary)", "server", v6, engine);
            }

            await using var outside = ProgramProcess.Start(lan.Folder, ProgramProcess.Find("curl")!, "-sS", $"http://127.0.0.1:{first + 1}/file.txt");
            Assert.NotEqual(0, await outside.WaitAsync());
        }
        finally
        {
            if (newest != 0)
                await SignalAsync(newest, "TERM");
        }
    }

    private async Task UntilFetchedAsync(int port, bool v6)
    {
        var output = "";
        await ProgramLan.UntilAsync(
            async () =>
            {
                (_, output) = await lan.RunAsync("a", "curl", "-sS", "-m", "20", $"http://{lan.Host("b", v6)}:{port}/file.txt");
                return output == "upgraded\n";
            },
            () => output);
    }

    private async Task DigAsync(int port, bool v6, ProgramProcess server)
    {
        var output = "";
        await ProgramLan.UntilAsync(
            async () =>
            {
                (_, output) = await lan.RunAsync("a", "dig", "+short", "+tries=1", "+time=5", "-p", $"{port}", $"@{lan.Address("b", v6)}", "host.lan");
                Assert.False(server.HasExited, server.Output);
                return output == "10.77.0.7\n";
            },
            () => output + server.Output);
    }

    private static int ReadProcess(string file)
    {
        try
        {
            return int.TryParse(File.ReadAllText(file).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0;
        }
        catch (IOException)
        {
            // The file is moved while the binary is replaced.
            return 0;
        }
    }

    private static async Task SignalAsync(int process, string signal)
    {
        await using var kill = ProgramProcess.Start("/", "kill", $"-{signal}", process.ToString(CultureInfo.InvariantCulture));
        await kill.WaitAsync();
    }

    private string Write(string name, string content)
    {
        var file = Path.Combine(lan.Folder, $"{Guid.NewGuid():N}-{name}");
        File.WriteAllText(file, content);
        return file;
    }
}
