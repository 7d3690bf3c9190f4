using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>The framing of a request's body (RFC 9112 section 6).</summary>
internal enum HttpBodyKind
{
    /// <summary>By a number of bytes, which may be 0.</summary>
    Length,

    /// <summary>By the last chunk.</summary>
    Chunked,
}

/// <summary>A client's request to an HTTP proxy: a tunnel (CONNECT), or a request to forward.</summary>
internal sealed class HttpProxyRequest
{
    private const int DefaultPort = 80;

    private HttpProxyRequest(ProxyDestination destination) => Destination = destination;

    /// <summary>The destination.</summary>
    public ProxyDestination Destination { get; }

    /// <summary>The head to forward; null for a tunnel.</summary>
    public byte[]? Head { get; private init; }

    /// <summary>The framing of the body.</summary>
    public HttpBodyKind BodyKind { get; private init; }

    /// <summary>The length of the body in bytes, if it is given.</summary>
    public long BodyLength { get; private init; }

    /// <summary>Parses a request.</summary>
    /// <param name="head">The head of the request.</param>
    /// <param name="request">The request.</param>
    /// <param name="problem">If a proxy cannot serve the request, the message for the client's user.</param>
    public static bool TryParse(in HttpRequestHead head, out HttpProxyRequest? request, out string problem)
    {
        request = null;
        problem = "";
        if (head.Method.SequenceEqual("CONNECT"u8))
        {
            if (!TryParseAuthority(head.Target, 0, out var destination))
            {
                problem = "CONNECT needs a host and a port, such as example:443.";
                return false;
            }

            request = new HttpProxyRequest(destination);
            return true;
        }

        if (head.Target.Length < 7 || !HttpRequestHead.Is(head.Target[..7], "http://"u8))
        {
            problem = "This is a proxy, not a web server. It accepts CONNECT, and requests for URLs that begin with http://.";
            return false;
        }

        var rest = head.Target[7..];
        var authorityEnd = rest.IndexOfAny((byte)'/', (byte)'?');
        var authority = authorityEnd < 0 ? rest : rest[..authorityEnd];
        if (!TryParseAuthority(authority, DefaultPort, out var host))
        {
            problem = "The URL has no host. Use a URL such as http://example/.";
            return false;
        }

        if (!TryFindBody(head, out var kind, out var length))
        {
            problem = "The end of the request's body is ambiguous. Send one Content-Length, or Transfer-Encoding: chunked.";
            return false;
        }

        var path = authorityEnd < 0 ? default : rest[authorityEnd..];
        request = new HttpProxyRequest(host) { Head = Rewrite(head, authority, path), BodyKind = kind, BodyLength = length };
        return true;
    }

    /// <summary>Whether a request contains the required user and password (RFC 7617).</summary>
    public static bool IsAuthenticated(in HttpRequestHead head, ProxyCredentials credentials)
    {
        var rest = head.Fields;
        while (HttpRequestHead.TryReadField(ref rest, out var name, out var value))
        {
            if (!HttpRequestHead.Is(name, "proxy-authorization"u8))
                continue;
            if (value.Length < 6 || !HttpRequestHead.Is(value[..6], "basic "u8))
                return false;
            var decoded = new byte[value.Length];
            if (Base64.DecodeFromUtf8(value[6..], decoded, out _, out var written) != OperationStatus.Done)
                return false;
            var colon = decoded.AsSpan(0, written).IndexOf((byte)':');
            return colon >= 0 && credentials.Match(decoded.AsSpan(0, colon), decoded.AsSpan(colon + 1, written - colon - 1));
        }

        return false;
    }

    // Parses a host, and a port unless there is a default.
    private static bool TryParseAuthority(ReadOnlySpan<byte> bytes, int defaultPort, out ProxyDestination destination)
    {
        destination = default;
        var text = Encoding.ASCII.GetString(bytes);
        var colon = text.LastIndexOf(':');
        if (colon < text.LastIndexOf(']'))
            colon = -1;
        var host = colon < 0 ? text : text[..colon];
        var port = defaultPort;
        if (colon >= 0 && colon < text.Length - 1
            && !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port))
            return false;
        if (port is 0 or > ushort.MaxValue || host.Length == 0 || host.IndexOfAny(['@', '/', '\\', '?', '#', ',']) >= 0)
            return false;
        if (host[0] == '[')
        {
            if (host[^1] != ']' || !InetAddress.TryParse(host[1..^1], out var address))
                return false;
            destination = new ProxyDestination("", address, (ushort)port);
            return true;
        }

        destination = new ProxyDestination(host, default, (ushort)port);
        return !host.Contains(':', StringComparison.Ordinal);
    }

    private static bool TryFindBody(in HttpRequestHead head, out HttpBodyKind kind, out long length)
    {
        kind = HttpBodyKind.Length;
        length = 0;
        var hasLength = false;
        var hasEncoding = false;
        var rest = head.Fields;
        while (HttpRequestHead.TryReadField(ref rest, out var name, out var value))
        {
            if (HttpRequestHead.Is(name, "content-length"u8))
            {
                if (hasLength || !Utf8Parser.TryParse(value, out length, out var used) || used != value.Length || length < 0 || value[0] is (byte)'+' or (byte)'-')
                    return false;
                hasLength = true;
            }
            else if (HttpRequestHead.Is(name, "transfer-encoding"u8))
            {
                if (hasEncoding || head.IsVersion10 || !HttpRequestHead.Is(value, "chunked"u8))
                    return false;
                hasEncoding = true;
                kind = HttpBodyKind.Chunked;
            }
        }

        return !(hasLength && hasEncoding);
    }

    // Writes the head for the server: the target in origin form, its own host name, and no fields that were meant for the proxy (RFC 9110 section 7.6.1).
    private static byte[] Rewrite(in HttpRequestHead head, ReadOnlySpan<byte> authority, ReadOnlySpan<byte> path)
    {
        var written = new ArrayBufferWriter<byte>(head.Method.Length + head.Target.Length + head.Fields.Length + 128);
        written.Write(head.Method);
        written.Write(" "u8);
        if (path.IsEmpty && head.Method.SequenceEqual("OPTIONS"u8))
            written.Write("*"u8);
        else if (path.IsEmpty || path[0] != (byte)'/')
            written.Write("/"u8);
        written.Write(path);
        written.Write(head.IsVersion10 ? " HTTP/1.0\r\nHost: "u8 : " HTTP/1.1\r\nHost: "u8);
        written.Write(authority);
        written.Write("\r\n"u8);
        var rest = head.Fields;
        while (HttpRequestHead.TryReadField(ref rest, out var name, out var value))
        {
            if (IsForProxy(name) || IsNamedByConnection(head, name))
                continue;
            written.Write(name);
            written.Write(": "u8);
            written.Write(value);
            written.Write("\r\n"u8);
        }

        written.Write(head.IsVersion10 ? "Via: 1.0 lanyard\r\nConnection: close\r\n\r\n"u8 : "Via: 1.1 lanyard\r\nConnection: close\r\n\r\n"u8);
        return written.WrittenSpan.ToArray();
    }

    private static bool IsForProxy(ReadOnlySpan<byte> name) =>
        HttpRequestHead.Is(name, "host"u8) || HttpRequestHead.Is(name, "connection"u8) || HttpRequestHead.Is(name, "proxy-connection"u8)
        || HttpRequestHead.Is(name, "proxy-authorization"u8) || HttpRequestHead.Is(name, "keep-alive"u8) || HttpRequestHead.Is(name, "te"u8)
        || HttpRequestHead.Is(name, "upgrade"u8);

    // The fields that determine the end of the body stay, even if the client lists them in Connection.
    private static bool IsNamedByConnection(in HttpRequestHead head, ReadOnlySpan<byte> name)
    {
        if (HttpRequestHead.Is(name, "content-length"u8) || HttpRequestHead.Is(name, "transfer-encoding"u8))
            return false;
        Span<byte> small = stackalloc byte[64];
        if (name.Length > small.Length)
            return false;
        for (var i = 0; i < name.Length; i++)
            small[i] = name[i] is >= (byte)'A' and <= (byte)'Z' ? (byte)(name[i] | 0x20) : name[i];
        var rest = head.Fields;
        while (HttpRequestHead.TryReadField(ref rest, out var other, out var list))
        {
            if (!HttpRequestHead.Is(other, "connection"u8))
                continue;
            while (HttpRequestHead.TryReadItem(ref list, out var item))
            {
                if (HttpRequestHead.Is(item, small[..name.Length]))
                    return true;
            }
        }

        return false;
    }
}
