using System.Text.Encodings.Web;
using System.Text.Json;

namespace Lanyard.Controller;

/// <summary>How the controller's JSON is written and read.</summary>
internal static class ControllerJson
{
    /// <summary>Texts are UTF-8 as they are: the JSON goes to programs, not into web pages.</summary>
    public static JsonWriterOptions WriterOptions => new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
