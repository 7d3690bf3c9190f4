#if NET9_0_OR_GREATER // JsonWriterOptions.IndentSize
using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using Lanyard.Primitives;

namespace Lanyard.Wire;

/// <summary>
/// An operator's definition of a <see cref="World"/>: its roots, and the keys to sign it with, including the secret key. It is stored as the
/// JSON that <c>initmoon</c> writes and <c>genmoon</c> reads (<c>moon.json</c>): objtype, worldType, id, signingKey, signingKey_SECRET,
/// updatesMustBeSignedBy, roots with identity and stableEndpoints.
/// </summary>
public sealed class WorldDefinition : IDisposable
{
    private static readonly JsonWriterOptions WriterOptions = new() { Indented = true, IndentSize = 1, NewLine = "\n" };

    /// <summary>The kind.</summary>
    public required WorldType Type { get; init; }

    /// <summary>The world's number: for a moon, the address of its first root.</summary>
    public required ulong Id { get; init; }

    /// <summary>The keys to sign with.</summary>
    public required WorldKey SigningKey { get; init; }

    /// <summary>The public keys, 64 bytes, that must sign the next edition; usually the public keys of <see cref="SigningKey"/>.</summary>
    public required EquatableArray<byte> UpdateKey { get; init; }

    /// <summary>The roots.</summary>
    public required EquatableArray<WorldRoot> Roots { get; init; }

    /// <summary>Creates a moon with one root without endpoints, and with new keys.</summary>
    /// <param name="root">The root.</param>
    /// <param name="random">Fills 64 bytes with random numbers; called once.</param>
    public static WorldDefinition CreateMoon(Identity root, RandomFill random)
    {
        ArgumentNullException.ThrowIfNull(root);
        var key = WorldKey.Generate(random);
        return new WorldDefinition
        {
            Type = WorldType.Moon,
            Id = root.Address.Value,
            SigningKey = key,
            UpdateKey = EquatableArray.Create(key.PublicKey),
            Roots = [new WorldRoot(root.WithoutSecret(), [])],
        };
    }

    /// <summary>
    /// Creates and signs the world. Roots and endpoints are sorted, so that equal definitions give equal worlds.
    /// </summary>
    /// <param name="timestamp">The edition, in milliseconds since 1970: greater than the previous edition.</param>
    /// <exception cref="ArgumentException">There are more roots or endpoints than a world may have.</exception>
    public World Sign(long timestamp)
    {
        var roots = ((IEnumerable<WorldRoot>)Roots)
            .OrderBy(root => root.Identity.Address)
            .Select(root => root with { Endpoints = root.Endpoints.OrderBy(SortKey).ToEquatableArray() });
        return World.Create(Type, Id, timestamp, UpdateKey, roots.ToEquatableArray(), SigningKey);
    }

    /// <summary>Reads the JSON.</summary>
    /// <param name="json">The text.</param>
    /// <param name="definition">The definition.</param>
    /// <param name="error">The reason if the text is invalid. It does not contain the secret key.</param>
    public static bool TryParse(string json, [NotNullWhen(true)] out WorldDefinition? definition, [NotNullWhen(false)] out string? error)
    {
        definition = null;
        try
        {
            using var document = JsonDocument.Parse(json);
            definition = Read(document.RootElement);
            error = null;
            return true;
        }
        catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException)
        {
            error = exception.Message;
            return false;
        }
    }

    /// <summary>Returns the JSON, with the secret key.</summary>
    public string ToJson()
    {
        var secret = new byte[WorldKey.SecretKeySize];
        SigningKey.CopySecretKey(secret);
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("id", Type == WorldType.Moon ? new NodeAddress(Id).ToString() : Id.ToString("x", CultureInfo.InvariantCulture));
            writer.WriteString("objtype", "world");
            writer.WriteStartArray("roots");
            foreach (ref readonly var root in Roots)
            {
                writer.WriteStartObject();
                writer.WriteString("identity", root.Identity.ToString());
                writer.WriteStartArray("stableEndpoints");
                foreach (ref readonly var endpoint in root.Endpoints)
                    writer.WriteStringValue(endpoint.ToSlashString());
                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteString("signingKey", Convert.ToHexStringLower(SigningKey.PublicKey));
            writer.WriteString("signingKey_SECRET", Convert.ToHexStringLower(secret));
            writer.WriteString("updatesMustBeSignedBy", Convert.ToHexStringLower(UpdateKey));
            writer.WriteString("worldType", Type == WorldType.Moon ? "moon" : "planet");
            writer.WriteEndObject();
        }

        Array.Clear(secret);
        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Zeroes the secret key.</summary>
    public void Dispose() => SigningKey.Dispose();

    private static WorldDefinition Read(JsonElement json)
    {
        var id = ulong.TryParse(Text(json, "id"), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number) && number != 0
            ? number
            : throw new FormatException("\"id\" is not a hexadecimal number other than zero.");
        var type = Text(json, "worldType") switch
        {
            "moon" => WorldType.Moon,
            "planet" => WorldType.Planet,
            _ => throw new FormatException("\"worldType\" is neither \"moon\" nor \"planet\"."),
        };
        var roots = new List<WorldRoot>();
        foreach (var root in Items(json, "roots"))
            roots.Add(ReadRoot(root));
        var secret = Hex(json, "signingKey_SECRET", WorldKey.SecretKeySize);
        var definition = new WorldDefinition
        {
            Type = type,
            Id = id,
            SigningKey = new WorldKey(Hex(json, "signingKey", WorldKey.PublicKeySize), secret),
            UpdateKey = EquatableArray.Create<byte>(Hex(json, "updatesMustBeSignedBy", WorldKey.PublicKeySize)),
            Roots = roots.ToEquatableArray(),
        };
        Array.Clear(secret);
        return definition;
    }

    private static WorldRoot ReadRoot(JsonElement json)
    {
        if (!Identity.TryParse(Text(json, "identity"), out var identity))
            throw new FormatException("The \"identity\" of a root is not an identity.");
        var endpoints = new List<InetEndpoint>();
        foreach (var item in Items(json, "stableEndpoints"))
        {
            if (item.ValueKind != JsonValueKind.String || !InetEndpoint.TryParse(item.GetString(), out var endpoint))
                throw new FormatException($"Root {identity.Address}: {item.GetRawText()} is not an endpoint such as \"192.0.2.1/9993\".");
            endpoints.Add(endpoint);
        }

        return new WorldRoot(identity.WithoutSecret(), endpoints.ToEquatableArray());
    }

    private static JsonElement Field(JsonElement json, string name, JsonValueKind kind) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == kind
            ? value
            : throw new FormatException($"\"{name}\" is missing or is not {(kind == JsonValueKind.Array ? "an array" : "a string")}.");

    private static string Text(JsonElement json, string name) => Field(json, name, JsonValueKind.String).GetString()!;

    private static JsonElement.ArrayEnumerator Items(JsonElement json, string name) => Field(json, name, JsonValueKind.Array).EnumerateArray();

    private static byte[] Hex(JsonElement json, string name, int length)
    {
        var bytes = new byte[length];
        return Convert.FromHexString(Text(json, name), bytes, out _, out var written) == OperationStatus.Done && written == length
            ? bytes
            : throw new FormatException($"\"{name}\" is not {2 * length} hexadecimal digits.");
    }

    // The order of the protocol's own tool, which compares numbers byte by byte, least significant byte first.
    private static (InetFamily, ushort, uint, InetAddress) SortKey(InetEndpoint endpoint)
    {
        var (address, port) = endpoint;
        return (address.Family, BinaryPrimitives.ReverseEndianness(port), BinaryPrimitives.ReverseEndianness(address.V4), address);
    }
}
#endif
