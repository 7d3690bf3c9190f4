using System.Globalization;
using EndToEnd.Lab;
using Lanyard.Bench.Peers.Report;
using Lanyard.Bench.Peers.Worker;

namespace Lanyard.Bench.Peers.Lab;

/// <summary>A measured implementation, with all processes that it needs.</summary>
internal interface ISubject
{
    /// <summary>Measures once, in about as many seconds a figure as it is told.</summary>
    Task MeasureAsync(Figures figures, int round, double seconds);
}

/// <summary>Two workers, and the processes whose CPU time counts with theirs.</summary>
internal sealed class WorkerPair(string name, Worker a, Worker b, IReadOnlyList<int> nodes, WorkerPair.Measures measures) : ISubject
{
    /// <summary>A measured quantity.</summary>
    public enum Measures
    {
        /// <summary>One stream, from a to b.</summary>
        OneStream,

        /// <summary>One stream each way, and round trips.</summary>
        Basic,

        /// <summary>Everything.</summary>
        All,
    }

    private const double BytesPerGigabyte = 1e9;

    public async Task MeasureAsync(Figures figures, int round, double seconds)
    {
        await StreamsAsync(figures, round, seconds, "up", 1, withCpu: true);
        if (measures == Measures.OneStream)
            return;
        await StreamsAsync(figures, round, seconds, "down", 1, withCpu: true);
        if (measures == Measures.All)
        {
            foreach (var streams in new[] { 8, 64 })
            {
                await StreamsAsync(figures, round, seconds, "up", streams, withCpu: false);
                await StreamsAsync(figures, round, seconds, "down", streams, withCpu: false);
            }
        }

        if (await a.MeasureAsync(Command($"rtt {b.Address} {seconds}")) is { } trips)
        {
            figures.Add(name, Measure.RoundTripMedian, round, trips["median"]);
            figures.Add(name, Measure.RoundTripP99, round, trips["p99"]);
        }

        if (measures == Measures.All && await a.MeasureAsync(Command($"connections {b.Address} {seconds}")) is { } connections)
            figures.Add(name, Measure.Connections, round, connections["rate"]);

        // At the end that answers: the app, and the node where that is a process of its own.
        figures.Add(name, Measure.ResidentMemory, round, Usage.ResidentMegabytes(b.Id) + (nodes.Count > 0 ? Usage.ResidentMegabytes(nodes[^1]) : 0));
        if (measures == Measures.All && nodes.Count > 0)
            figures.Add(name, Measure.ResidentNodeMemory, round, Usage.ResidentMegabytes(nodes[^1]));
    }

    private async Task StreamsAsync(Figures figures, int round, double seconds, string direction, int streams, bool withCpu)
    {
        var processes = nodes.Append(a.Id).Append(b.Id).ToArray();
        var before = Usage.CpuSeconds(processes);
        if (await a.MeasureAsync(Command($"{direction} {b.Address} {streams} {seconds}")) is not { } result)
            return;
        figures.Add(name, Measure.Stream(direction, streams), round, result["mbit"]);
        if (withCpu && result["bytes"] > 0)
            figures.Add(name, Measure.CpuPerGigabyte(direction), round, (Usage.CpuSeconds(processes) - before) * BytesPerGigabyte / result["bytes"]);
    }

    private static string Command(FormattableString command) => command.ToString(CultureInfo.InvariantCulture);
}

/// <summary>One UDP socket on the bare link.</summary>
internal sealed class UdpSubject(BenchLab lab, bool isOffloaded) : ISubject
{
    public async Task MeasureAsync(Figures figures, int round, double seconds)
    {
        var time = seconds.ToString(CultureInfo.InvariantCulture);
        var offload = isOffloaded ? "offload" : "single";
        using var receiver = lab.B.Start(Program.Line("udp-receive", offload, time));
        await receiver.WaitForLineAsync("ready", TimeSpan.FromSeconds(20));
        using var sender = lab.A.Start(Program.Line("udp-send", BenchLab.AddressB, offload, time));
        var line = await receiver.WaitForLineAsync("mbit=", TimeSpan.FromSeconds(30 + seconds));
        figures.Add(isOffloaded ? Subject.UdpOffload : Subject.Udp, Measure.Stream("up", 1), round, Peers.Lab.Worker.Figures(line)["mbit"]);
    }
}

/// <summary>
/// libzt by its measuring program, which starts a node for each figure: <c>PROGRAM server|client HOME ROOTS NETWORK PORT [IP stream|rtt N]</c>.
/// </summary>
internal sealed class LibztSubject(BenchLab lab, string program, string homeA, string homeB) : ISubject
{
    private const int RoundTrips = 5000;

    /// <summary>Its nodes are new to each other each time: for a second or so they go by way of the root, which must not count for much.</summary>
    private const int LeastSeconds = 6;

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    public async Task MeasureAsync(Figures figures, int round, double seconds)
    {
        var whole = Math.Max(LeastSeconds, (int)seconds);
        foreach (var direction in new[] { "up", "down" })
        {
            var (server, _) = await RunAsync(direction == "up", "stream", whole, figures, direction, round);
            if (server.FirstOrDefault(line => line.StartsWith("RX ", StringComparison.Ordinal)) is { } received)
                figures.Add(Subject.Libzt, Measure.Stream(direction, 1), round, Number(received, -2));
        }

        var (_, client) = await RunAsync(isUp: true, "rtt", RoundTrips, figures, null, round);
        if (client.FirstOrDefault(line => line.StartsWith("RTT ", StringComparison.Ordinal)) is { } trips)
        {
            figures.Add(Subject.Libzt, Measure.RoundTripMedian, round, Number(trips, 2));
            figures.Add(Subject.Libzt, Measure.RoundTripP99, round, Number(trips, 5));
        }
    }

    private async Task<(string[] Server, string[] Client)> RunAsync(bool isUp, string mode, int amount, Figures figures, string? direction, int round)
    {
        var (serverHost, serverHome, clientHost, clientHome) = isUp ? (lab.LibztB, homeB, lab.LibztA, homeA) : (lab.LibztA, homeA, lab.LibztB, homeB);
        string[] common = [Path.Combine(serverHome, "planet"), lab.Network, WorkerProgram.Port.ToString(CultureInfo.InvariantCulture)];
        using var server = serverHost.Start([program, "server", serverHome, .. common]);
        try
        {
            var address = (await server.WaitForLineAsync("ADDR ", StartTimeout))["ADDR ".Length..].Trim();
            using var client = clientHost.Start([program, "client", clientHome, .. common, address, mode, amount.ToString(CultureInfo.InvariantCulture)]);
            await client.WaitForLineAsync("ADDR ", StartTimeout);
            var before = Usage.CpuSeconds(server.Id, client.Id);
            var done = await client.WaitForLineAsync(mode == "rtt" ? "RTT " : "TX ", StartTimeout + TimeSpan.FromSeconds(amount));
            var used = Usage.CpuSeconds(server.Id, client.Id) - before;
            if (direction is not null)
            {
                figures.Add(Subject.Libzt, Measure.ResidentMemory, round, Usage.ResidentMegabytes(server.Id));
                var received = await server.WaitForLineAsync("RX ", StartTimeout);
                figures.Add(Subject.Libzt, Measure.CpuPerGigabyte(direction), round, used * 1e9 / Number(received, 1));
            }

            return (server.Output.Split('\n'), client.Output.Split('\n').Append(done).ToArray());
        }
        catch (Exception failure) when (failure is TimeoutException or InvalidOperationException)
        {
            Console.Error.WriteLine($"  libzt {mode}: {failure.Message}");
            return ([], []);
        }
    }

    private static double Number(string line, int word)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return double.Parse(words[word < 0 ? words.Length + word : word], CultureInfo.InvariantCulture);
    }
}
