using System.Diagnostics.CodeAnalysis;

namespace Lanyard.Cli.Demo;

/// <summary>What a process of the demo tells the one that started it: a line on standard output, its parts set apart by tabs.</summary>
/// <param name="Kind">One of the names below.</param>
/// <param name="Values">What there is to say.</param>
internal sealed record DemoEvent(string Kind, params string[] Values)
{
    /// <summary>The node's address.</summary>
    public const string Node = "node";

    /// <summary>The controller refuses the node.</summary>
    public const string Refused = "refused";

    /// <summary>An address on the LAN.</summary>
    public const string Address = "address";

    /// <summary>The game serves: port.</summary>
    public const string Listening = "listening";

    /// <summary>A player posted a move: caller's node, what it said.</summary>
    public const string Move = "move";

    /// <summary>The path to the game changed: direct or relayed, endpoint.</summary>
    public const string Path = "path";

    /// <summary>The game answered: round trip in milliseconds, direct or relayed, what it said.</summary>
    public const string Answer = "answer";

    /// <summary>A ping was answered: round trip in milliseconds.</summary>
    public const string Ping = "ping";

    /// <summary>It has done its part.</summary>
    public const string Done = "done";

    /// <summary>Of a path: packets go straight to the peer.</summary>
    public const string Direct = "direct";

    /// <summary>Of a path: packets go through a root.</summary>
    public const string Relayed = "relayed";

    private const char Separator = '\t';

    public void Write(TextWriter output)
    {
        // Events arise on several threads; lines stay whole.
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
