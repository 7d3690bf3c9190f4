using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Lanyard.Proxies.Tests;

/// <summary>A web server on a virtual network: it answers with the request's head and the hash of its body, one request for each connection.</summary>
internal sealed class WebServer : IAsyncDisposable
{
    private readonly LanyardListener _listener;
    private readonly Task _serving;

    public WebServer(LanyardNetwork network)
    {
        _listener = network.Listen(80);
        _serving = ServeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _serving;
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
                _ = AnswerAsync(await _listener.AcceptAsync(TestLan.Guard));
        }
        catch (ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private static async Task AnswerAsync(LanyardStream stream)
    {
        await using (stream)
        {
            var head = new StringBuilder();
            while (await ReadLineAsync(stream) is { Length: > 0 } line)
                head.Append(line).Append('\n');
            var body = new MemoryStream();
            var lines = head.ToString().Split('\n');
            if (lines.FirstOrDefault(line => line.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase)) is { } length)
                await CopyAsync(stream, body, int.Parse(length.AsSpan(16), CultureInfo.InvariantCulture));
            while (lines.Contains("Transfer-Encoding: chunked"))
            {
                var size = int.Parse((await ReadLineAsync(stream))!, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                await CopyAsync(stream, body, size);
                await ReadLineAsync(stream);
                if (size == 0)
                    break;
            }

            var answer = Encoding.Latin1.GetBytes(
                string.Create(CultureInfo.InvariantCulture, $"{head}body {body.Length} {Convert.ToHexString(SHA256.HashData(body.ToArray()))}\n"));
            await stream.WriteAsync(Encoding.Latin1.GetBytes(
                string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 200 OK\r\nContent-Length: {answer.Length}\r\nConnection: close\r\n\r\n")), TestLan.Guard);
            await stream.WriteAsync(answer, TestLan.Guard);
        }
    }

    private static async Task<string?> ReadLineAsync(LanyardStream stream)
    {
        var line = new List<byte>();
        var one = new byte[1];
        while (await stream.ReadAsync(one, TestLan.Guard) > 0)
        {
            if (one[0] == '\n')
                return Encoding.Latin1.GetString([.. line]).TrimEnd('\r');
            line.Add(one[0]);
        }

        return null;
    }

    private static async Task CopyAsync(LanyardStream stream, MemoryStream body, int count)
    {
        var bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes, TestLan.Guard);
        body.Write(bytes);
    }
}
