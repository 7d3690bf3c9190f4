namespace EndToEnd.Lab;

/// <summary>The <c>lanyard</c> command that was built with the tests.</summary>
internal static class LanyardCommand
{
    public static IEnumerable<string> Line(params IEnumerable<string> arguments) =>
        arguments.Prepend(Path.Combine(AppContext.BaseDirectory, "Lanyard.Cli.dll")).Prepend("dotnet");

    /// <summary>Runs a verb on a lab's host; fails the test if it fails.</summary>
    public static async Task<string> LanyardAsync(this LabHost host, TimeSpan timeout, params IEnumerable<string> arguments)
    {
        var line = arguments.ToArray();
        var (exitCode, output, error) = await host.TryAsync(timeout, Line(line));
        Assert.True(exitCode == 0, $"'lanyard {string.Join(' ', line)}' ended with {exitCode}:\n{output}\n{error}");
        return output;
    }

    public static RunningProcess StartLanyard(this LabHost host, params IEnumerable<string> arguments) => host.Start(Line(arguments));
}
