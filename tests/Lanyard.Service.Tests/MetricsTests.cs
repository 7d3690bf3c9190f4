using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace Lanyard.Service.Tests;

/// <summary>The metrics for Prometheus.</summary>
public sealed class MetricsTests
{
    [Fact]
    public async Task Metrics_have_the_names_of_existing_nodes_and_count_what_happened()
    {
        await using var lan = await ServiceLan.StartAsync();
        await lan.StartServiceAsync("a");
        var network = await lan.JoinAllAsync("a");
        var leaf = await ReadAsync(lan, "a");
        var root = lan.Service("r").Node.Address;
        Assert.True(leaf["zt_packet{direction=\"tx\",packet_type=\"hello\"}"] >= 1);
        Assert.True(leaf["zt_packet{direction=\"rx\",packet_type=\"ok\"}"] >= 1);
        Assert.True(leaf["zt_packet{direction=\"tx\",packet_type=\"network_config_request\"}"] >= 1);
        Assert.Equal(0, leaf["zt_packet{direction=\"rx\",packet_type=\"remote_trace\"}"]);
        Assert.True(leaf["zt_data{direction=\"tx\",protocol=\"udp\"}"] > 0);
        Assert.True(leaf["zt_data{direction=\"rx\",protocol=\"udp\"}"] > 0);
        Assert.Equal(0, leaf["zt_data{direction=\"rx\",protocol=\"tcp\"}"]);
        Assert.Equal(1, leaf["zt_num_networks"]);
        Assert.True(leaf[$"zt_network_multicast_groups_subscribed{{network_id=\"{network}\"}}"] > 0);
        Assert.Contains($"zt_network_packets{{accepted=\"yes\",direction=\"tx\",network_id=\"{network}\"}}", leaf.Keys);
        Assert.Equal(1, leaf[$"zt_peer_path_count{{node_id=\"{root}\",status=\"alive\"}}"]);
        Assert.Equal(1, leaf["lanyard_online"]);
        Assert.Equal(1, leaf[$"lanyard_network_ok{{network_id=\"{network}\"}}"]);
        Assert.Equal(0, leaf["lanyard_drops_total{cause=\"bad_mac\"}"]);
        if (OperatingSystem.IsLinux())
        {
            Assert.Equal(0, leaf["lanyard_program_sockets"]);
            Assert.Equal(0, leaf["lanyard_program_refused_datagrams_total"]);
        }

        var controller = await ReadAsync(lan, "r");
        Assert.Equal(1, controller["controller_network_count"]);
        Assert.Equal(1, controller["controller_member_count"]);
        Assert.True(controller["controller_network_config_request"] >= 1);
        Assert.DoesNotContain("controller_network_count", leaf.Keys);
    }

    /// <summary>Reads the samples, and sees that the text is of Prometheus's format: each sample after its family's help and type, none twice.</summary>
    private static async Task<Dictionary<string, double>> ReadAsync(ServiceLan lan, string name)
    {
        var (status, type, body) = await lan.Client(name).FetchAsync("/metrics");
        Assert.Equal((HttpStatusCode.OK, "text/plain; version=0.0.4; charset=utf-8"), (status, type));
        Assert.EndsWith("\n", body, StringComparison.Ordinal);
        var samples = new Dictionary<string, double>();
        var families = new HashSet<string>();
        var family = "";
        var lines = body[..^1].Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith("# HELP ", StringComparison.Ordinal))
            {
                family = lines[i].Split(' ')[2];
                Assert.True(families.Add(family), $"{family} comes twice");
                Assert.Matches($"^# TYPE {family} (counter|gauge)$", lines[++i]);
                continue;
            }

            var match = Regex.Match(lines[i], "^([a-zA-Z_][a-zA-Z0-9_]*)(\\{[a-z_]+=\"[^\"]*\"(,[a-z_]+=\"[^\"]*\")*\\})? (-?[0-9]+)$");
            Assert.True(match.Success, lines[i]);
            Assert.Equal(family, match.Groups[1].Value);
            samples.Add(match.Groups[1].Value + match.Groups[2].Value, double.Parse(match.Groups[4].Value, CultureInfo.InvariantCulture));
        }

        return samples;
    }
}
