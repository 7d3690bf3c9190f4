using System.CommandLine;
using Lanyard.Dissector;
using Lanyard.Wire;

namespace Lanyard.Cli.Dissect;

/// <summary><c>lanyard dissect</c>: explains the packets in a capture.</summary>
internal static class DissectCommand
{
    public static Command Create()
    {
        var identities = new Option<string[]>("--identity")
        {
            Description = "Identity file. With its secret key, packets of that node to and from known identities are decrypted: identities in other "
                + "files, or in HELLO and WHOIS in the capture. Can be repeated.",
            HelpName = "FILE",
        };
        var json = new Option<bool>("--json") { Description = "Write one JSON object per line." };
        var file = new Argument<string>("FILE") { Description = "Capture of UDP traffic: pcap or pcapng." };
        var command = new CliCommand(
            "dissect", "Explain a capture of physical traffic, packet by packet",
            "Writes one line per packet. The last line counts packets (with joined fragments), authenticated packets, completely parsed packets,\npackets with unknown parts, and other traffic.",
            "tcpdump -i any -w udp.pcap udp port 9993\nlanyard dissect udp.pcap --identity a/identity.secret")
        {
            identities,
            json,
            file,
        };
        command.SetAction(result => Run(
            result.GetRequiredValue(file),
            result.GetValue(identities) ?? [],
            result.GetValue(json),
            result.InvocationConfiguration.Output,
            result.InvocationConfiguration.Error));
        return command;
    }

    private static int Run(string path, string[] identityPaths, bool json, TextWriter output, TextWriter error)
    {
        var keys = new KeyRing();
        foreach (var identityPath in identityPaths)
        {
            if (!TryRead(identityPath, File.ReadAllText, error, out var text))
                return ExitCode.Failed;
            if (!Identity.TryParse(text, out var identity))
            {
                error.WriteLine($"{identityPath} is not an identity. The format is address:0:public key[:secret key] in hexadecimal digits.");
                return ExitCode.Failed;
            }

            keys.Add(identity);
        }

        if (!TryRead(path, File.ReadAllBytes, error, out var bytes))
            return ExitCode.Failed;
        IReadOnlyList<CapturedFrame> frames;
        try
        {
            frames = CaptureFile.Read(bytes);
        }
        catch (InvalidDataException broken)
        {
            error.WriteLine($"{path} is not a readable capture: {broken.Message}");
            return ExitCode.Failed;
        }

        var report = new DissectReport(output, keys, json);
        foreach (var entry in PacketCapture.Read(frames, keys))
            report.Write(entry);
        report.WriteSummary();
        return ExitCode.Ok;
    }

    private static bool TryRead<T>(string path, Func<string, T> read, TextWriter error, out T content)
    {
        try
        {
            content = read(path);
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            error.WriteLine($"Cannot read {path}: {failure.Message}");
            content = default!;
            return false;
        }
    }
}
