using System.Buffers;
using System.Text.Json;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>A program's socket as the memory file describes it for the next service process.</summary>
/// <param name="Cookie">The kernel's cookie.</param>
/// <param name="User">The user that created the socket.</param>
/// <param name="Type">TCP or UDP.</param>
/// <param name="Near">The near end.</param>
/// <param name="Local">The virtual address and port.</param>
/// <param name="Traits">The values of the socket's options.</param>
/// <param name="Network">The ID of the only network that the socket may use; 0 for any.</param>
/// <param name="Backlog">The maximum number of queued connections; 0 if the socket does not listen.</param>
/// <param name="Far">For a UDP socket, the loopback alias address that it is connected to; none if it is not connected.</param>
/// <param name="Remote">The peer that <paramref name="Far"/> represents; none if the peer is on no virtual network.</param>
internal sealed record RememberedSocket(
    ulong Cookie, uint User, InterceptSocketType Type, InetEndpoint Near, InetEndpoint Local, SocketTraits Traits, ulong Network, int Backlog,
    InetEndpoint Far = default, InetEndpoint Remote = default)
{
    /// <summary>Reads a file. Returns nothing if it is missing or malformed; its sockets are then not adopted.</summary>
    /// <param name="path">The file.</param>
    /// <param name="key">The key of the sockets' tokens; null if there is none.</param>
    /// <param name="port">The UDP port of the service that wrote the file; 0 if unknown.</param>
    public static IReadOnlyList<RememberedSocket> Read(string path, out SocketTokenKey? key, out ushort port)
    {
        key = null;
        port = 0;
        try
        {
            return StateFile.TryReadText(path) is { } text ? Parse(text, out key, out port) : [];
        }
        catch (LanyardStateException)
        {
            return [];
        }
    }

    /// <summary>Parses a file's text. Returns nothing if it is malformed.</summary>
    /// <param name="text">The text.</param>
    /// <param name="key">The key of the sockets' tokens; null if there is none.</param>
    /// <param name="port">The UDP port of the service that wrote the text; 0 if unknown.</param>
    internal static IReadOnlyList<RememberedSocket> Parse(string text, out SocketTokenKey? key, out ushort port)
    {
        var sockets = new List<RememberedSocket>();
        key = null;
        port = 0;
        try
        {
            using var document = JsonDocument.Parse(text);
            key = SocketTokenKey.Parse(document.RootElement.GetProperty("key").GetString());
            if (key is null)
                return sockets;
            if (document.RootElement.TryGetProperty("port", out var written))
                port = written.GetUInt16();
            foreach (var item in document.RootElement.GetProperty("sockets").EnumerateArray())
            {
                var (type, traits) = ((InterceptSocketType)item.GetProperty("type").GetUInt32(), (SocketTraits)item.GetProperty("traits").GetInt32());
                if (type is not (InterceptSocketType.Stream or InterceptSocketType.Datagram) || !InetEndpoint.TryParse(item.GetProperty("near").GetString(), out var near)
                    || !near.Address.IsV4 || !TryReadLocal(item, out var local))
                    continue;
                sockets.Add(new RememberedSocket(
                    item.GetProperty("cookie").GetUInt64(), item.GetProperty("user").GetUInt32(), type, near, local, traits, item.GetProperty("network").GetUInt64(),
                    item.GetProperty("backlog").GetInt32(), ReadEndpoint(item, "far"), ReadEndpoint(item, "remote")));
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            sockets.Clear();
            key = null;
            port = 0;
        }

        return sockets;
    }

    /// <summary>Replaces the file. If that fails, the next service does without it.</summary>
    public static void Write(string path, SocketTokenKey key, ushort port, IEnumerable<RememberedSocket> sockets)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteString("key", key.ToString());
            writer.WriteNumber("port", port);
            writer.WriteStartArray("sockets");
            foreach (var socket in sockets)
            {
                writer.WriteStartObject();
                writer.WriteNumber("cookie", socket.Cookie);
                writer.WriteNumber("user", socket.User);
                writer.WriteNumber("type", (uint)socket.Type);
                writer.WriteString("near", socket.Near.ToString());
                // The wildcard address of both families has no text form.
                writer.WriteString("address", socket.Local.Address.Family == InetFamily.None ? "" : socket.Local.Address.ToString());
                writer.WriteNumber("port", socket.Local.Port);
                writer.WriteNumber("traits", (int)socket.Traits);
                writer.WriteNumber("network", socket.Network);
                writer.WriteNumber("backlog", socket.Backlog);
                if (!socket.Far.IsNone)
                    writer.WriteString("far", socket.Far.ToString());
                if (!socket.Remote.IsNone)
                    writer.WriteString("remote", socket.Remote.ToString());
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        try
        {
            StateFile.Replace(path, json.WrittenSpan, StateFileAccess.Owner);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The disk is full, or the folder is missing.
        }
    }

    // Returns none if the property is missing or invalid.
    private static InetEndpoint ReadEndpoint(JsonElement item, string name) =>
        item.TryGetProperty(name, out var value) && InetEndpoint.TryParse(value.GetString(), out var endpoint) ? endpoint : default;

    private static bool TryReadLocal(JsonElement item, out InetEndpoint local)
    {
        var address = default(InetAddress);
        var isRead = item.GetProperty("address").GetString() is "" || InetAddress.TryParse(item.GetProperty("address").GetString(), out address);
        local = new InetEndpoint(address, item.GetProperty("port").GetUInt16());
        return isRead;
    }
}
