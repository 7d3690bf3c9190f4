using System.Diagnostics.Metrics;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard.Tests;

/// <summary>The counters as metrics.</summary>
public sealed class MetricsTests
{
    [Fact]
    public async Task Counters_are_shown_by_cause_of_each_node_and_network_while_the_node_lives()
    {
        // Nodes that no other test has: metrics are those of the whole process.
        var lan = await TestLan.StartAsync();
        await using var pair = new Pair(lan, await lan.JoinAsync(4), await lan.JoinAsync(5));
        Assert.True((await pair.A.PingAsync(pair.B.IPv4Address!, TimeSpan.FromMinutes(1), 56, TestLan.Guard)).IsSuccess);
        using var socket = pair.A.OpenUdp();
        socket.SendTo("x"u8, new InetEndpoint(Pair.Address(pair.B), 9));
        while (pair.B.Counters[HostCounter.UdpNoPort] == 0)
            Assert.True((await pair.A.PingAsync(pair.B.IPv4Address!, TimeSpan.FromMinutes(1), 56, TestLan.Guard)).IsSuccess);

        var shown = Show();
        var node = pair.B.Node.Address.ToString();
        var port = $"lanyard.network={pair.B.Id} lanyard.node={node}";
        Assert.Equal(1, shown[$"lanyard.network.drops cause=udp_no_port {port}"]);
        Assert.True(shown[$"lanyard.network.events event=echo_answered {port}"] > 0);
        Assert.True(shown[$"lanyard.network.frames {port} network.io.direction=receive"] > 0);
        Assert.True(shown[$"lanyard.network.io {port} network.io.direction=transmit"] > 56);
        Assert.True(shown[$"lanyard.node.datagrams lanyard.node={node} network.io.direction=transmit"] > 0);
        Assert.True(shown[$"lanyard.node.io lanyard.node={node} network.io.direction=receive"] > 0);
        Assert.True(shown[$"lanyard.node.packets lanyard.node={node}"] > 0);
        Assert.Equal(0, shown[$"lanyard.node.drops cause=bad_mac lanyard.node={node}"]);
        Assert.Contains($"lanyard.node.send_failures lanyard.node={node}", shown.Keys);

        await pair.B.Node.DisposeAsync();
        Assert.DoesNotContain(Show().Keys, key => key.Contains(node, StringComparison.Ordinal));
    }

    private static Dictionary<string, long> Show()
    {
        var shown = new Dictionary<string, long>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == LanyardMetrics.MeterName)
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            var names = tags.ToArray().OrderBy(tag => tag.Key, StringComparer.Ordinal).Select(tag => $"{tag.Key}={tag.Value}");
            shown[$"{instrument.Name} {string.Join(' ', names)}"] = value;
        });
        listener.Start();
        listener.RecordObservableInstruments();
        return shown;
    }
}
