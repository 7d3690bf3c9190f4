using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace Lanyard.Cli.Demo;

/// <summary>Prints the demo's events, one line each with the time and the process. Colored at a terminal, plain elsewhere.</summary>
internal sealed class DemoScreen
{
    private const int PlainWidth = 200;
    private static readonly string[] Palette = ["deepskyblue1", "orange1", "green3", "mediumpurple1", "hotpink", "gold1"];

    private readonly IAnsiConsole _console;
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly Dictionary<string, string> _colors = [];

    public DemoScreen(TextWriter output)
    {
        var isTerminal = !Console.IsOutputRedirected;
        _console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = isTerminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        });
        if (!isTerminal)
            _console.Profile.Width = PlainWidth;
    }

    /// <summary>Starts a section.</summary>
    public void Section(string title)
    {
        lock (_console)
        {
            _console.WriteLine();
            _console.MarkupLineInterpolated($"[bold]{title}[/]");
        }
    }

    /// <summary>Prints a note without a process.</summary>
    public void Note(string text)
    {
        lock (_console)
            _console.MarkupLineInterpolated($"[grey]{text}[/]");
    }

    /// <summary>Prints an event.</summary>
    public void Say(string actor, string text)
    {
        lock (_console)
        {
            if (!_colors.TryGetValue(actor, out var color))
                _colors[actor] = color = Palette[_colors.Count % Palette.Length];
            var time = Stopwatch.GetElapsedTime(_start).TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture).PadLeft(6);
            _console.MarkupLine($"[grey]{time} s[/]  [{color}]{Markup.Escape(actor.PadRight(8))}[/] {Markup.Escape(text)}");
        }
    }

    /// <summary>Prints the result of a check.</summary>
    public void Claim(bool holds, string text)
    {
        var unicode = _console.Profile.Capabilities.Unicode;
        lock (_console)
        {
            var mark = holds ? $"[green]{(unicode ? "✓" : "ok")}[/]" : $"[red bold]{(unicode ? "✗" : "FAILED")}[/]";
            _console.MarkupLine($"  {mark} {Markup.Escape(text)}");
        }
    }

    /// <summary>Prints a table.</summary>
    public void Table(IReadOnlyList<string> heads, IEnumerable<IReadOnlyList<string>> rows)
    {
        var table = new Table { Border = _console.Profile.Capabilities.Unicode ? TableBorder.Rounded : TableBorder.Ascii };
        foreach (var head in heads)
            table.AddColumn(new TableColumn(Markup.Escape(head)));
        foreach (var row in rows)
            table.AddRow([.. row.Select(Markup.Escape)]);
        lock (_console)
            _console.Write(table);
    }
}
