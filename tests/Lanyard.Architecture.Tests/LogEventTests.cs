using System.Globalization;
using System.Reflection;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Lanyard.Architecture.Tests;

/// <summary>The events that are logged. LANYARD_WRITE_TABLE=1 writes their table to docs/debugging.md.</summary>
public sealed class LogEventTests
{
    private const string Begin = "<!-- events -->\n";
    private const string End = "<!-- end of events -->\n";

    public static TheoryData<string> Projects => [.. Product.Projects];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Each_event_of_a_project_has_a_number_of_its_own(string project)
    {
        var numbers = Events(project).Select(log => log.EventId).ToArray();
        Assert.All(numbers, number => Assert.True(number > 0, "an event without a number"));
        Assert.Empty(numbers.GroupBy(number => number).Where(group => group.Count() > 1).Select(group => group.Key));
    }

    [Fact]
    public void The_documentation_lists_all_events()
    {
        var table = new StringBuilder("| room | event | level | message |\n|---|---|---|---|\n");
        foreach (var project in Product.Projects)
        {
            foreach (var log in Events(project).OrderBy(log => log.EventId))
                table.Append(CultureInfo.InvariantCulture, $"| `{project}` | {log.EventId} | {log.Level} | {log.Message.Replace("|", "\\|", StringComparison.Ordinal)} |\n");
        }

        var file = Path.Combine(Product.Root, "docs", "debugging.md");
        var text = File.ReadAllText(file);
        var (start, end) = (text.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, text.IndexOf(End, StringComparison.Ordinal));
        Assert.True(start >= Begin.Length && end >= start, $"{file} has no place for the table.");
        if (Environment.GetEnvironmentVariable("LANYARD_WRITE_TABLE") == "1")
            File.WriteAllText(file, text[..start] + table + text[end..]);
        else
            Assert.Equal(table.ToString(), text[start..end]);
    }

    private static IEnumerable<LoggerMessageAttribute> Events(string project) => Assembly.Load(project).GetTypes()
        .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
        .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()).OfType<LoggerMessageAttribute>();
}
