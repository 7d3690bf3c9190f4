namespace Lanyard.Bench.Peers.Report;

/// <summary>The measured implementation.</summary>
internal static class Subject
{
    public const string Lanyard = "Lanyard";
    public const string ZeroTierOne = "ZeroTier One";
    public const string LanyardWithZeroTierOne = "Lanyard with a ZeroTier One node";
    public const string Libzt = "libzt";
    public const string Kernel = "kernel TCP, bare link";
    public const string Udp = "UDP socket, one datagram a call";
    public const string UdpOffload = "UDP socket, segmentation offload";
}

/// <summary>A measured quantity.</summary>
/// <param name="Name">Its name in the tables.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="IsLessBetter">Whether a lower figure is the better.</param>
internal sealed record Measure(string Name, string Unit, bool IsLessBetter)
{
    public static readonly Measure RoundTripMedian = new("64-byte round trip, median", "us", IsLessBetter: true);
    public static readonly Measure RoundTripP99 = new("64-byte round trip, 99th percentile", "us", IsLessBetter: true);
    public static readonly Measure Connections = new("connections, each with one echo", "1/s", IsLessBetter: false);
    public static readonly Measure ResidentMemory = new("resident memory, app and node", "MB", IsLessBetter: true);
    public static readonly Measure ResidentNodeMemory = new("resident memory, node alone", "MB", IsLessBetter: true);

    public static Measure Stream(string direction, int streams) =>
        new($"{(streams == 1 ? "one stream" : $"{streams} streams")}, {(direction == "up" ? "sending" : "receiving")}", "Mbit/s", IsLessBetter: false);

    public static Measure CpuPerGigabyte(string direction) => new($"CPU, both ends, {(direction == "up" ? "sending" : "receiving")}", "s/GB", IsLessBetter: true);
}

/// <summary>One figure.</summary>
internal sealed record Figure(string Subject, Measure Measure, int Round, double Value);

/// <summary>All figures of a run, in the order in which they were taken.</summary>
internal sealed class Figures
{
    private readonly List<Figure> _all = [];

    public IReadOnlyList<Figure> All => _all;

    public IEnumerable<Measure> Measures => _all.Select(figure => figure.Measure).Distinct();

    public void Add(string subject, Measure measure, int round, double value)
    {
        _all.Add(new Figure(subject, measure, round, value));
        Console.Error.WriteLine(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"  {round} {subject}: {measure.Name} {value:0.##} {measure.Unit}"));
    }

    public double[] Values(string subject, Measure measure) => [.. _all.Where(figure => figure.Subject == subject && figure.Measure == measure).Select(figure => figure.Value)];

    /// <summary>The median of a subject's figures; null where there are none.</summary>
    public double? Median(string subject, Measure measure)
    {
        var values = Values(subject, measure);
        Array.Sort(values);
        return values.Length == 0 ? null : (values[(values.Length - 1) / 2] + values[values.Length / 2]) / 2;
    }
}
