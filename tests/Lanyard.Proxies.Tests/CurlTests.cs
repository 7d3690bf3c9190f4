using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Lanyard.Proxies.Tests;

/// <summary>curl as a client of the proxy.</summary>
public sealed class CurlTests
{
    [Fact]
    public async Task Curl_reaches_a_server_through_each_kind_of_proxy_by_address_and_by_name()
    {
        await using var lan = await ProxyLan.StartAsync();
        await using var web = new WebServer(lan.Server);
        await using var proxy = lan.Client.StartProxy();
        var at = proxy.LocalEndPoint.ToString();
        foreach (var host in new[] { lan.ServerAddress.ToString(), "server.lan.test", "server", $"[{lan.Server.IPv6Address}]" })
        {
            string[] address = [$"http://{host}/path?x=1"];
            var socks = await CurlAsync(["--socks5-hostname", at, .. address]);
            Assert.StartsWith("GET /path?x=1 HTTP/1.1\n", socks, StringComparison.Ordinal);
            var plain = await CurlAsync(["-x", $"http://{at}", .. address]);
            Assert.StartsWith("GET /path?x=1 HTTP/1.1\n", plain, StringComparison.Ordinal);
            Assert.Contains($"Host: {host}\n", plain, StringComparison.Ordinal);
            Assert.DoesNotContain("Proxy-", plain, StringComparison.Ordinal);
            var tunnel = await CurlAsync(["-x", $"http://{at}", "--proxytunnel", .. address]);
            Assert.StartsWith("GET /path?x=1 HTTP/1.1\n", tunnel, StringComparison.Ordinal);
            Assert.DoesNotContain("Via", tunnel, StringComparison.Ordinal);
        }

        // By an IPv4 address that curl looked up, or was given, itself.
        Assert.StartsWith("GET / ", await CurlAsync(["--socks5", at, $"http://{lan.ServerAddress}/"]), StringComparison.Ordinal);
        Assert.Equal(0, proxy.Counters[LanyardProxyCounter.Malformed]);
        await ProxyLan.WaitUntilIdleAsync(proxy.Counters);
    }

    [Fact]
    public async Task Curl_sends_bodies_of_known_and_of_unknown_length()
    {
        await using var lan = await ProxyLan.StartAsync();
        await using var web = new WebServer(lan.Server);
        await using var proxy = lan.Client.StartProxy();
        var body = new byte[3_000_000];
        new Random(5).NextBytes(body);
        var expected = $"body {body.Length} {Convert.ToHexString(SHA256.HashData(body))}\n";
        var file = Path.GetTempFileName();
        await File.WriteAllBytesAsync(file, body, TestLan.Guard);
        try
        {
            string[] line = ["-x", $"http://{proxy.LocalEndPoint}", "--data-binary", $"@{file}", $"http://{lan.ServerAddress}/"];
            Assert.EndsWith(expected, await CurlAsync(line), StringComparison.Ordinal);
            Assert.EndsWith(expected, await CurlAsync(["-H", "Transfer-Encoding: chunked", .. line]), StringComparison.Ordinal);
            Assert.EndsWith(expected, await CurlAsync(["--proxytunnel", .. line]), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Curl_gets_the_reason_of_a_failure()
    {
        await using var lan = await ProxyLan.StartAsync();
        await using var proxy = lan.Client.StartProxy();
        var at = $"http://{proxy.LocalEndPoint}";
        string[] status = ["-w", "\n%{http_code}"];
        Assert.Matches("it refused: nothing there listens on port 81(.|\n)*\n502$", await CurlAsync(["-x", at, .. status, $"http://{lan.ServerAddress}:81/"]));
        Assert.Matches("this proxy refuses other destinations(.|\n)*\n403$", await CurlAsync(["-x", at, .. status, "http://192.0.2.1/"]));
        Assert.Matches("is not a host on network(.|\n)*\n502$", await CurlAsync(["-x", at, .. status, "http://example.org/"]));
        Assert.Matches("This is a proxy, not a web server(.|\n)*\n400$", await CurlAsync([.. status, at]));
        Assert.Equal(97, (await RunAsync(["--socks5-hostname", proxy.LocalEndPoint.ToString(), $"http://{lan.ServerAddress}:81/"])).ExitCode);
        Assert.Equal(1, proxy.Counters[LanyardProxyCounter.NotAllowed]);
        Assert.Equal(3, proxy.Counters[LanyardProxyCounter.Unreachable]);
    }

    [Fact]
    public async Task Curl_has_to_give_the_right_user_and_password_where_they_are_asked_for()
    {
        await using var lan = await ProxyLan.StartAsync();
        await using var web = new WebServer(lan.Server);
        await using var proxy = lan.Client.StartProxy(new LanyardProxyOptions { UserName = "joe", Password = "secret: 1" });
        var at = proxy.LocalEndPoint;
        string[][] kinds = [["--socks5-hostname", $"{at}"], ["-x", $"http://{at}"], ["-x", $"http://{at}", "--proxytunnel"]];
        foreach (var kind in kinds)
        {
            string[] line = ["--fail", .. kind, $"http://{lan.ServerAddress}/"];
            Assert.StartsWith("GET / ", await CurlAsync(["--proxy-user", "joe:secret: 1", .. line]), StringComparison.Ordinal);
            Assert.NotEqual(0, (await RunAsync(["--proxy-user", "joe:secret", .. line])).ExitCode);
            Assert.NotEqual(0, (await RunAsync(line)).ExitCode);
        }

        Assert.StartsWith("GET / ", await CurlAsync(["--proxy-anyauth", "--proxy-user", "joe:secret: 1", "-x", $"http://{at}", $"http://{lan.ServerAddress}/"]), StringComparison.Ordinal);
        Assert.Equal(7, proxy.Counters[LanyardProxyCounter.NotAuthenticated]);
    }

    private static async Task<string> CurlAsync(string[] args)
    {
        var (exitCode, output, error) = await RunAsync(args);
        Assert.True(exitCode == 0, $"{string.Join(' ', args)}: {exitCode} {error}");
        return output;
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(string[] args)
    {
        var start = new ProcessStartInfo("curl", ["--silent", "--show-error", "--globoff", "--max-time", "60", "--noproxy", "", .. args])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        Process? curl = null;
        try
        {
            curl = Process.Start(start);
        }
        catch (Win32Exception)
        {
            Assert.Skip("This machine has no curl.");
        }

        using (curl)
        {
            var error = curl!.StandardError.ReadToEndAsync(TestLan.Guard);
            var output = await curl.StandardOutput.ReadToEndAsync(TestLan.Guard);
            await curl.WaitForExitAsync(TestLan.Guard);
            return (curl.ExitCode, output, await error);
        }
    }
}
