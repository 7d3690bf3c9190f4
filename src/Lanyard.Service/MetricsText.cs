using System.Globalization;
using System.Text;
using Lanyard.Controller;
using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.Intercept;
using Lanyard.NetStack;
using Lanyard.Wire.Verbs;

namespace Lanyard.Service;

/// <summary>
/// Writes the metrics of <c>GET /metrics</c> in the text format of Prometheus, version 0.0.4. Names that start with <c>zt_</c> and
/// <c>controller_</c> have the meaning of existing nodes; names that start with <c>lanyard_</c> are this service's own.
/// </summary>
internal sealed class MetricsText
{
    /// <summary>The content type.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private static readonly (Verb Verb, string Name)[] Verbs =
    [
        (Verb.Nop, "nop"), (Verb.Error, "error"), (Verb.Ack, "ack"), (Verb.QosMeasurement, "qos"), (Verb.Hello, "hello"), (Verb.Ok, "ok"),
        (Verb.Whois, "whois"), (Verb.Rendezvous, "rendezvous"), (Verb.Frame, "frame"), (Verb.ExtFrame, "ext_frame"), (Verb.Echo, "echo"),
        (Verb.MulticastLike, "multicast_like"), (Verb.NetworkCredentials, "network_credentials"),
        (Verb.NetworkConfigRequest, "network_config_request"), (Verb.NetworkConfig, "network_config"), (Verb.MulticastGather, "multicast_gather"),
        (Verb.MulticastFrame, "multicast_frame"), (Verb.PushDirectPaths, "push_direct_paths"), (Verb.UserMessage, "user_message"),
        (Verb.RemoteTrace, "remote_trace"), (Verb.PathNegotiationRequest, "path_negotiation_request"),
    ];

    private readonly StringBuilder _text = new();

    private MetricsText()
    {
    }

    /// <summary>Returns the metrics of a node, of its controller if it has one, and of the redirected programs.</summary>
    public static byte[] Write(LanyardNode node, NetworkController? controller, InterceptServer? programs)
    {
        var metrics = new MetricsText();
        metrics.WriteNode(node);
        metrics.WritePeers(node.GetPeers());
        metrics.WriteNetworks(node.Networks);
        if (controller is not null)
            metrics.WriteController(controller);
        if (programs is not null)
            metrics.WritePrograms(programs);
        return Encoding.UTF8.GetBytes(metrics._text.ToString());
    }

    private void WriteNode(LanyardNode node)
    {
        var counters = node.Counters;
        var status = node.Status;
        Family("zt_packet", "counter", "Packets by verb; received packets are counted after authentication.");
        foreach (var (verb, name) in Verbs)
        {
            Sample("zt_packet", $"direction=\"rx\",packet_type=\"{name}\"", counters.Received(verb));
            Sample("zt_packet", $"direction=\"tx\",packet_type=\"{name}\"", counters.Sent(verb));
        }

        Family("zt_data", "counter", "Bytes of UDP and TCP payload between nodes. This node does not use TCP.");
        Sample("zt_data", "direction=\"rx\",protocol=\"tcp\"", 0);
        Sample("zt_data", "direction=\"tx\",protocol=\"tcp\"", 0);
        Sample("zt_data", "direction=\"tx\",protocol=\"udp\"", counters.BytesSent);
        Sample("zt_data", "direction=\"rx\",protocol=\"udp\"", counters.BytesReceived);
        Family("zt_num_networks", "gauge", "Networks that the node has joined.");
        Sample("zt_num_networks", "", node.Networks.Count);

        Family("lanyard_online", "gauge", "1 while the node reaches a root or is a root, else 0.");
        Sample("lanyard_online", "", status.IsOnline ? 1 : 0);
        Family("lanyard_start_time_seconds", "gauge", "Start time of the node in seconds since 1970.");
        Sample("lanyard_start_time_seconds", "", status.StartedAt.ToUnixTimeSeconds());
        Family("lanyard_datagrams_total", "counter", "UDP datagrams between nodes.");
        Sample("lanyard_datagrams_total", "direction=\"rx\"", counters.DatagramsReceived);
        Sample("lanyard_datagrams_total", "direction=\"tx\"", counters.DatagramsSent);
        Family("lanyard_send_failures_total", "counter", "Datagrams that the system refused to send.");
        Sample("lanyard_send_failures_total", "", status.SendFailures);
        Family("lanyard_relayed_total", "counter", "Packets relayed for other nodes.");
        Sample("lanyard_relayed_total", "", counters.PacketsRelayed);
        Family("lanyard_introductions_total", "counter", "Pairs of peers introduced to each other.");
        Sample("lanyard_introductions_total", "", counters.Introductions);
        Family("lanyard_drops_total", "counter", "Packets, datagrams and frames dropped, by cause.");
        for (var reason = default(DropReason); reason < DropReason.Count; reason++)
            Sample("lanyard_drops_total", $"cause=\"{Spell($"{reason}")}\"", counters.Dropped(reason));
    }

    private void WritePrograms(InterceptServer programs)
    {
        Family("lanyard_program_sockets", "gauge", "Sockets of redirected programs.");
        Sample("lanyard_program_sockets", "", programs.SocketCount);
        Family("lanyard_program_connections", "gauge", "TCP connections of redirected programs.");
        Sample("lanyard_program_connections", "", programs.ConnectionCount);
        Family("lanyard_program_refused_datagrams_total", "counter", "Datagrams dropped because they lack the token of the socket that they claim to come from.");
        Sample("lanyard_program_refused_datagrams_total", "", programs.RefusedDatagramCount);
        Family("lanyard_program_refused_names_total", "counter", "Requests about connections or datagrams at loopback alias addresses that the service did not create.");
        Sample("lanyard_program_refused_names_total", "", programs.RefusedNameCount);
    }

    private void WritePeers(IReadOnlyList<LanyardPeerInfo> peers)
    {
        Family("zt_peer_path_count", "gauge", "Paths to a peer.");
        foreach (var peer in peers)
        {
            Sample("zt_peer_path_count", $"node_id=\"{peer.Address}\",status=\"alive\"", peer.Paths.Count(path => path.IsAlive && !path.IsExpired));
            Sample("zt_peer_path_count", $"node_id=\"{peer.Address}\",status=\"dead\"", peer.Paths.Count(path => !path.IsAlive || path.IsExpired));
        }

        Family("lanyard_peer_latency_milliseconds", "gauge", "Round-trip time to a peer, if known.");
        foreach (var peer in peers)
        {
            if (peer.Latency is { } latency)
                Sample("lanyard_peer_latency_milliseconds", $"node_id=\"{peer.Address}\"", (int)latency.TotalMilliseconds);
        }


        Family("lanyard_peer_direct", "gauge", "1 while packets to a peer are sent directly, 0 while they are relayed.");
        foreach (var peer in peers)
            Sample("lanyard_peer_direct", $"node_id=\"{peer.Address}\"", peer.IsDirect ? 1 : 0);
    }

    private void WriteNetworks(IReadOnlyList<LanyardNetwork> networks)
    {
        Family("zt_network_multicast_groups_subscribed", "gauge", "Multicast groups that the node is subscribed to on a network.");
        foreach (var network in networks)
            Sample("zt_network_multicast_groups_subscribed", $"network_id=\"{network.Id}\"", network.GetMulticastGroups().Count);
        Family("zt_network_packets", "counter", "Ethernet frames of a network that its rules accept.");
        foreach (var network in networks)
        {
            Sample("zt_network_packets", $"accepted=\"yes\",direction=\"rx\",network_id=\"{network.Id}\"", network.Counters[HostCounter.FramesReceived]);
            Sample("zt_network_packets", $"accepted=\"yes\",direction=\"tx\",network_id=\"{network.Id}\"", network.Counters[HostCounter.FramesSent]);
        }

        Family("lanyard_network_ok", "gauge", "1 while the node is a member of a network, else 0.");
        foreach (var network in networks)
            Sample("lanyard_network_ok", $"network_id=\"{network.Id}\"", network.Status == LanyardNetworkStatus.Ok ? 1 : 0);
        Family("lanyard_network_bytes_total", "counter", "Bytes of a network's frames, without Ethernet headers.");
        foreach (var network in networks)
        {
            Sample("lanyard_network_bytes_total", $"direction=\"rx\",network_id=\"{network.Id}\"", network.Counters[HostCounter.BytesReceived]);
            Sample("lanyard_network_bytes_total", $"direction=\"tx\",network_id=\"{network.Id}\"", network.Counters[HostCounter.BytesSent]);
        }

        Family("lanyard_network_drops_total", "counter", "Packets that a network's TCP/IP stack dropped, by cause; causes that did not occur are omitted.");
        foreach (var network in networks)
        {
            foreach (var counter in HostCounters.Names)
            {
                if (HostCounters.IsDrop(counter) && network.Counters[counter] is var count and not 0)
                    Sample("lanyard_network_drops_total", $"cause=\"{Spell($"{counter}")}\",network_id=\"{network.Id}\"", count);
            }
        }
    }

    private void WriteController(NetworkController controller)
    {
        var networks = controller.ListNetworks();
        Family("controller_network_count", "gauge", "Networks of the controller.");
        Sample("controller_network_count", "", networks.Count);
        Family("controller_member_count", "gauge", "Members of the controller's networks, authorized or not.");
        Sample("controller_member_count", "", networks.Sum(network => (long)controller.CountMembers(network.Id).Total));
        var counters = controller.Counters;
        Family("controller_network_config_request", "counter", "Requests for configurations.");
        Sample("controller_network_config_request", "", counters.Requests);
        Family("lanyard_controller_answers_total", "counter", "Replies to requests for configurations, by outcome.");
        Sample("lanyard_controller_answers_total", "answer=\"config\"", counters.Configs);
        Sample("lanyard_controller_answers_total", "answer=\"no_such_network\"", counters.NoSuchNetwork);
        Sample("lanyard_controller_answers_total", "answer=\"not_authorized\"", counters.NotAuthorized);
        Sample("lanyard_controller_answers_total", "answer=\"too_soon\"", counters.TooSoon);
        Family("lanyard_controller_pushes_total", "counter", "Configurations sent because of a change.");
        Sample("lanyard_controller_pushes_total", "", counters.Pushes);
        Family("lanyard_controller_revocations_total", "counter", "Memberships revoked.");
        Sample("lanyard_controller_revocations_total", "", counters.Revocations);
    }

    private void Family(string name, string type, string help) =>
        _text.Append("# HELP ").Append(name).Append(' ').Append(help).Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');

    // Labels need no escaping: they are hexadecimal numbers and names of this program.
    private void Sample(string name, string labels, long value)
    {
        _text.Append(name);
        if (labels.Length > 0)
            _text.Append('{').Append(labels).Append('}');
        _text.Append(' ').Append(value.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

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
}
