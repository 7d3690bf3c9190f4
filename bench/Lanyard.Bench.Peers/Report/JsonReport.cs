using System.Text.Json;

namespace Lanyard.Bench.Peers.Report;

/// <summary>The raw figures of a run.</summary>
internal static class JsonReport
{
    public static void Write(string path, Figures figures, Machine machine, CipherLimit cipher)
    {
        using var file = File.Create(path);
        using var writer = new Utf8JsonWriter(file, new JsonWriterOptions { Indented = true });
        writer.WriteStartObject();
        writer.WriteString("date", machine.Date.ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture));
        writer.WriteString("processor", machine.Processor);
        writer.WriteNumber("cores", machine.Cores);
        writer.WriteString("system", machine.System);
        writer.WriteString("runtime", machine.Runtime);
        writer.WriteString("command", machine.Command);
        writer.WriteNumber("cipherEncryptMbit", Math.Round(cipher.EncryptMegabits));
        writer.WriteNumber("cipherDecryptMbit", Math.Round(cipher.DecryptMegabits));
        writer.WriteStartArray("figures");
        foreach (var figure in figures.All)
        {
            writer.WriteStartObject();
            writer.WriteString("subject", figure.Subject);
            writer.WriteString("measure", figure.Measure.Name);
            writer.WriteString("unit", figure.Measure.Unit);
            writer.WriteNumber("round", figure.Round);
            writer.WriteNumber("value", Math.Round(figure.Value, 3));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
