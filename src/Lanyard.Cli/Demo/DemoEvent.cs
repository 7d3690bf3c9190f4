using System.Diagnostics.CodeAnalysis;

namespace Lanyard.Cli.Demo;

/// <summary>An event that a process of the demo reports to its parent: a line on standard output with tabs between the fields.</summary>
/// <param name="Kind">The kind of event, one of the following constants.</param>
/// <param name="Values">The values of the event.</param>
internal sealed record DemoEvent(string Kind, params string[] Values)
{
    /// <summary>The node's address.</summary>
    public const string Node = "node";

    /// <summary>The controller refuses the node.</summary>
    public const string Refused = "refused";

    /// <summary>An address on the LAN.</summary>
    public const string Address = "address";

    /// <summary>The game server is ready: port.</summary>
    public const string Listening = "listening";

    /// <summary>A player posted a move: node of the caller, text.</summary>
    public const string Move = "move";

    /// <summary>The path to the game changed: direct or relayed, endpoint.</summary>
    public const string Path = "path";

    /// <summary>The game responded: round-trip time in milliseconds, direct or relayed, text.</summary>
    public const string Answer = "answer";

    /// <summary>A ping reply arrived: round-trip time in milliseconds.</summary>
    public const string Ping = "ping";

    /// <summary>The process has completed its part.</summary>
    public const string Done = "done";

    /// <summary>Packets go directly to the peer.</summary>
    public const string Direct = "direct";

    /// <summary>Packets go through a root.</summary>
    public const string Relayed = "relayed";

    private const char Separator = '\t';

    public void Write(TextWriter output)
    {
        // Several threads write events, each a complete line.
        lock (output)
        {
            output.WriteLine(string.Join(Separator, [Kind, .. Values.Select(value => value.ReplaceLineEndings(" ").Replace(Separator, ' '))]));
            output.Flush();
        }
    }

    public static bool TryParse([NotNullWhen(true)] string? line, [NotNullWhen(true)] out DemoEvent? parsed)
    {
        var parts = line?.Split(Separator);
        parsed = parts is { Length: > 0 } ? new DemoEvent(parts[0], parts[1..]) : null;
        return parsed is not null;
    }
}
