using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard.Cli.App;

/// <summary><c>lanyard ping</c>: sends ICMP echo requests over the LAN.</summary>
internal static class PingCommand
{
    public static Command Create()
    {
        var address = Parse.AddressArgument("Virtual address of the peer.");
        var count = Parse.NumberOption("--count", "Number of echo requests.", 1, 1_000_000, 4);
        var size = Parse.NumberOption("--size", "Size of the payload in bytes; payloads that exceed the MTU are fragmented.", 0, 65_487, 56);
        var interval = Parse.SecondsOption("--interval", "Minimum number of seconds between requests.", 1);
        var timeout = Parse.SecondsOption("--timeout", "Seconds to wait for each reply.", 5);
        var json = Parse.JsonOption();
        var options = new AppOptions();
        var command = new CliCommand(
            "ping", "Ping a peer on the LAN", "Exits with 3 if no reply arrives.", "lanyard ping 10.1.0.2 --count 10 --interval 0.2 --home a --network 8056c2e21c000001") { address, count, size, interval, timeout, json };
        options.AddTo(command);
        command.SetAction(async (result, cancellation) =>
        {
            await using var app = await options.StartAsync(result, cancellation);
            var report = new PingReport(app, result.GetRequiredValue(address), result.GetValue(json) ? null : result.InvocationConfiguration.Output);
            var total = result.GetValue(count);
            try
            {
                for (var sequence = 1; sequence <= total; sequence++)
                {
                    var sent = Stopwatch.GetTimestamp();
                    report.Add(sequence, await app.Network.PingAsync(report.Destination.ToIPAddress(), result.GetTime(timeout), result.GetValue(size), cancellation));
                    var pause = result.GetTime(interval) - Stopwatch.GetElapsedTime(sent);
                    if (sequence < total && pause > TimeSpan.Zero)
                        await Task.Delay(pause, cancellation);
                }
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested && report.Sent > 0)
            {
                // Like other ping programs, print the summary after an interrupt.
            }

            report.Close(result.InvocationConfiguration.Output, result.GetValue(json));
            return report.Received > 0 ? ExitCode.Ok : ExitCode.Unreachable;
        });
        return command;
    }

    /// <summary>Counts replies, and writes a line for each unless the output is null.</summary>
    private sealed class PingReport(AppNode app, InetAddress destination, TextWriter? lines)
    {
        private readonly List<double> _roundTripsMs = [];

        public InetAddress Destination => destination;

        public int Sent { get; private set; }

        public int Received => _roundTripsMs.Count;

        public void Add(int sequence, LanyardPingReply reply)
        {
            Sent++;
            if (reply.IsSuccess)
                _roundTripsMs.Add(reply.RoundTrip.TotalMilliseconds);
            lines?.WriteLine(reply.IsSuccess
                ? string.Create(CultureInfo.InvariantCulture, $"{reply.PayloadBytes} bytes from {reply.From}: seq={sequence} ttl={reply.HopLimit} time={reply.RoundTrip.TotalMilliseconds:0.000} ms{LinkOf(reply.From)}")
                : reply.Error == SocketError.TimedOut ? string.Create(CultureInfo.InvariantCulture, $"no reply from {destination}: seq={sequence}")
                : string.Create(CultureInfo.InvariantCulture, $"{reply.Error} from {reply.From}: seq={sequence}"));
            lines?.Flush();
        }

        /// <summary>Returns whether packets to the replying node go directly or through a relay; empty if the node is unknown.</summary>
        private string LinkOf(InetAddress from) => FindPeer(from) is { } peer ? peer.IsDirect ? " direct" : " relayed" : "";

        /// <summary>
        /// Finds the peer with an address. An IPv4 address does not contain the node address; if only one peer is known besides roots and the controller,
        /// returns that peer.
        /// </summary>
        private LanyardPeerInfo? FindPeer(InetAddress from)
        {
            if (app.Network.TryFindNode(from, out var node))
                return app.Node.FindPeer(node);
            var others = app.Node.GetPeers().Where(peer => peer.Role == LanyardPeerRole.Leaf && peer.Address != app.Network.Id.Controller).Take(2).ToArray();
            return others.Length == 1 ? others[0] : null;
        }

        public void Close(TextWriter output, bool json)
        {
            _roundTripsMs.Sort();
            if (json)
            {
                JsonOutput.WriteLine(output, writer =>
                {
                    writer.WriteStartObject();
                    writer.WriteString("destination", destination.ToString());
                    writer.WriteNumber("sent", Sent);
                    writer.WriteNumber("received", Received);
                    if (Received > 0)
                    {
                        writer.WriteNumber("minMs", _roundTripsMs[0]);
                        writer.WriteNumber("medianMs", _roundTripsMs[Received / 2]);
                        writer.WriteNumber("averageMs", _roundTripsMs.Average());
                        writer.WriteNumber("maxMs", _roundTripsMs[^1]);
                    }

                    writer.WriteEndObject();
                });
                return;
            }

            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Sent} sent, {Received} received, {100.0 * (Sent - Received) / Sent:0.#}% lost"));
            if (Received > 0)
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"round trip min {_roundTripsMs[0]:0.000} ms median {_roundTripsMs[Received / 2]:0.000} ms average {_roundTripsMs.Average():0.000} ms max {_roundTripsMs[^1]:0.000} ms"));
            }
        }
    }
}
