using System.Globalization;
using System.Text;

namespace Lanyard.Proxies;

/// <summary>
/// Serves a client of the HTTP proxy: one CONNECT, or one request that is forwarded with <c>Connection: close</c>, so that the next request uses its own connection.
/// </summary>
internal sealed class HttpSession(ProxyContext proxy, ServedConnection connection, BufferedEnd client)
{
    private static readonly byte[] Established = "HTTP/1.1 200 Connection established\r\n\r\n"u8.ToArray();

    /// <summary>Serves the client until it has finished.</summary>
    public async Task RunAsync()
    {
        var length = 0;
        for (var known = 0; (length = HttpRequestHead.FindEnd(client.Buffered, known)) == 0;)
        {
            known = client.Buffered.Length;
            if (known >= proxy.Options.MaxHeaderBytes)
            {
                proxy.Counters.Add(LanyardProxyCounter.Malformed);
                await RefuseAsync(431, "Request Header Fields Too Large",
                    $"The head of the request is longer than {proxy.Options.MaxHeaderBytes} bytes, the limit of this proxy.").ConfigureAwait(false);
                return;
            }

            if (!await client.FillAsync().ConfigureAwait(false))
                return;
        }

        if (!TryUnderstand(length, out var request, out var isAllowed, out var problem))
        {
            if (isAllowed)
            {
                proxy.Counters.Add(LanyardProxyCounter.Malformed);
                await RefuseAsync(400, "Bad Request", problem).ConfigureAwait(false);
                return;
            }

            proxy.Counters.Add(LanyardProxyCounter.NotAuthenticated);
            await RefuseAsync(407, "Proxy Authentication Required", "This proxy requires a user and password.",
                "Proxy-Authenticate: Basic realm=\"lanyard\", charset=\"UTF-8\"\r\n").ConfigureAwait(false);
            return;
        }

        client.Consume(length);
        StreamEnd other;
        try
        {
            other = await proxy.ConnectAsync(connection, request!.Destination).ConfigureAwait(false);
        }
        catch (ProxyException failure)
        {
            var (status, reason) = failure.Failure switch
            {
                ProxyFailure.NotAllowed => (403, "Forbidden"),
                ProxyFailure.TimedOut => (504, "Gateway Timeout"),
                _ => (502, "Bad Gateway"),
            };
            await RefuseAsync(status, reason, failure.Message).ConfigureAwait(false);
            return;
        }

        if (request.Head is null)
        {
            await client.WriteAsync(Established).ConfigureAwait(false);
            await proxy.RelayAsync(connection, client, other).ConfigureAwait(false);
        }
        else
        {
            await proxy.RelayAsync(connection, new HttpBodyEnd(client, request), other, endsWithOther: true).ConfigureAwait(false);
        }
    }

    private bool TryUnderstand(int length, out HttpProxyRequest? request, out bool isAllowed, out string problem)
    {
        request = null;
        isAllowed = true;
        problem = "The request is not valid HTTP/1.1.";
        if (!HttpRequestHead.TryParse(client.Buffered[..length], out var head))
            return false;
        isAllowed = proxy.Credentials is null || HttpProxyRequest.IsAuthenticated(head, proxy.Credentials);
        return isAllowed && HttpProxyRequest.TryParse(head, out request, out problem);
    }

    private async Task RefuseAsync(int status, string reason, string text, string fields = "")
    {
        ProxyLog.Refused(proxy.Logger, connection.Client.Remote, text);
        var body = Encoding.UTF8.GetBytes(text + "\n");
        var head = string.Create(CultureInfo.InvariantCulture,
            $"HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {body.Length}\r\n{fields}Connection: close\r\n\r\n");
        await client.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes(head), .. body]).ConfigureAwait(false);
        await ProxyContext.CloseLingeringAsync(connection, client).ConfigureAwait(false);
    }
}
