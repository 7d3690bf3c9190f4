using System.CommandLine;
using Lanyard.Wire;

namespace Lanyard.Cli.Worlds;

/// <summary><c>lanyard planet</c>: creates planets, which contain the roots that all nodes know from the start.</summary>
internal static class PlanetCommand
{
    public static Command Create() => new CliCommand("planet", "Create planets: the roots that all nodes know from the start")
    {
        WorldCommand.Create(WorldType.Planet),
    };
}
