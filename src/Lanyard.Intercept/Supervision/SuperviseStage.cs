using System.Runtime.InteropServices;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Programs;
using Lanyard.Intercept.Protocol;

namespace Lanyard.Intercept.Supervision;

/// <summary>
/// The step between <c>lanyard run</c> and a supervised program, in the process that becomes the program: installs the filter for its system calls, and waits until
/// the supervisor has duplicated the descriptor that reports stopped calls.
/// </summary>
public static class SuperviseStage
{
    /// <summary>Turns this process into the supervised program. Returns only on failure, with the reason.</summary>
    /// <param name="channel">The descriptor of the socket to the supervisor.</param>
    /// <param name="supervisor">The supervisor's process ID.</param>
    /// <param name="isIsolated">Whether the program is isolated from the system's network.</param>
    /// <param name="program">The program and its arguments.</param>
    public static unsafe ProgramStartException Become(int channel, int supervisor, bool isIsolated, string[] program)
    {
        ArgumentNullException.ThrowIfNull(program);
        _ = Libc.Flags(channel, Libc.SetDescriptorFlags, Libc.DescriptorCloseOnExec);
        Kernel.AllowTracer(supervisor);
        // From here on, this thread must not make a call that the filter stops. The descriptor is closed when the program starts.
        var listener = Kernel.InstallFilter(SocketCallFilter.Create(RuntimeInformation.ProcessArchitecture, isIsolated));
        if (listener < 0)
            return new ProgramStartException($"The kernel does not permit supervising programs (seccomp, error {Libc.Error}). Try '--engine preload'.");
        byte taken;
        if (Kernel.Write(channel, &listener, sizeof(int)) != sizeof(int) || Kernel.Read(channel, &taken, 1) != 1)
            return new ProgramStartException($"Cannot supervise {program[0]} because 'lanyard run' has ended.");
        LeavePreloading();
        return ProgramStart.Become(program);
    }

    // If this process is itself preloaded, its library then starts the supervised program unchanged and does nothing in it.
    private static void LeavePreloading()
    {
        if (Environment.GetEnvironmentVariable(InterceptProtocol.VariableSocket) is null)
            return;
        Environment.SetEnvironmentVariable(InterceptProtocol.VariableSocket, null);
        Environment.SetEnvironmentVariable(InterceptProtocol.VariableSupervised, "1");
    }
}
