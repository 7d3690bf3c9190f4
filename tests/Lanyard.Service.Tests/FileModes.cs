namespace Lanyard.Service.Tests;

/// <summary>Modes of files, as octal texts. A test that asks for one is skipped on Windows.</summary>
internal static class FileModes
{
    /// <summary>Returns the mode of a file, in octal digits.</summary>
    public static string Of(string path)
    {
        if (!OperatingSystem.IsWindows())
            return "0" + Convert.ToString((int)File.GetUnixFileMode(path), 8);
        Assert.Skip("File modes are a matter of Unix.");
        return "";
    }

    /// <summary>Sets the mode of a file.</summary>
    public static void Set(string path, string mode)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, (UnixFileMode)Convert.ToInt32(mode, 8));
        else
            Assert.Skip("File modes are a matter of Unix.");
    }
}
