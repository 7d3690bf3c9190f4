using System.Text.Encodings.Web;
using System.Text.Json;

namespace Lanyard.Controller;

/// <summary>How the controller's JSON is written and read.</summary>
internal static class ControllerJson
{
    /// <summary>Texts are UTF-8 as they are: the JSON goes to programs, not into web pages.</summary>
    public static JsonWriterOptions WriterOptions => new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads a record from its JSON root.</summary>
    public delegate bool RecordReader<T>(JsonElement root, out T record);

    /// <summary>Reads a stored record.</summary>
    /// <param name="text">The JSON.</param>
    /// <param name="read">Reads it.</param>
    /// <param name="complaint">What to say if it is no such record.</param>
    /// <exception cref="ControllerStoreException">It is no such record.</exception>
    public static T Parse<T>(ReadOnlyMemory<byte> text, RecordReader<T> read, string complaint)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            if (read(document.RootElement, out var record))
                return record;
        }
        catch (JsonException e)
        {
            throw new ControllerStoreException(complaint, e);
        }

        throw new ControllerStoreException(complaint);
    }
}
