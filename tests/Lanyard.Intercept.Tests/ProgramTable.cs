using System.Collections.Concurrent;
using System.Text;

[assembly: AssemblyFixture(typeof(Lanyard.Intercept.Tests.ProgramTable))]

namespace Lanyard.Intercept.Tests;

/// <summary>The results of all tests that ran. Written to docs/programs.md if LANYARD_WRITE_TABLE=1 is in the environment.</summary>
public sealed class ProgramTable : IDisposable
{
    private readonly ConcurrentDictionary<(string Program, string Role, string Engine), (bool V4, bool V6)> _works = new();

    public void Works(string program, string role, bool v6, string engine = "preload") =>
        _works.AddOrUpdate((program, role, engine), (!v6, v6), (_, known) => (known.V4 || !v6, known.V6 || v6));

    public void Dispose()
    {
        var table = new StringBuilder("| program | as | engine | IPv4 | IPv6 |\n|---|---|---|---|---|\n");
        foreach (var ((program, role, engine), (v4, v6)) in _works.OrderBy(row => row.Key.Program, StringComparer.OrdinalIgnoreCase).ThenBy(row => row.Key.Engine).ThenBy(row => row.Key.Role))
            table.Append($"| {program} | {role} | {engine} | {(v4 ? "yes" : "-")} | {(v6 ? "yes" : "-")} |\n");
        DocumentTable.Write("table", table.ToString());
    }
}
