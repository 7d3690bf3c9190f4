namespace Lanyard.Packages.Tests;

/// <summary>Each application joins the network of the installed tool and asks a web application for its page. The builds fail on any warning.</summary>
public sealed class PackageUseTests(PackagedApps apps) : IClassFixture<PackagedApps>
{
    [Fact]
    public async Task The_installed_tool_prints_its_help()
    {
        Assert.Contains("lanyard", await apps.RunToolAsync("--help"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("net10.0")]
    [InlineData("net8.0")]
    public async Task An_AspNetCore_application_answers_a_console_application(string framework)
    {
        var url = await apps.StartWebAsync(framework);

        var (output, expected) = await apps.AskAsync(url, "dotnet", BuiltPath("Console"));

        Assert.Equal(expected, output);
    }

    [Fact]
    public async Task A_NET_Standard_library_works_beside_the_newest_hosting_packages()
    {
        var url = await apps.StartWebAsync("net10.0");

        var (output, expected) = await apps.AskAsync(url, "dotnet", BuiltPath("Hosted"));

        Assert.Contains(expected, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trimmed_application_works()
    {
        await AssertPublishedWorksAsync("PublishTrimmed");
    }

    [Fact]
    public async Task An_application_compiled_to_native_code_works()
    {
        Assert.SkipUnless(RunningProcess.IsInstalled("clang") || RunningProcess.IsInstalled("gcc"), "Native AOT takes clang or gcc to link.");
        await AssertPublishedWorksAsync("PublishAot");
    }

    private async Task AssertPublishedWorksAsync(string kind)
    {
        var output = Path.Combine(apps.Folder, kind);
        await PackageFeed.DotnetAsync(
            "publish", Path.Combine(apps.Folder, "Console"), "-c", "Release", "--use-current-runtime", "--self-contained", $"-p:{kind}=true", "--artifacts-path", $"{output}-build", "-o", output);

        var (answer, expected) = await apps.AskAsync(await apps.StartWebAsync("net10.0"), Path.Combine(output, "Console"));

        Assert.Equal(expected, answer);
    }

    private string BuiltPath(string project) => Path.Combine(apps.Folder, project, "bin", "Release", "net10.0", $"{project}.dll");
}
