using System.Globalization;

namespace Lanyard.Intercept.Tests;

/// <summary>Common programs, unmodified and without privileges, as servers and clients on the LAN.</summary>
public sealed class ProgramTests(ProgramLan lan, ProgramTable table) : IClassFixture<ProgramLan>
{
    private const string Content = "This came over the LAN.\n";

    public static TheoryData<bool> Families => [false, true];

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Python_serves_and_curl_and_wget_fetch(bool v6)
    {
        lan.Require("python3", "curl", "wget");
        var site = MakeSite();
        await using var server = await lan.ServeAsync(8000, "python3", "-m", "http.server", "8000", "--bind", "::", "--directory", site);
        await FetchAsync(8000, v6);
        await ExpectAsync(Content, "a", "wget", "-q", "-O", "-", Url(8000, v6));
        Assert.Contains(lan.Address("a", v6), server.Output, StringComparison.Ordinal);
        table.Works("python3 http.server", "server", v6);
        table.Works("curl", "client", v6);
        table.Works("wget", "client", v6);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Python_asyncio_talks_to_itself(bool v6)
    {
        lan.Require("python3");
        var server = Write("echo.py", """
            import asyncio, sys
            async def main():
                async def handle(reader, writer):
                    while data := await reader.read(65536):
                        writer.write(data)
                        await writer.drain()
                    writer.close()
                server = await asyncio.start_server(handle, None, int(sys.argv[1]))
                async with server:
                    await server.serve_forever()
            asyncio.run(main())
            """);
        var client = Write("client.py", """
            import asyncio, os, sys
            async def main():
                async def one():
                    reader, writer = await asyncio.open_connection(sys.argv[1], int(sys.argv[2]))
                    data = os.urandom(300000)
                    writer.write(data)
                    writer.write_eof()
                    got = await reader.read(-1)
                    writer.close()
                    return got == data
                print(all(await asyncio.gather(*[one() for _ in range(40)])))
                try:
                    await asyncio.open_connection(sys.argv[1], 1)
                except ConnectionRefusedError:
                    print("refused")
            asyncio.run(main())
            """);
        await using var serving = await lan.ServeAsync(8001, "python3", server, "8001");
        await ExpectAsync("True\nrefused\n", "a", "python3", client, lan.Address("b", v6), "8001");
        table.Works("python3 asyncio", "server and client", v6);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Nginx_serves_with_a_master_and_workers(bool v6)
    {
        lan.Require("nginx", "curl", "python3");
        var site = MakeSite();
        var configuration = Write("nginx.conf", $$"""
            daemon off; worker_processes 2; error_log {{site}}/error.log; pid {{site}}/pid;
            events { }
            http {
              access_log {{site}}/access.log; client_body_temp_path {{site}}/t1; proxy_temp_path {{site}}/t2; fastcgi_temp_path {{site}}/t3;
              uwsgi_temp_path {{site}}/t4; scgi_temp_path {{site}}/t5;
              server { listen 80; listen [::]:80; root {{site}}; }
              server { listen 81 reuseport; listen [::]:81 ipv6only=on reuseport; root {{site}}; }
            }
            """);
        await using var server = await lan.ServeAsync(80, "nginx", "-c", configuration);
        await FetchAsync(80, v6);
        await FetchAsync(81, v6);
        Assert.Contains(lan.Address("a", v6), File.ReadAllText(Path.Combine(site, "access.log")), StringComparison.Ordinal);
        table.Works("nginx (master and workers)", "server", v6);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Apache_serves_with_events(bool v6)
    {
        lan.Require("apache2", "curl", "python3");
        Assert.SkipUnless(Unprivileged.IsSo, "Apache does not serve as the superuser.");
        var site = MakeSite();
        var configuration = Write("apache.conf", $"""
            ServerRoot {site}
            Listen 80
            ServerName lan
            PidFile {site}/pid
            DefaultRuntimeDir {site}
            LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
            LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
            DocumentRoot {site}
            ErrorLog {site}/error.log
            """);
        await using var server = await lan.ServeAsync(80, "apache2", "-f", configuration, "-DFOREGROUND");
        await FetchAsync(80, v6);
        table.Works("Apache httpd (event)", "server", v6);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Busybox_serves_and_fetches(bool v6)
    {
        lan.Require("busybox", "curl", "python3");
        await using var server = await lan.ServeAsync(8002, "busybox", "httpd", "-f", "-p", "8002", "-h", MakeSite());
        await FetchAsync(8002, v6);
        await ExpectAsync(Content, "a", "busybox", "wget", "-q", "-O", "-", Url(8002, v6));
        table.Works("busybox httpd", "server", v6);
        table.Works("busybox wget", "client", v6);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Node_serves_and_fetches(bool v6)
    {
        lan.Require("node", "curl", "python3");
        var script = Write("server.js", "require('http').createServer((request, response) => response.end('node for ' + request.socket.remoteAddress)).listen(8003)");
        await using var server = await lan.ServeAsync(8003, "node", script);
        var expected = "node for " + (v6 ? "" : "::ffff:") + lan.Address("a", v6);
        await ExpectAsync(expected, "a", "curl", "-sS", Url(8003, v6));
        await ExpectAsync(expected, "a", "node", "-e", $"require('http').get('{Url(8003, v6)}', response => response.pipe(process.stdout))");
        table.Works("node http", "server and client", v6);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Redis_serves_its_own_client_and_benchmark(bool v6)
    {
        lan.Require("redis-server", "redis-cli", "redis-benchmark", "python3");
        await using var server = await lan.ServeAsync(6379, "redis-server", "--bind", "* -::*", "--protected-mode", "no", "--save", "", "--port", "6379");
        await ExpectAsync("OK\n", "a", "redis-cli", "-h", lan.Address("b", v6), "set", "key", "value");
        await ExpectAsync("value\n", "a", "redis-cli", "-h", lan.Address("b", v6), "get", "key");
        var (code, output) = await lan.RunAsync("a", "redis-benchmark", "-h", lan.Address("b", v6), "-n", "5000", "-P", "4", "-q", "-t", "set,get");
        Assert.True(code == 0 && output.Contains("GET:", StringComparison.Ordinal), output);
        table.Works("redis-server", "server", v6);
        table.Works("redis-cli, redis-benchmark", "client", v6);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Memcached_keeps_and_netcat_asks(bool v6)
    {
        lan.Require("memcached", "nc", "python3");
        Assert.SkipUnless(Unprivileged.IsSo, "memcached does not serve as the superuser.");
        await using var server = await lan.ServeAsync(11211, "memcached", "-p", "11211", "-U", "0");
        var (_, output) = await lan.FeedAsync("a", "set k 0 0 5\r\nvalue\r\nget k\r\nquit\r\n", "nc", "-q", "5", lan.Address("b", v6), "11211");
        Assert.Equal("STORED\r\nVALUE k 0 5\r\nvalue\r\nEND\r\n", output);
        table.Works("memcached", "server", v6);
        table.Works("netcat", "client", v6);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Ssh_and_scp_reach_sshd(bool v6)
    {
        lan.Require("/usr/sbin/sshd", "ssh", "scp", "ssh-keygen", "python3");
        Assert.SkipUnless(Unprivileged.IsSo && Unprivileged.Account is not null, "The test's sshd lets its own user in, who must have a shell and not be the superuser: set LANYARD_TEST_USER.");
        var folder = Directory.CreateDirectory(Path.Combine(lan.Folder, v6 ? "ssh6" : "ssh4")).FullName;
        Unprivileged.Own(folder);
        foreach (var key in new[] { "host", "user" })
        {
            await using var made = ProgramProcess.Start(folder, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", Path.Combine(folder, key));
            Assert.True(await made.WaitAsync() == 0, made.Output);
        }

        var port = v6 ? 2206 : 2204;
        await using var server = await lan.ServeAsync(
            port, "/usr/sbin/sshd", "-D", "-e", "-p", $"{port}", "-h", $"{folder}/host", "-o", $"AuthorizedKeysFile={folder}/user.pub", "-o", "StrictModes=no",
            "-o", "UsePAM=no", "-o", "PidFile=none");
        string[] options = ["-i", $"{folder}/user", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"];
        var user = Unprivileged.Account;
        await ExpectAsync(
            $"{lan.Address("b", v6)} {port}\n", "a", ["ssh", .. options, "-p", $"{port}", $"{user}@{lan.Address("b", v6)}", "echo $SSH_CONNECTION | cut -d' ' -f3,4"]);
        table.Works("sshd", "server", v6);
        table.Works("ssh", "client", v6);
        var big = WriteBig();
        var (copied, trouble) = await lan.RunAsync("a", ["scp", .. options, "-P", $"{port}", $"{user}@{lan.Host("b", v6)}:{big}", $"{folder}/copy"]);
        Assert.True(copied == 0, trouble);
        Assert.Equal(File.ReadAllBytes(big), File.ReadAllBytes($"{folder}/copy"));
        table.Works("scp", "client", v6);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task PostgreSQL_serves_psql_and_pgbench(bool v6)
    {
        lan.Require("psql", "python3");
        Assert.SkipUnless(Unprivileged.IsSo, "PostgreSQL does not serve as the superuser.");
        var programs = Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).LastOrDefault() : null;
        Assert.SkipWhen(programs is null || !File.Exists(Path.Combine(programs, "initdb")), "PostgreSQL's server is not installed.");
        var folder = Path.Combine(lan.Folder, v6 ? "pg6" : "pg4");
        await using (var made = ProgramProcess.Start(lan.Folder, Path.Combine(programs!, "initdb"), "-D", folder, "-A", "trust", "-U", "postgres", "-N"))
            Assert.True(await made.WaitAsync() == 0, made.Output);
        File.AppendAllText(Path.Combine(folder, "pg_hba.conf"), "host all all all trust\n");
        var port = v6 ? "5436" : "5434";
        await using var server = await lan.ServeAsync(int.Parse(port, CultureInfo.InvariantCulture), Path.Combine(programs!, "postgres"), "-D", folder, "-h", "*", "-p", port, "-k", folder, "-F");
        await ExpectAsync($"{lan.Address("a", v6)}|{lan.Address("b", v6)}\n", "a",
            "psql", "-h", lan.Address("b", v6), "-p", port, "-U", "postgres", "-Atc", "select host(inet_client_addr()), host(inet_server_addr())");
        foreach (var step in new string[][] { ["-i", "-q"], ["-c", "4", "-t", "50", "-S"] })
        {
            var (code, output) = await lan.RunAsync("a", [Path.Combine(programs!, "pgbench"), "-h", lan.Address("b", v6), "-p", port, "-U", "postgres", .. step, "postgres"]);
            Assert.True(code == 0, output);
        }

        table.Works("PostgreSQL", "server", v6);
        table.Works("psql, pgbench", "client", v6);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Iperf_measures_TCP_both_ways_and_UDP(bool v6)
    {
        lan.Require("iperf3", "python3");
        await using var server = await lan.ServeAsync(5201, "iperf3", "-s");
        foreach (var mode in new string[][] { [], ["-R"], ["-P", "4"], ["-u", "-b", "20M"] })
        {
            var (code, output) = await lan.RunAsync("a", ["iperf3", "-c", lan.Address("b", v6), "-t", "1", .. mode]);
            Assert.True(code == 0 && output.Contains("receiver", StringComparison.Ordinal), output);
        }

        table.Works("iperf3 (TCP and UDP)", "server and client", v6);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Socat_relays_TCP_and_UDP(bool v6)
    {
        lan.Require("socat", "python3");
        var version = v6 ? "6" : "4";
        await using var server = await lan.ServeAsync(9000, "socat", "TCP6-LISTEN:9000,fork,reuseaddr,ipv6only=0", "EXEC:cat");
        var (_, output) = await lan.FeedAsync("a", Content, "socat", "-t5", "-", $"TCP{version}:{lan.Host("b", v6)}:9000");
        Assert.Equal(Content, output);
        table.Works("socat (TCP)", "server and client", v6);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Socat_relays_UDP(bool v6)
    {
        lan.Require("socat");
        // A process for each client, with a socket for it: several share the port.
        var (server, client) = v6 ? ("UDP6-LISTEN:9003", $"UDP6:{lan.Host("b", v6)}:9003") : ("UDP4-LISTEN:9001", $"UDP4:{lan.Address("b")}:9001");
        await using var datagrams = lan.Start("b", "socat", $"{server},fork,reuseaddr", "EXEC:cat");
        var guard = ProgramProcess.Guard;
        for (var clients = 0; clients < 3; clients++)
        {
            // What is sent before the server is there is lost.
            for (var output = ""; output != Content; guard.ThrowIfCancellationRequested())
                (_, output) = await lan.FeedAsync("a", Content, "socat", "-t1", "-", client);
        }

        table.Works("socat (UDP)", "server and client", v6);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Dig_asks_a_UDP_server_of_names(bool v6)
    {
        lan.Require("dig", "python3");
        var script = Write("dns.py", """
            import socket, sys
            s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            s.bind(("::", int(sys.argv[1])))
            print("bound", flush=True)
            while True:
                q, who = s.recvfrom(512)
                end = 12
                while q[end]:
                    end += q[end] + 1
                question = q[12:end + 5]
                s.sendto(q[:2] + b"\x85\x00\x00\x01\x00\x01\x00\x00\x00\x00" + question + b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x4d\x00\x07", who)
            """);
        await using var server = lan.Start("b", "python3", script, "5353");
        await ProgramLan.UntilAsync(() => server.Output.Contains("bound", StringComparison.Ordinal), () => server.Output);
        await ExpectAsync("10.77.0.7\n", "a", "dig", "+short", "+noedns", "-p", "5353", $"@{lan.Address("b", v6)}", "host.lan");
        table.Works("dig", "client", v6);
    }

    [Theory]
    [InlineData(false, "preload")]
    [InlineData(true, "preload")]
    [InlineData(false, "supervise")]
    [InlineData(true, "supervise")]
    public async Task Ping_reaches_members_and_hosts_of_the_system(bool v6, string engine)
    {
        lan.Require("ping", "python3");
        await using var ping = lan.StartWith(
            "a", ["--engine", engine], "ping", v6 ? "-6" : "-4", "-c", "2", "-i", "0.2", "-W", "10", lan.Address("b", v6));
        Assert.True(await ping.WaitAsync() == 0 && ping.Output.Contains(" 2 received", StringComparison.Ordinal), ping.Output);
        table.Works("iputils ping", "client", v6, engine);

        // Where the system does not let programs without privileges ping (ping_group_range), it does not let this one.
        var probe = v6 ? "socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6" : "socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP";
        await using var asked = ProgramProcess.Start(lan.Folder, ProgramProcess.Find("python3")!, "-c", $"import socket; socket.socket({probe})");
        await using var own = lan.StartWith("a", ["--engine", engine], "ping", v6 ? "-6" : "-4", "-c", "1", "-W", "2", v6 ? "::1" : "127.0.0.1");
        Assert.True((await asked.WaitAsync() == 0) == (await own.WaitAsync() == 0), own.Output + asked.Output);
    }

    [Theory]
    [InlineData(false, "preload")]
    [InlineData(true, "preload")]
    [InlineData(false, "supervise")]
    [InlineData(true, "supervise")]
    public async Task Group_datagrams_arrive_at_sockets_that_joined_the_group(bool v6, string engine)
    {
        lan.Require("python3");
        const string Receiver = """
            import socket, struct, sys
            group, v6 = sys.argv[1], ":" in sys.argv[1]
            s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
            s.bind(("::" if v6 else "0.0.0.0", 5354))
            packed = socket.inet_pton(s.family, group)
            if v6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, packed + struct.pack("@I", 0))
            else:
                s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, packed + socket.inet_aton("0.0.0.0"))
            print("joined", flush=True)
            data, who = s.recvfrom(100)
            print(data.decode(), "of", who[0], flush=True)
            """;
        const string Sender = """
            import socket, sys, time
            s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
            for i in range(100):
                s.sendto(b"hello", (sys.argv[1], 5354))
                time.sleep(0.1)
            """;
        var group = v6 ? "ff15::5354" : "239.3.5.4";
        await using var receiver = lan.StartWith("b", ["--engine", engine], "python3", "-c", Receiver, group);
        await ProgramLan.UntilAsync(() => receiver.Output.Contains("joined", StringComparison.Ordinal) || receiver.HasExited, () => receiver.Output);
        await using var sender = lan.StartWith("a", ["--engine", engine], "python3", "-c", Sender, group);
        Assert.True(await receiver.WaitAsync() == 0, receiver.Output);
        Assert.Equal($"joined\nhello of {lan.Address("a", v6)}\n", receiver.Output);
        table.Works("python3 multicast receiver and sender", "server and client", v6, engine);
    }

    [Fact]
    public async Task Names_of_the_network_are_found()
    {
        lan.Require("python3", "curl", "getent");
        await using var server = await lan.ServeAsync(8005, "python3", "-m", "http.server", "8005", "--bind", "::", "--directory", MakeSite());
        await ExpectAsync(Content, "a", "curl", "-sS", $"http://{lan.Node("b")}.{lan.Network}:8005/file.txt");
        var (code, output) = await lan.RunAsync("a", "python3", "-c", $"import socket; print(socket.getaddrinfo('{lan.Node("b")}', 80, type=socket.SOCK_STREAM)[0][4][0])");
        Assert.True(code == 0 && output == lan.Address("b", v6: true) + "\n", output);
        // The system's names are still there.
        (code, output) = await lan.RunAsync("a", "python3", "-c", "import socket; print(socket.gethostbyname('localhost'))");
        Assert.True(code == 0 && output == "127.0.0.1\n", output);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Java_serves_and_fetches(bool v6)
    {
        lan.Require("java", "curl", "python3");
        var source = Write("Web.java", """
            import com.sun.net.httpserver.HttpServer;
            import java.net.*;
            import java.net.http.*;
            public class Web {
              public static void main(String[] args) throws Exception {
                if (args.length > 0) {
                  System.out.print(new String(new URL(args[0]).openStream().readAllBytes()));
                  System.out.print(HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create(args[0])).build(), HttpResponse.BodyHandlers.ofString()).body());
                  return;
                }
                HttpServer server = HttpServer.create(new InetSocketAddress(8004), 0);
                server.createContext("/", exchange -> {
                  byte[] body = ("java for " + exchange.getRemoteAddress().getAddress().getHostAddress() + "\n").getBytes();
                  exchange.sendResponseHeaders(200, body.length);
                  exchange.getResponseBody().write(body);
                  exchange.close();
                });
                server.start();
              }
            }
            """);
        await using var server = await lan.ServeAsync(8004, "java", source);
        var (code, output) = await lan.RunAsync("a", "curl", "-sS", Url(8004, v6));
        Assert.True(code == 0 && output.StartsWith("java for ", StringComparison.Ordinal), output);
        await ExpectAsync(output + output, "a", "java", source, Url(8004, v6));
        table.Works("Java HttpServer and HttpClient", "server and client", v6);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Kestrel_serves_and_HttpClient_fetches(bool v6)
    {
        lan.Require("dotnet", "python3");
        var program = Path.Combine(AppContext.BaseDirectory, "NetProgram.dll");
        await using var server = await lan.ServeAsync(8006, "dotnet", program, "serve", "8006");
        await ExpectAsync($"kestrel for {lan.Address("a", v6)}\n", "a", "dotnet", program, "fetch", $"http://{lan.Host("b", v6)}:8006/");
        table.Works(".NET Kestrel and HttpClient", "server and client", v6);
    }

    // The library that redirects programs is one for both C libraries.
    [Theory]
    [MemberData(nameof(Families))]
    public async Task A_program_of_musl_connects_accepts_and_sends_datagrams(bool v6)
    {
        lan.Require("musl-gcc", "python3");
        var program = Path.Combine(lan.Folder, "program-musl");
        await using (var build = ProgramProcess.Start(
            lan.Folder, ProgramProcess.Find("musl-gcc")!, "-pthread", "-o", program, Path.Combine(AppContext.BaseDirectory, "supervised.c")))
            Assert.True(await build.WaitAsync() == 0, build.Output);
        var port = v6 ? 8008 : 8007;
        await using var server = await lan.ServeAsync(port, program, "serve", $"{port}");
        var own = v6 ? lan.Address("a", v6) : $"::ffff:{lan.Address("a")}";
        await ExpectAsync(
            $"peer\n{own} closes\nin progress\n0\n{own} closes\nConnection refused\nasked peer\n", "a", program, "talk", lan.Address("b", v6), $"{port}");
        table.Works("C program of musl (TCP and UDP)", "server and client", v6);
    }

    private string Url(int port, bool v6) => $"http://{lan.Host("b", v6)}:{port}/file.txt";

    private async Task FetchAsync(int port, bool v6)
    {
        await ExpectAsync(Content, "a", "curl", "-sS", Url(port, v6));
        var (code, output) = await lan.RunAsync("a", "curl", "-sS", "-o", Path.Combine(lan.Folder, "got"), $"http://{lan.Host("b", v6)}:{port}/big");
        Assert.True(code == 0, output);
        Assert.Equal(File.ReadAllBytes(WriteBig()), File.ReadAllBytes(Path.Combine(lan.Folder, "got")));
    }

    private async Task ExpectAsync(string expected, string service, params string[] command)
    {
        var (code, output) = await lan.RunAsync(service, command);
        Assert.True(code == 0 && output == expected, $"{string.Join(' ', command)}: {code}, {output}");
    }

    // A folder of its own for each test, with a short file and a long one.
    private string MakeSite()
    {
        var site = Directory.CreateDirectory(Path.Combine(lan.Folder, $"site-{Guid.NewGuid():N}")).FullName;
        File.WriteAllText(Path.Combine(site, "file.txt"), Content);
        File.Copy(WriteBig(), Path.Combine(site, "big"));
        Unprivileged.Own(site);
        return site;
    }

    private string Write(string name, string content)
    {
        var file = Path.Combine(lan.Folder, $"{Guid.NewGuid():N}-{name}");
        File.WriteAllText(file, content);
        return file;
    }

    private string WriteBig()
    {
        var file = Path.Combine(lan.Folder, "big");
        if (!File.Exists(file))
        {
            var bytes = new byte[5_000_000];
            new Random(1).NextBytes(bytes);
            File.WriteAllBytes(file, bytes);
        }

        return file;
    }
}
