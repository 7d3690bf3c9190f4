namespace EndToEnd;

public sealed class ReadmeTests
{
    [Fact]
    public void The_sample_in_the_README_is_compiled()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "Lanyard.slnx")))
            root = root.Parent ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        var readme = File.ReadAllText(Path.Combine(root.FullName, "README.md"));
        var sample = readme.Split("```csharp\n")[1].Split("```")[0];
        Assert.Equal(File.ReadAllText(Path.Combine(root.FullName, "samples", "QuickStart", "Program.cs")), sample);
    }
}
