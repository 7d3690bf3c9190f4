using Lanyard.Service.Intercept;
using System.Diagnostics;
using System.Globalization;

namespace Lanyard.Cli.Run;

/// <summary>A program that is to run with its system calls answered here.</summary>
/// <param name="command">The program and its arguments.</param>
/// <param name="options">How it sees networks.</param>
internal sealed class SupervisedStart(string[] command, SuperviseOptions options)
{
    private const string Assembly = "Lanyard.Cli.dll";

    /// <summary>Runs the program and gives its exit code, once all that it started have ended; ends it when this is to end.</summary>
    public async Task<int> RunAsync(ProgramInterrupts interrupts)
    {
        if (!SocketCalls.IsSupported)
            throw new CommandException(ExitCode.Failed, "Programs can be supervised on x86-64 and 64-bit Arm only.");
        var (own, others) = CreateChannel();
        try
        {
            using var foreground = interrupts.LeaveToProgram();
            using var process = StartStage(others);
            await using var ending = interrupts.Token.Register(() => ProgramStart.Terminate(process.Id));
            _ = Libc.Close(others);
            others = -1;
            var number = await Task.Run(() => ReadNumber(own), CancellationToken.None);
            if (number >= 0)
                await SuperviseAsync(process, own, number, foreground, interrupts.Token);
            await process.WaitForExitAsync(CancellationToken.None);
            return process.ExitCode;
        }
        finally
        {
            _ = Libc.Close(own);
            if (others >= 0)
                _ = Libc.Close(others);
        }
    }

    private async Task SuperviseAsync(Process process, int channel, int number, IDisposable foreground, CancellationToken cancellation)
    {
        var listener = Kernel.Duplicate(process.Id, number);
        if (listener < 0)
        {
            var error = Libc.Error;
            ProgramStart.Terminate(process.Id);
            throw new CommandException(ExitCode.Failed, $"The system does not let programs be supervised (pidfd_getfd, error {error}). Try '--engine preload'.");
        }

        using var supervisor = new Supervisor(listener, options);
        var serving = Task.Factory.StartNew(supervisor.Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Begin(channel);
        await process.WaitForExitAsync(CancellationToken.None);
        // What it started may go on, and is served.
        foreground.Dispose();
        await using var ending = cancellation.Register(supervisor.Stop);
        await serving;
    }

    private Process StartStage(int channel)
    {
        var start = new ProcessStartInfo { UseShellExecute = false, FileName = Environment.ProcessPath! };
        // Through the dotnet command, or by itself.
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, Assembly));
        string[] stage =
        [
            SuperviseStage.Name, channel.ToString(CultureInfo.InvariantCulture), Environment.ProcessId.ToString(CultureInfo.InvariantCulture), options.IsIsolated ? "true" : "false",
        ];
        foreach (var word in (string[])[.. stage, "--", .. command])
            start.ArgumentList.Add(word);
        return Process.Start(start)!;
    }

    // The second one is inherited.
    private static unsafe (int Own, int Others) CreateChannel()
    {
        var pair = stackalloc int[2];
        if (Kernel.SocketPair(Libc.DomainUnix, Libc.StreamType, 0, pair) != 0)
            throw new CommandException(ExitCode.Failed, $"socketpair failed with error {Libc.Error}.");
        _ = Libc.Flags(pair[0], Libc.SetDescriptorFlags, Libc.DescriptorCloseOnExec);
        return (pair[0], pair[1]);
    }

    // -1: it ended before.
    private static unsafe int ReadNumber(int channel)
    {
        int number;
        return Kernel.Read(channel, &number, sizeof(int)) == sizeof(int) ? number : -1;
    }

    private static unsafe void Begin(int channel)
    {
        byte taken = 1;
        _ = Kernel.Write(channel, &taken, 1);
    }
}
