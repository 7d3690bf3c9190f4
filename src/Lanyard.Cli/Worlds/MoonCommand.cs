using System.CommandLine;
using Lanyard.Wire;

namespace Lanyard.Cli.Worlds;

/// <summary><c>lanyard moon</c>: further roots that a node may choose.</summary>
internal static class MoonCommand
{
    public static Command Create() => new CliCommand("moon", "Create moons: further roots that a node may choose")
    {
        WorldCommand.Create(WorldType.Moon),
    };
}
