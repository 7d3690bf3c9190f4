using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Lanyard.Service.Tests;

/// <summary>Compares the description of the API with its behavior: calls each described operation, and validates each answer against its schema.</summary>
public sealed class OpenApiTests
{
    [Fact]
    public async Task Every_operation_that_is_described_is_there_and_answers_as_described()
    {
        await using var lan = await ServiceLan.StartAsync();
        var leaf = await lan.StartServiceAsync("a");
        await lan.StartServiceAsync("b");
        var network = await lan.JoinAllAsync("a", "b");
        await lan.PingAsync("a", "b", network);
        Assert.True(Wire.World.TryParse(TestData.Bytes("peer-1.14", "000000084d444217.moon"), out var moon));
        Assert.True(lan.Service("r").Node.AddWorld(moon));
        var r = lan.Client("r");
        var a = lan.Client("a");
        using var stranger = new ServiceClient(lan.Service("a"), lan.Home("a"), withToken: false);
        var description = (await stranger.SendAsync("GET", "/openapi.json")).Json;
        var checker = new SchemaChecker(description);

        // What is called for each operation; a path as it is described, and as it is called.
        (string Operation, ServiceClient Client, string Path, string? Body)[] calls =
        [
            ("GET /status", a, "/status", null),
            ("GET /health", stranger, "/health", null),
            ("GET /metrics", a, "/metrics", null),
            ("GET /openapi.json", stranger, "/openapi.json", null),
            ("GET /config", a, "/config", null),
            ("POST /config/settings", a, "/config/settings", """{ "mine": true }"""),
            ("PUT /config/settings", a, "/config/settings", "{}"),
            ("GET /network", a, "/network", null),
            ("GET /network/{networkId}", a, $"/network/{network}", null),
            ("POST /network/{networkId}", a, $"/network/{network}", """{ "allowDNS": true }"""),
            ("PUT /network/{networkId}", a, "/network/8056c2e21c000001", "{}"),
            ("DELETE /network/{networkId}", a, "/network/8056c2e21c000001", null),
            ("DELETE /network/{networkId}", a, "/network/8056c2e21c000001", null),
            ("GET /peer", a, "/peer", null),
            ("GET /peer", r, "/peer", null),
            ("GET /peer/{address}", a, $"/peer/{lan.Service("b").Node.Address}", null),
            ("GET /peer/{address}", a, "/peer/0123456789", null),
            ("GET /moon", r, "/moon", null),
            ("GET /moon/{moonId}", r, "/moon/084d444217", null),
            ("GET /moon/{moonId}", r, "/moon/0123456789", null),
            ("POST /moon/{moonId}", r, "/moon/0123456789", """{ "seed": "0123456789" }"""),
            ("PUT /moon/{moonId}", r, "/moon/000000084d444217", "{}"),
            ("DELETE /moon/{moonId}", r, "/moon/084d444217", null),
            ("GET /bond/show/{address}", a, "/bond/show/0123456789", null),
            ("POST /bond/rotate/{address}", a, "/bond/rotate/0123456789", null),
            ("PUT /bond/rotate/{address}", a, "/bond/rotate/0123456789", null),
            ("POST /bond/setmtu/{mtu}/{link}/{ip}", a, "/bond/setmtu/1400/eth0/192.0.2.1", null),
            ("PUT /bond/setmtu/{mtu}/{link}/{ip}", a, "/bond/setmtu/1400/eth0/192.0.2.1", null),
            ("GET /controller", r, "/controller", null),
            ("GET /controller/network", r, "/controller/network", null),
            ("POST /controller/network", r, "/controller/network", """{ "name": "x", "dns": { "domain": "x", "servers": [ "10.0.0.1" ] } }"""),
            ("PUT /controller/network", r, "/controller/network", "{}"),
            ("GET /controller/network/{networkId}", r, $"/controller/network/{network}", null),
            ("POST /controller/network/{networkId}", r, $"/controller/network/{network}", """{ "name": "y" }"""),
            ("PUT /controller/network/{networkId}", r, $"/controller/network/{lan.Service("r").Node.Address}______", "{}"),
            ("GET /controller/network/{networkId}/member", r, $"/controller/network/{network}/member", null),
            ("GET /controller/network/{networkId}/member/{address}", r, $"/controller/network/{network}/member/{leaf.Node.Address}", null),
            ("POST /controller/network/{networkId}/member/{address}", r, $"/controller/network/{network}/member/{leaf.Node.Address}", """{ "name": "z", "tags": [ [ 1, 2 ] ] }"""),
            ("PUT /controller/network/{networkId}/member/{address}", r, $"/controller/network/{network}/member/0123456789", "{}"),
            ("GET /unstable/controller/network", r, "/unstable/controller/network", null),
            ("GET /unstable/controller/network/{networkId}/member", r, $"/unstable/controller/network/{network}/member", null),
            ("DELETE /controller/network/{networkId}/member/{address}", r, $"/controller/network/{network}/member/0123456789", null),
            ("DELETE /controller/network/{networkId}", r, $"/controller/network/{network}", null),
        ];

        foreach (var (operation, client, path, body) in calls)
        {
            var parts = operation.Split(' ');
            var described = description.GetProperty("paths").GetProperty(parts[1]).GetProperty(parts[0].ToLowerInvariant());
            if (path == "/metrics")
            {
                Assert.StartsWith("text/plain", (await client.FetchAsync(path)).ContentType, StringComparison.Ordinal);
            }
            else
            {
                var (status, json) = await client.SendAsync(parts[0], path, body);
                checker.CheckResponse($"{operation} {(int)status}", described, status, json);
            }

            // Without a token, like a web page whose host name resolves to this service (DNS rebinding).
            var (misdirected, whose) = await stranger.SendAsync(parts[0], path, body, headers => headers.Host = "rebound.example");
            Assert.Equal(HttpStatusCode.MisdirectedRequest, misdirected);
            checker.CheckResponse($"{operation} 421", described, misdirected, whose);
            if (ReferenceEquals(client, stranger))
                continue;
            if (described.TryGetProperty("requestBody", out _))
            {
                var (tooLong, what) = await client.SendAsync(parts[0], path, new string(' ', (1 << 20) + 1));
                Assert.Equal(HttpStatusCode.RequestEntityTooLarge, tooLong);
                checker.CheckResponse($"{operation} 413", described, tooLong, what);
            }

            // Without a token, and with a method that is not described.
            using var outsider = new ServiceClient(client == r ? lan.Service("r") : leaf, lan.Home(client == r ? "r" : "a"), withToken: false);
            var (refused, why) = await outsider.SendAsync(parts[0], path, body);
            Assert.Equal(HttpStatusCode.Unauthorized, refused);
            checker.CheckResponse($"{operation} 401", described, refused, why);
        }

        var names = description.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Where(member => member.Name != "parameters").Select(member => $"{member.Name.ToUpperInvariant()} {path.Name}"));
        Assert.Equal(names.Order(), calls.Select(call => call.Operation).Distinct().Order());
    }

    [Fact]
    public async Task Undescribed_operations_do_not_exist()
    {
        await using var lan = await ServiceLan.StartAsync();
        var client = lan.Client("r");
        var paths = (await client.CallAsync("GET", "/openapi.json")).GetProperty("paths");
        foreach (var path in paths.EnumerateObject())
        {
            var url = path.Name.Replace("{networkId}", "8056c2e21c000001", StringComparison.Ordinal).Replace("{address}", "0123456789", StringComparison.Ordinal)
                .Replace("{moonId}", "0123456789", StringComparison.Ordinal).Replace("{mtu}", "1400", StringComparison.Ordinal)
                .Replace("{link}", "eth0", StringComparison.Ordinal).Replace("{ip}", "192.0.2.1", StringComparison.Ordinal);
            foreach (var method in new[] { "GET", "POST", "PUT", "DELETE", "PATCH" })
            {
                if (path.Value.TryGetProperty(method.ToLowerInvariant(), out _))
                    continue;
                var (status, _) = await client.SendAsync(method, url);
                Assert.True(status is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed, $"{method} {url}: {status}");
            }
        }
    }

    /// <summary>As much of JSON Schema as the description uses.</summary>
    private sealed class SchemaChecker(JsonElement description)
    {
        public void CheckResponse(string what, JsonElement operation, HttpStatusCode status, JsonElement json)
        {
            var code = ((int)status).ToString(CultureInfo.InvariantCulture);
            Assert.True(operation.GetProperty("responses").TryGetProperty(code, out var response), $"{what}: the status is not described; {json.GetRawText()}");
            var problem = Check("", Resolve(Resolve(response).GetProperty("content").GetProperty("application/json").GetProperty("schema")), json);
            Assert.True(problem is null, $"{what}: {problem}");
        }

        private JsonElement Resolve(JsonElement element)
        {
            while (element.TryGetProperty("$ref", out var reference))
            {
                element = description;
                foreach (var part in reference.GetString()!.Split('/').Skip(1))
                    element = element.GetProperty(part);
            }

            return element;
        }

        /// <summary>What is not as the schema says; null where all is.</summary>
        private string? Check(string path, JsonElement schema, JsonElement json)
        {
            schema = Resolve(schema);
            if (schema.TryGetProperty("anyOf", out var options))
            {
                var problems = options.EnumerateArray().Select(option => Check(path, option, json)).ToArray();
                return problems.Contains(null) ? null : string.Join("; or ", problems);
            }

            if (schema.TryGetProperty("type", out var type) && !TypesOf(type).Contains(TypeOf(json)))
                return $"{path} is a {TypeOf(json)}: {json.GetRawText()}";
            if (schema.TryGetProperty("const", out var constant) && constant.GetRawText() != json.GetRawText())
                return $"{path} is {json.GetRawText()}";
            if (schema.TryGetProperty("enum", out var values) && values.EnumerateArray().All(value => value.GetRawText() != json.GetRawText()))
                return $"{path} is {json.GetRawText()}";
            if (json.ValueKind == JsonValueKind.String && schema.TryGetProperty("pattern", out var pattern) && !Regex.IsMatch(json.GetString()!, pattern.GetString()!))
                return $"{path} is {json.GetRawText()}";
            return json.ValueKind switch
            {
                JsonValueKind.Object => CheckFields(path, schema, json),
                JsonValueKind.Array when schema.TryGetProperty("items", out var items) =>
                    json.EnumerateArray().Select(item => Check(path + "[]", items, item)).FirstOrDefault(problem => problem is not null),
                _ => null,
            };
        }

        private string? CheckFields(string path, JsonElement schema, JsonElement json)
        {
            if (schema.TryGetProperty("required", out var required)
                && required.EnumerateArray().FirstOrDefault(name => !json.TryGetProperty(name.GetString()!, out _)) is { ValueKind: JsonValueKind.String } missing)
                return $"{path} lacks {missing}";
            var known = schema.TryGetProperty("properties", out var properties) ? properties : default;
            var others = schema.TryGetProperty("additionalProperties", out var additional) ? additional : default;
            foreach (var field in json.EnumerateObject())
            {
                var problem = known.ValueKind == JsonValueKind.Object && known.TryGetProperty(field.Name, out var property) ? Check($"{path}.{field.Name}", property, field.Value)
                    : others.ValueKind == JsonValueKind.False ? $"{path}.{field.Name} is not described"
                    : others.ValueKind == JsonValueKind.Object ? Check($"{path}.{field.Name}", others, field.Value)
                    : null;
                if (problem is not null)
                    return problem;
            }

            return null;
        }

        private static string[] TypesOf(JsonElement type) =>
            (type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(item => item.GetString()!) : [type.GetString()!])
            .SelectMany(name => name == "number" ? ["number", "integer"] : new[] { name }).ToArray();

        private static string TypeOf(JsonElement json) => json.ValueKind switch
        {
            JsonValueKind.Object => "object",
            JsonValueKind.Array => "array",
            JsonValueKind.String => "string",
            JsonValueKind.True or JsonValueKind.False => "boolean",
            JsonValueKind.Number => json.GetRawText().Any(c => c is '.' or 'e' or 'E') ? "number" : "integer",
            _ => "null",
        };
    }
}
