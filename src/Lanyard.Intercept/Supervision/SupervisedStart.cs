using System.Diagnostics;
using System.Globalization;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Programs;

namespace Lanyard.Intercept.Supervision;

/// <summary>A program that is to run with its system calls answered here.</summary>
/// <param name="command">The program and its arguments.</param>
/// <param name="stage">The command that calls <see cref="SuperviseStage.Become"/> with the arguments that are appended to it.</param>
/// <param name="options">How it sees networks.</param>
public sealed class SupervisedStart(string[] command, string[] stage, ProgramOptions options)
{
    /// <summary>Runs the program and gives its exit code, once all that it started have ended; ends it when this is to end.</summary>
    /// <param name="interrupts">What the terminal sends, and what ends the program.</param>
    /// <exception cref="ProgramStartException">The system does not let programs be supervised.</exception>
    public async Task<int> RunAsync(ProgramInterrupts interrupts)
    {
        ArgumentNullException.ThrowIfNull(interrupts);
        if (!SocketCalls.IsSupported)
            throw new ProgramStartException("Programs can be supervised on x86-64 and 64-bit Arm only.");
        var (own, others) = CreateChannel();
        try
        {
            using var foreground = interrupts.LeaveToProgram();
            using var process = StartStage(others);
            using var ending = interrupts.Token.Register(() => ProgramStart.Terminate(process.Id));
            _ = Libc.Close(others);
            others = -1;
            var number = await Task.Run(() => ReadNumber(own), CancellationToken.None).ConfigureAwait(false);
            if (number >= 0)
                await SuperviseAsync(process, own, number, foreground, interrupts.Token).ConfigureAwait(false);
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
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
            throw new ProgramStartException($"The system does not let programs be supervised (pidfd_getfd, error {error}). Try '--engine preload'.");
        }

        using var supervisor = new Supervisor(listener, options);
        var serving = Task.Factory.StartNew(supervisor.Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Begin(channel);
        await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        // What it started may go on, and is served.
        foreground.Dispose();
        using var ending = cancellation.Register(supervisor.Stop);
        await serving.ConfigureAwait(false);
    }

    private Process StartStage(int channel)
    {
        var start = new ProcessStartInfo { UseShellExecute = false, FileName = stage[0] };
        string[] arguments =
        [
            channel.ToString(CultureInfo.InvariantCulture), Environment.ProcessId.ToString(CultureInfo.InvariantCulture), options.IsIsolated ? "true" : "false",
        ];
        foreach (var word in (string[])[.. stage.Skip(1), .. arguments, "--", .. command])
            start.ArgumentList.Add(word);
        return Process.Start(start)!;
    }

    // The second one is inherited.
    private static unsafe (int Own, int Others) CreateChannel()
    {
        var pair = stackalloc int[2];
        if (Kernel.SocketPair(Libc.DomainUnix, Libc.StreamType, 0, pair) != 0)
            throw new ProgramStartException($"socketpair failed with error {Libc.Error}.");
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
