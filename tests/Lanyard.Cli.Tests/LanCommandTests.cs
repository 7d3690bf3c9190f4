using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Lanyard.Wire.Tests;

namespace Lanyard.Cli.Tests;

/// <summary>The verbs that run a node, and the verbs that call a service, each as a process, over the loopback interface.</summary>
public sealed class LanCommandTests(CommandLan lan) : IClassFixture<CommandLan>
{
    private readonly string[] _client = ["--home", lan.Home("client"), "--network", lan.PublicNetwork];
    private readonly string[] _server = ["--home", lan.Home("server"), "--network", lan.PublicNetwork];

    [Fact]
    public async Task Bytes_go_through_expose_and_connect_in_both_directions_and_the_ends_of_both()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var expose = CommandProcess.Start(["expose", "80", $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}", .. _server]);
        var address = await expose.WaitForAddressAsync();
        await expose.WaitForErrorAsync("listening on port 80");
        var sent = TestData.RandomBytes(3, 3_000_000);

        // Answers with what it has received, once it has received all: that needs the sender's half-close.
        var answering = Task.Run(async () =>
        {
            using var accepted = await listener.AcceptSocketAsync(CommandProcess.Guard);
            await using var stream = new NetworkStream(accepted);
            var received = new MemoryStream();
            await stream.CopyToAsync(received, CommandProcess.Guard);
            await stream.WriteAsync(SHA256.HashData(received.ToArray()), CommandProcess.Guard);
            await stream.WriteAsync(received.ToArray(), CommandProcess.Guard);
        });
        var (exitCode, output, error) = await CommandProcess.RunAsync(sent, ["connect", address, "80", .. _client]);
        await answering;
        Assert.True(exitCode == ExitCode.Ok, error);
        Assert.Equal([.. SHA256.HashData(sent), .. sent], output);
        Assert.Contains("address 10.1.0.", error, StringComparison.Ordinal);

        // Nothing listens on the host any more: who connects is told so.
        listener.Stop();
        var refused = await CommandProcess.RunAsync([], ["connect", address, "80", .. _client]);
        Assert.Equal(ExitCode.Unreachable, refused.ExitCode);
        var closed = await CommandProcess.RunAsync([], ["connect", address, "81", .. _client]);
        Assert.Equal(ExitCode.Unreachable, closed.ExitCode);
        Assert.Contains("refused", closed.Error, StringComparison.Ordinal);
        Assert.Empty(closed.Output);
        Assert.Equal(ExitCode.Ok, await expose.TerminateAsync());
    }

    [Fact]
    public async Task A_web_server_behind_expose_is_asked_with_http()
    {
        using var web = new EchoWebServer();
        using var expose = CommandProcess.Start(["expose", "80", $"127.0.0.1:{web.Port}", .. _server]);
        var address = await expose.WaitForAddressAsync();
        await expose.WaitForErrorAsync("listening on port 80");

        var got = await CommandProcess.RunAsync([], ["http", $"http://{address}/a/path?x=1", .. _client]);
        Assert.True(got.ExitCode == ExitCode.Ok, got.Error);
        Assert.StartsWith("GET /a/path?x=1 HTTP/1.1\n", Encoding.UTF8.GetString(got.Output), StringComparison.Ordinal);

        var posted = await CommandProcess.RunAsync([], ["http", $"http://{address}/", "-i", "-d", "some=data", "-H", "X-Mine: yes", "-H", "Content-Type: text/plain", .. _client]);
        var text = Encoding.UTF8.GetString(posted.Output);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", text, StringComparison.Ordinal);
        Assert.Contains("POST / HTTP/1.1\n", text, StringComparison.Ordinal);
        Assert.Contains("X-Mine: yes\n", text, StringComparison.Ordinal);
        Assert.Contains("Content-Type: text/plain\n", text, StringComparison.Ordinal);
        Assert.EndsWith("\nsome=data", text, StringComparison.Ordinal);

        var missing = await CommandProcess.RunAsync([], ["http", $"http://{address}/404", "-f", .. _client]);
        Assert.Equal(ExitCode.Failed, missing.ExitCode);
        Assert.Empty(missing.Output);
    }

    [Fact]
    public async Task Pings_and_datagrams_are_answered()
    {
        using var echo = CommandProcess.Start(["udp-echo", "--port", "7", .. _server]);
        var address = await echo.WaitForAddressAsync();
        await echo.WaitForErrorAsync("listening on port 7");

        var ping = await CommandProcess.RunAsync([], ["ping", address, "--count", "3", "--interval", "0.01", "--size", "3000", "--timeout", "60", .. _client]);
        Assert.True(ping.ExitCode == ExitCode.Ok, ping.Error);
        var lines = Encoding.UTF8.GetString(ping.Output).Split('\n');
        Assert.StartsWith($"3000 bytes from {address}: seq=1 ttl=", lines[0], StringComparison.Ordinal);
        Assert.Equal("3 sent, 3 received, 0% lost", lines[3]);

        var json = await CommandProcess.RunAsync([], ["ping", address, "--count", "2", "--interval", "0.01", "--timeout", "60", "--json", .. _client]);
        using var summary = JsonDocument.Parse(json.Output);
        Assert.Equal(2, summary.RootElement.GetProperty("received").GetInt32());
        Assert.True(summary.RootElement.GetProperty("medianMs").GetDouble() > 0);

        var datagram = await CommandProcess.RunAsync([], ["udp-send", address, "7", "--data", "a datagram", "--timeout", "60", .. _client]);
        Assert.Equal("a datagram", Encoding.UTF8.GetString(datagram.Output));
        var pattern = await CommandProcess.RunAsync([], ["udp-send", address, "7", "--size", "5000", "--count", "3", "--timeout", "60", .. _client]);
        Assert.StartsWith("3 sent, 3 answered, 3 echoed as they were", Encoding.UTF8.GetString(pattern.Output), StringComparison.Ordinal);

        var silent = await CommandProcess.RunAsync([], ["ping", "10.1.0.250", "--count", "1", "--timeout", "0.2", .. _client]);
        Assert.Equal(ExitCode.Unreachable, silent.ExitCode);
    }

    [Fact]
    public async Task A_node_captures_its_frames_in_a_file_that_tcpdump_reads()
    {
        var file = lan.Home("ping.pcapng");
        using var capture = CommandProcess.Start(["capture", "--out", lan.Home("server.pcapng"), .. _server]);
        var address = await capture.WaitForAddressAsync();
        await capture.WaitForErrorAsync("capturing");
        var ping = await CommandProcess.RunAsync([], ["ping", address, "--count", "2", "--interval", "0.01", "--timeout", "60", "--capture", file, .. _client]);
        Assert.True(ping.ExitCode == ExitCode.Ok, ping.Error);
        Assert.Equal(ExitCode.Ok, await capture.TerminateAsync());
        Assert.Matches("[0-9]+ frames captured, 0 dropped", capture.Error);

        var few = await CommandProcess.RunAsync([], ["capture", "--out", "-", "--seconds", "0.1", .. _client]);
        Assert.True(few.ExitCode == ExitCode.Ok, few.Error);
        Assert.Equal([0x0a, 0x0d, 0x0d, 0x0a], few.Output[..4]);
        var unwritable = await CommandProcess.RunAsync([], ["capture", "--out", lan.Home("no-such/folder/file"), .. _client]);
        Assert.Equal(ExitCode.Failed, unwritable.ExitCode);

        foreach (var captured in new[] { file, lan.Home("server.pcapng") })
        {
            var lines = await ReadWithTcpdumpAsync(captured);
            // A peer that is reached at a new endpoint gets each packet at the old one as well until it has answered there: at most one copy.
            foreach (var kind in new[] { "ICMP echo request", "ICMP echo reply" })
            {
                var sequences = lines.Select(line => Regex.Match(line, $"{kind}, id [0-9]+, (seq [0-9]+)")).Where(match => match.Success).Select(match => match.Groups[1].Value).ToArray();
                Assert.True(sequences.Distinct().Count() == 2 && sequences.Length <= 4, $"{captured}:\n{string.Join('\n', lines)}");
            }
        }
    }

    [Fact]
    public async Task Throughput_and_round_trips_are_measured()
    {
        using var server = CommandProcess.Start(["perf", "server", "--port", "5201", .. _server]);
        var address = await server.WaitForAddressAsync();
        await server.WaitForErrorAsync("listening on port 5201");
        string[] line = ["perf", "client", address, "--port", "5201", "--seconds", "1", .. _client];

        Assert.Matches("^[0-9]+ Mbit/s, ", await OutputAsync(line));
        using var reverse = JsonDocument.Parse(await OutputAsync([.. line, "--reverse", "--streams", "2", "--json"]));
        Assert.True(reverse.RootElement.GetProperty("mbitPerSecond").GetDouble() > 0);
        Assert.Equal(2, reverse.RootElement.GetProperty("streams").GetInt32());
        Assert.Matches("^median [0-9]+ us p99 [0-9]+ us ", await OutputAsync([.. line, "--rtt"]));
        using var rtt = JsonDocument.Parse(await OutputAsync([.. line, "--rtt", "--json"]));
        Assert.True(rtt.RootElement.GetProperty("roundTrips").GetInt64() > 0);
        Assert.Equal(ExitCode.Ok, await server.TerminateAsync());
    }

    [Fact]
    public async Task An_unauthorized_node_prints_the_address_to_authorize()
    {
        var refused = await CommandProcess.RunAsync([], "ping", "10.1.0.1", "--home", lan.Home("client"), "--network", lan.PrivateNetwork);
        Assert.Equal(ExitCode.Unreachable, refused.ExitCode);
        Assert.Contains(TestData.Text("peer-1.4.6", "a.identity.public")[..10], refused.Error, StringComparison.Ordinal);
        Assert.Contains("authoriz", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_verbs_for_a_service_query_and_change_a_running_service()
    {
        var home = lan.Home("service");
        using var service = CommandProcess.Start("service", "--home", home, "--port", "0", "--log-format", "json");
        using (var ready = JsonDocument.Parse("{" + await service.WaitForErrorAsync("{")))
        {
            Assert.Equal(["time", "level", "category", "id", "event", "message", "values"], ready.RootElement.EnumerateObject().Select(field => field.Name));
            Assert.StartsWith("Node ", ready.RootElement.GetProperty("message").GetString(), StringComparison.Ordinal);
        }

        var node = TestData.Text("peer-1.4.6", "b.identity.public")[..10];
        Assert.StartsWith($"{node} 1.14.1 ", await OutputAsync("info", "--home", home), StringComparison.Ordinal);

        using var joined = JsonDocument.Parse(await OutputAsync("join", lan.PublicNetwork, "--wait", "60", "--allow-global", "true", "--json", "--home", home));
        Assert.Equal("OK", joined.RootElement.GetProperty("status").GetString());
        Assert.True(joined.RootElement.GetProperty("allowGlobal").GetBoolean());
        var networks = (await OutputAsync("networks", "--home", home)).Split('\n');
        Assert.StartsWith("NETWORK", networks[0], StringComparison.Ordinal);
        Assert.StartsWith(lan.PublicNetwork, networks[1], StringComparison.Ordinal);
        Assert.Contains("10.1.0.", networks[1], StringComparison.Ordinal);
        Assert.Contains("PLANET", await OutputAsync("peers", "--home", home), StringComparison.Ordinal);
        var status = await OutputAsync("status", "--home", home);
        Assert.StartsWith($"{node} 1.14.1 ONLINE, port ", status, StringComparison.Ordinal);
        Assert.Matches($@"(?m)^{lan.PublicNetwork} .* OK  .* [\d.]+ k?B +[\d.]+ k?B$", status);
        Assert.Matches(@"(?m)^[0-9a-f]{10}  1\.14\.1 +PLANET  \d+ ms +DIRECT  127\.0\.0\.1/\d+ +\S+ s ago +\S+ s ago$", status);


        Assert.Equal(ExitCode.Ok, (await CommandProcess.RunAsync([], "leave", lan.PublicNetwork, "--home", home)).ExitCode);
        Assert.Equal(ExitCode.Failed, (await CommandProcess.RunAsync([], "leave", lan.PublicNetwork, "--home", home)).ExitCode);
        Assert.Equal(ExitCode.Ok, await service.TerminateAsync());
        Assert.Equal(ExitCode.Unreachable, (await CommandProcess.RunAsync([], "info", "--home", home)).ExitCode);
    }

    [Fact]
    public async Task A_folder_is_used_by_one_node_at_a_time()
    {
        var second = await CommandProcess.RunAsync([], "service", "--home", lan.RootHome, "--port", "0");
        Assert.Equal(ExitCode.Failed, second.ExitCode);
        Assert.Contains(lan.RootHome, second.Error, StringComparison.Ordinal);
    }

    private static async Task<string[]> ReadWithTcpdumpAsync(string file)
    {
        Process? tcpdump;
        try
        {
            tcpdump = Process.Start(new ProcessStartInfo("tcpdump", ["-nn", "-e", "-r", file]) { RedirectStandardOutput = true, RedirectStandardError = true });
        }
        catch (Win32Exception)
        {
            Assert.Skip("This machine has no tcpdump.");
            return [];
        }

        using (tcpdump)
        {
            var error = tcpdump!.StandardError.ReadToEndAsync(CommandProcess.Guard);
            var lines = await tcpdump.StandardOutput.ReadToEndAsync(CommandProcess.Guard);
            await tcpdump.WaitForExitAsync(CommandProcess.Guard);
            Assert.True(tcpdump.ExitCode == 0, await error);
            return lines.Split('\n');
        }
    }

    private static async Task<string> OutputAsync(params string[] args)
    {
        var (exitCode, output, error) = await CommandProcess.RunAsync([], args);
        Assert.True(exitCode == ExitCode.Ok, $"{string.Join(' ', args)}: {exitCode} {error}");
        return Encoding.UTF8.GetString(output);
    }
}
