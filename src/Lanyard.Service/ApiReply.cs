using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Lanyard.Service;

/// <summary>An answer of the API.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Body">The body.</param>
/// <param name="ContentType">The body's type.</param>
internal readonly record struct ApiReply(int Status, ReadOnlyMemory<byte> Body, string ContentType = ApiReply.Json)
{
    /// <summary>The type of most answers.</summary>
    public const string Json = "application/json";

    /// <summary>The type of those that a page includes.</summary>
    public const string Script = "application/javascript";

    // As existing tools get it: nothing escaped but what must be.
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What was asked for.</summary>
    public static ApiReply Ok(Action<Utf8JsonWriter> write) => new(200, Write(write));

    /// <summary>What went wrong, for people.</summary>
    public static ApiReply Error(int status, string message) => new(status, Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("error", message);
        writer.WriteEndObject();
    }));

    /// <summary>The same JSON as a call of a script's function.</summary>
    public ApiReply AsScript(string function) => new(Status, (byte[])[.. Encoding.UTF8.GetBytes(function + "("), .. Body.Span, .. ");"u8], Script);

    private static ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> write)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json, WriterOptions))
            write(writer);
        return json.WrittenMemory;
    }
}
