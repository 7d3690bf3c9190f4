using Lanyard.Cli.Tests;
using Lanyard.Intercept.Programs;

namespace Lanyard.Intercept.Tests;

[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class PreloadPathTests
{
    [Theory]
    [InlineData("/opt/lanyard/lib.so", true)]
    [InlineData("/opt/my lanyard/lib.so", false)]
    [InlineData("/opt/my\tlanyard/lib.so", false)]
    [InlineData("/opt/my:lanyard/lib.so", false)]
    [InlineData("/opt/$LIB/lib.so", false)]
    public void A_path_with_separators_or_names_that_expand_is_not_plain(string path, bool isPlain) => Assert.Equal(isPlain, PreloadPath.IsPlain(path));

    [Fact]
    public void A_folder_that_others_can_change_is_not_safe_nor_is_what_is_in_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Programs are preloaded on Linux only.");
        using var folder = new TestFolder();
        const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        var inner = Directory.CreateDirectory(folder.PathOf("outer/inner"), Own).FullName;
        File.SetUnixFileMode(folder.PathOf("outer"), Own);
        Assert.True(PreloadPath.IsSafe(inner));
        File.SetUnixFileMode(folder.PathOf("outer"), Own | UnixFileMode.GroupWrite);
        Assert.False(PreloadPath.IsSafe(inner));
        File.SetUnixFileMode(folder.PathOf("outer"), Own | UnixFileMode.OtherWrite);
        Assert.False(PreloadPath.IsSafe(inner));
        File.SetUnixFileMode(folder.PathOf("outer"), Own | UnixFileMode.OtherWrite | UnixFileMode.StickyBit);
        Assert.True(PreloadPath.IsSafe(inner));
        // A user who can change a link's folder controls the link's target.
        File.CreateSymbolicLink(folder.PathOf("link"), folder.PathOf("outer"));
        Assert.False(PreloadPath.IsSafe(folder.PathOf("link")));
        Assert.False(PreloadPath.IsSafe(folder.PathOf("missing")));
    }
}
