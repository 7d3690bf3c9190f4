using System.CommandLine;

namespace Lanyard.Cli.Daemon;

/// <summary><c>lanyard status</c>: shows the networks, peers, paths and traffic of a running service, once or live.</summary>
internal static class StatusCommand
{
    private const double DefaultIntervalSeconds = 1;
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromMilliseconds(100);

    public static Command Create()
    {
        var home = HomeFolder.ServiceOption();
        var json = Parse.JsonOption();
        var watch = new Option<bool>("--watch", "-w") { Description = "Show a live view until interrupted. With --json: one object per line." };
        var interval = Parse.SecondsOption("--interval", "Seconds between updates with --watch.", DefaultIntervalSeconds);
        var command = new CliCommand(
            "status", "Show the networks, peers and traffic of a running service", examples: "lanyard status --watch") { watch, interval, home, json };
        command.SetAction(async (result, cancellation) =>
        {
            using var source = new Source(result.GetRequiredValue(home));
            var output = result.InvocationConfiguration.Output;
            var isJson = result.GetValue(json);
            if (!result.GetValue(watch))
            {
                Write(output, await source.TakeAsync(cancellation), isJson);
                return ExitCode.Ok;
            }

            var pause = result.GetTime(interval) is var asked && asked > ShortestInterval ? asked : ShortestInterval;
            try
            {
                await WatchAsync(output, source, isJson, pause, cancellation);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                // The interrupt ended the live view.
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task WatchAsync(TextWriter output, Source source, bool isJson, TimeSpan pause, CancellationToken cancellation)
    {
        if (!isJson && !Console.IsOutputRedirected)
        {
            await new StatusScreen(output).RunAsync(source.TakeAsync, pause, cancellation);
            return;
        }

        while (true)
        {
            Write(output, await source.TakeAsync(cancellation), isJson);
            await Task.Delay(pause, cancellation);
        }
    }

    private static void Write(TextWriter output, ServiceReading reading, bool isJson)
    {
        if (isJson)
        {
            JsonOutput.WriteLine(output, reading.Write);
            return;
        }

        var status = reading.Status;
        output.WriteLine($"{status.Text("address")} {status.Text("version")} {StatusText.Online(status)}, {StatusText.Place(status)}");
        if (reading.Total(ServiceReading.Bytes("rx")) is { } received)
            output.WriteLine($"{StatusText.Size(received)} received, {StatusText.Size(reading.Total(ServiceReading.Bytes("tx")))} sent");
        output.WriteLine();
        var networks = new TextTable(StatusText.NetworkHeads);
        foreach (var network in reading.Networks)
            networks.Add(StatusText.Network(reading, network));
        networks.Write(output);
        output.WriteLine();
        var peers = new TextTable(StatusText.PeerHeads);
        foreach (var peer in reading.Peers)
            peers.Add(StatusText.Peer(reading, peer));
        peers.Write(output);
    }

    /// <summary>Takes snapshots in turn. Reads the port again after an error, because a restarted service may have another port.</summary>
    private sealed class Source(string home) : IDisposable
    {
        private LocalApiClient? _service;
        private ServiceReading? _last;

        public async Task<ServiceReading> TakeAsync(CancellationToken cancellationToken)
        {
            try
            {
                _service ??= new LocalApiClient(home);
                return _last = await ServiceReading.TakeAsync(_service, _last, cancellationToken);
            }
            catch (CommandException)
            {
                Dispose();
                throw;
            }
        }

        public void Dispose()
        {
            _service?.Dispose();
            _service = null;
        }
    }
}
