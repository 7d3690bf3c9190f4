using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Lanyard.Cli.Daemon;

/// <summary>The live view of a service: its status, networks, peers, paths and traffic.</summary>
internal sealed class StatusScreen
{
    private const int HistoryLength = 60;
    private const string Bars = " ▁▂▃▄▅▆▇█";
    private const string PlainBars = " .:-=+*#@";

    // The header, two tables with headers and borders, and the footer.
    private const int LinesAroundPeers = 18;
    private const int FewestPeers = 3;

    private readonly IAnsiConsole _console;
    private readonly Queue<double> _received = new();
    private readonly Queue<double> _sent = new();
    private ServiceReading? _last;

    public StatusScreen(TextWriter output) => _console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });

    /// <summary>Shows snapshots until canceled.</summary>
    /// <param name="take">Takes a snapshot. A <see cref="CommandException"/> is shown in the view.</param>
    /// <param name="interval">The time between snapshots.</param>
    /// <param name="cancellationToken">Ends the view.</param>
    public async Task RunAsync(Func<CancellationToken, Task<ServiceReading>> take, TimeSpan interval, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            // Start a new screen after the terminal size changed, because the old screen cannot be overwritten.
            _console.Clear(home: true);
            await _console.Live(new Text("")).Overflow(VerticalOverflow.Crop).Cropping(VerticalOverflowCropping.Bottom)
                .StartAsync(screen => FillAsync(screen, take, interval, cancellationToken));
        }
    }

    private (int Width, int Height) Size => (_console.Profile.Width, _console.Profile.Height);

    /// <summary>Shows snapshots until the terminal size changes.</summary>
    private async Task FillAsync(
        LiveDisplayContext screen, Func<CancellationToken, Task<ServiceReading>> take, TimeSpan interval, CancellationToken cancellationToken)
    {
        var size = Size;
        while (!cancellationToken.IsCancellationRequested)
        {
            string? problem = null;
            try
            {
                _last = await take(cancellationToken);
                Note(_last);
            }
            catch (CommandException failure)
            {
                problem = failure.Message;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }

            if (Size != size)
                return;
            screen.UpdateTarget(Show(_last, problem));
            await Task.Delay(interval, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (Size != size)
                return;
        }
    }

    private void Note(ServiceReading reading)
    {
        Add(_received, reading.Rate(ServiceReading.Bytes("rx")));
        Add(_sent, reading.Rate(ServiceReading.Bytes("tx")));
    }

    private Rows Show(ServiceReading? reading, string? problem)
    {
        var parts = new List<IRenderable>();
        if (problem is not null)
            parts.Add(new Markup($"[red]{Markup.Escape(problem)}[/]"));
        if (reading is not null)
        {
            parts.Add(Head(reading));
            parts.Add(Networks(reading));
            parts.Add(Peers(reading));
        }

        parts.Add(new Markup("[grey]Press Ctrl+C to close this view. The service continues.[/]"));
        return new Rows(parts);
    }

    private Grid Head(ServiceReading reading)
    {
        var status = reading.Status;
        var online = StatusText.Online(status);
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn(new GridColumn());
        grid.AddRow(
            new Markup($"[bold]{Markup.Escape(status.Text("address"))}[/] {Markup.Escape(status.Text("version"))} [{(online == "ONLINE" ? "green" : "red")}]{online}[/]"),
            new Markup($"[grey]{Markup.Escape(StatusText.Place(status))}[/]"));
        grid.AddRow(Flow("in ", reading, "rx", _received), Flow("out", reading, "tx", _sent));
        return grid;
    }

    private Markup Flow(string name, ServiceReading reading, string direction, Queue<double> history)
    {
        var counter = ServiceReading.Bytes(direction);
        var rate = StatusText.BitRate(reading.Rate(counter));
        var total = StatusText.Size(reading.Total(counter));
        return new Markup($"{name} [aqua]{rate,12}[/] [grey]{total,9}[/] [aqua]{Markup.Escape(Graph(history))}[/]");
    }

    private Table Networks(ServiceReading reading)
    {
        var table = NewTable(StatusText.NetworkHeads, "The node has joined no network.", reading.Networks.Length);
        foreach (var network in reading.Networks)
        {
            var cells = StatusText.Network(reading, network);
            table.AddRow([.. cells.Select((cell, column) => new Markup(column == 2 ? Colored(cell, cell == "OK") : Markup.Escape(cell)))]);
        }

        return table;
    }

    private Table Peers(ServiceReading reading)
    {
        var room = Math.Max(FewestPeers, _console.Profile.Height - LinesAroundPeers - reading.Networks.Length);
        var table = NewTable(StatusText.PeerHeads, "The node knows no peer.", reading.Peers.Length);
        foreach (var peer in reading.Peers.Take(room))
        {
            var cells = StatusText.Peer(reading, peer);
            table.AddRow([.. cells.Select((cell, column) => new Markup(column == 4 ? Colored(cell, cell != "RELAY") : Markup.Escape(cell)))]);
        }

        if (reading.Peers.Length > room)
            table.Caption(string.Create(CultureInfo.InvariantCulture, $"and {reading.Peers.Length - room} more"));
        return table;
    }

    private Table NewTable(string[] heads, string whenEmpty, int count)
    {
        var table = new Table { Border = _console.Profile.Capabilities.Unicode ? TableBorder.Rounded : TableBorder.Ascii, Expand = true };
        foreach (var head in heads)
            table.AddColumn(new TableColumn($"[grey]{head}[/]"));
        if (count == 0)
            table.Caption(whenEmpty);
        return table;
    }

    private string Graph(Queue<double> history)
    {
        var bars = _console.Profile.Capabilities.Unicode ? Bars : PlainBars;
        var top = history.DefaultIfEmpty().Max();
        return new string([.. history.Select(rate => bars[top <= 0 ? 0 : (int)Math.Ceiling(rate / top * (bars.Length - 1))])]);
    }

    private static string Colored(string text, bool isGood) => $"[{(isGood ? "green" : "yellow")}]{Markup.Escape(text)}[/]";

    private static void Add(Queue<double> history, double? rate)
    {
        if (rate is null)
            return;
        if (history.Count == HistoryLength)
            history.Dequeue();
        history.Enqueue(rate.Value);
    }
}
