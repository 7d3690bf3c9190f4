using System.CommandLine;
using Lanyard.Intercept.Supervision;

namespace Lanyard.Cli.Run;

/// <summary>The hidden command of the process that becomes a supervised program: see <see cref="SuperviseStage"/>.</summary>
internal static class RunSupervisedCommand
{
    private const string Name = "run-supervised";
    private const string Assembly = "Lanyard.Cli.dll";

    /// <summary>The command line that runs this command, through the dotnet command or by itself.</summary>
    public static string[] Words => Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet"
        ? [Environment.ProcessPath!, Path.Combine(AppContext.BaseDirectory, Assembly), Name] : [Environment.ProcessPath!, Name];

    public static Command Create()
    {
        var channel = new Argument<int>("channel");
        var supervisor = new Argument<int>("supervisor");
        var isolated = new Argument<bool>("isolated");
        var program = new Argument<string[]>("program") { Arity = ArgumentArity.OneOrMore };
        var command = new CliCommand(Name, "Start a supervised program") { channel, supervisor, isolated, program };
        command.Hidden = true;
        command.SetAction(int (result) => throw SuperviseStage.Become(
            result.GetRequiredValue(channel), result.GetRequiredValue(supervisor), result.GetRequiredValue(isolated), result.GetRequiredValue(program)));
        return command;
    }
}
