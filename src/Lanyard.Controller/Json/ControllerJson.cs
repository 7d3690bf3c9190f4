using System.Text.Encodings.Web;
using System.Text.Json;

namespace Lanyard.Controller;

/// <summary>Writes and reads the controller's JSON.</summary>
internal static class ControllerJson
{
    /// <summary>The writer options. Strings are not escaped for HTML, because programs read the JSON.</summary>
    public static JsonWriterOptions WriterOptions => new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads a record from its JSON root.</summary>
    public delegate bool RecordReader<T>(JsonElement root, out T record);

    /// <summary>Reads a stored record.</summary>
    /// <param name="text">The JSON.</param>
    /// <param name="read">Reads the record.</param>
    /// <param name="error">The error message for an invalid record.</param>
    /// <exception cref="ControllerStoreException">The JSON is not such a record.</exception>
    public static T Parse<T>(ReadOnlyMemory<byte> text, RecordReader<T> read, string error)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            if (read(document.RootElement, out var record))
                return record;
        }
        catch (JsonException e)
        {
            throw new ControllerStoreException(error, e);
        }

        throw new ControllerStoreException(error);
    }
}
