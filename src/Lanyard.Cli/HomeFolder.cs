using System.CommandLine;

namespace Lanyard.Cli;

/// <summary>The options for the state folder of a node.</summary>
internal static class HomeFolder
{
    private const string Name = "lanyard";

    /// <summary>Creates the option with a default, for the service and its clients.</summary>
    public static Option<string> ServiceOption() => new("--home")
    {
        Description = "State folder of the service.",
        HelpName = "DIR",
        DefaultValueFactory = _ => Default(),
    };

    /// <summary>Creates the option of commands that run a node.</summary>
    public static Option<string> AppOption() => new("--home")
    {
        Description = "State folder of the node, with its planet. Created with a new identity if it does not exist.",
        HelpName = "DIR",
        Required = true,
    };

    /// <summary>Returns the default folder: /var/lib/lanyard for the superuser, otherwise the user's state folder.</summary>
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
