using System.Diagnostics;
using System.Globalization;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Programs;

namespace Lanyard.Intercept.Supervision;

/// <summary>Starts a program whose system calls this process answers.</summary>
/// <param name="command">The program and its arguments.</param>
/// <param name="stage">The command that calls <see cref="SuperviseStage.Become"/> with the arguments that are appended to it.</param>
/// <param name="options">The program's access to networks.</param>
public sealed class SupervisedStart(string[] command, string[] stage, ProgramOptions options)
{
    /// <summary>Runs the program. Returns its exit code when it and all its descendants have ended. Cancellation terminates the program.</summary>
    /// <param name="interrupts">The terminal's signals and the cancellation.</param>
    /// <exception cref="ProgramStartException">The machine or the kernel does not support supervising programs.</exception>
    public async Task<int> RunAsync(ProgramInterrupts interrupts)
    {
        ArgumentNullException.ThrowIfNull(interrupts);
        if (!SocketCalls.IsSupported)
            throw new ProgramStartException("Supervising programs needs Linux on x86-64 or 64-bit Arm. Try '--engine preload'.");
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
            throw new ProgramStartException($"The kernel does not permit supervising programs (pidfd_getfd, error {error}). Try '--engine preload'.");
        }

        using var supervisor = new Supervisor(listener, options);
        var serving = Task.Factory.StartNew(supervisor.Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Begin(channel);
        await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        // The program's descendants may continue; the supervisor serves them.
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

    // The started process inherits the second socket.
    private static unsafe (int Own, int Others) CreateChannel()
    {
        var pair = stackalloc int[2];
        if (Kernel.SocketPair(Libc.DomainUnix, Libc.StreamType, 0, pair) != 0)
            throw new ProgramStartException($"socketpair failed with error {Libc.Error}.");
        _ = Libc.Flags(pair[0], Libc.SetDescriptorFlags, Libc.DescriptorCloseOnExec);
        return (pair[0], pair[1]);
    }

    // Returns -1 if the process ended before it sent the number.
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
