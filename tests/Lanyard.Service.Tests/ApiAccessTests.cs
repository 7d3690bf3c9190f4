using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Lanyard.Service.Tests;

/// <summary>Access to the API, and invalid requests.</summary>
public sealed class ApiAccessTests
{
    [Fact]
    public async Task The_token_is_accepted_only_in_the_header_the_query_or_as_a_bearer_token()
    {
        await using var lan = await ServiceLan.StartAsync();
        using var client = new ServiceClient(lan.Service("r"), lan.Home("r"), withToken: false);
        var token = client.Token;
        Assert.Matches("^[a-z0-9]{24}$", token);

        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync("GET", "/status", headers: headers => headers.Add("X-ZT1-Auth", token))).Status);
        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync("GET", $"/status?auth={token}")).Status);
        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync("GET", "/status", headers: headers => headers.Add("Authorization", $"bearer {token}"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync("GET", "/health")).Status);

        foreach (var wrong in new[] { "x", token[1..], token + "a", token.ToUpper(CultureInfo.InvariantCulture), " ", new string('a', 5_000) })
        {
            var error = await client.FailAsync(HttpStatusCode.Unauthorized, "GET", "/status", headers: headers => headers.TryAddWithoutValidation("X-ZT1-Auth", wrong));
            Assert.DoesNotContain(token, error, StringComparison.Ordinal);
        }

        await client.FailAsync(HttpStatusCode.Unauthorized, "GET", "/status");
        await client.FailAsync(HttpStatusCode.Unauthorized, "GET", "/status?auth=");
        await client.FailAsync(HttpStatusCode.Unauthorized, "GET", "/status", headers: headers => headers.Add("Authorization", $"Basic {token}"));
        await client.FailAsync(HttpStatusCode.Unauthorized, "POST", "/controller/network", "{}");
        await client.FailAsync(HttpStatusCode.Unauthorized, "GET", "/no/such/path");
        // The first place with a token decides.
        await client.FailAsync(HttpStatusCode.Unauthorized, "GET", $"/status?auth={token}", headers: headers => headers.Add("X-ZT1-Auth", "x"));
        Assert.Empty((await lan.Client("r").CallAsync("GET", "/controller/network")).EnumerateArray());
    }

    [Fact]
    public async Task Invalid_requests_are_answered_with_the_reason_and_change_nothing()
    {
        await using var lan = await ServiceLan.StartAsync();
        var client = lan.Client("r");
        const string Network = "/network/8056c2e21c000001";
        Assert.Contains("JSON", await client.FailAsync(HttpStatusCode.BadRequest, "POST", Network, "{ not json"), StringComparison.Ordinal);
        Assert.Contains("object", await client.FailAsync(HttpStatusCode.BadRequest, "POST", Network, "[]"), StringComparison.Ordinal);
        Assert.Contains("allowGlobal", await client.FailAsync(HttpStatusCode.BadRequest, "POST", Network, """{ "allowGlobal": "yes" }"""), StringComparison.Ordinal);
        Assert.Contains("JSON", await client.FailAsync(HttpStatusCode.BadRequest, "POST", Network, new string('[', 60_000)), StringComparison.Ordinal);
        Assert.Contains("seed", await client.FailAsync(HttpStatusCode.BadRequest, "POST", "/moon/000000abcdef0123", """{ "seed": 7 }"""), StringComparison.Ordinal);
        Assert.Contains("long", await client.FailAsync(HttpStatusCode.RequestEntityTooLarge, "POST", Network, new string(' ', 100_000), AskFirst), StringComparison.Ordinal);
        await client.FailAsync(HttpStatusCode.RequestEntityTooLarge, "POST", "/controller/network", new string(' ', 1_100_000), AskFirst);
        await client.FailAsync(HttpStatusCode.NotFound, "GET", Network);
        await client.FailAsync(HttpStatusCode.NotFound, "GET", "/network/8056c2e21c00000g");
        await client.FailAsync(HttpStatusCode.NotFound, "GET", "/");
        await client.FailAsync(HttpStatusCode.NotFound, "GET", "/network/8056c2e21c000001/../../etc/passwd");
        await client.FailAsync(HttpStatusCode.NotFound, "POST", "/status", "{}");
        await client.FailAsync(HttpStatusCode.NotFound, "PATCH", Network, "{}");
        await client.FailAsync(HttpStatusCode.BadRequest, "GET", "/bond/show/0123456789");
        await client.FailAsync(HttpStatusCode.BadRequest, "POST", "/bond/rotate/0123456789");
        await client.FailAsync(HttpStatusCode.BadRequest, "POST", "/bond/setmtu/1400/eth0/192.0.2.1");
        await client.FailAsync(HttpStatusCode.BadRequest, "GET", "/status?jsonp=alert(1)//");
        Assert.Empty((await client.CallAsync("GET", "/network")).EnumerateArray());
        Assert.Equal("{}", (await client.CallAsync("GET", "/peer/0123456789")).GetRawText());
        Assert.Equal("{}", (await client.CallAsync("DELETE", Network)).GetRawText());
    }

    [Fact]
    public async Task The_metrics_token_permits_only_reading_metrics()
    {
        await using var lan = await ServiceLan.StartAsync();
        using var client = new ServiceClient(lan.Service("r"), lan.Home("r"), withToken: false);
        var file = Path.Combine(lan.Home("r"), "metricstoken.secret");
        var token = File.ReadAllText(file);
        Assert.Matches("^[a-z0-9]{24}$", token);
        Assert.NotEqual(client.Token, token);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));

        Assert.Equal(HttpStatusCode.OK, (await client.FetchAsync("/metrics", token)).Status);
        Assert.Equal(HttpStatusCode.OK, (await client.FetchAsync("/metrics", client.Token)).Status);
        Assert.Equal(HttpStatusCode.OK, (await client.FetchAsync($"/metrics?auth={token}")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.FetchAsync("/metrics")).Status);
        foreach (var path in new[] { "/status", "/network", "/config", "/controller" })
            Assert.Equal(HttpStatusCode.Unauthorized, (await client.FetchAsync(path, token)).Status);
    }

    [Fact]
    public async Task An_answer_comes_as_a_script_where_that_is_asked_for()
    {
        await using var lan = await ServiceLan.StartAsync();
        var (status, type, body) = await lan.Client("r").FetchAsync("/network?jsonp=my.callback");
        Assert.Equal((HttpStatusCode.OK, "application/javascript", "my.callback([]);"), (status, type, body));
    }

    [Fact]
    public async Task A_caller_that_stops_in_the_middle_is_cut_off_without_affecting_others()
    {
        await using var lan = await ServiceLan.StartAsync();
        var port = lan.Service("r").Port;
        var sockets = new List<Socket>();
        string[] beginnings =
        [
            "", "G", "GET /status HTTP/1.1\r\nX-ZT1-Au", $"POST /network/8056c2e21c000001 HTTP/1.1\r\nHost: x\r\nX-ZT1-Auth: {lan.Client("r").Token}\r\nContent-Length: 10\r\n\r\n{{",
        ];
        foreach (var beginning in beginnings)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, port, ServiceLan.Guard);
            await socket.SendAsync(Encoding.ASCII.GetBytes(beginning), ServiceLan.Guard);
            sockets.Add(socket);
        }

        // Others are answered meanwhile; then each of these is, by a refusal or by the connection's end.
        Assert.Empty((await lan.Client("r").CallAsync("GET", "/network")).EnumerateArray());
        foreach (var socket in sockets)
        {
            using var stream = new NetworkStream(socket, ownsSocket: true);
            try
            {
                using var reader = new StreamReader(stream);
                var answer = await reader.ReadToEndAsync(ServiceLan.Guard);
                Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 408 ", StringComparison.Ordinal), answer);
            }
            catch (IOException)
            {
                // Reset is an end, too.
            }
        }

        Assert.Empty((await lan.Client("r").CallAsync("GET", "/network")).EnumerateArray());
    }

    [Fact]
    public async Task Idle_strangers_keep_no_caller_with_the_token_out()
    {
        await using var lan = await ServiceLan.StartAsync();
        var service = lan.Service("r");
        var sockets = new List<Socket>();
        using var known = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await known.ConnectAsync(IPAddress.Loopback, service.Port, ServiceLan.Guard);
        using var stream = new NetworkStream(known, ownsSocket: false);
        using var reader = new StreamReader(stream);
        async Task AskAsync()
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET /network HTTP/1.1\r\nHost: localhost\r\nX-ZT1-Auth: {lan.Client("r").Token}\r\n\r\n"), ServiceLan.Guard);
            Assert.Equal("HTTP/1.1 200 OK", await reader.ReadLineAsync(ServiceLan.Guard));
            while (await reader.ReadLineAsync(ServiceLan.Guard) is { Length: > 0 })
            {
            }

            var body = new char[2];
            Assert.Equal(2, await reader.ReadBlockAsync(body, ServiceLan.Guard));
            Assert.Equal("[]", new string(body));
        }

        await AskAsync();
        try
        {
            for (var i = 0; i < 600; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                sockets.Add(socket);
                await socket.ConnectAsync(IPAddress.Loopback, service.Port, ServiceLan.Guard);
                if (i % 2 == 0)
                    await socket.SendAsync("GET /status HTTP/1.1\r\nX"u8.ToArray(), ServiceLan.Guard);
                if (i % 50 != 0)
                    continue;
                using var client = new ServiceClient(service, lan.Home("r"));
                Assert.Empty((await client.CallAsync("GET", "/network")).EnumerateArray());
            }

            // The strangers' places are limited: the oldest connections were closed. A connection with the token stays open.
            Assert.True(await sockets[1].ReceiveAsync(new byte[1], ServiceLan.Guard).AsTask().ContinueWith(read => read.IsFaulted || read.Result == 0, TaskScheduler.Default));
            await AskAsync();
        }
        finally
        {
            foreach (var socket in sockets)
                socket.Dispose();
        }
    }

    /// <summary>Sends bodies with wrong types and values to every operation of the API. Each one is refused with a reason, or applied; none causes an internal error.</summary>
    [Fact]
    public async Task Random_bodies_do_not_make_the_service_fail()
    {
        await using var lan = await ServiceLan.StartAsync();
        var client = lan.Client("r");
        string[] bodies =
        [
            "", "null", "7", "[]", "\"x\"", "{", "{}", "{\"\":1}", "\"\\ud800\"", "{\"name\":\"\\ud800\"}", "{\"allowManaged\":[]}", "{\"allowDNS\":\"maybe\"}", "{\"seed\":{}}",
            "{\"seed\":\"ffffffffff\"}", "{\"seed\":\"0\"}", "{\"primaryPort\":[]}", "{\"bind\":7}", "{\"routes\":[{\"target\":\"10.0.0.0\"}]}", "{\"authorized\":{}}", "{\"mtu\":1e400}",
            "{\"allowManagementFrom\":[[]]}", "{\"interfacePrefixBlacklist\":{}}",
        ];
        var paths = (await client.CallAsync("GET", "/openapi.json")).GetProperty("paths").EnumerateObject().Select(path => path.Name).ToArray();
        foreach (var path in paths)
        {
            foreach (var id in new[] { "0000000000000000", "ffffffffffffffff", $"{lan.Service("r").Node.Address}000000", "8056c2e21c000001", "x" })
            {
                foreach (var address in new[] { "0000000000", "ffffffffff", lan.Service("r").Node.Address.ToString() })
                {
                    if (address != "0000000000" && !path.Contains("{address}", StringComparison.Ordinal))
                        continue;
                    var url = path.Replace("{networkId}", id, StringComparison.Ordinal).Replace("{address}", address, StringComparison.Ordinal)
                        .Replace("{moonId}", id, StringComparison.Ordinal).Replace("{mtu}", "x", StringComparison.Ordinal).Replace("{link}", "x", StringComparison.Ordinal)
                        .Replace("{ip}", "x", StringComparison.Ordinal);
                    if (url == path && id != "x")
                        continue;
                    foreach (var method in new[] { "POST", "PUT", "DELETE", "GET" })
                    {
                        foreach (var body in method is "POST" or "PUT" ? bodies : [""])
                        {
                            if (url == "/metrics" && method == "GET")
                                continue;
                            var (status, json) = await client.SendAsync(method, url, body);
                            Assert.True((int)status < 500, $"{method} {url} {body}: {(int)status} {json.GetRawText()}");
                            Assert.Equal(status != HttpStatusCode.OK, json.ValueKind == JsonValueKind.Object && json.TryGetProperty("error", out _));
                        }
                    }
                }
            }
        }

        Assert.Contains("not a network ID", await client.FailAsync(HttpStatusCode.BadRequest, "POST", "/network/0000000000000000", "{}"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1", true)]
    [InlineData("\"true\"", true)]
    [InlineData("0", false)]
    [InlineData("\"0\"", false)]
    [InlineData("null", true)]
    public async Task A_switch_in_a_body_may_be_a_number_or_a_string_and_null_has_no_effect(string value, bool isOn)
    {
        await using var lan = await ServiceLan.StartAsync();
        var joined = await lan.Client("r").CallAsync("POST", "/network/8056c2e21c000001", $$"""{ "allowManaged": {{value}} }""");
        Assert.Equal(isOn, joined.GetProperty("allowManaged").GetBoolean());
    }

    [Fact]
    public async Task A_node_that_is_not_a_controller_reports_it()
    {
        await using var lan = await ServiceLan.StartAsync(isController: false);
        Assert.Contains("--controller", await lan.Client("r").FailAsync(HttpStatusCode.NotFound, "GET", "/controller"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_lines_of_existing_nodes_which_send_no_Host_header_are_answered()
    {
        await using var lan = await ServiceLan.StartAsync();
        var token = lan.Client("r").Token;
        var answer = await ExchangeAsync(lan.Service("r").Port, [$"GET /stat", $"us HTTP/1.1\r\nConnection: close\r\nX-ZT1-Auth: {token}\r\n\r\n"]);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer, StringComparison.Ordinal);
        var join = await ExchangeAsync(lan.Service("r").Port, [$"POST /network/8056c2e21c000001 HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\nX-ZT1-Auth: {token}\r\n\r\n", "{}"]);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", join, StringComparison.Ordinal);
        Assert.Contains("\"nwid\":\"8056c2e21c000001\"", join, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_that_are_not_a_request_do_not_change_the_service()
    {
        await using var lan = await ServiceLan.StartAsync();
        var random = new Random(7);
        var request = Encoding.ASCII.GetBytes($"POST /network/8056c2e21c000001 HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\nX-ZT1-Auth: {lan.Client("r").Token}x\r\n\r\n{{ \"allowGlobal\": true       }}");
        for (var i = 0; i < 200; i++)
        {
            var bytes = (byte[])request.Clone();
            for (var flips = random.Next(1, 8); flips > 0; flips--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, lan.Service("r").Port, ServiceLan.Guard);
            await socket.SendAsync(bytes.AsMemory(0, random.Next(bytes.Length)), ServiceLan.Guard);
        }

        Assert.Empty((await lan.Client("r").CallAsync("GET", "/network")).EnumerateArray());
    }

    /// <summary>Sends the body only once the head was not refused: else the refusal may get lost in the reset of what is still being sent.</summary>
    private static void AskFirst(HttpRequestHeaders headers) => headers.ExpectContinue = true;

    /// <summary>Sends parts one after the other, and reads all that is answered.</summary>
    private static async Task<string> ExchangeAsync(int port, string[] parts)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port, ServiceLan.Guard);
        using var stream = new NetworkStream(socket, ownsSocket: false);
        foreach (var part in parts)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(part), ServiceLan.Guard);
            await Task.Yield();
        }
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(ServiceLan.Guard);
    }
}
