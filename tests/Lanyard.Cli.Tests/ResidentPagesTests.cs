using System.Globalization;
using Lanyard.Cli.Daemon;

namespace Lanyard.Cli.Tests;

/// <summary>A service releases pages that it needed only for starting.</summary>
public sealed class ResidentPagesTests
{
    [Fact]
    public void Unmodified_pages_of_files_are_released_and_mapped_again_on_use()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("Resident pages are looked at on Linux.");
            return;
        }

        var before = FileKiB();
        ResidentPages.Release();
        var after = FileKiB();
        Assert.True(after < before, $"{after} of {before} KiB");
    }

    private static long FileKiB() => long.Parse(
        File.ReadLines("/proc/self/status").First(line => line.StartsWith("RssFile:", StringComparison.Ordinal))
            .Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[^2],
        CultureInfo.InvariantCulture);
}
