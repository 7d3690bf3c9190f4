using System.Globalization;
using System.Text;

namespace Lanyard.Bench.Peers.Report;

/// <summary>The tables that a run prints.</summary>
internal static class MarkdownReport
{
    public static string Write(Figures figures, Machine machine, CipherLimit cipher)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{machine.Date:yyyy-MM-dd}, {machine.Processor}, {machine.Cores} cores, {machine.System}, {machine.Runtime}.\n");
        text.Append(CultureInfo.InvariantCulture, $"Command: `{machine.Command}`. Medians of {figures.All.Max(figure => figure.Round)} rounds.\n\n");
        string[] subjects = [Subject.Lanyard, Subject.ZeroTierOne, Subject.Libzt, Subject.LanyardWithZeroTierOne];
        text.Append("| | unit | Lanyard | ZeroTier One | libzt | Lanyard with a ZeroTier One node | Lanyard / ZeroTier One | Lanyard / libzt |\n");
        text.Append("|---|---|---|---|---|---|---|---|\n");
        foreach (var measure in figures.Measures)
        {
            if (!subjects.Any(subject => figures.Median(subject, measure) is not null))
                continue;
            text.Append(CultureInfo.InvariantCulture, $"| {measure.Name} | {measure.Unit} |");
            foreach (var subject in subjects)
                text.Append(CultureInfo.InvariantCulture, $" {Number(figures.Median(subject, measure))} |");
            var own = figures.Median(Subject.Lanyard, measure);
            text.Append(CultureInfo.InvariantCulture, $" {Ratio(own, figures.Median(Subject.ZeroTierOne, measure))} | {Ratio(own, figures.Median(Subject.Libzt, measure))} |\n");
        }

        var one = Measure.Stream("up", 1);
        text.Append("\n| the machine's limits | Mbit/s | Lanyard's share, one stream sending |\n|---|---|---|\n");
        foreach (var limit in new[] { Subject.UdpOffload, Subject.Udp, Subject.Kernel })
            text.Append(CultureInfo.InvariantCulture, $"| {limit} | {Number(figures.Median(limit, one))} | {Share(figures.Median(Subject.Lanyard, one), figures.Median(limit, one))} |\n");
        text.Append(CultureInfo.InvariantCulture,
            $"| AES-GMAC-SIV of 1400-byte packets, one core, encrypting | {Number(cipher.EncryptMegabits)} | {Share(figures.Median(Subject.Lanyard, one), cipher.EncryptMegabits)} |\n");
        text.Append(CultureInfo.InvariantCulture,
            $"| the same, decrypting | {Number(cipher.DecryptMegabits)} | {Share(figures.Median(Subject.Lanyard, one), cipher.DecryptMegabits)} |\n");
        return text.ToString();
    }

    private static string Number(double? value) => value switch
    {
        null => "-",
        >= 100 => value.Value.ToString("F0", CultureInfo.InvariantCulture),
        _ => value.Value.ToString("0.0#", CultureInfo.InvariantCulture),
    };

    private static string Ratio(double? a, double? b) => a / b is { } ratio ? ratio.ToString("0.00", CultureInfo.InvariantCulture) + "x" : "-";

    private static string Share(double? a, double? b) => a / b is { } share ? share.ToString("P0", CultureInfo.InvariantCulture) : "-";
}
