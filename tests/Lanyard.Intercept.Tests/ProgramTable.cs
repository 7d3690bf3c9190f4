using System.Collections.Concurrent;
using System.Text;

[assembly: AssemblyFixture(typeof(Lanyard.Intercept.Tests.ProgramTable))]

namespace Lanyard.Intercept.Tests;

/// <summary>What was seen to work, by all tests that ran: written to docs/programs.md where LANYARD_WRITE_TABLE=1 is in the environment.</summary>
public sealed class ProgramTable : IDisposable
{
    private const string Start = "<!-- table -->";
    private const string End = "<!-- end of table -->";

    private readonly ConcurrentDictionary<(string Program, string Role, string Engine), (bool V4, bool V6)> _works = new();

    public void Works(string program, string role, bool v6, string engine = "preload") =>
        _works.AddOrUpdate((program, role, engine), (!v6, v6), (_, known) => (known.V4 || !v6, known.V6 || v6));

    public void Dispose()
    {
        if (Environment.GetEnvironmentVariable("LANYARD_WRITE_TABLE") != "1")
            return;
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Lanyard.slnx")))
            folder = folder.Parent!;
        var file = Path.Combine(folder.FullName, "docs", "programs.md");
        var text = File.ReadAllText(file);
        var table = new StringBuilder($"{Start}\n| program | as | engine | IPv4 | IPv6 |\n|---|---|---|---|---|\n");
        foreach (var ((program, role, engine), (v4, v6)) in _works.OrderBy(row => row.Key.Program, StringComparer.OrdinalIgnoreCase).ThenBy(row => row.Key.Engine).ThenBy(row => row.Key.Role))
            table.Append($"| {program} | {role} | {engine} | {(v4 ? "yes" : "-")} | {(v6 ? "yes" : "-")} |\n");
        File.WriteAllText(file, string.Concat(text.AsSpan(0, text.IndexOf(Start, StringComparison.Ordinal)), table.ToString(), text.AsSpan(text.IndexOf(End, StringComparison.Ordinal))));
    }
}
