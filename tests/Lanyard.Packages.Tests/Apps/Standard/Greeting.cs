using System;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Lanyard;

namespace Standard;

public static class Greeting
{
    /// <summary>Gets a page by HTTP over a stream: .NET Standard has no handler for HttpClient that takes one.</summary>
    public static async Task<string> GetAsync(string home, string network, Uri url, CancellationToken stop)
    {
        await using var node = await LanyardNode.StartAsync(new LanyardOptions { StateDirectory = home }, stop);
        var lan = await node.JoinAsync(network, stop);
        await using var stream = await lan.ConnectAsync(url.Host, url.Port, stop);
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {url.PathAndQuery} HTTP/1.0\r\nHost: {url.Host}\r\n\r\n"), stop);
        using var reader = new StreamReader(stream);
        var answer = await reader.ReadToEndAsync();
        return answer.Split("\r\n\r\n")[1];
    }
}
