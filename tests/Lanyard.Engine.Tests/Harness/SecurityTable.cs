namespace Lanyard.Engine.Tests.Harness;

/// <summary>Tables of docs/security.md, which tests write if LANYARD_WRITE_TABLE=1 is in the environment.</summary>
internal static class SecurityTable
{
    public static void Write(string name, string table)
    {
        if (Environment.GetEnvironmentVariable("LANYARD_WRITE_TABLE") != "1")
            return;
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(System.IO.Path.Combine(folder.FullName, "Lanyard.slnx")))
            folder = folder.Parent!;
        var file = System.IO.Path.Combine(folder.FullName, "docs", "security.md");
        var text = File.ReadAllText(file);
        var start = text.IndexOf($"<!-- {name} -->\n", StringComparison.Ordinal) + $"<!-- {name} -->\n".Length;
        var end = text.IndexOf($"<!-- end of {name} -->", StringComparison.Ordinal);
        File.WriteAllText(file, string.Concat(text.AsSpan(0, start), table, text.AsSpan(end)));
    }
}
