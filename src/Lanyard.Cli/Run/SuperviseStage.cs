using Lanyard.Service.Intercept;
using System.CommandLine;
using System.Runtime.InteropServices;

namespace Lanyard.Cli.Run;

/// <summary>
/// The step between <c>lanyard run</c> and a supervised program, in the process that becomes the program: it has its system calls pass the filter, and waits until
/// the supervisor has taken what tells of them.
/// </summary>
internal static class SuperviseStage
{
    /// <summary>The verb.</summary>
    public const string Name = "run-supervised";

    public static Command Create()
    {
        var channel = new Argument<int>("channel");
        var supervisor = new Argument<int>("supervisor");
        var isolated = new Argument<bool>("isolated");
        var program = new Argument<string[]>("program") { Arity = ArgumentArity.OneOrMore };
        var command = new CliCommand(Name, "Start a supervised program") { channel, supervisor, isolated, program };
        command.Hidden = true;
        command.SetAction(int (result) => throw Become(result.GetRequiredValue(channel), result.GetRequiredValue(supervisor), result.GetRequiredValue(isolated), result.GetRequiredValue(program)));
        return command;
    }

    private static unsafe CommandException Become(int channel, int supervisor, bool isIsolated, string[] program)
    {
        _ = Libc.Flags(channel, Libc.SetDescriptorFlags, Libc.DescriptorCloseOnExec);
        Kernel.AllowTracer(supervisor);
        // From here on this thread may make no call that the filter stops. The descriptor is closed when the program begins.
        var listener = Kernel.InstallFilter(SocketCallFilter.Create(RuntimeInformation.ProcessArchitecture, isIsolated));
        if (listener < 0)
            return new CommandException(ExitCode.Failed, $"The system does not let programs be supervised (seccomp, error {Libc.Error}). Try '--engine preload'.");
        byte taken;
        if (Kernel.Write(channel, &listener, sizeof(int)) != sizeof(int) || Kernel.Read(channel, &taken, 1) != 1)
            return new CommandException(ExitCode.Failed, $"{program[0]} is not supervised: 'lanyard run' is gone.");
        LeavePreloading();
        return ProgramStart.Become(program);
    }

    // If this process is itself preloaded, its library then starts the supervised program unchanged and does nothing in it.
    private static void LeavePreloading()
    {
        if (Environment.GetEnvironmentVariable("LANYARD_INTERCEPT") is null)
            return;
        Environment.SetEnvironmentVariable("LANYARD_INTERCEPT", null);
        Environment.SetEnvironmentVariable("LANYARD_SUPERVISED", "1");
    }
}
