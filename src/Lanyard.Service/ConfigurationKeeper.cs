using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Lanyard.Service;

/// <summary>
/// The folder's <c>local.conf</c> as it is in force: read at the start, read again when it changed, and changed through the API. What cannot be
/// read while the service runs is logged, and what was in force stays.
/// </summary>
internal sealed class ConfigurationKeeper
{
    private readonly string _path;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private string? _text;
    private volatile LocalConfiguration _current;

    /// <summary>Reads it.</summary>
    /// <exception cref="LanyardStateException">It cannot be read, or makes no sense.</exception>
    public ConfigurationKeeper(string home, ILogger logger)
    {
        _path = Path.Combine(home, LocalConfiguration.FileName);
        _logger = logger;
        _text = StateFiles.TryRead(_path);
        _current = LocalConfiguration.Parse(_path, _text);
        Report(_current);
    }

    /// <summary>Something was changed through the API, and is to be put into force.</summary>
    public event EventHandler? Changed;

    /// <summary>What is in force, or about to be.</summary>
    public LocalConfiguration Current => _current;

    /// <summary>Looks whether the file changed.</summary>
    /// <returns>Whether <see cref="Current"/> is another one.</returns>
    public bool TryReload()
    {
        try
        {
            lock (_lock)
            {
                var text = StateFiles.TryRead(_path);
                if (text == _text)
                    return false;
                // One that makes no sense is not looked at again until it is another one.
                _text = text;
                _current = LocalConfiguration.Parse(_path, text);
            }
        }
        catch (LanyardStateException failure)
        {
            ServiceLog.ConfigurationRefused(_logger, failure.Message);
            return false;
        }

        ServiceLog.ConfigurationRead(_logger, _path);
        Report(_current);
        return true;
    }

    /// <summary>Puts settings in the place of those of the same names, in the file.</summary>
    /// <param name="settings">An object.</param>
    /// <exception cref="LanyardStateException">They make no sense, or the file cannot be written; nothing changed.</exception>
    public void ChangeSettings(JsonElement settings)
    {
        lock (_lock)
        {
            var text = Merge(_current.Document, settings);
            var changed = LocalConfiguration.Parse(_path, text);
            if (text.Length > StateFiles.MaxBytes)
                throw new LanyardStateException(_path, $"The file '{_path}' would become too long.");
            StateFiles.Replace(_path, text);
            _text = text;
            _current = changed;
        }

        Report(_current);
        Changed?.Invoke(this, EventArgs.Empty);
    }

    private static string Merge(JsonElement document, JsonElement changes)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json, new JsonWriterOptions { Indented = true, IndentSize = 4 }))
        {
            writer.WriteStartObject();
            var old = default(JsonElement);
            foreach (var member in document.EnumerateObject())
            {
                if (member.NameEquals("settings"u8))
                    old = member.Value;
                else
                    member.WriteTo(writer);
            }

            writer.WriteStartObject("settings");
            if (old.ValueKind == JsonValueKind.Object)
            {
                foreach (var setting in old.EnumerateObject())
                {
                    if (!changes.TryGetProperty(setting.Name, out _))
                        setting.WriteTo(writer);
                }
            }

            foreach (var setting in changes.EnumerateObject())
                setting.WriteTo(writer);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(json.WrittenSpan);
    }

    private void Report(LocalConfiguration configuration)
    {
        foreach (var setting in configuration.WithoutEffect)
            ServiceLog.SettingWithoutEffect(_logger, setting, _path);
    }
}
