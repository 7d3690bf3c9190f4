using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Lanyard.Primitives;

namespace Lanyard.Cli.App;

/// <summary><c>lanyard udp-send</c>: sends datagrams, and waits for replies.</summary>
internal static class UdpSendCommand
{
    private const int MaxDatagramBytes = 65_535;

    public static Command Create()
    {
        var address = Parse.AddressArgument("Virtual address of the peer.");
        var port = Parse.PortArgument("UDP port of the peer.");
        var data = new Option<string?>("--data", "-d") { Description = "Payload; @FILE for the content of a file, @- for standard input (default: a pattern of --size bytes).", HelpName = "DATA" };
        var size = Parse.NumberOption("--size", "Size of the pattern in bytes.", 0, 65_487, 64);
        var count = Parse.NumberOption("--count", "Number of datagrams, each sent after the reply to the previous datagram or its timeout.", 1, 1_000_000, 1);
        var timeout = Parse.SecondsOption("--timeout", "Seconds to wait for each reply; 0 to not wait.", 1);
        var json = Parse.JsonOption();
        var options = new AppOptions();
        var command = new CliCommand(
            "udp-send", "Send datagrams to a UDP port on the LAN",
            "With --data, writes the replies to standard output; otherwise the number of datagrams that were returned unchanged.\nExits with 3 if the command waited for replies and none arrived.",
            "lanyard udp-send 10.1.0.2 7 --count 10 --home a --network 8056c2e21c000001")
        {
            address,
            port,
            data,
            size,
            count,
            timeout,
            json,
        };
        options.AddTo(command);
        command.SetAction(async (result, cancellation) =>
        {
            var remote = new InetEndpoint(result.GetRequiredValue(address), (ushort)result.GetRequiredValue(port));
            var given = result.GetValue(data);
            var payload = given is null ? Pattern(result.GetValue(size)) : given.StartsWith('@') ? Files.ReadBytes(given[1..]) : Encoding.UTF8.GetBytes(given);
            await using var app = await options.StartAsync(result, cancellation);
            using var socket = app.Network.OpenUdp();
            socket.Connect(remote);
            var exchange = new Exchange(socket, payload, result.GetTime(timeout), given is null ? null : Console.OpenStandardOutput());
            for (var i = 0; i < result.GetValue(count); i++)
                await exchange.SendAsync(cancellation);
            if (given is null)
                exchange.Report(result.InvocationConfiguration.Output, result.GetValue(json));
            return exchange.Answered > 0 || result.GetTime(timeout) == TimeSpan.Zero ? ExitCode.Ok : ExitCode.Unreachable;
        });
        return command;
    }

    private static byte[] Pattern(int length)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
            bytes[i] = (byte)(i * 31);
        return bytes;
    }

    private sealed class Exchange(LanyardUdpSocket socket, byte[] payload, TimeSpan timeout, Stream? output)
    {
        private readonly byte[] _buffer = new byte[MaxDatagramBytes];
        private readonly List<double> _roundTripsMs = [];
        private int _sent;
        private int _echoed;

        public int Answered { get; private set; }

        public async Task SendAsync(CancellationToken cancellation)
        {
            var start = Stopwatch.GetTimestamp();
            socket.Send(payload);
            _sent++;
            if (timeout == TimeSpan.Zero)
                return;
            using var wait = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            wait.CancelAfter(timeout);
            try
            {
                var answer = await socket.ReceiveFromAsync(_buffer, wait.Token);
                Answered++;
                _roundTripsMs.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                if (_buffer.AsSpan(0, answer.Length).SequenceEqual(payload))
                    _echoed++;
                if (output is not null)
                    await output.WriteAsync(_buffer.AsMemory(0, answer.Length), cancellation);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                // No reply in time, which the count shows.
            }
        }

        public void Report(TextWriter writer, bool json)
        {
            _roundTripsMs.Sort();
            var median = Answered > 0 ? _roundTripsMs[Answered / 2] : 0;
            if (!json)
            {
                writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{_sent} sent, {Answered} answered, {_echoed} echoed as they were, median {median:0.000} ms"));
                return;
            }

            JsonOutput.WriteLine(writer, line =>
            {
                line.WriteStartObject();
                line.WriteNumber("sent", _sent);
                line.WriteNumber("answered", Answered);
                line.WriteNumber("echoed", _echoed);
                line.WriteNumber("medianMs", median);
                line.WriteEndObject();
            });
        }
    }
}
