using System.Diagnostics;

namespace Lanyard.Intercept.Tests;

/// <summary>
/// If the tests run as the superuser, programs run as the user in LANYARD_TEST_USER, or as nobody, unless that user cannot read them.
/// </summary>
internal static class Unprivileged
{
    private static readonly string s_user = Environment.GetEnvironmentVariable("LANYARD_TEST_USER") is { Length: > 0 } user ? user : "nobody";

    private static readonly Lazy<bool> s_isSuperuser = new(() => Environment.IsPrivilegedProcess && CanRead());

    /// <summary>What a command is put behind.</summary>
    public static string[] Prefix => s_isSuperuser.Value ? ["setpriv", $"--reuid={s_user}", "--regid=nogroup", "--clear-groups"] : ["env"];

    /// <summary>Whose programs are; null where that account has no shell.</summary>
    public static string? Account => !s_isSuperuser.Value ? Environment.UserName : s_user == "nobody" ? null : s_user;

    /// <summary>Whether programs run without privileges.</summary>
    public static bool IsSo => s_isSuperuser.Value || !Environment.IsPrivilegedProcess;

    /// <summary>Makes a folder theirs.</summary>
    public static void Own(string folder)
    {
        if (!s_isSuperuser.Value)
            return;
        using var chown = Process.Start("chown", ["-R", s_user, folder]);
        chown.WaitForExit();
    }

    private static bool CanRead()
    {
        using var test = Process.Start("setpriv", [$"--reuid={s_user}", "--regid=nogroup", "--clear-groups", "test", "-r", Path.Combine(AppContext.BaseDirectory, "Lanyard.Cli.dll")]);
        test.WaitForExit();
        return test.ExitCode == 0;
    }
}
