using System.Diagnostics;
using System.Globalization;

namespace Lanyard.Testing.Tests;

/// <summary>
/// TCP over the virtual LAN while members, paths and NATs fail and return. A few seeds and hours here; LANYARD_FULL_LENGTH=1 in the environment runs 24
/// virtual hours of 200 seeds, LANYARD_CHURN_SEEDS and LANYARD_CHURN_HOURS any other number.
/// </summary>
public sealed class ChurnTests(ITestOutputHelper output)
{
    private static readonly bool s_isFullLength = Environment.GetEnvironmentVariable("LANYARD_FULL_LENGTH") == "1";

    [Fact]
    public void No_byte_is_lost_or_wrong_on_a_connection_that_both_ends_call_closed_cleanly()
    {
        var seeds = Number("LANYARD_CHURN_SEEDS", s_isFullLength ? 200 : 3);
        var hours = Number("LANYARD_CHURN_HOURS", s_isFullLength ? 24 : 2);
        var first = Number("LANYARD_CHURN_FIRST_SEED", 1);
        for (var seed = first; seed < first + seeds; seed++)
        {
            var watch = Stopwatch.StartNew();
            var churn = new Churn((ulong)seed);
            churn.Run(TimeSpan.FromHours(hours));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}: {churn.Summary} in {watch.Elapsed.TotalSeconds:F1} s"));
            Assert.Empty(churn.Failures);

            // Most connections get through, or this would say little.
            Assert.True(churn.Clean > churn.Opened / 2, $"seed {seed}: {churn.Summary}");
            Assert.True(churn.BytesChecked > 0);
        }
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}
