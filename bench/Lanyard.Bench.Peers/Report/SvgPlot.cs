using System.Globalization;
using System.Text;

namespace Lanyard.Bench.Peers.Report;

/// <summary>A plot of a run: a panel for each measure, a bar for each subject's median, a dot for each round.</summary>
internal static class SvgPlot
{
    private const int Columns = 2;
    private const int PanelWidth = 560;
    private const int BarHeight = 18;
    private const int BarGap = 8;
    private const int LabelWidth = 216;
    private const int ValueWidth = 70;
    private const int TitleHeight = 34;
    private const int Margin = 24;
    private const int HeaderHeight = 64;

    private static readonly (string Subject, string Color)[] s_subjects =
    [
        (Subject.Lanyard, "#1f6fb4"),
        (Subject.LanyardWithZeroTierOne, "#7fb2de"),
        (Subject.ZeroTierOne, "#e0a030"),
        (Subject.Libzt, "#b0504a"),
        (Subject.Udp, "#b4b9be"),
    ];

    public static string Write(Figures figures, Machine machine)
    {
        var panels = figures.Measures.Select(measure => (Measure: measure, Bars: Bars(figures, measure))).Where(panel => panel.Bars.Length > 1).ToArray();
        var rows = panels.Chunk(Columns).ToArray();
        var height = HeaderHeight + Margin + rows.Sum(row => row.Max(panel => PanelHeight(panel.Bars.Length)));
        var width = (Columns * PanelWidth) + ((Columns + 1) * Margin);
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">\n");
        svg.Append("<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
        Text(svg, Margin, 30, "Lanyard and its peers, measured in one run", "start", "font-size=\"18\" font-weight=\"bold\"");
        Text(svg, Margin, 52, string.Create(CultureInfo.InvariantCulture,
            $"{machine.Date:yyyy-MM-dd}, {machine.Processor}, {machine.Cores} cores, {machine.System}, {machine.Runtime}. Bars: medians. Dots: rounds."), "start", "fill=\"#666\"");
        var top = HeaderHeight;
        foreach (var row in rows)
        {
            for (var column = 0; column < row.Length; column++)
                Panel(svg, Margin + (column * (PanelWidth + Margin)), top, row[column].Measure, row[column].Bars);
            top += row.Max(panel => PanelHeight(panel.Bars.Length));
        }

        return svg.Append("</svg>\n").ToString();
    }

    private static Bar[] Bars(Figures figures, Measure measure) =>
    [
        .. s_subjects.Where(subject => figures.Median(subject.Subject, measure) is not null)
            .Select(subject => new Bar(subject.Subject, subject.Color, figures.Median(subject.Subject, measure)!.Value, figures.Values(subject.Subject, measure))),
    ];

    private static int PanelHeight(int bars) => TitleHeight + (bars * (BarHeight + BarGap)) + 16;

    private static void Panel(StringBuilder svg, int left, int top, Measure measure, Bar[] bars)
    {
        var better = measure.IsLessBetter ? "less is better" : "more is better";
        Text(svg, left, top + 20, $"{measure.Name}, {measure.Unit} ({better})", "start", "font-weight=\"bold\"");
        var space = PanelWidth - LabelWidth - ValueWidth;
        var scale = space / bars.Max(bar => Math.Max(bar.Median, bar.Values.Max()));
        for (var i = 0; i < bars.Length; i++)
        {
            var bar = bars[i];
            var y = top + TitleHeight + (i * (BarHeight + BarGap));
            var length = Math.Max(1, bar.Median * scale);
            Text(svg, left + LabelWidth - 8, y + 13, bar.Subject, "end", "font-size=\"12\"");
            svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{left + LabelWidth}\" y=\"{y}\" width=\"{length:F1}\" height=\"{BarHeight}\" fill=\"{bar.Color}\"/>\n");
            foreach (var value in bar.Values)
            {
                svg.Append(CultureInfo.InvariantCulture,
                    $"<circle cx=\"{left + LabelWidth + (value * scale):F1}\" cy=\"{y + (BarHeight / 2)}\" r=\"2.5\" fill=\"#222\" fill-opacity=\"0.55\"/>\n");
            }

            var end = left + LabelWidth + Math.Max(length, bar.Values.Max() * scale) + 8;
            Text(svg, end, y + 13, bar.Median.ToString(bar.Median >= 100 ? "F0" : "0.##", CultureInfo.InvariantCulture), "start", "");
        }
    }

    private static void Text(StringBuilder svg, double x, int y, string text, string anchor, string style)
    {
        var escaped = text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x:F1}\" y=\"{y}\" text-anchor=\"{anchor}\" {style}>{escaped}</text>\n");
    }

    private sealed record Bar(string Subject, string Color, double Median, double[] Values);
}
