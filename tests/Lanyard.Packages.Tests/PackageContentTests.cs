using System.IO.Compression;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;

namespace Lanyard.Packages.Tests;

public sealed class PackageContentTests(PackageFeed feed)
{
    private static readonly string[] Libraries =
        ["Lanyard", "Lanyard.AspNetCore", "Lanyard.Dissector", "Lanyard.Engine", "Lanyard.NetStack", "Lanyard.Primitives", "Lanyard.Proxies", "Lanyard.Testing", "Lanyard.Wire"];

    private static readonly string[] AllTargets = [".NETStandard2.1", "net8.0", "net10.0"];

    public static TheoryData<string> AllLibraries => [.. Libraries];

    public static TheoryData<string> AllPackages => [.. Libraries, "Lanyard.Cli"];

    [Fact]
    public void Packing_the_solution_makes_the_documented_packages_and_no_others()
    {
        Assert.Equal([.. Libraries.Append("Lanyard.Cli").Order(StringComparer.Ordinal)], feed.Names);

        var documented = File.ReadAllText(Path.Combine(PackageFeed.SourceFolder, "docs", "packages.md"));
        Assert.All(feed.Names, name => Assert.Contains($"| `{name}` |", documented, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(AllPackages))]
    public void A_package_has_a_description_a_license_an_icon_and_a_readme(string name)
    {
        var metadata = feed.ReadMetadata(name);
        using var package = feed.Open(name);

        Assert.NotEmpty(metadata.Element("description")!.Value);
        Assert.Equal("MIT", metadata.Element("license")!.Value);
        Assert.Equal("expression", metadata.Element("license")!.Attribute("type")!.Value);
        Assert.NotNull(package.GetEntry(metadata.Element("icon")!.Value));
        Assert.StartsWith($"# {name}\n", feed.ReadReadme(name), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(AllLibraries))]
    public void A_library_has_documentation_for_each_of_its_targets(string name)
    {
        using var package = feed.Open(name);
        string[] targets = name is "Lanyard.AspNetCore" or "Lanyard.Testing" ? ["net10.0", "net8.0"] : ["net10.0", "net8.0", "netstandard2.1"];

        Assert.Equal(
            targets.SelectMany(target => new[] { $"lib/{target}/{name}.dll", $"lib/{target}/{name}.xml" }),
            package.Entries.Select(entry => entry.FullName).Where(path => path.StartsWith("lib/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        foreach (var target in targets)
        {
            using var documentation = package.GetEntry($"lib/{target}/{name}.xml")!.Open();
            Assert.NotEmpty(XDocument.Load(documentation).Descendants("member"));
        }
    }

    [Theory]
    [MemberData(nameof(AllLibraries))]
    public void A_library_is_deterministic_and_has_its_symbols_in_a_package_beside_it(string name)
    {
        using var package = feed.Open(name);
        using var symbols = feed.Open(name, "snupkg");

        foreach (var library in package.Entries.Where(entry => entry.FullName.EndsWith(".dll", StringComparison.Ordinal)))
        {
            Assert.NotNull(symbols.GetEntry(Path.ChangeExtension(library.FullName, ".pdb")));
            using var image = new PEReader(new MemoryStream(Read(library)));
            Assert.Contains(image.ReadDebugDirectory(), entry => entry.Type == DebugDirectoryEntryType.Reproducible);
        }
    }

    [Theory]
    [MemberData(nameof(AllLibraries))]
    public void A_library_depends_on_other_packages_from_a_lowest_version_upwards(string name)
    {
        var dependencies = feed.ReadMetadata(name).Descendants("dependency").ToList();

        Assert.All(dependencies, dependency => Assert.Matches("^[0-9]+[.0-9A-Za-z-]*$", dependency.Attribute("version")!.Value));
        Assert.All(dependencies.Where(IsForeign), dependency => Assert.Contains(
            $"{dependency.Parent!.Attribute("targetFramework")!.Value} {dependency.Attribute("id")!.Value}",
            (string[])[".NETStandard2.1 Microsoft.Bcl.TimeProvider", .. AllTargets.Select(target => $"{target} Microsoft.Extensions.Logging.Abstractions")]));
        Assert.All(dependencies.Where(dependency => !IsForeign(dependency)), dependency => Assert.Equal(feed.Version, dependency.Attribute("version")!.Value));
    }

    [Fact]
    public void The_tool_contains_all_files_that_it_needs()
    {
        using var package = feed.Open("Lanyard.Cli");

        Assert.Equal("DotnetTool", feed.ReadMetadata("Lanyard.Cli").Descendants("packageType").Single().Attribute("name")!.Value);
        Assert.Empty(feed.ReadMetadata("Lanyard.Cli").Descendants("dependency"));
        Assert.NotNull(package.GetEntry("tools/net10.0/any/Lanyard.Service.dll"));
        Assert.DoesNotContain(package.Entries, entry => entry.FullName.EndsWith("/Lanyard.xml", StringComparison.Ordinal));
        // Built where there is a C compiler.
        if (File.Exists(Path.Combine(PackageFeed.SourceFolder, "src", "Lanyard.Service", "obj", "intercept", "liblanyard-intercept.so")))
            Assert.NotNull(package.GetEntry("tools/net10.0/any/liblanyard-intercept.so"));
    }

    private static bool IsForeign(XElement dependency) => !dependency.Attribute("id")!.Value.StartsWith("Lanyard", StringComparison.Ordinal);

    private static byte[] Read(ZipArchiveEntry entry)
    {
        using var stream = entry.Open();
        var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
