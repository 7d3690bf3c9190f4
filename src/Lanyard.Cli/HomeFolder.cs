using System.CommandLine;

namespace Lanyard.Cli;

/// <summary>The folder that keeps a node's state.</summary>
internal static class HomeFolder
{
    private const string Name = "lanyard";

    /// <summary>The option of verbs that have a default: the service, and those that speak to it.</summary>
    public static Option<string> ServiceOption() => new("--home")
    {
        Description = "State folder of the service.",
        HelpName = "DIR",
        DefaultValueFactory = _ => Default(),
    };

    /// <summary>The option of verbs that are nodes themselves.</summary>
    public static Option<string> AppOption() => new("--home")
    {
        Description = "State folder of the node, with its planet. Created with a new identity if it does not exist.",
        HelpName = "DIR",
        Required = true,
    };

    /// <summary>/var/lib/lanyard for the superuser, else the user's state folder.</summary>
    private static string Default()
    {
        if (OperatingSystem.IsWindows())
            return Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), Name);
        if (Environment.IsPrivilegedProcess)
            return Path.Combine("/var/lib", Name);
        if (Environment.GetEnvironmentVariable("XDG_STATE_HOME") is { Length: > 0 } state)
            return Path.Combine(state, Name);
        return Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home ? Path.Combine(home, ".local", "state", Name) : Path.Combine(".", Name);
    }
}
