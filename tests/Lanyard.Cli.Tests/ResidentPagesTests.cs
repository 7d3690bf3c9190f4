using System.Globalization;
using Lanyard.Cli.Daemon;

namespace Lanyard.Cli.Tests;

/// <summary>What only starting needed is not kept.</summary>
public sealed class ResidentPagesTests
{
    [Fact]
    public void What_is_as_in_its_file_is_let_go_and_there_again_when_it_is_used()
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
