namespace Lanyard.Intercept.Tests;

/// <summary>The tables of docs/programs.md that tests write if LANYARD_WRITE_TABLE=1 is in the environment.</summary>
internal static class DocumentTable
{
    private static readonly Lock s_lock = new();

    /// <summary>Replaces the text between two marks.</summary>
    /// <param name="name">The name in the marks.</param>
    /// <param name="table">The Markdown table, with a final line break.</param>
    public static void Write(string name, string table)
    {
        if (Environment.GetEnvironmentVariable("LANYARD_WRITE_TABLE") != "1")
            return;
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Lanyard.slnx")))
            folder = folder.Parent!;
        var file = Path.Combine(folder.FullName, "docs", "programs.md");
        lock (s_lock)
        {
            var text = File.ReadAllText(file);
            var (start, end) = ($"<!-- {name} -->\n", $"<!-- end of {name} -->");
            File.WriteAllText(file, string.Concat(
                text.AsSpan(0, text.IndexOf(start, StringComparison.Ordinal) + start.Length), table, text.AsSpan(text.IndexOf(end, StringComparison.Ordinal))));
        }
    }
}
