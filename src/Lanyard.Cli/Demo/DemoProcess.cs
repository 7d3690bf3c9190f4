using System.Diagnostics;
using System.Threading.Channels;

namespace Lanyard.Cli.Demo;

/// <summary>A process of the demo: this program with another command. It exits when its standard input closes.</summary>
internal sealed class DemoProcess : IAsyncDisposable
{
    private const string Assembly = "Lanyard.Cli.dll";
    private const int KeptErrorLines = 20;
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(5);

    private readonly Process _process;
    private readonly Channel<(DemoEvent Event, long Timestamp)> _events = Channel.CreateUnbounded<(DemoEvent, long)>();
    private readonly Queue<string> _errors = new();
    private readonly Task _reading;
    private readonly Task _readingErrors;
    private bool _disposed;

    private DemoProcess(string name, Process process, long started)
    {
        Name = name;
        StartTimestamp = started;
        _process = process;
        _reading = ReadAsync();
        _readingErrors = ReadErrorsAsync();
    }

    /// <summary>The name in the demo.</summary>
    public string Name { get; }

    public int Id => _process.Id;

    /// <summary>The time before the process was created, of <see cref="Stopwatch.GetTimestamp"/>.</summary>
    public long StartTimestamp { get; }

    /// <summary>The exit code; null while the process runs.</summary>
    public int? ExitCode => _process.HasExited ? _process.ExitCode : null;

    /// <summary>The events, each with its time.</summary>
    public ChannelReader<(DemoEvent Event, long Timestamp)> Events => _events.Reader;

    /// <summary>The last lines of standard error.</summary>
    public string Errors
    {
        get
        {
            lock (_errors)
                return string.Join(Environment.NewLine, _errors);
        }
    }

    /// <summary>Starts a process.</summary>
    public static DemoProcess Start(string name, params string[] args)
    {
        var start = new ProcessStartInfo { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.FileName = Environment.ProcessPath!;
        // This program runs through the dotnet command or by itself.
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, Assembly));
        foreach (var arg in args)
            start.ArgumentList.Add(arg);
        var started = Stopwatch.GetTimestamp();
        return new DemoProcess(name, Process.Start(start)!, started);
    }

    /// <summary>Waits until the process has ended and all its events are read.</summary>
    public async Task ExitedAsync()
    {
        await _process.WaitForExitAsync();
        await _readingErrors;
    }

    /// <summary>Stops the process, and waits until it has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        _process.StandardInput.Close();
        using var timeout = new CancellationTokenSource(EndTimeout);
        await _process.WaitForExitAsync(timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        await Task.WhenAll(_reading, _readingErrors);
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (DemoEvent.TryParse(line, out var parsed))
                _events.Writer.TryWrite((parsed, Stopwatch.GetTimestamp()));
        }

        _events.Writer.Complete();
    }

    private async Task ReadErrorsAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            lock (_errors)
            {
                if (_errors.Count == KeptErrorLines)
                    _errors.Dequeue();
                _errors.Enqueue(line);
            }
        }
    }
}
