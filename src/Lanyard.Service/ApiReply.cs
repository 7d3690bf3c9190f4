using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Lanyard.Service;

/// <summary>A response of the API.</summary>
/// <param name="Status">The HTTP status code.</param>
/// <param name="Body">The body.</param>
/// <param name="ContentType">The content type of the body.</param>
internal readonly record struct ApiReply(int Status, ReadOnlyMemory<byte> Body, string ContentType = ApiReply.Json)
{
    /// <summary>The content type of most responses.</summary>
    public const string Json = "application/json";

    /// <summary>The content type of JSONP responses.</summary>
    public const string Script = "application/javascript";

    // Escapes only the characters that JSON requires, as existing nodes do.
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Creates a response with status 200.</summary>
    public static ApiReply Ok(Action<Utf8JsonWriter> write) => new(200, Write(write));

    /// <summary>Creates an error response with a message.</summary>
    public static ApiReply Error(int status, string message) => new(status, Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("error", message);
        writer.WriteEndObject();
    }));

    /// <summary>Returns the response as a JSONP script that calls a function.</summary>
    public ApiReply AsScript(string function) => new(Status, (byte[])[.. Encoding.UTF8.GetBytes(function + "("), .. Body.Span, .. ");"u8], Script);

    private static ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> write)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json, WriterOptions))
            write(writer);
        return json.WrittenMemory;
    }
}
