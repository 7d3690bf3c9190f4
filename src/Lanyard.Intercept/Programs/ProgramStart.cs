using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Intercept.Supervision;
using Lanyard.Wire;

namespace Lanyard.Intercept.Programs;

/// <summary>Starts a program whose sockets the preloaded library redirects.</summary>
public sealed partial class ProgramStart
{
    private const int SignalPipe = 13;
    private const int SignalTerminate = 15;

    // proc_pid_stat(5): the start time of the process in clock ticks. Fields are counted from the state, which follows the name.
    private const int StartTimeField = 19;

    private readonly string[] _command;
    private readonly bool _dropsPrivileges;
    private readonly Dictionary<string, string> _variables;

    /// <param name="command">The program and its arguments.</param>
    /// <param name="options">The program's access to networks.</param>
    /// <exception cref="ProgramStartException">The library cannot be preloaded from its path.</exception>
    public ProgramStart(string[] command, ProgramOptions options)
    {
        ArgumentNullException.ThrowIfNull(command);
        ArgumentNullException.ThrowIfNull(options);
        _command = WithoutPrivileges(command);
        // A program that gains privileges would escape the isolation.
        _dropsPrivileges = options.IsIsolated;
        var path = PreloadPath.Of(LibraryPath);
        var preload = Environment.GetEnvironmentVariable("LD_PRELOAD");
        _variables = new Dictionary<string, string>
        {
            ["LD_PRELOAD"] = string.IsNullOrEmpty(preload) ? path : $"{path}:{preload}",
            [InterceptProtocol.VariableSocket] = options.SocketPath,
            [InterceptProtocol.VariableNetwork] = options.Network?.ToString() ?? "0",
            [InterceptProtocol.VariableIsolate] = options.IsIsolated ? "1" : "0",
            [InterceptProtocol.VariableOutside] = options.AllowsOutside ? "1" : "0",
            [InterceptProtocol.VariableListen] = options.Listening switch { ListenPlace.Host => "host", ListenPlace.Both => "both", _ => "virtual" },
        };
    }

    /// <summary>The path of the preload library, beside this assembly. It exists if there was a C compiler at build time.</summary>
    public static string LibraryPath { get; } = Path.Combine(AppContext.BaseDirectory, InterceptProtocol.Library);

    /// <summary>Replaces this process with the program. Returns only if that fails, with the reason.</summary>
    public ProgramStartException Become()
    {
        foreach (var (name, value) in _variables)
            Environment.SetEnvironmentVariable(name, value);
        if (_dropsPrivileges && !TryConfine())
            return Describe(_command[0], new Win32Exception(Marshal.GetLastPInvokeError()));
        return Become(_command);
    }

    /// <summary>Replaces this process with a program, with the current environment variables.</summary>
    internal static ProgramStartException Become(string[] command)
    {
        var variables = Environment.GetEnvironmentVariables();
        var environment = new List<string>();
        foreach (System.Collections.DictionaryEntry variable in variables)
            environment.Add($"{variable.Key}={variable.Value}");
        // The runtime ignores SIGPIPE, and the program would inherit that.
        Signal(SignalPipe, 0);
        DeleteRuntimeFiles();
        Execute(command[0], Pointers(command), Pointers(environment));
        return Describe(command[0], new Win32Exception(Marshal.GetLastPInvokeError()));
    }

    // Deletes the files that the runtime created for debuggers. The runtime deletes them when it exits, but not when a program replaces it.
    private static void DeleteRuntimeFiles()
    {
        try
        {
            var fields = File.ReadAllText("/proc/self/stat");
            var started = fields[(fields.LastIndexOf(')') + 2)..].Split(' ')[StartTimeField];
            var own = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{started}");
            foreach (var file in new[] { $"dotnet-diagnostic-{own}-socket", $"clr-debug-pipe-{own}-in", $"clr-debug-pipe-{own}-out" })
                File.Delete(Path.Combine(Path.GetTempPath(), file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The remaining files are small and harmless.
        }
    }

    /// <summary>Runs the program and returns its exit code. Cancellation terminates the program.</summary>
    /// <param name="interrupts">The terminal's signals and the cancellation.</param>
    /// <exception cref="ProgramStartException">The program cannot be run.</exception>
    public async Task<int> RunAsync(ProgramInterrupts interrupts)
    {
        ArgumentNullException.ThrowIfNull(interrupts);
        var start = new ProcessStartInfo(_command[0], _command.Skip(1)) { UseShellExecute = false };
        foreach (var (name, value) in _variables)
            start.Environment[name] = value;
        try
        {
            using var foreground = interrupts.LeaveToProgram();
            using var process = Start(start);
            using var ending = interrupts.Token.Register(() => Terminate(process.Id));
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            return process.ExitCode;
        }
        catch (Win32Exception failure)
        {
            throw Describe(_command[0], failure);
        }
    }

    /// <summary>Sends SIGTERM to a process.</summary>
    internal static void Terminate(int process) => _ = Kill(process, SignalTerminate);

    // A filter also refuses system calls that bypass the library, as far as a filter can recognize them.
    private static bool TryConfine() =>
        Kernel.TryForgoPrivileges() && (!SocketCalls.IsSupported || Kernel.TryRefuse(SocketCallFilter.CreateRefusing(RuntimeInformation.ProcessArchitecture)));

    // The restriction applies to the thread that starts the program, so a separate thread starts it.
    private Process Start(ProcessStartInfo start)
    {
        if (!_dropsPrivileges)
            return Process.Start(start)!;
        Process? process = null;
        Win32Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                if (!TryConfine())
                    throw new Win32Exception(Marshal.GetLastPInvokeError());
                process = Process.Start(start);
            }
            catch (Win32Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return process ?? throw failure!;
    }

    /// <summary>Returns the path of a program; null if it is not found.</summary>
    internal static string? Find(string program) => program.Contains('/', StringComparison.Ordinal)
        ? program
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    // The dynamic linker preloads nothing into a program that gains privileges. Started through its dynamic linker, the program gains none.
    private static string[] WithoutPrivileges(string[] command) =>
        Find(command[0]) is { } file && HasPrivileges(file) && ProgramImage.TryParse(ProgramEngine.ReadStart(file), out var image) && image.Loader is { } loader
            ? [loader, "--argv0", command[0], file, .. command.Skip(1)] : command;

    // Set-user-ID, set-group-ID, or capabilities of the file.
    private static bool HasPrivileges(string file) => File.Exists(file)
        && ((!OperatingSystem.IsWindows() && (File.GetUnixFileMode(file) & (UnixFileMode.SetUser | UnixFileMode.SetGroup)) != 0)
            || ReadAttribute(file, "security.capability", 0, 0) > 0);

    private static ProgramStartException Describe(string program, Win32Exception failure) => new($"{program} cannot be run: {failure.Message}.", isNotRun: true);

    private static nint[] Pointers(IEnumerable<string> texts) => [.. texts.Select(Marshal.StringToCoTaskMemUTF8), 0];

    [LibraryImport("libc", EntryPoint = "execvpe", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Execute(string file, nint[] arguments, nint[] environment);

    [LibraryImport("libc", EntryPoint = "getxattr", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint ReadAttribute(string file, string name, nint value, nuint size);

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint Signal(int signal, nint handler);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
