using System.Buffers;
using System.Text;
using System.Text.Json;
using Lanyard.Engine;
using Microsoft.Extensions.Logging;

namespace Lanyard.Service;

/// <summary>
/// Keeps the folder's <c>local.conf</c>: reads it at the start, reloads it when it changes, and changes it for the API. If the file
/// becomes invalid while the service runs, logs the error and keeps the previous configuration.
/// </summary>
internal sealed class ConfigurationKeeper : IAsyncDisposable
{
    // The interval at which existing nodes check their local.conf.
    private static readonly TimeSpan DefaultPollInterval = TimeSpan.FromSeconds(10);

    // Programs write a file in several steps, so wait until it is stable.
    private static readonly TimeSpan SettleTime = TimeSpan.FromMilliseconds(100);

    private readonly string _path;
    private readonly ILogger _logger;
    private readonly IReadOnlyList<LanyardTrustedPath> _oldTrustedPaths;
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _touched = new(0, 1);
    private readonly CancellationTokenSource _end = new();
    private FileSystemWatcher? _watcher;
    private Task _watching = Task.CompletedTask;
    private Content _lastContent;
    private volatile LocalConfiguration _current;

    /// <summary>Reads the file.</summary>
    /// <exception cref="LanyardStateException">The file cannot be read, or is invalid.</exception>
    public ConfigurationKeeper(string home, ILogger logger)
    {
        _path = Path.Combine(home, LocalConfiguration.FileName);
        _logger = logger;
        _lastContent = new Content(StateFile.TryReadText(_path), null);
        var trusted = Path.Combine(home, TrustedPathsFile.FileName);
        _oldTrustedPaths = TrustedPathsFile.Parse(StateFile.TryReadText(trusted));
        if (_oldTrustedPaths.Count > 0)
            ServiceLog.OldTrustedPaths(logger, _oldTrustedPaths.Count, trusted, _path);
        _current = Parse(_lastContent.Text);
        Report(_current);
    }

    /// <summary>Raised when <see cref="Current"/> has changed and should be applied.</summary>
    public event EventHandler? Changed;

    /// <summary>The configuration that is applied or about to be applied.</summary>
    public LocalConfiguration Current => _current;

    /// <summary>Starts to watch the file. The folder must exist.</summary>
    /// <param name="pollInterval">The interval of checks without a notification of the system; 10 s by default.</param>
    public void Watch(TimeSpan? pollInterval = null)
    {
        try
        {
            _watcher = new FileSystemWatcher(Path.GetDirectoryName(_path)!, LocalConfiguration.FileName)
            {
                NotifyFilter = NotifyFilters.LastWrite | NotifyFilters.FileName | NotifyFilters.Size,
            };
            _watcher.Changed += OnTouched;
            _watcher.Created += OnTouched;
            _watcher.Deleted += OnTouched;
            _watcher.Renamed += OnTouched;
            _watcher.Error += OnTouched;
            _watcher.EnableRaisingEvents = true;
        }
        catch (Exception unavailable) when (unavailable is IOException or PlatformNotSupportedException)
        {
            ServiceLog.NotWatched(_logger, _path, unavailable);
        }

        // Check for changes before the watch started.
        OnTouched(this, EventArgs.Empty);
        _watching = WatchAsync(pollInterval ?? DefaultPollInterval);
    }

    /// <summary>Reloads the file even if it is unchanged: values such as user names may have another meaning.</summary>
    public void Reload()
    {
        lock (_lock)
        {
            if (!TryTake(Read()))
                return;
        }

        Changed?.Invoke(this, EventArgs.Empty);
    }

    /// <summary>Replaces settings in the file by name. Keeps the file's value of a secret that is hidden in the settings.</summary>
    /// <param name="settings">The settings, an object.</param>
    /// <exception cref="LanyardStateException">The settings or the file are invalid, or the file cannot be written. Nothing changed.</exception>
    public void ChangeSettings(JsonElement settings)
    {
        lock (_lock)
        {
            // Keep manual changes that are not loaded yet.
            var text = Merge(LocalConfiguration.Parse(_path, StateFile.TryReadText(_path)).Document, settings);
            var changed = Parse(text);
            if (text.Length > StateFile.MaxTextBytes)
                throw new LanyardStateException(_path, $"The file '{_path}' would become longer than {StateFile.MaxTextBytes} bytes.");
            StateFiles.Write(_path, text);
            _lastContent = new Content(text, null);
            _current = changed;
        }

        Report(_current);
        Changed?.Invoke(this, EventArgs.Empty);
    }

    /// <summary>Stops to watch the file.</summary>
    public async ValueTask DisposeAsync()
    {
        _watcher?.Dispose();
        await _end.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task WatchAsync(TimeSpan pollInterval)
    {
        Content? seen = null;
        Task CheckAgain()
        {
            seen = CheckFile(seen);
            return Task.CompletedTask;
        }

        while (true)
        {
            if (seen is null)
                await _touched.WaitAsync(pollInterval, _end.Token).ConfigureAwait(false);
            else
                await Task.Delay(SettleTime, _end.Token).ConfigureAwait(false);
            if (!await Background.TryAsync(CheckAgain, failure => ServiceLog.ConfigurationFailed(_logger, failure)).ConfigureAwait(false))
                seen = null;
        }
    }

    /// <summary>Checks the file, and loads content that is unchanged since the last check.</summary>
    /// <returns>Changed content to check again soon; null if there is none.</returns>
    private Content? CheckFile(Content? seen)
    {
        lock (_lock)
        {
            var found = Read();
            // Do not report the same invalid content again.
            if (found == _lastContent)
                return null;
            if (found != seen)
                return found;
            if (!TryTake(found))
                return null;
        }

        Changed?.Invoke(this, EventArgs.Empty);
        return null;
    }

    private bool TryTake(Content found)
    {
        _lastContent = found;
        try
        {
            if (found.Error is { } error)
                throw new LanyardStateException(_path, error);
            // A program that wrote the file may have changed its mode.
            StateFiles.Check(Path.GetDirectoryName(_path)!, LocalConfiguration.FileName, _logger);
            _current = Parse(found.Text);
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

    private Content Read()
    {
        try
        {
            return new Content(StateFile.TryReadText(_path), null);
        }
        catch (LanyardStateException failure)
        {
            return new Content(null, failure.Message);
        }
    }

    // If several entries cover an address, the first entry counts.
    private LocalConfiguration Parse(string? text) => LocalConfiguration.Parse(_path, text) is var configuration && _oldTrustedPaths.Count == 0
        ? configuration : configuration with { TrustedPaths = [.. configuration.TrustedPaths, .. _oldTrustedPaths] };

    private void OnTouched(object? sender, EventArgs e)
    {
        try
        {
            _touched.Release();
        }
        catch (SemaphoreFullException)
        {
            // A check is already pending.
        }
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
            {
                writer.WritePropertyName(setting.Name);
                ConfigurationSecrets.WriteRestored(writer, setting.Value, old.ValueKind == JsonValueKind.Object && old.TryGetProperty(setting.Name, out var kept) ? kept : default);
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(json.WrittenSpan);
    }

    private void Report(LocalConfiguration configuration)
    {
        foreach (var setting in configuration.WithoutEffect)
            ServiceLog.SettingWithoutEffect(_logger, setting, _path);
        foreach (var setting in configuration.Adjusted)
            ServiceLog.SettingAdjusted(_logger, setting, _path);
    }

    /// <summary>The result of reading the file.</summary>
    /// <param name="Text">The file's text; null if the file is missing.</param>
    /// <param name="Error">The reason why the file cannot be read; null if it can.</param>
    private sealed record Content(string? Text, string? Error);
}
