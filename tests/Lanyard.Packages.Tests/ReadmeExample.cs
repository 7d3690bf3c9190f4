namespace Lanyard.Packages.Tests;

/// <summary>The C# example of a package's README.</summary>
internal static class ReadmeExample
{
    private const string Start = "```csharp\n";

    /// <summary>The example as it stands: a program.</summary>
    public static string Of(string readme)
    {
        var start = readme.IndexOf(Start, StringComparison.Ordinal) + Start.Length;
        Assert.True(start >= Start.Length, "The README has no C# example.");
        return readme[start..readme.IndexOf("```", start, StringComparison.Ordinal)];
    }

    /// <summary>The example as a method of a class, to be compiled beside another program.</summary>
    public static string AsClass(string readme, string name)
    {
        var lines = Of(readme).Split('\n');
        // A using directive, not a declaration.
        var usings = lines.TakeWhile(line => line.StartsWith("using ", StringComparison.Ordinal) && !line.Contains('=', StringComparison.Ordinal)).ToArray();
        return $$"""
            {{string.Join('\n', usings)}}
            internal static class {{name}}
            {
                public static async Task RunAsync(string[] args)
                {
            {{string.Join('\n', lines[usings.Length..])}}
                    await Task.CompletedTask;
                }
            }
            """;
    }
}
