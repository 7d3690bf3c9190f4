using System.CommandLine;
using System.Globalization;
using Lanyard.Cli.App;
using Lanyard.Primitives;

namespace Lanyard.Cli.Perf;

/// <summary><c>lanyard perf</c>: measures throughput and round-trip times over the LAN.</summary>
internal static class PerfCommand
{
    public static Command Create() => new CliCommand("perf", "Measure throughput and round-trip times over the LAN")
    {
        CreateServer(),
        CreateClient(),
    };

    private static CliCommand CreateServer()
    {
        var port = Parse.PortOption("TCP port on the LAN.");
        var options = new AppOptions();
        var command = new CliCommand("server", "Serve measurements", CliCommand.Serves, "lanyard perf server --port 5201 --home b --network 8056c2e21c000001") { port };
        options.AddTo(command);
        command.SetAction(async (result, cancellation) =>
        {
            await using var app = await options.StartAsync(result, cancellation);
            await PerfServer.RunAsync(app.Network, result.GetRequiredValue(port), result.InvocationConfiguration.Error, cancellation);
            return ExitCode.Ok;
        });
        return command;
    }

    private static CliCommand CreateClient()
    {
        var address = Parse.AddressArgument("Virtual address of the server.");
        var port = Parse.PortOption("TCP port of the server.");
        var seconds = Parse.NumberOption("--seconds", "Duration of the measurement in seconds.", 1, (int)PerfRequest.MaxDuration.TotalSeconds, 5);
        var streams = Parse.NumberOption("--streams", "Number of parallel TCP connections.", 1, 64, 1);
        var reverse = new Option<bool>("--reverse") { Description = "Measure the direction from the server to this node." };
        var rtt = new Option<bool>("--rtt") { Description = "Measure round-trip times of small messages instead of throughput." };
        var size = Parse.NumberOption("--size", "Size of the messages for --rtt in bytes.", 1, 65_536, 64);
        var json = Parse.JsonOption();
        var options = new AppOptions();
        var command = new CliCommand(
            "client", "Measure against a server", "Prints '1234 Mbit/s', or 'median 56 us p99 210 us' with --rtt.",
            "lanyard perf client 10.1.0.2 --port 5201 --streams 4 --home a --network 8056c2e21c000001") { address, port, seconds, streams, reverse, rtt, size, json };
        options.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(rtt) && (result.GetValue(reverse) || result.GetResult(streams) is { Implicit: false }))
                result.AddError("--rtt measures one connection in both directions. It excludes --streams and --reverse.");
        });
        command.SetAction(async (result, cancellation) =>
        {
            await using var app = await options.StartAsync(result, cancellation);
            var server = new InetEndpoint(result.GetRequiredValue(address), (ushort)result.GetRequiredValue(port));
            var client = new PerfClient(app.Network, server, TimeSpan.FromSeconds(result.GetValue(seconds)));
            var output = result.InvocationConfiguration.Output;
            if (result.GetValue(rtt))
                Report(output, await client.MeasureRoundTripsAsync(result.GetValue(size), cancellation), result.GetValue(json));
            else
                Report(output, await client.MeasureThroughputAsync(result.GetValue(streams), result.GetValue(reverse), cancellation), result.GetValue(json));
            return ExitCode.Ok;
        });
        return command;
    }

    private static void Report(TextWriter output, LatencyHistogram trips, bool json)
    {
        double Microseconds(double share) => trips.Percentile(share).TotalMicroseconds;
        if (!json)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"median {Microseconds(0.5):0} us p99 {Microseconds(0.99):0} us p99.9 {Microseconds(0.999):0} us of {trips.Count} round trips"));
            return;
        }

        JsonOutput.WriteLine(output, writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("roundTrips", trips.Count);
            writer.WriteNumber("medianUs", Math.Round(Microseconds(0.5), 1));
            writer.WriteNumber("p99Us", Math.Round(Microseconds(0.99), 1));
            writer.WriteNumber("p999Us", Math.Round(Microseconds(0.999), 1));
            writer.WriteEndObject();
        });
    }

    private static void Report(TextWriter output, PerfThroughput throughput, bool json)
    {
        if (!json)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{throughput.MegabitsPerSecond:0} Mbit/s, {throughput.Bytes} bytes in {throughput.Elapsed.TotalSeconds:0.00} s over {throughput.Streams} stream(s)"));
            return;
        }

        JsonOutput.WriteLine(output, writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("mbitPerSecond", Math.Round(throughput.MegabitsPerSecond, 1));
            writer.WriteNumber("bytes", throughput.Bytes);
            writer.WriteNumber("seconds", Math.Round(throughput.Elapsed.TotalSeconds, 3));
            writer.WriteNumber("streams", throughput.Streams);
            writer.WriteEndObject();
        });
    }
}
