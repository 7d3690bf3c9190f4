using System.Buffers;
using System.Text;
using System.Text.Json;
using Lanyard.Primitives;

namespace Lanyard.Service.Intercept;

/// <summary>A program's socket, for a service that comes after the one that knew it.</summary>
/// <param name="Cookie">What the system knows it by.</param>
/// <param name="User">Who made it.</param>
/// <param name="Type">TCP or UDP.</param>
/// <param name="Near">Where it is bound in the system.</param>
/// <param name="Local">What that stands for.</param>
/// <param name="Traits">What its options say.</param>
/// <param name="Network">The one network that it may use; 0 for any.</param>
/// <param name="Backlog">How many connections may wait; 0: it does not listen.</param>
internal sealed record RememberedSocket(
    ulong Cookie, uint User, InterceptSocketType Type, InetEndpoint Near, InetEndpoint Local, SocketTraits Traits, ulong Network, int Backlog)
{
    /// <summary>What a file holds; nothing where there is none that makes sense: its sockets are then not taken up.</summary>
    public static IReadOnlyList<RememberedSocket> Read(string path)
    {
        var sockets = new List<RememberedSocket>();
        try
        {
            if (StateFiles.TryRead(path) is not { } text)
                return sockets;
            using var document = JsonDocument.Parse(text);
            foreach (var item in document.RootElement.EnumerateArray())
            {
                var (type, traits) = ((InterceptSocketType)item.GetProperty("type").GetUInt32(), (SocketTraits)item.GetProperty("traits").GetInt32());
                if (type is not (InterceptSocketType.Stream or InterceptSocketType.Datagram) || !InetEndpoint.TryParse(item.GetProperty("near").GetString(), out var near)
                    || !near.Address.IsV4 || !TryReadLocal(item, out var local))
                    continue;
                sockets.Add(new RememberedSocket(
                    item.GetProperty("cookie").GetUInt64(), item.GetProperty("user").GetUInt32(), type, near, local, traits, item.GetProperty("network").GetUInt64(),
                    item.GetProperty("backlog").GetInt32()));
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or LanyardStateException)
        {
            sockets.Clear();
        }

        return sockets;
    }

    /// <summary>Writes them, in the place of what was there. Where that cannot be, the next service does without.</summary>
    public static void Write(string path, IEnumerable<RememberedSocket> sockets)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartArray();
            foreach (var socket in sockets)
            {
                writer.WriteStartObject();
                writer.WriteNumber("cookie", socket.Cookie);
                writer.WriteNumber("user", socket.User);
                writer.WriteNumber("type", (uint)socket.Type);
                writer.WriteString("near", socket.Near.ToString());
                // Of both families, an address is none.
                writer.WriteString("address", socket.Local.Address.Family == InetFamily.None ? "" : socket.Local.Address.ToString());
                writer.WriteNumber("port", socket.Local.Port);
                writer.WriteNumber("traits", (int)socket.Traits);
                writer.WriteNumber("network", socket.Network);
                writer.WriteNumber("backlog", socket.Backlog);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        try
        {
            StateFiles.Replace(path, Encoding.UTF8.GetString(json.WrittenSpan));
        }
        catch (LanyardStateException)
        {
            // The folder is full, or gone.
        }
    }

    private static bool TryReadLocal(JsonElement item, out InetEndpoint local)
    {
        var address = default(InetAddress);
        var isRead = item.GetProperty("address").GetString() is "" || InetAddress.TryParse(item.GetProperty("address").GetString(), out address);
        local = new InetEndpoint(address, item.GetProperty("port").GetUInt16());
        return isRead;
    }
}
