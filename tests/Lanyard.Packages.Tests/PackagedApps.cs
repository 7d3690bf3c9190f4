using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Lanyard.Packages.Tests;

/// <summary>Applications built from the packages alone, and a network for them whose root and controller is the installed tool.</summary>
public sealed class PackagedApps(PackageFeed feed) : IAsyncLifetime
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(2);

    private readonly List<RunningProcess> _running = [];
    private readonly Dictionary<string, Uri> _webs = [];

    /// <summary>The folder with the projects.</summary>
    public string Folder => feed.PathOf("apps");

    /// <summary>The installed command.</summary>
    public string Tool => Path.Combine(feed.PathOf("tool"), "lanyard");

    /// <summary>The ID of the network.</summary>
    public string Network { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        await WriteProjectsAsync();
        await PackageFeed.DotnetAsync("tool", "install", "Lanyard.Cli", "--tool-path", feed.PathOf("tool"), "--version", feed.Version, "--add-source", feed.Folder);
        await PackageFeed.DotnetAsync("build", Path.Combine(Folder, "Apps.slnx"), "-c", "Release");
        await StartNetworkAsync();
    }

    public ValueTask DisposeAsync()
    {
        foreach (var process in Enumerable.Reverse(_running))
            process.Dispose();
        return default;
    }

    /// <summary>Makes a state folder for a node.</summary>
    public string NewHome(string name)
    {
        var home = Directory.CreateDirectory(feed.PathOf("homes", name)).FullName;
        File.Copy(feed.PathOf("planet"), Path.Combine(home, "planet"));
        return home;
    }

    /// <summary>Starts the web application on the network, once for each framework.</summary>
    /// <returns>Its URL.</returns>
    public async Task<Uri> StartWebAsync(string framework)
    {
        if (_webs.TryGetValue(framework, out var url))
            return url;
        // The example keeps its state in the folder my-app.
        var home = NewHome(Path.Combine(framework, "my-app"));
        var web = Start(new ProcessStartInfo(
            "dotnet", ["--roll-forward", "Major", Path.Combine(Folder, "Web", "bin", "Release", framework, "Web.dll"), "--Network", Network])
        {
            WorkingDirectory = Path.GetDirectoryName(home),
        });
        await web.WaitForLineAsync("Application started.", StartLimit);
        return _webs[framework] = new Uri($"http://{AddressIn(home)}.{Network}/");
    }

    /// <summary>Runs an application as a new member of the network, which asks a web application for its page.</summary>
    /// <returns>What it wrote, and what the page of the example is for it.</returns>
    public async Task<(string Output, string Expected)> AskAsync(Uri url, string file, params IEnumerable<string> arguments)
    {
        var home = NewHome(Guid.NewGuid().ToString("n"));
        var (exitCode, output, error) = await RunningProcess.RunAsync(StartLimit, file, [.. arguments, home, Network, url.ToString()]);
        Assert.True(exitCode == 0, $"'{file}' ended with {exitCode}:\n{output}\n{error}");
        return (output, $"Hello {AddressIn(home)}\n");
    }

    /// <summary>Runs the tool; fails if it fails.</summary>
    /// <returns>What it wrote to standard output.</returns>
    public async Task<string> RunToolAsync(params IEnumerable<string> arguments)
    {
        var line = arguments.ToArray();
        var (exitCode, output, error) = await RunningProcess.RunAsync(StartLimit, Tool, line);
        return exitCode == 0 ? output : throw new InvalidOperationException($"'lanyard {string.Join(' ', line)}' ended with {exitCode}:\n{output}\n{error}");
    }

    private async Task WriteProjectsAsync()
    {
        var source = Path.Combine(AppContext.BaseDirectory, "Apps");
        foreach (var file in Directory.GetFiles(source, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(Folder, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        await File.WriteAllTextAsync(Path.Combine(Folder, "Web", "Program.cs"), ReadmeExample.Of(feed.ReadReadme("Lanyard.AspNetCore")));
        foreach (var name in new[] { "Lanyard", "Lanyard.Dissector" })
            await File.WriteAllTextAsync(Path.Combine(Folder, "Console", $"{name}.Example.cs"), ReadmeExample.AsClass(feed.ReadReadme(name), $"{name.Replace(".", "", StringComparison.Ordinal)}Example"));

        // Our packages go to a folder of this test; those of others are taken from the machine's, where they are.
        var machine = (await PackageFeed.DotnetAsync("nuget", "locals", "global-packages", "--list")).Trim()["global-packages: ".Length..];
        await File.WriteAllTextAsync(Path.Combine(Folder, "NuGet.config"), $"""
            <configuration>
              <packageSources><add key="lanyard-test" value="{feed.Folder}" /></packageSources>
              <fallbackPackageFolders><add key="machine" value="{machine}" /></fallbackPackageFolders>
            </configuration>
            """);
        Environment.SetEnvironmentVariable("NUGET_PACKAGES", feed.PathOf("packages"));
        Environment.SetEnvironmentVariable("LanyardVersion", feed.Version);
    }

    private async Task StartNetworkAsync()
    {
        var port = FreePort.Find();
        var root = Directory.CreateDirectory(feed.PathOf("homes", "root")).FullName;
        await RunToolAsync("identity", "new", "--out", Path.Combine(root, "identity.secret"));
        await RunToolAsync("planet", "new", "--root", Path.Combine(root, "identity.secret"), "--endpoint", $"127.0.0.1/{port}", "--out", feed.PathOf("planet"));
        var service = Start(new ProcessStartInfo(Tool, ["service", "--home", root, "--planet", feed.PathOf("planet"), "--port", $"{port}", "--controller"]));
        await service.WaitForLineAsync("Node ", StartLimit);
        using var api = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        api.DefaultRequestHeaders.Add("X-ZT1-Auth", await File.ReadAllTextAsync(Path.Combine(root, "authtoken.secret")));
        using var settings = new StringContent("""
            { "private": false, "v4AssignMode": { "zt": true }, "v6AssignMode": { "rfc4193": true }, "routes": [ { "target": "10.1.0.0/24" } ],
              "ipAssignmentPools": [ { "ipRangeStart": "10.1.0.2", "ipRangeEnd": "10.1.0.99" } ] }
            """, Encoding.UTF8, "application/json");
        using var response = await api.PostAsync(new Uri("/controller/network", UriKind.Relative), settings);
        using var network = JsonDocument.Parse(await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync());
        Network = network.RootElement.GetProperty("id").GetString()!;
    }

    private RunningProcess Start(ProcessStartInfo start)
    {
        var process = new RunningProcess(start);
        _running.Add(process);
        return process;
    }

    // The address of the node whose state a folder keeps.
    private static string AddressIn(string home) => File.ReadAllText(Path.Combine(home, "identity.public"))[..10];
}
