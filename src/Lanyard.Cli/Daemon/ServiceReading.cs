using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Lanyard.Cli.Daemon;

/// <summary>A snapshot of a running service's status, networks, peers and counters. Existing nodes have fewer counters.</summary>
internal sealed class ServiceReading
{
    private const double ShortestSeconds = 0.001;

    private readonly IReadOnlyDictionary<string, double> _metrics;
    private readonly IReadOnlyDictionary<string, double>? _metricsBefore;
    private readonly double _seconds;
    private readonly long _timestamp = Stopwatch.GetTimestamp();

    private ServiceReading(JsonElement status, JsonElement[] networks, JsonElement[] peers, IReadOnlyDictionary<string, double> metrics, ServiceReading? before)
    {
        Status = status;
        Networks = networks;
        Peers = peers;
        _metrics = metrics;
        if (before is null || before.Status.Text("address") != status.Text("address"))
            return;
        _metricsBefore = before._metrics;
        _seconds = Math.Max(Stopwatch.GetElapsedTime(before._timestamp, _timestamp).TotalSeconds, ShortestSeconds);
    }

    public JsonElement Status { get; }

    public JsonElement[] Networks { get; }

    /// <summary>The peers: roots first, then direct peers by latency, then relayed peers.</summary>
    public JsonElement[] Peers { get; }

    /// <summary>Takes a snapshot of a service.</summary>
    /// <param name="service">The service.</param>
    /// <param name="before">The previous snapshot, for rates; null for the first.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public static async Task<ServiceReading> TakeAsync(LocalApiClient service, ServiceReading? before, CancellationToken cancellationToken)
    {
        var status = await service.GetAsync("/status", cancellationToken);
        var networks = await service.GetAsync("/network", cancellationToken);
        var peers = await service.GetAsync("/peer", cancellationToken);
        var metrics = await service.TryGetTextAsync("/metrics", cancellationToken);
        var ordered = peers.Items().OrderBy(peer => peer.Text("role") == "LEAF").ThenBy(peer => peer.PathInUse() is null).ThenBy(peer => peer.Number("latency")).ToArray();
        return new ServiceReading(status, networks.Items(), ordered, ReadMetrics(metrics ?? ""), before);
    }

    /// <summary>Returns the value of a counter; null if the service does not have it.</summary>
    public double? Total(string metric) => _metrics.TryGetValue(metric, out var value) ? value : null;

    /// <summary>Returns the increase of a counter per second; null if not known yet.</summary>
    public double? Rate(string metric) =>
        Total(metric) is { } now && _metricsBefore is { } before && before.TryGetValue(metric, out var then) && now >= then ? (now - then) / _seconds : null;

    /// <summary>Returns the name of the counter of UDP payload.</summary>
    public static string Bytes(string direction) => $"zt_data{{direction=\"{direction}\",protocol=\"udp\"}}";

    /// <summary>Returns the name of the counter of a network's bytes.</summary>
    public static string NetworkBytes(string network, string direction) => $"lanyard_network_bytes_total{{direction=\"{direction}\",network_id=\"{network}\"}}";

    /// <summary>Returns the name of the counter of a network's frames.</summary>
    public static string NetworkFrames(string network, string direction) => $"zt_network_packets{{accepted=\"yes\",direction=\"{direction}\",network_id=\"{network}\"}}";

    /// <summary>Returns the seconds since a time by the service's clock; null for never.</summary>
    public double? SecondsSince(JsonElement path, string field) =>
        path.Number(field) is var time and > 0 ? Math.Max(0, (Status.Number("clock") - time) / 1000.0) : null;

    /// <summary>Writes the snapshot as JSON.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WritePropertyName("status");
        Status.WriteTo(writer);
        WriteAll(writer, "networks", Networks);
        WriteAll(writer, "peers", Peers);
        writer.WriteStartObject("traffic");
        WriteNumber(writer, "receivedBytes", Total(Bytes("rx")));
        WriteNumber(writer, "sentBytes", Total(Bytes("tx")));
        WriteNumber(writer, "receivedBytesPerSecond", Rate(Bytes("rx")));
        WriteNumber(writer, "sentBytesPerSecond", Rate(Bytes("tx")));
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>Parses the samples of Prometheus's text format. Skips other lines.</summary>
    internal static Dictionary<string, double> ReadMetrics(string text)
    {
        var metrics = new Dictionary<string, double>();
        foreach (var line in text.Split('\n'))
        {
            var cut = line.LastIndexOf(' ');
            if (cut > 0 && line[0] != '#' && double.TryParse(line.AsSpan(cut + 1), NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
                metrics[line[..cut]] = value;
        }

        return metrics;
    }

    private static void WriteAll(Utf8JsonWriter writer, string name, JsonElement[] items)
    {
        writer.WriteStartArray(name);
        foreach (var item in items)
            item.WriteTo(writer);
        writer.WriteEndArray();
    }

    private static void WriteNumber(Utf8JsonWriter writer, string name, double? value)
    {
        if (value is { } number)
            writer.WriteNumber(name, Math.Round(number));
        else
            writer.WriteNull(name);
    }
}
