using System.CommandLine;

namespace Lanyard.Cli.App;

/// <summary><c>lanyard capture</c>: writes the frames that a node sends and receives on the LAN to a capture file.</summary>
internal static class CaptureCommand
{
    public static Command Create()
    {
        var file = new Option<string>("--out")
        {
            Description = "Output file in pcapng format, for Wireshark and tcpdump; - for standard output.",
            HelpName = "FILE",
            Required = true,
        };
        var seconds = Parse.SecondsOption("--seconds", "Seconds until the capture ends; 0 for no limit.", 0);
        var packets = Parse.NumberOption("--packets", "Number of frames after which the capture ends; 0 for no limit.", 0, int.MaxValue, 0);
        var snapLength = Parse.NumberOption("--snap-length", "Maximum number of bytes of each frame to keep; 0 for all.", 0, ushort.MaxValue, 0);
        var options = new AppOptions(withCapture: false);
        var command = new CliCommand(
            "capture", "Capture the frames of the LAN for Wireshark and tcpdump",
            "Joins the network as a separate node. The node answers pings and neighbor discovery, and receives broadcasts.\nThe other commands capture their own traffic with --capture. " + CliCommand.Serves,
            "lanyard capture --out lan.pcapng --home a --network 8056c2e21c000001\nlanyard capture --out - --home a --network 8056c2e21c000001 | tcpdump -r -")
        {
            file,
            seconds,
            packets,
            snapLength,
        };
        options.AddTo(command);
        command.SetAction(async (result, cancellation) =>
        {
            var error = result.InvocationConfiguration.Error;
            var output = AppCapture.Open(result.GetRequiredValue(file));
            await using var app = await options.StartAsync(result, cancellation, new AppCapture(output, new LanyardCaptureOptions
            {
                MaxFrames = result.GetValue(packets),
                SnapLength = result.GetValue(snapLength),
            }));
            error.WriteLine("capturing");
            var capture = app.Capture!;
            var time = result.GetTime(seconds);
            try
            {
                await capture.Completion.WaitAsync(time > TimeSpan.Zero ? time : Timeout.InfiniteTimeSpan, cancellation);
            }
            catch (Exception end) when (end is TimeoutException or OperationCanceledException && !capture.Completion.IsFaulted)
            {
                // The time limit of the capture.
            }

            await capture.DisposeAsync();
            await capture.Completion;
            error.WriteLine($"{capture.Frames} frames captured, {capture.DroppedFrames} dropped");
            return ExitCode.Ok;
        });
        return command;
    }
}
