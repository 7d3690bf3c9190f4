using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>A response of the controller's API.</summary>
/// <param name="StatusCode">The HTTP status code.</param>
/// <param name="Json">The body, of content type <c>application/json</c>.</param>
public readonly record struct ControllerApiResponse(int StatusCode, ReadOnlyMemory<byte> Json);

/// <summary>
/// The controller's JSON API without an HTTP server. Paths, fields and responses are compatible with existing tools.
/// <list type="bullet">
/// <item><c>GET /controller</c>: the API version, the controller's clock, and whether its database is healthy.</item>
/// <item><c>GET /controller/network</c>: the networks' IDs. <c>POST</c>: creates a network with a random number.</item>
/// <item><c>GET</c>, <c>POST</c>, <c>DELETE /controller/network/ID</c>. With the controller's address and six underscores for ID,
/// <c>POST</c> creates a network with a random number.</item>
/// <item><c>GET /controller/network/ID/member</c>: the members' addresses and revisions.</item>
/// <item><c>GET</c>, <c>POST</c>, <c>DELETE /controller/network/ID/member/ADDRESS</c>.</item>
/// <item><c>GET /unstable/controller/network</c> and <c>/unstable/controller/network/ID/member</c>: complete records, with counts.</item>
/// </list>
/// <c>PUT</c> equals <c>POST</c>: it changes the fields in the body and returns the complete record. The response to a change is
/// sent once the change is stored. A body is applied completely or refused completely: an unreadable field or list entry is a 400 that names it. Errors are
/// <c>{"error":"..."}</c> with 400 (the body cannot be read, or exceeds a limit), 404,
/// 405, 413 or 500 (in effect, but not stored yet). The server authorizes callers before it calls this API.
/// </summary>
public sealed class ControllerApi(NetworkController controller)
{
    private const int ApiVersion = 4;

    /// <summary>Returns whether a path belongs to this API.</summary>
    public static bool Handles(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return path is "/controller" or "/unstable/controller" || path.StartsWith("/controller/", StringComparison.Ordinal)
            || path.StartsWith("/unstable/controller/", StringComparison.Ordinal);
    }

    /// <summary>Handles a request.</summary>
    /// <param name="nowMs">The time in milliseconds since 1970.</param>
    /// <param name="method">The HTTP method in upper case.</param>
    /// <param name="path">The path without the query.</param>
    /// <param name="body">The body; empty if the request has none.</param>
    /// <param name="cancellationToken">Cancels the wait for a change to be stored. The change stays in effect.</param>
    public async ValueTask<ControllerApiResponse> HandleAsync(
        long nowMs, string method, string path, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(path);
        if (method == "HEAD")
            method = "GET";
        if (method is not ("GET" or "POST" or "PUT" or "DELETE"))
            return NotAllowed(method);
        if (body.Length > controller.Limits.MaxBodyBytes)
            return Error(413, string.Create(CultureInfo.InvariantCulture, $"The body is longer than {controller.Limits.MaxBodyBytes} bytes."));
        try
        {
            var response = Route(nowMs, method, path.Split('/'), body);
            if (method != "GET" && response.StatusCode == 200)
                await controller.FlushAsync(cancellationToken).ConfigureAwait(false);
            return response;
        }
        catch (JsonException e)
        {
            return Error(400, $"The body is not JSON: {e.Message}");
        }
        catch (Exception e) when (e is ControllerLimitException or UnreadableFieldException)
        {
            return Error(400, e.Message);
        }
        catch (ControllerStoreException e)
        {
            return Error(500, $"The change is in effect but not stored yet. {e.Message}");
        }
    }

    private ControllerApiResponse Route(long nowMs, string method, string[] path, ReadOnlyMemory<byte> body) => (method, path) switch
    {
        ("GET", ["", "controller"]) => Status(nowMs),
        (_, ["", "controller"]) => NotAllowed(method),
        ("GET", ["", "controller", "network"]) => ListNetworks(),
        ("GET", ["", "unstable", "controller", "network"]) => ListWholeNetworks(),
        ("POST" or "PUT", ["", "controller", "network"]) => CreateNetwork(nowMs, body),
        (_, ["", "controller", "network"]) or (_, ["", "unstable", "controller", "network"]) => NotAllowed(method),
        ("POST" or "PUT", ["", "controller", "network", [.., '_', '_', '_', '_', '_', '_'] wildcard]) => CreateNetwork(nowMs, wildcard, body),
        (_, ["", "controller", "network", var id]) when NetworkId.TryParse(id, out var network) => method switch
        {
            "GET" => Show(controller.FindNetwork(network)),
            "DELETE" => Show(controller.DeleteNetwork(nowMs, network)),
            _ => SaveNetwork(nowMs, network, body),
        },
        (_, ["", "controller", "network", var id, "member"]) when NetworkId.TryParse(id, out var network) =>
            method == "GET" ? ListMembers(network) : NotAllowed(method),
        (_, ["", "unstable", "controller", "network", var id, "member"]) when NetworkId.TryParse(id, out var network) =>
            method == "GET" ? ListWholeMembers(network) : NotAllowed(method),
        (_, ["", "controller", "network", var id, "member", var node])
            when NetworkId.TryParse(id, out var network) && NodeAddress.TryParse(node, out var address) => method switch
            {
                "GET" => Show(controller.FindMember(network, address)),
                "DELETE" => Show(controller.DeleteMember(nowMs, network, address)),
                _ => SaveMember(nowMs, network, address, body),
            },
        _ => Error(404, "This path does not exist."),
    };

    private ControllerApiResponse Status(long nowMs)
    {
        var healthy = controller.IsHealthy;
        var text = string.Create(CultureInfo.InvariantCulture,
            $"{{\n\t\"controller\": true,\n\t\"apiVersion\": {ApiVersion},\n\t\"clock\": {nowMs},\n\t\"databaseReady\": {(healthy ? "true" : "false")}\n}}\n");
        return new ControllerApiResponse(healthy ? 200 : 503, Encoding.UTF8.GetBytes(text));
    }

    private ControllerApiResponse ListNetworks() => Ok(writer =>
    {
        writer.WriteStartArray();
        foreach (var network in controller.ListNetworks())
            writer.WriteStringValue(network.Id.ToString());
        writer.WriteEndArray();
    });

    private ControllerApiResponse ListWholeNetworks() => Ok(writer =>
    {
        var networks = controller.ListNetworks();
        writer.WriteStartObject();
        writer.WriteStartArray("data");
        foreach (var network in networks)
            NetworkJson.Write(writer, network, controller.CountMembers(network.Id));
        writer.WriteEndArray();
        writer.WriteStartObject("meta");
        writer.WriteNumber("networkCount", networks.Count);
        writer.WriteEndObject();
        writer.WriteEndObject();
    });

    private ControllerApiResponse ListMembers(NetworkId network)
    {
        if (controller.ListMembers(network) is not { } members)
            return NoNetwork();
        return Ok(writer =>
        {
            writer.WriteStartObject();
            foreach (var member in members)
                writer.WriteNumber(member.Address.ToString(), member.Revision);
            writer.WriteEndObject();
        });
    }

    private ControllerApiResponse ListWholeMembers(NetworkId network)
    {
        if (controller.ListMembers(network) is not { } members)
            return NoNetwork();
        return Ok(writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("data");
            foreach (var member in members)
                MemberJson.Write(writer, member);
            writer.WriteEndArray();
            writer.WriteStartObject("meta");
            writer.WriteNumber("authorizedCount", members.Count(member => member.IsAuthorized));
            writer.WriteNumber("totalCount", members.Count);
            writer.WriteEndObject();
            writer.WriteEndObject();
        });
    }

    private ControllerApiResponse CreateNetwork(long nowMs, string wildcard, ReadOnlyMemory<byte> body) =>
        wildcard[..^6] == controller.Address.ToString()
            ? CreateNetwork(nowMs, body)
            : Error(400, $"The IDs of this controller's networks start with {controller.Address}.");

    private ControllerApiResponse CreateNetwork(long nowMs, ReadOnlyMemory<byte> body) =>
        WithBody(body, root => Show(controller.CreateNetwork(nowMs, network => Applied(network, root))));

    private ControllerApiResponse SaveNetwork(long nowMs, NetworkId id, ReadOnlyMemory<byte> body) =>
        WithBody(body, root => Show(controller.SaveNetwork(nowMs, id, network => Applied(network, root))));

    private ControllerApiResponse SaveMember(long nowMs, NetworkId id, NodeAddress address, ReadOnlyMemory<byte> body) =>
        WithBody(body, root => controller.SaveMember(nowMs, id, address, member => Applied(member, root)) is { } saved ? Show(saved) : NoNetwork());

    // Applies a body completely, or refuses it.
    private static NetworkRecord Applied(NetworkRecord network, JsonElement body)
    {
        var fields = new FieldReader();
        network = NetworkJson.Apply(network, body, fields);
        fields.ThrowIfAny();
        return network;
    }

    private static MemberRecord Applied(MemberRecord member, JsonElement body)
    {
        var fields = new FieldReader();
        member = MemberJson.Apply(member, body, fields);
        fields.ThrowIfAny();
        return member;
    }

    private static ControllerApiResponse WithBody(ReadOnlyMemory<byte> body, Func<JsonElement, ControllerApiResponse> handle)
    {
        if (body.Span.StartsWith("\uFEFF"u8))
            body = body["\uFEFF"u8.Length..];
        // An empty body equals an empty object.
        using var document = JsonDocument.Parse(body.IsEmpty ? "{}"u8.ToArray() : body);
        try
        {
            JsonTexts.RequireUnicode(document.RootElement);
        }
        catch (InvalidOperationException e)
        {
            return Error(400, $"The body contains a string that is not valid Unicode: {e.Message}");
        }

        return document.RootElement.ValueKind == JsonValueKind.Object ? handle(document.RootElement) : Error(400, "The body is not a JSON object.");
    }

    private static ControllerApiResponse Show(NetworkRecord? network) => network is null ? NoNetwork() : Ok(writer => NetworkJson.Write(writer, network));

    private static ControllerApiResponse Show(MemberRecord? member) =>
        member is null ? Error(404, "The member does not exist.") : Ok(writer => MemberJson.Write(writer, member));

    private static ControllerApiResponse NoNetwork() => Error(404, "The network does not exist.");

    private static ControllerApiResponse NotAllowed(string method) => Error(405, $"This path does not support {method}.");

    private static ControllerApiResponse Error(int status, string message) => Answer(status, writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("error", message);
        writer.WriteEndObject();
    });

    private static ControllerApiResponse Ok(Action<Utf8JsonWriter> write) => Answer(200, write);

    private static ControllerApiResponse Answer(int status, Action<Utf8JsonWriter> write)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json, ControllerJson.WriterOptions))
            write(writer);
        return new ControllerApiResponse(status, json.WrittenMemory);
    }
}
