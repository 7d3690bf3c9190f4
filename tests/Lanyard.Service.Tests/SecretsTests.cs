using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Lanyard.Service.Tests;

/// <summary>The API, the log and errors contain no secret. Callers without the token, such as another user or a web page in a browser of this machine, learn nothing.</summary>
public sealed class SecretsTests
{
    private const string Password = "Tr0ub4dor&3";

    // Also what is no part of the schema: a file of an existing node may hold it.
    private const string LocalConf = """
        { "settings": { "controllerDbPath": "postgres:host=db password=Tr0ub4dor&3", "redis": { "hostname": "db", "password": "Tr0ub4dor&3" } },
          "lanyard": { "proxies": [ { "listen": "127.0.0.1:0", "user": "joe", "password": "Tr0ub4dor&3" } ] },
          "other": { "apiToken": "Tr0ub4dor&3", "nested": [ { "clientSecret": [ "Tr0ub4dor&3" ] } ], "kept": 7 } }
        """;

    [Fact]
    public async Task No_answer_contains_a_password_token_or_secret_key()
    {
        await using var lan = await ServiceLan.StartAsync(localConf: LocalConf);
        var client = lan.Client("r");
        var network = await lan.JoinAllAsync("r");
        string[] secrets = [Password, client.Token, File.ReadAllText(Path.Combine(lan.Home("r"), "metricstoken.secret")), File.ReadAllText(Path.Combine(lan.Home("r"), "identity.secret")).Split(':')[3]];
        foreach (var path in new[]
        {
            "/status", "/config", "/config/settings", "/network", $"/network/{network}", "/peer", "/moon", "/metrics", "/health", "/openapi.json", "/controller", "/controller/network",
            $"/controller/network/{network}", $"/controller/network/{network}/member", $"/unstable/controller/network/{network}/member", "/no/such/path", "/status?jsonp=f",
        })
        {
            var (_, _, body) = await client.FetchAsync(path);
            foreach (var secret in secrets)
                Assert.DoesNotContain(secret.Trim(), body, StringComparison.Ordinal);
        }

        // What is no secret is told as ever.
        var config = await client.CallAsync("GET", "/config");
        Assert.Equal(7, config.GetProperty("other").GetProperty("kept").GetInt32());
        var proxy = config.GetProperty("lanyard").GetProperty("proxies")[0];
        Assert.Equal("joe", proxy.GetProperty("user").GetString());
        Assert.NotEqual("", proxy.GetProperty("password").GetString());
        Assert.Equal("db", (await client.CallAsync("GET", "/status")).GetProperty("config").GetProperty("settings").GetProperty("redis").GetProperty("hostname").GetString());
    }

    [Fact]
    public async Task Settings_that_were_told_without_their_secrets_may_be_sent_back()
    {
        await using var lan = await ServiceLan.StartAsync(localConf: LocalConf);
        var told = (await lan.Client("r").CallAsync("GET", "/config")).GetProperty("settings");
        await lan.Client("r").CallAsync("POST", "/config/settings", told.GetRawText());
        using var kept = JsonDocument.Parse(File.ReadAllText(Path.Combine(lan.Home("r"), LocalConfiguration.FileName)));
        Assert.Equal($"postgres:host=db password={Password}", kept.RootElement.GetProperty("settings").GetProperty("controllerDbPath").GetString());
        Assert.Equal(Password, kept.RootElement.GetProperty("settings").GetProperty("redis").GetProperty("password").GetString());
        Assert.Equal(Password, kept.RootElement.GetProperty("lanyard").GetProperty("proxies")[0].GetProperty("password").GetString());
    }

    [Theory]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": "joe:Tr0ub4dor&3@127.0.0.1" } ] } }""")]
    [InlineData("""{ "lanyard": { "proxies": [ "socks://joe:Tr0ub4dor&3@127.0.0.1" ] } }""")]
    [InlineData("""{ "lanyard": { "proxies": "joe:Tr0ub4dor&3" } }""")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1080, "user": "joe:Tr0ub4dor&3", "password": "x" } ] } }""")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1080, "password": { "Tr0ub4dor&3": 1 } } ] } }""")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1080, "passwort": "Tr0ub4dor&3" } ] } }""")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1080, "user": "joe", "password": "Tr0ub4dor&3 } ] } }""")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1080, "user": "joe", "password": Tr0ub4dor&3 } ] } }""")]
    [InlineData("""{ "lanyard": { "proxies": [ { "listen": 1080, "user": "joe", "password": tr0ub4dor } ] } }""")]
    public void An_error_of_the_configuration_does_not_tell_a_password(string text)
    {
        var error = Assert.Throws<LanyardStateException>(() => LocalConfiguration.Parse("local.conf", text));
        Assert.DoesNotContain("r0ub", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/config/settings", """{"a":"\ud800"}""")]
    [InlineData("/config/settings", """{"\ud800":1}""")]
    [InlineData("/config/settings", """{"primaryPort":9993,"x":{"y":["\udc00"]}}""")]
    [InlineData("/network/8056c2e21c000001", """{"allow\ud800":true}""")]
    [InlineData("/moon/8056c2e21c", """{"seed":"\ud800"}""")]
    [InlineData("/controller/network/________", """{"na\ud800me":"x","name":"\ud800"}""")]
    public async Task Half_a_character_in_a_request_is_no_error_of_the_service(string path, string body)
    {
        await using var lan = await ServiceLan.StartAsync();
        var client = lan.Client("r");
        path = path.Replace("________", $"{lan.Service("r").Node.Address}______", StringComparison.Ordinal);
        Assert.Contains("not valid Unicode", await client.FailAsync(HttpStatusCode.BadRequest, "POST", path, body), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await client.FetchAsync("/config", client.Token)).Status);
    }

    [Fact]
    public void A_configuration_with_half_a_character_anywhere_is_refused_by_name()
    {
        var error = Assert.Throws<LanyardStateException>(() => LocalConfiguration.Parse("local.conf", """{ "other": { "kept": [ "\ud800" ] } }"""));
        Assert.Contains("not valid Unicode", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Configurations_as_text_do_not_tell_a_password()
    {
        var configuration = LocalConfiguration.Parse("local.conf", LocalConf);
        Assert.DoesNotContain(Password, configuration.ToString(), StringComparison.Ordinal);
        var proxy = Assert.Single(configuration.Proxies);
        Assert.DoesNotContain(Password, proxy.ToString(), StringComparison.Ordinal);
        Assert.Contains("joe", proxy.Options.ToString(), StringComparison.Ordinal);
        Assert.Equal(Password, proxy.Options.Password);
    }

    [Fact]
    public async Task No_log_message_contains_a_secret()
    {
        using var log = new LogCollector();
        using var folder = new TestFolder();
        var secret = TestData.Text("peer-1.14", "a.identity.secret");
        File.WriteAllText(folder.PathOf("identity.secret"), secret);
        File.WriteAllText(folder.PathOf("local.conf"), LocalConf);
        string token;
        await using (var service = await LanyardService.StartAsync(
            new LanyardServiceOptions { HomeDirectory = folder.PathOf(), Port = 0, IsController = true, LoggerFactory = log, Node = new LanyardOptions { BindAddresses = [IPAddress.Loopback] } },
            ServiceLan.Guard))
        {
            token = File.ReadAllText(folder.PathOf("authtoken.secret"));
            using var client = new ServiceClient(service, folder.PathOf());
            await client.FetchAsync($"/status?auth={token}");
            File.WriteAllText(folder.PathOf("local.conf"), LocalConf.Replace("\"joe\"", "7", StringComparison.Ordinal));
            await service.ReloadAsync();
        }

        Assert.Contains(log.Lines, line => line.Contains("proxies[0].user", StringComparison.Ordinal));
        foreach (var hidden in new[] { Password, token, secret.Trim().Split(':')[3] })
            Assert.DoesNotContain(log.Lines, line => line.Contains(hidden, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("0600")]
    [InlineData("0644")]
    public async Task The_configuration_file_stays_private_when_the_API_writes_it(string before)
    {
        await using var lan = await ServiceLan.StartAsync(localConf: LocalConf);
        var file = Path.Combine(lan.Home("r"), LocalConfiguration.FileName);
        FileModes.Set(file, before);
        await lan.Client("r").CallAsync("POST", "/config/settings", """{ "primaryPort": 9994 }""");
        Assert.Equal("0600", FileModes.Of(file));
        Assert.Contains("9994", File.ReadAllText(file), StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.GetFiles(lan.Home("r")), left => left.Contains(".new", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_configuration_that_others_may_read_is_narrowed_when_it_is_read_and_that_is_logged()
    {
        using var log = new LogCollector();
        using var folder = new TestFolder();
        File.WriteAllText(folder.PathOf("identity.secret"), TestData.Text("peer-1.14", "a.identity.secret"));
        File.WriteAllText(folder.PathOf("local.conf"), LocalConf);
        FileModes.Set(folder.PathOf("local.conf"), "0664");
        await using var service = await LanyardService.StartAsync(
            new LanyardServiceOptions { HomeDirectory = folder.PathOf(), Port = 0, LoggerFactory = log, Node = new LanyardOptions { BindAddresses = [IPAddress.Loopback] } }, ServiceLan.Guard);
        Assert.Equal("0600", FileModes.Of(folder.PathOf("local.conf")));
        Assert.Contains(log.Lines, line => line.Contains("local.conf", StringComparison.Ordinal) && line.Contains("664", StringComparison.Ordinal));
        File.WriteAllText(folder.PathOf("local.conf"), "{}");
        FileModes.Set(folder.PathOf("local.conf"), "0644");
        await service.ReloadAsync();
        Assert.Equal("0600", FileModes.Of(folder.PathOf("local.conf")));
    }

    [Fact]
    public async Task A_web_page_with_DNS_rebinding_learns_nothing()
    {
        await using var lan = await ServiceLan.StartAsync();
        var port = lan.Service("r").Port;
        using var stranger = new ServiceClient(lan.Service("r"), lan.Home("r"), withToken: false);
        foreach (var path in new[] { "/health", "/openapi.json", "/status", "/no/such/path" })
        {
            foreach (var host in new[] { "rebound.example", $"rebound.example:{port}", "127.0.0.1.rebound.example", "localhost.rebound.example" })
                Assert.Equal((HttpStatusCode)421, (await stranger.SendAsync("GET", path, headers: headers => headers.Host = host)).Status);
        }

        foreach (var host in new[] { "localhost", $"localhost:{port}", "127.0.0.1", $"127.0.0.1:{port}", "[::1]", $"[::1]:{port}", "192.0.2.1", "node.localhost" })
            Assert.Equal(HttpStatusCode.OK, (await stranger.SendAsync("GET", "/health", headers: headers => headers.Host = host)).Status);
        // The token shows a caller that is no such page, such as one behind a proxy with a name.
        Assert.Equal(HttpStatusCode.OK, (await lan.Client("r").SendAsync("GET", "/status", headers: headers => headers.Host = "node.example")).Status);
    }

    [Fact]
    public async Task A_web_page_of_another_origin_cannot_use_an_answer()
    {
        await using var lan = await ServiceLan.StartAsync();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{lan.Service("r").Port}") };
        foreach (var path in new[] { "/health", "/health?jsonp=f", "/openapi.json?jsonp=f", "/status", "/status?jsonp=f" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Add("Origin", "https://page.example");
            using var response = await http.SendAsync(request, ServiceLan.Guard);
            // No script that a page could include, nothing that lets one read.
            Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
            Assert.Equal(["nosniff"], response.Headers.GetValues("X-Content-Type-Options"));
            Assert.Equal(["same-origin"], response.Headers.GetValues("Cross-Origin-Resource-Policy"));
            Assert.Equal("no-store", response.Headers.CacheControl?.ToString());
            Assert.DoesNotContain(response.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
        }

        using var preflight = new HttpRequestMessage(HttpMethod.Options, "/status");
        preflight.Headers.Add("Origin", "https://page.example");
        preflight.Headers.Add("Access-Control-Request-Headers", "x-zt1-auth");
        using var refused = await http.SendAsync(preflight, ServiceLan.Guard);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.DoesNotContain(refused.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Callers_without_the_token_do_not_keep_their_connections()
    {
        await using var lan = await ServiceLan.StartAsync();
        foreach (var path in new[] { "/health", "/openapi.json", "/status", "/no/such/path" })
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, lan.Service("r").Port, ServiceLan.Guard);
            using var stream = new NetworkStream(socket, ownsSocket: false);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")), ServiceLan.Guard);
            using var reader = new StreamReader(stream);
            // It comes to an end.
            Assert.Contains("Connection: close", await reader.ReadToEndAsync(ServiceLan.Guard), StringComparison.OrdinalIgnoreCase);
        }
    }
}
