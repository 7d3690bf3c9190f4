using System.IO.Compression;
using System.Reflection;
using System.Xml.Linq;

[assembly: AssemblyFixture(typeof(Lanyard.Packages.Tests.PackageFeed))]

namespace Lanyard.Packages.Tests;

/// <summary>A feed with the packages of this solution, packed from the build of this test, with a unique version.</summary>
public sealed class PackageFeed : IAsyncLifetime
{
    private readonly TestFolder _folder = new();

    /// <summary>The longest that a build may take. No test waits for it.</summary>
    public static TimeSpan Limit { get; } = TimeSpan.FromMinutes(10);

    /// <summary>The version of all packages.</summary>
    public string Version { get; } = $"0.0.0-test.{DateTime.UtcNow.Ticks}";

    /// <summary>The folder with the packages.</summary>
    public string Folder => PathOf("feed");

    /// <summary>The names of the packages.</summary>
    public IReadOnlyList<string> Names =>
        [.. Directory.GetFiles(Folder, "*.nupkg").Select(file => Path.GetFileName(file)[..^$".{Version}.nupkg".Length]).Order(StringComparer.Ordinal)];

    /// <summary>The source folder of the solution.</summary>
    public static string SourceFolder => Path.GetDirectoryName(Metadata("Solution"))!;

    private static string Configuration => Metadata("Configuration");

    /// <summary>A path in a folder that is deleted after the tests.</summary>
    public string PathOf(params string[] parts) => _folder.PathOf(parts);

    public async ValueTask InitializeAsync()
    {
        // Only the version differs: nothing is compiled.
        await DotnetAsync(
            "pack", Metadata("Solution"), "--no-build", "-warnaserror", "-c", Configuration, $"-p:PackageVersion={Version}", $"-p:PackageOutputPath={Folder}", $"-p:NuspecOutputPath={PathOf("nuspec")}/");
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return default;
    }

    /// <summary>Opens a package.</summary>
    public ZipArchive Open(string name, string extension = "nupkg") => ZipFile.OpenRead(Path.Combine(Folder, $"{name}.{Version}.{extension}"));

    /// <summary>Reads the metadata of a package. All elements are without a namespace.</summary>
    public XElement ReadMetadata(string name)
    {
        using var package = Open(name);
        using var stream = package.GetEntry($"{name}.nuspec")!.Open();
        var document = XDocument.Load(stream);
        foreach (var element in document.Descendants())
            element.Name = element.Name.LocalName;
        return document.Root!.Element("metadata")!;
    }

    /// <summary>Reads the README of a package.</summary>
    public string ReadReadme(string name)
    {
        using var package = Open(name);
        using var reader = new StreamReader(package.GetEntry(ReadMetadata(name).Element("readme")!.Value)!.Open());
        return reader.ReadToEnd();
    }

    /// <summary>Runs the .NET command line to its end, without leaving build servers behind.</summary>
    /// <returns>What it wrote to standard output.</returns>
    public static async Task<string> DotnetAsync(params IEnumerable<string> arguments)
    {
        var line = arguments.ToArray();
        string[] noServers = line[0] is "pack" or "build" or "publish" ? ["--nologo", "-v", "quiet", "--disable-build-servers"] : [];
        var (exitCode, output, error) = await RunningProcess.RunAsync(Limit, "dotnet", [.. line, .. noServers]);
        return exitCode == 0 ? output : throw new InvalidOperationException($"'dotnet {string.Join(' ', line)}' ended with {exitCode}:\n{output}\n{error}");
    }

    private static string Metadata(string key) =>
        typeof(PackageFeed).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == key).Value!;
}
