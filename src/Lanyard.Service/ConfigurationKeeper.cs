using System.Buffers;
using System.Text;
using System.Text.Json;
using Lanyard.Engine;
using Microsoft.Extensions.Logging;

namespace Lanyard.Service;

/// <summary>
/// The folder's <c>local.conf</c> as it is in force, all of it: read at the start, read again when it changed, and changed through the API. What cannot
/// be read while the service runs is logged, and what was in force stays.
/// </summary>
internal sealed class ConfigurationKeeper : IAsyncDisposable
{
    // As often as existing nodes look whether their local.conf changed.
    private static readonly TimeSpan DefaultPollInterval = TimeSpan.FromSeconds(10);

    // Programs write a file in several steps.
    private static readonly TimeSpan SettleTime = TimeSpan.FromMilliseconds(100);

    private readonly string _path;
    private readonly ILogger _logger;
    private readonly IReadOnlyList<TrustedPath> _oldTrustedPaths;
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _touched = new(0, 1);
    private readonly CancellationTokenSource _end = new();
    private FileSystemWatcher? _watcher;
    private Task _watching = Task.CompletedTask;
    private Content _judged;
    private volatile LocalConfiguration _current;

    /// <summary>Reads it.</summary>
    /// <exception cref="LanyardStateException">It cannot be read, or makes no sense.</exception>
    public ConfigurationKeeper(string home, ILogger logger)
    {
        _path = Path.Combine(home, LocalConfiguration.FileName);
        _logger = logger;
        _judged = new Content(StateFile.TryReadText(_path), null);
        var trusted = Path.Combine(home, TrustedPathsFile.FileName);
        _oldTrustedPaths = TrustedPathsFile.Parse(StateFile.TryReadText(trusted));
        if (_oldTrustedPaths.Count > 0)
            ServiceLog.OldTrustedPaths(logger, _oldTrustedPaths.Count, trusted, _path);
        _current = Parse(_judged.Text);
        Report(_current);
    }

    /// <summary>There is another <see cref="Current"/>, to be put into force.</summary>
    public event EventHandler? Changed;

    /// <summary>What is in force, or about to be.</summary>
    public LocalConfiguration Current => _current;

    /// <summary>Watches the file from now on. The folder must exist.</summary>
    /// <param name="pollInterval">When it is looked at though the system tells of no change; 10 s if not given.</param>
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

        // What changed before is not missed.
        OnTouched(this, EventArgs.Empty);
        _watching = WatchAsync(pollInterval ?? DefaultPollInterval);
    }

    /// <summary>Reads the file now, whether it changed or not: what it says may mean something else, such as a user's name.</summary>
    public void Reload()
    {
        lock (_lock)
        {
            if (!TryTake(Read()))
                return;
        }

        Changed?.Invoke(this, EventArgs.Empty);
    }

    /// <summary>Puts settings in the place of those of the same names, in the file. A secret that is hidden in them stays as it is in the file.</summary>
    /// <param name="settings">An object.</param>
    /// <exception cref="LanyardStateException">They make no sense, or the file does not, or it cannot be written; nothing changed.</exception>
    public void ChangeSettings(JsonElement settings)
    {
        lock (_lock)
        {
            // What was just written into it by hand stays.
            var text = Merge(LocalConfiguration.Parse(_path, StateFile.TryReadText(_path)).Document, settings);
            var changed = Parse(text);
            if (text.Length > StateFile.MaxTextBytes)
                throw new LanyardStateException(_path, $"The file '{_path}' would become too long.");
            StateFiles.Write(_path, text);
            _judged = new Content(text, null);
            _current = changed;
        }

        Report(_current);
        Changed?.Invoke(this, EventArgs.Empty);
    }

    /// <summary>Ends the watching.</summary>
    public async ValueTask DisposeAsync()
    {
        _watcher?.Dispose();
        await _end.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task WatchAsync(TimeSpan pollInterval)
    {
        Content? seen = null;
        Task LookAgain()
        {
            seen = Look(seen);
            return Task.CompletedTask;
        }

        while (true)
        {
            if (seen is null)
                await _touched.WaitAsync(pollInterval, _end.Token).ConfigureAwait(false);
            else
                await Task.Delay(SettleTime, _end.Token).ConfigureAwait(false);
            if (!await Background.TryAsync(LookAgain, failure => ServiceLog.ConfigurationFailed(_logger, failure)).ConfigureAwait(false))
                seen = null;
        }
    }

    /// <summary>Looks whether the file changed, and takes what stood still since the last look.</summary>
    /// <returns>What is to be looked at again soon; null where nothing is.</returns>
    private Content? Look(Content? seen)
    {
        lock (_lock)
        {
            var found = Read();
            // One that makes no sense is not judged again until it is another one.
            if (found == _judged)
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
        _judged = found;
        try
        {
            if (found.Error is { } error)
                throw new LanyardStateException(_path, error);
            // What wrote it may have given it another mode.
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
            // It is about to be looked at.
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

    /// <summary>What was found.</summary>
    /// <param name="Text">The file's text; null where there is none.</param>
    /// <param name="Error">Why it cannot be read; null where it can.</param>
    private sealed record Content(string? Text, string? Error);
}
