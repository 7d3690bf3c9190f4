using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Lanyard.Controller;
using Lanyard.Intercept;
using Lanyard.Wire;
using Microsoft.AspNetCore.Http;

namespace Lanyard.Service;

/// <summary>
/// The local JSON API. Paths, fields, and the order and types of fields are compatible with existing tools.
/// <list type="bullet">
/// <item><c>GET /status</c>; <c>GET /health</c>, which needs no token.</item>
/// <item><c>GET /network</c>; <c>GET</c>, <c>POST</c> (join, and settings), <c>DELETE</c> (leave) <c>/network/ID</c>.</item>
/// <item><c>GET /peer</c>, <c>GET /peer/ADDRESS</c>.</item>
/// <item><c>GET /moon</c>; <c>GET</c>, <c>POST</c> (orbit, with <c>seed</c>), <c>DELETE</c> (deorbit) <c>/moon/ID</c>.</item>
/// <item><c>GET /config</c>, the folder's <c>local.conf</c>; <c>POST /config/settings</c>.</item>
/// <item><c>/bond/...</c>, which always replies that paths are not bonded.</item>
/// <item><c>GET /metrics</c>, for Prometheus: the token of <c>metricstoken.secret</c> is enough.</item>
/// <item><c>/controller/...</c> if the service is a controller: see <see cref="ControllerApi"/>.</item>
/// <item><c>GET /openapi.json</c>, the OpenAPI description, which needs no token.</item>
/// </list>
/// The token is in the header <c>X-ZT1-Auth</c>, in <c>?auth=</c>, or a bearer token. Errors are <c>{"error":"..."}</c>. With
/// <c>?jsonp=FUNCTION</c> and the token, the response is a script that calls the function. The connection of a caller without the token is closed.
/// </summary>
internal sealed class LocalApi(LanyardNode node, NetworkController? controller, string home, ApiAccess access, ConfigurationKeeper configuration)
{
    /// <summary>The maximum length of a request's body in bytes, which is the controller's limit.</summary>
    public const int MaxBodyBytes = 1 << 20;

    /// <summary>The maximum number of bytes read of a body that is too long, to discard it: a caller that is still sending misses the response.</summary>
    public const int MaxReadBytes = 16 * MaxBodyBytes;

    private const int MaxOwnBodyBytes = 64 * 1024;
    private const int MaxFunctionNameLength = 128;
    private const int AddressDigits = 10;
    private const int WorldIdDigits = 16;

    private static readonly SearchValues<char> FunctionNameCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$.");

    private readonly ControllerApi? _controllerApi = controller is null ? null : new ControllerApi(controller);

    /// <summary>The server of redirected programs, for the metrics; null if there is none.</summary>
    public InterceptServer? Programs { get; set; }

    /// <summary>Handles a request.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        try
        {
            var reply = await AnswerAsync(context).ConfigureAwait(false);
            context.Response.StatusCode = reply.Status;
            context.Response.ContentType = reply.ContentType;
            context.Response.ContentLength = reply.Body.Length;
            context.Response.Headers.XContentTypeOptions = "nosniff";
            context.Response.Headers.CacheControl = "no-store";
            // A JSONP script is for a page of another origin, which has sent the token.
            if (reply.ContentType != ApiReply.Script)
                context.Response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
            if (!HttpMethods.IsHead(context.Request.Method))
                await context.Response.Body.WriteAsync(reply.Body, context.RequestAborted).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller has closed the connection.
        }
    }

    private async ValueTask<ApiReply> AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        if (!access.IsPermittedCaller(context))
        {
            context.Response.Headers.Connection = "close";
            return ApiReply.Error(401, "The API accepts callers on this machine and on the networks of allowManagementFrom in its local.conf only.");
        }

        if (!access.HasToken(context.Request, forMetrics: path == "/metrics"))
        {
            // Do not read further data from a caller without the token.
            context.Response.Headers.Connection = "close";
            return !ApiAccess.NamesOwnHost(context) ? ApiReply.Error(421, "Without the token, the host of the URL must be an address of this machine or localhost.")
                : IsOpenToAll(path) ? AnswerAll(context.Request.Method, path)
                : ApiReply.Error(401, "The token is missing or wrong. Send the content of the service's authtoken.secret in the header X-ZT1-Auth.");
        }

        if (context.Features.Get<ConnectionSeat>()?.TryKnow() == false)
        {
            context.Response.Headers.Connection = "close";
            return ApiReply.Error(503, string.Create(CultureInfo.InvariantCulture, $"There are already {ConnectionSeats.MaxKnown} connections. Close some, or retry."));
        }

        return ToScriptIfRequested(IsOpenToAll(path) ? AnswerAll(context.Request.Method, path) : await AnswerKnownAsync(context, path).ConfigureAwait(false), context.Request);
    }

    private async ValueTask<ApiReply> AnswerKnownAsync(HttpContext context, string path)
    {
        try
        {
            var method = HttpMethods.IsHead(context.Request.Method) ? HttpMethods.Get
                : HttpMethods.IsPut(context.Request.Method) ? HttpMethods.Post
                : context.Request.Method;
            if (ControllerApi.Handles(path))
                return await AskControllerAsync(context, path).ConfigureAwait(false);
            return await RouteAsync(context.Request, method, path.Split('/'), context.RequestAborted).ConfigureAwait(false);
        }
        catch (BadHttpRequestException bad)
        {
            return ApiReply.Error(bad.StatusCode, bad.StatusCode == 413 ? "The body is too long." : "The request cannot be read.");
        }
        catch (BadBodyException bad)
        {
            return ApiReply.Error(400, bad.Message);
        }
        catch (LanyardStateException failure)
        {
            return ApiReply.Error(500, failure.Message);
        }
        catch (ObjectDisposedException)
        {
            return ApiReply.Error(503, "The service is stopping.");
        }
    }

    private async ValueTask<ApiReply> RouteAsync(HttpRequest request, string method, string[] path, CancellationToken cancellationToken) => (method, path) switch
    {
        ("GET", ["", "status"]) => ApiReply.Ok(writer => StatusJson.Write(writer, node, home, configuration.Current)),
        ("GET", ["", "metrics"]) => new ApiReply(200, MetricsText.Write(node, controller, Programs), MetricsText.ContentType),
        ("GET", ["", "config"]) => ApiReply.Ok(writer => SortedJson.Write(writer, configuration.Current.Document)),
        ("POST", ["", "config", "settings"]) => ChangeSettings(await ReadBodyAsync(request, cancellationToken).ConfigureAwait(false)),
        ("GET", ["", "bond", "show", var peer]) when NodeAddress.TryParse(peer, out _) => NoBonding(),
        ("POST", ["", "bond", "rotate", var peer]) when NodeAddress.TryParse(peer, out _) => NoBonding(),
        ("POST", ["", "bond", "setmtu", _, _, _]) => NoBonding(),
        ("GET", ["", "network"]) => ApiReply.Ok(WriteNetworks),
        (_, ["", "network", var id]) when NetworkId.TryParse(id, out var network) => method switch
        {
            "GET" => node.TryGetNetwork(network, out var joined) ? Show(joined) : ApiReply.Error(404, "The node has not joined this network."),
            "POST" => Join(network, await ReadBodyAsync(request, cancellationToken).ConfigureAwait(false)),
            "DELETE" => await LeaveAsync(network, cancellationToken).ConfigureAwait(false),
            _ => NotAllowed(method),
        },
        ("GET", ["", "peer"]) => ApiReply.Ok(WritePeers),
        ("GET", ["", "peer", var peer]) when NodeAddress.TryParse(peer, out var address) => ApiReply.Ok(writer => WritePeer(writer, address)),
        ("GET", ["", "moon"]) => ApiReply.Ok(WriteMoons),
        (_, ["", "moon", var moon]) when TryParseWorldId(moon, out var id) => method switch
        {
            "GET" => ApiReply.Ok(writer => WriteMoon(writer, id)),
            "POST" => Orbit(id, await ReadBodyAsync(request, cancellationToken).ConfigureAwait(false)),
            "DELETE" => Deorbit(id),
            _ => NotAllowed(method),
        },
        (_, ["", "status" or "network" or "peer" or "moon" or "metrics" or "config"]) or (_, ["", "peer", _]) or (_, ["", "config", "settings"]) => NotAllowed(method),
        _ => ApiReply.Error(404, "This path does not exist."),
    };

    private static bool IsOpenToAll(string path) => path is "/health" or "/openapi.json";

    private ApiReply AnswerAll(string method, string path) =>
        !HttpMethods.IsGet(method) && !HttpMethods.IsHead(method) ? NotAllowed(method)
        : path == "/health" ? ApiReply.Ok(writer => StatusJson.WriteHealth(writer, node.Status))
        : new ApiReply(200, OpenApi.Document);

    /// <summary>Returns a JSONP script if the caller requested one. The function's name must be an identifier, because the page runs it.</summary>
    private static ApiReply ToScriptIfRequested(ApiReply reply, HttpRequest request)
    {
        if (reply.ContentType != ApiReply.Json || request.Query["jsonp"].ToString() is not { Length: > 0 } function)
            return reply;
        return function.Length <= MaxFunctionNameLength && !function.AsSpan().ContainsAnyExcept(FunctionNameCharacters)
            ? reply.AsScript(function)
            : ApiReply.Error(400, "\"jsonp\" must be the name of a function.");
    }

    private static ApiReply NoBonding() => ApiReply.Error(400, "This node does not bond paths: it uses one path at a time to each peer.");

    private ApiReply ChangeSettings(JsonElement settings)
    {
        if (settings.ValueKind == JsonValueKind.Object)
        {
            try
            {
                configuration.ChangeSettings(settings);
            }
            catch (LanyardStateException wrong) when (wrong.InnerException is null)
            {
                throw new BadBodyException(wrong.Message);
            }
        }

        return ApiReply.Ok(WriteNothing);
    }

    private async ValueTask<ApiReply> AskControllerAsync(HttpContext context, string path)
    {
        if (_controllerApi is null)
            return ApiReply.Error(404, "This node is not a controller. Start it with --controller to make it one.");
        var body = await ReadAllAsync(context.Request, MaxBodyBytes, context.RequestAborted).ConfigureAwait(false);
        var reply = await _controllerApi.HandleAsync(node.Status.ClockMs, context.Request.Method, path, body, context.RequestAborted).ConfigureAwait(false);
        return new ApiReply(reply.StatusCode, reply.Json);
    }

    private ApiReply Join(NetworkId id, JsonElement settings)
    {
        if (id.IsNone)
            throw new BadBodyException($"{id} is not a network ID.");
        var allowManaged = ReadSwitch(settings, "allowManaged");
        var allowGlobal = ReadSwitch(settings, "allowGlobal");
        var allowDefault = ReadSwitch(settings, "allowDefault");
        var allowDns = ReadSwitch(settings, "allowDNS");
        var network = node.Join(id);
        if ((allowManaged ?? allowGlobal ?? allowDefault ?? allowDns) is not null)
        {
            var old = network.Settings;
            network.Settings = old with
            {
                AllowManaged = allowManaged ?? old.AllowManaged,
                AllowGlobal = allowGlobal ?? old.AllowGlobal,
                AllowDefault = allowDefault ?? old.AllowDefault,
                AllowDns = allowDns ?? old.AllowDns,
            };
        }

        return Show(network);
    }

    private async ValueTask<ApiReply> LeaveAsync(NetworkId id, CancellationToken cancellationToken)
    {
        var joined = node.TryGetNetwork(id, out _);
        if (joined)
            await node.LeaveAsync(id, cancellationToken).ConfigureAwait(false);
        return Result(joined);
    }

    private ApiReply Orbit(ulong id, JsonElement body)
    {
        var seed = default(NodeAddress);
        if (body.ValueKind == JsonValueKind.Object && body.TryGetProperty("seed", out var given)
            && !TryReadSeed(given, out seed))
            throw new BadBodyException("\"seed\" must be the address of one of the moon's roots, ten hexadecimal digits.");
        if (FindMoon(id) is { } moon)
            return ApiReply.Ok(writer => MoonJson.Write(writer, moon));
        if (seed.IsNone)
            return ApiReply.Ok(WriteNothing);
        node.Orbit(id, seed);
        return ApiReply.Ok(writer => MoonJson.WriteWaiting(writer, id));
    }

    private ApiReply Deorbit(ulong id)
    {
        node.Deorbit(id);
        return Result(true);
    }

    private World? FindMoon(ulong id) => node.Moons.FirstOrDefault(moon => moon.Id == id);

    private void WriteNetworks(Utf8JsonWriter writer)
    {
        writer.WriteStartArray();
        foreach (var network in node.Networks)
            JoinedNetworkJson.Write(writer, network);
        writer.WriteEndArray();
    }

    private void WritePeers(Utf8JsonWriter writer)
    {
        writer.WriteStartArray();
        foreach (var peer in node.GetPeers())
            PeerJson.Write(writer, peer);
        writer.WriteEndArray();
    }

    /// <summary>Writes an empty object for a missing peer or moon, as existing nodes do.</summary>
    private void WritePeer(Utf8JsonWriter writer, NodeAddress address)
    {
        if (node.FindPeer(address) is { } peer)
            PeerJson.Write(writer, peer);
        else
            WriteNothing(writer);
    }

    private void WriteMoons(Utf8JsonWriter writer)
    {
        writer.WriteStartArray();
        foreach (var moon in node.Moons)
            MoonJson.Write(writer, moon);
        writer.WriteEndArray();
    }

    private void WriteMoon(Utf8JsonWriter writer, ulong id)
    {
        if (FindMoon(id) is { } moon)
            MoonJson.Write(writer, moon);
        else
            WriteNothing(writer);
    }

    private static ApiReply Show(LanyardNetwork network) => ApiReply.Ok(writer => JoinedNetworkJson.Write(writer, network));

    private static ApiReply Result(bool done) => ApiReply.Ok(writer =>
    {
        writer.WriteStartObject();
        if (done)
            writer.WriteBoolean("result", true);
        writer.WriteEndObject();
    });

    private static void WriteNothing(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteEndObject();
    }

    // Existing nodes reply with 404 to a method that a path does not support.
    private static ApiReply NotAllowed(string method) => ApiReply.Error(404, $"This path does not support {method}.");

    private static bool? ReadSwitch(JsonElement body, string name)
    {
        if (body.ValueKind != JsonValueKind.Object || !body.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
            return null;
        return LenientValues.TryReadSwitch(value, out var isOn) ? isOn : throw new BadBodyException($"\"{name}\" must be true or false.");
    }

    // Existing nodes also accept leading zeros, as in a world ID, and a JSON number of those digits.
    private static bool TryReadSeed(JsonElement value, out NodeAddress seed)
    {
        seed = default;
        var digits = LenientValues.TryReadText(value);
        if (digits is { Length: WorldIdDigits } && digits.StartsWith("000000", StringComparison.Ordinal))
            digits = digits[^AddressDigits..];
        return NodeAddress.TryParse(digits, out seed);
    }

    /// <summary>Parses a world ID as tools write it: sixteen hexadecimal digits, or the ten of the moon's first root.</summary>
    private static bool TryParseWorldId(string text, out ulong id) =>
        ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out id) && text.Length is AddressDigits or WorldIdDigits && id != 0;

    /// <summary>Reads the body, an object. A missing body, as <c>curl -X POST</c> sends, equals an empty object.</summary>
    private static async ValueTask<JsonElement> ReadBodyAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var body = await ReadAllAsync(request, MaxOwnBodyBytes, cancellationToken).ConfigureAwait(false);
        if (body.IsEmpty)
            return default;
        try
        {
            using var document = JsonDocument.Parse(body);
            JsonTexts.RequireUnicode(document.RootElement);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? document.RootElement.Clone()
                : throw new BadBodyException("The body is not a JSON object.");
        }
        catch (JsonException broken)
        {
            throw new BadBodyException($"The body is not JSON: {broken.Message}");
        }
        catch (InvalidOperationException broken)
        {
            throw new BadBodyException($"The body contains a string that is not valid Unicode: {broken.Message}");
        }
    }

    private static async ValueTask<ReadOnlyMemory<byte>> ReadAllAsync(HttpRequest request, int maxBytes, CancellationToken cancellationToken)
    {
        var body = new ArrayBufferWriter<byte>();
        var isTooLong = request.ContentLength > maxBytes;
        while (true)
        {
            if (isTooLong)
                body.ResetWrittenCount();
            var read = await request.Body.ReadAsync(body.GetMemory(4096), cancellationToken).ConfigureAwait(false);
            if (read == 0)
                return isTooLong ? throw new BadHttpRequestException("", 413) : body.WrittenMemory;
            body.Advance(read);
            isTooLong |= body.WrittenCount > maxBytes;
        }
    }

    /// <summary>Thrown for an invalid body. The caller gets the message.</summary>
    private sealed class BadBodyException(string message) : Exception(message);
}
