using System.Globalization;
using System.Text;
using System.Text.Json;
using Lanyard.Dissector;
using Lanyard.Primitives;
using Lanyard.Wire.Packets;

namespace Lanyard.Cli.Dissect;

/// <summary>Writes the packets of a capture, one line each, and counts them.</summary>
internal sealed class DissectReport(TextWriter output, KeyRing keys, bool json)
{
    /// <summary>The number of packets of the protocol. A fragmented packet counts once.</summary>
    public int Packets { get; private set; }

    /// <summary>The number of packets with a valid authentication code.</summary>
    public int Authenticated { get; private set; }

    /// <summary>The number of completely parsed packets.</summary>
    public int Parsed { get; private set; }

    /// <summary>The number of packets with an unknown verb or unknown parts.</summary>
    public int Unknown { get; private set; }

    /// <summary>The number of datagrams and frames of other protocols.</summary>
    public int Other { get; private set; }

    /// <summary>Writes the line of a packet or another datagram.</summary>
    public void Write(CaptureEntry entry)
    {
        var description = entry.Describe(keys);
        WriteLine(entry, description);
        if (entry.Other is not null)
        {
            Other++;
            return;
        }

        Packets++;
        if (entry.State is PacketState.Authentic or PacketState.NotExpandable && entry.Suite != CipherSuite.TrustedPath)
            Authenticated++;
        if (description.IsUnderstood)
            Parsed++;
        else if (entry.IsReadable || entry.State == PacketState.NotExpandable)
            Unknown++;
    }

    /// <summary>Writes the last line, with the counts.</summary>
    public void WriteSummary()
    {
        if (!json)
        {
            output.WriteLine($"packets={Packets} authenticated={Authenticated} parsed={Parsed} unknown={Unknown} other={Other}");
            return;
        }

        WriteJson(writer =>
        {
            writer.WriteNumber("packets", Packets);
            writer.WriteNumber("authenticated", Authenticated);
            writer.WriteNumber("parsed", Parsed);
            writer.WriteNumber("unknown", Unknown);
            writer.WriteNumber("other", Other);
        });
    }

    private void WriteLine(CaptureEntry entry, Description description)
    {
        var time = entry.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
        if (json)
        {
            WriteJson(writer => WriteFields(writer, entry, time, description));
            return;
        }

        var line = new StringBuilder($"{time} {TextOf(entry.From)} > {TextOf(entry.To)} ");
        if (entry.Other is null)
            line.Append($"{(entry.Source.IsNone ? "-" : entry.Source.ToString())} > {entry.Destination} ");
        var text = description.ToString();
        line.Append(entry.VerbName).Append(text.Length > 0 ? " " : "").Append(text);
        if (entry.Other is null && entry.State != PacketState.Incomplete)
            line.Append($" ({entry.SuiteName}{(entry.WasCompressed ? ", compressed" : "")}{(entry.Hops > 0 ? $", relayed {entry.Hops}" : "")})");
        output.WriteLine(line);
    }

    private static void WriteFields(Utf8JsonWriter writer, CaptureEntry entry, string time, Description description)
    {
        writer.WriteString("time", time);
        writer.WriteString("fromEndpoint", TextOf(entry.From));
        writer.WriteString("toEndpoint", TextOf(entry.To));
        if (entry.Other is not null)
        {
            writer.WriteString("other", description.ToString());
            return;
        }

        if (!entry.Source.IsNone)
            writer.WriteString("from", entry.Source.ToString());
        writer.WriteString("to", entry.Destination.ToString());
        writer.WriteString("packetId", entry.PacketId.ToString("x16", CultureInfo.InvariantCulture));
        writer.WriteString("state", entry.State.ToString());
        if (entry.State != PacketState.Incomplete)
        {
            writer.WriteString("suite", entry.SuiteName);
            writer.WriteNumber("hops", entry.Hops);
            writer.WriteNumber("bytes", entry.Bytes.Length);
        }

        if (entry.IsReadable)
        {
            writer.WriteString("verb", entry.VerbName);
            writer.WriteBoolean("compressed", entry.WasCompressed);
            writer.WriteBoolean("understood", description.IsUnderstood);
        }

        writer.WriteString("text", description.ToString());
    }

    private void WriteJson(Action<Utf8JsonWriter> fields)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            fields(writer);
            writer.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    private static string TextOf(InetEndpoint endpoint) => endpoint switch
    {
        { IsNone: true } => "-",
        { Port: 0 } => endpoint.Address.ToString(),
        _ => endpoint.ToString(),
    };
}
