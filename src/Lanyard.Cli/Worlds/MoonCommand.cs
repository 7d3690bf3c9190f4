using System.CommandLine;
using Lanyard.Wire;

namespace Lanyard.Cli.Worlds;

/// <summary><c>lanyard moon</c>: creates moons, which are additional roots that nodes may choose.</summary>
internal static class MoonCommand
{
    public static Command Create() => new CliCommand("moon", "Create moons: additional roots that nodes may choose")
    {
        WorldCommand.Create(WorldType.Moon),
    };
}
