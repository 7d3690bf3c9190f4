using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lanyard.Cli.Tests;

/// <summary>A simple web server on the host: it answers with the request, or with status 404 if the path asks for that.</summary>
internal sealed class EchoWebServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public EchoWebServer()
    {
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _ = ServeAsync();
    }

    public int Port { get; }

    public void Dispose() => _listener.Dispose();

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync();
                await AnswerAsync(client.GetStream());
            }
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private static async Task AnswerAsync(NetworkStream stream)
    {
        using var reader = new StreamReader(stream, Encoding.Latin1);
        var request = new StringBuilder();
        var length = 0;
        while (await reader.ReadLineAsync() is { Length: > 0 } line)
        {
            request.Append(line).Append('\n');
            if (line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
                length = int.Parse(line.AsSpan("Content-Length:".Length), CultureInfo.InvariantCulture);
        }

        var body = new char[length];
        // Reading none would wait for more all the same.
        if (length > 0)
            await reader.ReadBlockAsync(body);
        var answer = request.Append('\n').Append(body).ToString();
        var status = answer.Contains("/404", StringComparison.Ordinal) ? "404 Not Found" : "200 OK";
        await stream.WriteAsync(Encoding.Latin1.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status}\r\nContent-Length: {answer.Length}\r\nConnection: close\r\n\r\n{answer}")));
    }
}
