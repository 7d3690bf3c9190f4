#if NET
using System.Diagnostics.Metrics;
using System.Text;
using Lanyard.Engine;
using Lanyard.NetStack;

namespace Lanyard;

/// <summary>
/// The counters of all nodes of this process as <c>System.Diagnostics.Metrics</c> instruments, for OpenTelemetry, <c>dotnet-counters</c> and similar tools. They cost nothing
/// until a listener reads them.
/// </summary>
/// <remarks>
/// <para>Of a node, with the tag <c>lanyard.node</c> (its address): <c>lanyard.node.datagrams</c> and <c>lanyard.node.io</c> (bytes of
/// UDP payload) with <c>network.io.direction</c> (<c>receive</c>, <c>transmit</c>); <c>lanyard.node.packets</c>,
/// <c>lanyard.node.relayed</c>, <c>lanyard.node.introductions</c>; <c>lanyard.node.send_failures</c>; <c>lanyard.node.drops</c> with
/// <c>cause</c>, one of <see cref="DropReason"/>.</para>
/// <para>Of a node's port on a network, with <c>lanyard.network</c> (its ID) too: <c>lanyard.network.frames</c> and
/// <c>lanyard.network.io</c> with <c>network.io.direction</c>; <c>lanyard.network.drops</c> with <c>cause</c> and
/// <c>lanyard.network.events</c> with <c>event</c>, each one of <see cref="HostCounter"/>. Causes and events are written
/// <c>like_this</c>.</para>
/// <para>Not on netstandard2.1, whose framework lacks them: there, and anywhere, <see cref="LanyardNode.Counters"/> and
/// <see cref="LanyardNetwork.Counters"/> have the same numbers.</para>
/// </remarks>
public static class LanyardMetrics
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "Lanyard";

    private const string NodeTag = "lanyard.node";
    private const string NetworkTag = "lanyard.network";
    private const string DirectionTag = "network.io.direction";
    private const string CauseTag = "cause";
    private const string EventTag = "event";

    private static readonly Meter Meter = CreateMeter();
    private static readonly object Lock = new();
    private static volatile LanyardNode[] _nodes = [];

    /// <summary>Adds the counters of a node.</summary>
    internal static void Add(LanyardNode node)
    {
        lock (Lock)
            _nodes = [.. _nodes, node];
    }

    /// <summary>Removes the counters of a node.</summary>
    internal static void Remove(LanyardNode node)
    {
        lock (Lock)
            _nodes = [.. _nodes.Where(other => other != node)];
    }

    private static Meter CreateMeter()
    {
        var meter = new Meter(MeterName, typeof(LanyardMetrics).Assembly.GetName().Version?.ToString(3));
        meter.CreateObservableCounter("lanyard.node.datagrams",
            () => BothWays(node => node.Counters.DatagramsReceived, node => node.Counters.DatagramsSent),
            "{datagram}", "UDP datagrams between nodes.");
        meter.CreateObservableCounter("lanyard.node.io",
            () => BothWays(node => node.Counters.BytesReceived, node => node.Counters.BytesSent), "By", "Bytes of UDP payload between nodes.");
        meter.CreateObservableCounter("lanyard.node.packets", () => EachNode(node => node.Counters.PacketsReceived),
            "{packet}", "Packets of the protocol that were authenticated and understood.");
        meter.CreateObservableCounter("lanyard.node.relayed", () => EachNode(node => node.Counters.PacketsRelayed),
            "{packet}", "Packets passed on for other nodes.");
        meter.CreateObservableCounter("lanyard.node.introductions", () => EachNode(node => node.Counters.Introductions),
            "{introduction}", "Pairs of peers introduced to each other.");
        meter.CreateObservableCounter("lanyard.node.send_failures", () => EachNode(node => node.SendFailures),
            "{datagram}", "Datagrams that the system did not take.");
        meter.CreateObservableCounter("lanyard.node.drops", NodeDrops, "{packet}", "Packets, datagrams and frames dropped, by cause.");
        meter.CreateObservableCounter("lanyard.network.frames", () => Ports(HostCounter.FramesReceived, HostCounter.FramesSent),
            "{frame}", "Ethernet frames of a port.");
        meter.CreateObservableCounter("lanyard.network.io", () => Ports(HostCounter.BytesReceived, HostCounter.BytesSent),
            "By", "Bytes of a port's frames, without Ethernet headers.");
        meter.CreateObservableCounter("lanyard.network.drops", () => PortCounters(drops: true, CauseTag),
            "{packet}", "What a port's TCP/IP stack dropped, by cause.");
        meter.CreateObservableCounter("lanyard.network.events", () => PortCounters(drops: false, EventTag),
            "{event}", "What else a port's TCP/IP stack counts.");
        return meter;
    }

    private static IEnumerable<Measurement<long>> EachNode(Func<LanyardNode, long> count)
    {
        foreach (var node in _nodes)
            yield return new Measurement<long>(count(node), Tag(node));
    }

    private static IEnumerable<Measurement<long>> BothWays(Func<LanyardNode, long> received, Func<LanyardNode, long> sent)
    {
        foreach (var node in _nodes)
        {
            yield return new Measurement<long>(received(node), Tag(node), Direction(isSent: false));
            yield return new Measurement<long>(sent(node), Tag(node), Direction(isSent: true));
        }
    }

    private static IEnumerable<Measurement<long>> NodeDrops()
    {
        foreach (var node in _nodes)
        {
            for (var i = 0; i < Spelled.DropReasons.Length; i++)
                yield return new Measurement<long>(node.Counters.Dropped((DropReason)i), Tag(node), new(CauseTag, Spelled.DropReasons[i]));
        }
    }

    private static IEnumerable<Measurement<long>> Ports(HostCounter received, HostCounter sent)
    {
        foreach (var node in _nodes)
        {
            foreach (var network in node.Networks)
            {
                yield return new Measurement<long>(network.Counters[received], Tag(node), Tag(network), Direction(isSent: false));
                yield return new Measurement<long>(network.Counters[sent], Tag(node), Tag(network), Direction(isSent: true));
            }
        }
    }

    private static IEnumerable<Measurement<long>> PortCounters(bool drops, string tag)
    {
        foreach (var node in _nodes)
        {
            foreach (var network in node.Networks)
            {
                foreach (var counter in HostCounters.Names)
                {
                    if (HostCounters.IsDrop(counter) == drops)
                        yield return new Measurement<long>(network.Counters[counter], Tag(node), Tag(network), new(tag, Spelled.HostEvents[(int)counter]));
                }
            }
        }
    }

    private static KeyValuePair<string, object?> Tag(LanyardNode node) => new(NodeTag, node.Address.ToString());

    private static KeyValuePair<string, object?> Tag(LanyardNetwork network) => new(NetworkTag, network.Id.ToString());

    private static KeyValuePair<string, object?> Direction(bool isSent) => new(DirectionTag, isSent ? "transmit" : "receive");

    // LikeThis becomes like_this.
    private static string Spell(string name)
    {
        var spelt = new StringBuilder(name.Length + 8);
        foreach (var letter in name)
        {
            if (char.IsAsciiLetterUpper(letter) && spelt.Length > 0)
                spelt.Append('_');
            spelt.Append(char.ToLowerInvariant(letter));
        }

        return spelt.ToString();
    }

    // Made when somebody first asks: most never do.
    private static class Spelled
    {
        public static readonly string[] DropReasons = [.. Enumerable.Range(0, (int)DropReason.Count).Select(i => Spell($"{(DropReason)i}"))];
        public static readonly string[] HostEvents = [.. HostCounters.Names.Select(name => Spell($"{name}"))];
    }
}
#endif
