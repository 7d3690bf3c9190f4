using System.Globalization;
using System.Text.Json;

namespace Lanyard.Cli.Daemon;

/// <summary>Formats a service's status as cells of tables and of the live view.</summary>
internal static class StatusText
{
    public static readonly string[] NetworkHeads = ["NETWORK", "NAME", "STATUS", "TYPE", "ADDRESSES", "IN", "OUT"];
    public static readonly string[] PeerHeads = ["PEER", "VERSION", "ROLE", "LATENCY", "LINK", "PATH", "RECEIVED", "SENT"];

    public static string[] Network(ServiceReading reading, JsonElement network)
    {
        var id = network.Text("id");
        return
        [
            id, network.Text("name"), network.Text("status"), network.Text("type"), string.Join(", ", network.Texts("assignedAddresses")),
            Flow(reading, id, "rx"), Flow(reading, id, "tx"),
        ];
    }

    public static string[] Peer(ServiceReading reading, JsonElement peer)
    {
        var path = peer.PathInUse();
        return
        [
            peer.Text("address"), peer.Number("versionMajor") < 0 ? "" : peer.Text("version"), peer.Text("role"),
            peer.Number("latency") < 0 ? "" : peer.Text("latency") + " ms",
            path is null ? "RELAY" : path.Value.Number("trustedPathId") != 0 ? "TRUSTED" : "DIRECT",
            path?.Text("address") ?? "",
            Age(path is null ? null : reading.SecondsSince(path.Value, "lastReceive")), Age(path is null ? null : reading.SecondsSince(path.Value, "lastSend")),
        ];
    }

    public static string Online(JsonElement status) => status.Flag("tcpFallbackActive") ? "TUNNELED" : status.Flag("online") ? "ONLINE" : "OFFLINE";

    /// <summary>Returns the node's port, the endpoints that peers report, and its folder.</summary>
    public static string Place(JsonElement status)
    {
        if (!status.TryGetProperty("config", out var config) || !config.TryGetProperty("settings", out var settings))
            return "";
        var seen = settings.Texts("surfaceAddresses");
        var home = settings.Text("homeDir");
        return $"port {settings.Text("primaryPort")}{(seen.Length > 0 ? $", seen at {string.Join(", ", seen)}" : "")}{(home.Length > 0 ? $", folder {home}" : "")}";
    }

    /// <summary>Formats a rate in bits per second.</summary>
    public static string BitRate(double? bytesPerSecond) => bytesPerSecond is { } rate ? Scaled(rate * 8, "bit/s") : "";

    public static string Size(double? bytes) => bytes is { } size ? Scaled(size, "B") : "";

    // The rate if it is known, otherwise the total.
    private static string Flow(ServiceReading reading, string network, string direction)
    {
        var (bytes, frames) = (ServiceReading.NetworkBytes(network, direction), ServiceReading.NetworkFrames(network, direction));
        return reading.Rate(bytes) is { } rate ? BitRate(rate)
            : reading.Total(bytes) is { } total ? Size(total)
            : reading.Rate(frames) is { } frameRate ? Scaled(frameRate, "frames/s")
            : reading.Total(frames) is { } frameTotal ? Scaled(frameTotal, "frames")
            : "";
    }

    private static string Age(double? seconds) => seconds switch
    {
        null => "",
        < 60 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s ago"),
        < 3600 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:0} min ago"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0} h ago"),
    };

    private static string Scaled(double value, string unit) => value switch
    {
        < 1e3 => string.Create(CultureInfo.InvariantCulture, $"{value:0} {unit}"),
        < 1e6 => string.Create(CultureInfo.InvariantCulture, $"{value / 1e3:0.0} k{unit}"),
        < 1e9 => string.Create(CultureInfo.InvariantCulture, $"{value / 1e6:0.0} M{unit}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value / 1e9:0.00} G{unit}"),
    };
}
