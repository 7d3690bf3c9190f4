namespace Lanyard.Cli;

/// <summary>Lines of columns that stand under each other: for people, and for <c>awk</c>.</summary>
/// <param name="heads">The heads of the columns.</param>
internal sealed class TextTable(params string[] heads)
{
    private readonly List<string[]> _rows = [heads];

    /// <summary>Adds a line. Empty cells are shown as a dash, so that columns can be counted.</summary>
    public void Add(params string[] cells) => _rows.Add([.. cells.Select(cell => cell.Length == 0 ? "-" : cell)]);

    public void Write(TextWriter output)
    {
        var widths = Enumerable.Range(0, heads.Length).Select(column => _rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in _rows)
            output.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }
}
