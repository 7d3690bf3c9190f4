using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Lanyard.Architecture.Tests;

/// <summary>The product as it is built: the projects under <c>src/</c> and their assemblies.</summary>
internal static partial class Product
{
    /// <summary>The root folder of the repository.</summary>
    public static string Root { get; } = Path.GetFullPath(
        typeof(Product).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == "Root").Value!);

    /// <summary>The names of the projects under <c>src/</c>.</summary>
    public static IReadOnlyList<string> Projects { get; } =
        [.. Directory.GetFiles(Path.Combine(Root, "src"), "*.csproj", SearchOption.AllDirectories).Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    /// <summary>The assemblies of all projects.</summary>
    public static IReadOnlyList<Assembly> Assemblies { get; } = [.. Projects.Select(Assembly.Load)];

    /// <summary>The source files, without generated ones.</summary>
    public static IEnumerable<string> SourceFiles => Directory.GetFiles(Path.Combine(Root, "src"), "*.cs", SearchOption.AllDirectories)
        .Where(file => !Regex.IsMatch(file, @"[\\/](obj|bin)[\\/]"));

    /// <summary>The projects that each project refers to in its project file.</summary>
    public static Dictionary<string, HashSet<string>> ReadReferences() => Projects.ToDictionary(
        project => project,
        project => XDocument.Load(Path.Combine(Root, "src", project, $"{project}.csproj")).Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/'))).ToHashSet());

    /// <summary>The rooms that each room may use, as the table in <c>docs/architecture.md</c> says.</summary>
    public static Dictionary<string, HashSet<string>> ReadDocumentedReferences() => File.ReadLines(Path.Combine(Root, "docs", "architecture.md"))
        .Select(line => TableRow().Match(line)).Where(match => match.Success)
        .ToDictionary(
            match => match.Groups[1].Value,
            match => match.Groups[2].Value.Split(", ").Where(name => name != "nothing").Select(name => name == "Lanyard" ? name : $"Lanyard.{name}").ToHashSet());

    /// <summary>All projects that can be reached from a project.</summary>
    public static SortedSet<string> Closure(string project, Dictionary<string, HashSet<string>> references)
    {
        var all = new SortedSet<string>(StringComparer.Ordinal);
        var open = new Queue<string>(references[project]);
        while (open.TryDequeue(out var next))
        {
            if (all.Add(next))
            {
                foreach (var further in references[next])
                    open.Enqueue(further);
            }
        }

        return all;
    }

    [GeneratedRegex(@"^\| `(Lanyard[A-Za-z.]*)` \|.*\| ([A-Za-z, ]+) \|$")]
    private static partial Regex TableRow();
}
