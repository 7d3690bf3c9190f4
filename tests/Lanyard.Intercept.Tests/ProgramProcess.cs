using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;

namespace Lanyard.Intercept.Tests;

/// <summary>A program, run without privileges.</summary>
public sealed class ProgramProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly Task _reading;

    private ProgramProcess(Process process)
    {
        _process = process;
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
    }

    /// <summary>A guard against hanging; no test waits for it.</summary>
    public static CancellationToken Guard => CancellationTokenSource.CreateLinkedTokenSource(
        TestContext.Current.CancellationToken, new CancellationTokenSource(TimeSpan.FromMinutes(2)).Token).Token;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>What it wrote so far, to standard output and error.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>Where a program is, at best where everybody can run it; null where it is not installed.</summary>
    public static string? Find(string program) => Path.IsPathRooted(program)
        ? File.Exists(program) ? program : null
        : ("/usr/bin:/usr/sbin:/bin:/sbin:" + Environment.GetEnvironmentVariable("PATH")).Split(':').Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    public static ProgramProcess Start(string folder, params IEnumerable<string> command) => StartPlain(folder, Unprivileged.Prefix.Concat(command));

    /// <summary>Starts a program with the privileges that the tests have.</summary>
    public static ProgramProcess StartPlain(string folder, params IEnumerable<string> command)
    {
        var start = new ProcessStartInfo
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.FileName = command.First();
        foreach (var word in command.Skip(1))
            start.ArgumentList.Add(word);
        start.Environment["HOME"] = folder;
        start.Environment["DOTNET_CLI_HOME"] = folder;
        return new ProgramProcess(Process.Start(start)!);
    }

    /// <summary>Gives it its standard input, and the end of it.</summary>
    public async Task FeedAsync(string input)
    {
        try
        {
            await _process.StandardInput.WriteAsync(input.AsMemory(), Guard);
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading all.
        }
    }

    public async Task<int> WaitAsync()
    {
        try
        {
            await _process.WaitForExitAsync(Guard);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"It did not end. It wrote: {Output}");
        }

        await _reading;
        return _process.ExitCode;
    }

    /// <summary>
    /// Where its one socket of a kind ("tcp", "udp") is in the system (proc_pid_net(5)): a line has the address in hexadecimal digits, of this machine's byte order,
    /// second and the inode tenth.
    /// </summary>
    public IPEndPoint FindSocket(string kind)
    {
        var own = Directory.GetFiles(string.Create(CultureInfo.InvariantCulture, $"/proc/{Id}/fd")).Select(path => new FileInfo(path).LinkTarget).ToHashSet();
        var address = File.ReadLines($"/proc/net/{kind}").Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .First(fields => own.Contains($"socket:[{fields[9]}]"))[1].Split(':');
        return new IPEndPoint(
            uint.Parse(address[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture), int.Parse(address[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
    }

    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(Guard);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    private async Task ReadAsync(StreamReader reader)
    {
        var buffer = new char[4096];
        while (await reader.ReadAsync(buffer.AsMemory(), CancellationToken.None) is var count and > 0)
        {
            lock (_output)
                _output.Append(buffer, 0, count);
        }
    }
}
