namespace Lanyard.Intercept.Tests;

/// <summary>Compiles programs for tests.</summary>
internal static class Compiled
{
    /// <summary>Compiles a C program with the system's C library.</summary>
    /// <param name="lan">The test LAN that runs the program.</param>
    /// <param name="source">The source file.</param>
    public static Task<string> OfC(ProgramLan lan, string source) =>
        BuildAsync(lan, Path.GetFileNameWithoutExtension(source), "gcc", "-O1", "-pthread", "-o", "{output}", source);

    /// <summary>Compiles a program once, into the folder of programs. Skips the test if the compilation fails.</summary>
    /// <param name="lan">The test LAN that runs the program.</param>
    /// <param name="name">The program's file name.</param>
    /// <param name="compiler">The compiler.</param>
    /// <param name="args">The compiler's arguments. "{output}" is replaced with the program's path; the last argument is the source file.</param>
    public static async Task<string> BuildAsync(ProgramLan lan, string name, string compiler, params string[] args)
    {
        lan.Require(compiler, "python3");
        var output = Path.Combine(lan.Folder, name);
        if (File.Exists(output))
            return output;
        var source = Path.Combine(AppContext.BaseDirectory, args[^1]);
        await using var build = ProgramProcess.Start(
            lan.Folder, ["env", "CGO_ENABLED=0", ProgramProcess.Find(compiler)!, .. args[..^1].Select(word => word == "{output}" ? output : word), source]);
        if (await build.WaitAsync() != 0)
            Assert.Skip($"{compiler} does not build {args[^1]} here: {build.Output}");
        return output;
    }
}
