using System.CommandLine;
using System.Globalization;
using System.Net.Sockets;

namespace Lanyard.Cli.App;

/// <summary><c>lanyard expose</c>: a TCP port on the LAN that leads to a host's.</summary>
internal static class ExposeCommand
{
    private const int MaxConnections = 1_024;

    public static Command Create()
    {
        var port = Parse.PortArgument("The TCP port on the LAN.");
        var target = new Argument<(string Host, int Port)>("HOST:PORT")
        {
            Description = "Where connections lead: a TCP port that this machine reaches.",
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                var cut = text.LastIndexOf(':');
                if (cut > 0 && ushort.TryParse(text.AsSpan(cut + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number != 0)
                    return (text[..cut].Trim('[', ']'), number);
                result.AddError($"'{text}' is not a host and a port, such as 127.0.0.1:80.");
                return default;
            },
        };
        var options = new AppOptions();
        var command = new Command("expose", "Offer a TCP port of a host on the LAN. Ends on SIGTERM or SIGINT, with exit code 0.") { port, target };
        options.AddTo(command);
        command.SetAction(async (result, cancellation) =>
        {
            var error = result.InvocationConfiguration.Error;
            await using var app = await options.StartAsync(result, cancellation);
            using var listener = app.Network.Listen(result.GetRequiredValue(port));
            var (host, hostPort) = result.GetRequiredValue(target);
            error.WriteLine($"listening on port {listener.LocalEndPoint.Port}");
            using var slots = new SemaphoreSlim(MaxConnections);
            try
            {
                while (true)
                {
                    await slots.WaitAsync(cancellation);
                    var stream = await listener.AcceptAsync(cancellation);
                    _ = ServeAsync(stream, host, hostPort, slots, error, cancellation);
                }
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return ExitCode.Ok;
            }
        });
        return command;
    }

    /// <summary>Serves one connection to its end. One that fails ends with a reset on the other side too.</summary>
    private static async Task ServeAsync(LanyardStream stream, string host, int port, SemaphoreSlim slots, TextWriter error, CancellationToken cancellation)
    {
        var remote = stream.RemoteEndPoint;
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host, port, cancellation);
            await using var other = new NetworkStream(socket, ownsSocket: false);
            var inwards = StreamRelay.CopyAsync(stream, other, () => socket.Shutdown(SocketShutdown.Send), cancellation);
            var outwards = StreamRelay.CopyAsync(other, stream, stream.ShutdownSend, cancellation);
            await await Task.WhenAny(inwards, outwards);
            await Task.WhenAll(inwards, outwards);
            await stream.DisposeAsync();
        }
        catch (Exception failure) when (failure is IOException or SocketException or OperationCanceledException)
        {
            stream.Abort();
            socket.Close(0);
            await stream.DisposeAsync();
            if (!cancellation.IsCancellationRequested)
                error.WriteLine($"{remote}: {failure.Message}");
        }
        finally
        {
            try
            {
                slots.Release();
            }
            catch (ObjectDisposedException)
            {
                // The command has ended.
            }
        }
    }
}
