using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Lanyard.Cli.Tests;

/// <summary>The command as a process of its own.</summary>
internal sealed class CommandProcess : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _error = new();
    private readonly List<(string Start, TaskCompletionSource<string> Found)> _awaited = [];
    private readonly Task _readingError;

    private CommandProcess(Process process)
    {
        _process = process;
        _readingError = ReadErrorAsync();
    }

    /// <summary>A guard against hanging; no test waits for it.</summary>
    public static CancellationToken Guard => CancellationTokenSource.CreateLinkedTokenSource(
        TestContext.Current.CancellationToken, new CancellationTokenSource(TimeSpan.FromMinutes(3)).Token).Token;

    public static CommandProcess Start(params IEnumerable<string> args)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Lanyard.Cli.dll"));
        foreach (var arg in args)
            start.ArgumentList.Add(arg);
        return new CommandProcess(Process.Start(start)!);
    }

    /// <summary>Starts it with a umask.</summary>
    public static CommandProcess StartUnder(string umask, params IEnumerable<string> args)
    {
        var start = new ProcessStartInfo("sh") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var arg in (string[])["-c", "umask $0; exec dotnet \"$@\"", umask, Path.Combine(AppContext.BaseDirectory, "Lanyard.Cli.dll"), .. args])
            start.ArgumentList.Add(arg);
        return new CommandProcess(Process.Start(start)!);
    }

    /// <summary>Runs the command to its end.</summary>
    /// <param name="input">What it reads from standard input.</param>
    /// <param name="args">Its arguments.</param>
    public static async Task<(int ExitCode, byte[] Output, string Error)> RunAsync(byte[] input, params IEnumerable<string> args)
    {
        using var command = Start(args);
        var output = new MemoryStream();
        var reading = command._process.StandardOutput.BaseStream.CopyToAsync(output, Guard);
        try
        {
            await command._process.StandardInput.BaseStream.WriteAsync(input, Guard);
            command._process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading all.
        }

        await command._process.WaitForExitAsync(Guard);
        await reading;
        await command._readingError;
        return (command._process.ExitCode, output.ToArray(), command.Error);
    }

    /// <summary>What it wrote to standard error so far.</summary>
    public string Error
    {
        get
        {
            lock (_awaited)
                return _error.ToString();
        }
    }

    /// <summary>Waits for a line on standard error that begins so.</summary>
    /// <returns>What follows in the line.</returns>
    public Task<string> WaitForErrorAsync(string start)
    {
        var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_awaited)
        {
            if (_error.ToString().Split('\n').FirstOrDefault(line => line.StartsWith(start, StringComparison.Ordinal)) is { } line)
                return Task.FromResult(line[start.Length..]);
            _awaited.Add((start, found));
        }

        return found.Task.WaitAsync(Guard);
    }

    /// <summary>Waits until it says its IPv4 address on the LAN.</summary>
    public async Task<string> WaitForAddressAsync() => $"10.{(await WaitForErrorAsync("address 10.")).Split('/')[0]}";

    /// <summary>Asks it to end, as an init system does, and waits until it has.</summary>
    public async Task<int> TerminateAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(Guard);
        await _process.WaitForExitAsync(Guard);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private async Task ReadErrorAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            lock (_awaited)
            {
                _error.Append(line).Append('\n');
                foreach (var (start, found) in _awaited)
                {
                    if (line.StartsWith(start, StringComparison.Ordinal))
                        found.TrySetResult(line[start.Length..]);
                }
            }
        }

        lock (_awaited)
        {
            foreach (var (start, found) in _awaited)
                found.TrySetException(new InvalidOperationException($"It ended before it wrote '{start}': {_error}"));
        }
    }
}
