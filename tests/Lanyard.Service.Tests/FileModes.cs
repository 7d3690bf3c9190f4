namespace Lanyard.Service.Tests;

/// <summary>Modes of files, as octal texts. A test that asks for one is skipped on Windows.</summary>
internal static class FileModes
{
    /// <summary>A file's mode.</summary>
    public static string Of(string path)
    {
        if (!OperatingSystem.IsWindows())
            return "0" + Convert.ToString((int)File.GetUnixFileMode(path), 8);
        Assert.Skip("File modes are a matter of Unix.");
        return "";
    }

    /// <summary>Gives a file a mode.</summary>
    public static void Set(string path, string mode)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, (UnixFileMode)Convert.ToInt32(mode, 8));
        else
            Assert.Skip("File modes are a matter of Unix.");
    }
}
