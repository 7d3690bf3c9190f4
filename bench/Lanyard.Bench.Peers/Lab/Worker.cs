using System.Globalization;
using EndToEnd.Lab;

namespace Lanyard.Bench.Peers.Lab;

/// <summary>A worker process on a lab's host, which measures on command.</summary>
internal sealed class Worker
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(60);

    private readonly RunningProcess _process;
    private int _count;

    private Worker(RunningProcess process, string address)
    {
        _process = process;
        Address = address;
    }

    /// <summary>Its address.</summary>
    public string Address { get; }

    /// <summary>Its process.</summary>
    public int Id => _process.Id;

    /// <summary>Starts one; its address is known when this is done.</summary>
    public static async Task<Worker> StartAsync(LabHost host, params IEnumerable<string> arguments)
    {
        var process = host.Start([.. Program.Line("worker"), .. arguments]);
        var ready = await process.WaitForLineAsync("ready ", StartTimeout);
        return new Worker(process, ready["ready ".Length..]);
    }

    /// <summary>Measures, and gives the named figures; null where it failed, which is said on standard error.</summary>
    public async Task<IReadOnlyDictionary<string, double>?> MeasureAsync(string command)
    {
        var number = ++_count;
        await _process.Input.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{number} {command}"));
        await _process.Input.FlushAsync();
        string line;
        try
        {
            line = await _process.WaitForLineAsync(string.Create(CultureInfo.InvariantCulture, $" {number} "), AnswerTimeout);
        }
        catch (TimeoutException)
        {
            line = "failed: no answer";
        }

        if (!line.StartsWith("result ", StringComparison.Ordinal))
        {
            Console.Error.WriteLine($"  {command}: {line}");
            return null;
        }

        return Figures(line);
    }

    /// <summary>The figures of a line: name=value.</summary>
    public static Dictionary<string, double> Figures(string line) => line.Split(' ').Where(word => word.Contains('=', StringComparison.Ordinal))
        .ToDictionary(word => word.Split('=')[0], word => double.Parse(word.Split('=')[1], CultureInfo.InvariantCulture));
}
