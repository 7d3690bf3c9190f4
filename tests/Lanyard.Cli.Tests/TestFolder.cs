namespace Lanyard.Cli.Tests;

/// <summary>A folder that is deleted after the test.</summary>
internal sealed class TestFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("lanyard-test-");

    /// <summary>The path of the folder, or of something in it.</summary>
    public string PathOf(params string[] parts) => Path.Combine([_folder.FullName, .. parts]);

    public void Dispose() => _folder.Delete(recursive: true);
}
