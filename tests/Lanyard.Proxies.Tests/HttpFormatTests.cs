using System.Text;

namespace Lanyard.Proxies.Tests;

public sealed class HttpFormatTests
{
    [Fact]
    public void A_request_is_passed_on_in_the_servers_form_without_what_was_for_the_proxy()
    {
        var request = Understand("GET http://Web.lan:8080/a?b HTTP/1.1\r\nHost: other\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic eA==\r\n"
            + "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nAccept:  text/plain \r\n\r\n");
        Assert.Equal("Web.lan:8080", request!.Destination.ToString());
        Assert.Equal("GET /a?b HTTP/1.1\r\nHost: Web.lan:8080\r\nAccept: text/plain\r\nVia: 1.1 lanyard\r\nConnection: close\r\n\r\n",
            Encoding.ASCII.GetString(request.Head!));
    }

    [Theory]
    [InlineData("GET http://a HTTP/1.1", "a:80", "GET / HTTP/1.1")]
    [InlineData("GET http://a?x HTTP/1.0", "a:80", "GET /?x HTTP/1.0")]
    [InlineData("OPTIONS http://a HTTP/1.1", "a:80", "OPTIONS * HTTP/1.1")]
    [InlineData("GET HTTP://[fd00::1]:81/ HTTP/1.1", "[fd00::1]:81", "GET / HTTP/1.1")]
    public void Targets_are_read_in_all_their_forms(string line, string destination, string passedOn)
    {
        var request = Understand(line + "\r\n\r\n");
        Assert.Equal(destination, request!.Destination.ToString());
        Assert.StartsWith(passedOn + "\r\n", Encoding.ASCII.GetString(request.Head!), StringComparison.Ordinal);
    }

    [Fact]
    public void CONNECT_names_a_host_and_a_port()
    {
        Assert.Equal("host:443", Understand("CONNECT host:443 HTTP/1.1\r\nHost: x\r\n\r\n")!.Destination.ToString());
        Assert.Equal("[fd00::1]:443", Understand("CONNECT [fd00::1]:443 HTTP/1.1\r\n\r\n")!.Destination.ToString());
        Assert.Null(Understand("CONNECT host HTTP/1.1\r\n\r\n"));
        Assert.Null(Understand("CONNECT host:0 HTTP/1.1\r\n\r\n"));
        Assert.Null(Understand("CONNECT host:70000 HTTP/1.1\r\n\r\n"));
        Assert.Null(Understand("CONNECT a:b:1 HTTP/1.1\r\n\r\n"));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET https://a/ HTTP/1.1\r\n\r\n")]
    [InlineData("GET http:/// HTTP/1.1\r\n\r\n")]
    [InlineData("GET http://user:pw@a/ HTTP/1.1\r\n\r\n")]
    [InlineData("POST http://a/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")]
    [InlineData("POST http://a/ HTTP/1.1\r\nContent-Length: +1\r\n\r\n")]
    [InlineData("POST http://a/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("POST http://a/ HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n")]
    [InlineData("POST http://a/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n")]
    public void An_unsupported_request_is_refused_with_a_reason(string text) => Assert.Null(Understand(text));

    [Theory]
    [InlineData("GET  HTTP/1.1\r\n\r\n")]
    [InlineData("GET http://a/ HTTP/2.0\r\n\r\n")]
    [InlineData("GET http://a/ b HTTP/1.1\r\n\r\n")]
    [InlineData("G(T http://a/ HTTP/1.1\r\n\r\n")]
    [InlineData("GET http://a/ HTTP/1.1\r\nA : b\r\n\r\n")]
    [InlineData("GET http://a/ HTTP/1.1\r\nA: b\r\n c\r\n\r\n")]
    [InlineData("GET http://a/ HTTP/1.1\r\nA: b\rc\r\n\r\n")]
    [InlineData("GET http://a/ HTTP/1.1\r\nA: b\nC: d\r\n\r\n")]
    [InlineData("GET http://a/ HTTP/1.1\r\nnothing\r\n\r\n")]
    public void An_ambiguous_head_is_malformed(string text) =>
        Assert.False(HttpRequestHead.TryParse(Encoding.ASCII.GetBytes(text), out _));

    [Fact]
    public void The_end_of_a_head_is_found_for_any_split()
    {
        var head = "GET http://a/ HTTP/1.1\r\nA: b\r\n\r\nrest"u8;
        var known = 0;
        for (var length = 0; length < head.Length - 4; length++)
        {
            Assert.Equal(0, HttpRequestHead.FindEnd(head[..length], known));
            known = length;
        }

        Assert.Equal(head.Length - 4, HttpRequestHead.FindEnd(head, known));
    }

    [Theory]
    [InlineData("Basic dXNlcjpwOnc=", true)]
    [InlineData("bAsIc dXNlcjpwOnc=", true)]
    [InlineData("Basic dXNlcjpwOnX=", false)]
    [InlineData("Basic ####", false)]
    [InlineData("Digest dXNlcjpwOnc=", false)]
    [InlineData("Basic", false)]
    public void User_and_password_are_checked(string authorization, bool isRight)
    {
        Assert.True(HttpRequestHead.TryParse(
            Encoding.ASCII.GetBytes($"GET http://a/ HTTP/1.1\r\nProxy-Authorization: {authorization}\r\n\r\n"), out var head));
        Assert.Equal(isRight, HttpProxyRequest.IsAuthenticated(head, new ProxyCredentials("user", "p:w")));
    }

    [Theory]
    [InlineData("0\r\n\r\n")]
    [InlineData("3\r\nabc\r\n0\r\n\r\n")]
    [InlineData("A;x=y\r\n0123456789\r\n00\r\nTrailer: a\r\nB: c\r\n\r\n")]
    public void The_end_of_a_chunked_body_is_found_for_any_split(string body)
    {
        var bytes = Encoding.ASCII.GetBytes(body + "next");
        for (var piece = 1; piece <= bytes.Length; piece++)
        {
            var scanner = default(ChunkScanner);
            var total = 0;
            for (var at = 0; at < bytes.Length && !scanner.IsDone; at += piece)
            {
                Assert.True(scanner.TryAdvance(bytes.AsSpan(at, Math.Min(piece, bytes.Length - at)), out var used));
                total += used;
            }

            Assert.True(scanner.IsDone);
            Assert.Equal(body.Length, total);
        }
    }

    [Theory]
    [InlineData("x")]
    [InlineData("\r\n")]
    [InlineData("1\nab")]
    [InlineData("1\r\nab")]
    [InlineData("1000000000000000\r\n")]
    public void A_body_with_invalid_chunks_is_malformed(string body) =>
        Assert.False(default(ChunkScanner).TryAdvance(Encoding.ASCII.GetBytes(body), out _));

    [Fact]
    public void Hostile_bytes_are_answered_by_no()
    {
        var random = new Random(12);
        var seed = "POST http://host:80/path HTTP/1.1\r\nHost: a\r\nConnection: b, c\r\nContent-Length: 10\r\nProxy-Authorization: Basic dTpw\r\n\r\n"u8.ToArray();
        var credentials = new ProxyCredentials("u", "p");
        var alphabet = "\r\n :,;/@[]\0abcGET0123\u007f"u8.ToArray();
        for (var i = 0; i < 100_000; i++)
        {
            var bytes = seed.ToArray();
            for (var changes = random.Next(6); changes > 0; changes--)
                bytes[random.Next(bytes.Length)] = random.Next(2) == 0 ? alphabet[random.Next(alphabet.Length)] : (byte)random.Next(256);
            var end = HttpRequestHead.FindEnd(bytes, random.Next(bytes.Length / 2));
            var head = bytes.AsSpan(0, end == 0 ? random.Next(bytes.Length) : end);
            if (HttpRequestHead.TryParse(head, out var parsed))
            {
                HttpProxyRequest.IsAuthenticated(parsed, credentials);
                if (HttpProxyRequest.TryParse(parsed, out var request, out _) && request!.Head is { } rewritten)
                    Assert.True(HttpRequestHead.TryParse(rewritten, out _));
            }

            var scanner = default(ChunkScanner);
            scanner.TryAdvance(bytes, out var used);
            Assert.InRange(used, 0, bytes.Length);
        }
    }

    private static HttpProxyRequest? Understand(string text)
    {
        Assert.True(HttpRequestHead.TryParse(Encoding.ASCII.GetBytes(text), out var head));
        if (HttpProxyRequest.TryParse(head, out var request, out var problem))
            return request;
        Assert.NotEmpty(problem);
        return null;
    }
}
