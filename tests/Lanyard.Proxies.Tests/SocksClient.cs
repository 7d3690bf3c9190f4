using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Lanyard.Primitives;

namespace Lanyard.Proxies.Tests;

/// <summary>A handwritten client of a SOCKS5 proxy, which can also send invalid messages.</summary>
internal sealed class SocksClient : IDisposable
{
    private readonly CancellationToken _guard;

    private SocksClient(Socket socket, CancellationToken guard)
    {
        Socket = socket;
        _guard = guard;
    }

    public Socket Socket { get; }

    /// <summary>Connects.</summary>
    /// <param name="proxy">The proxy.</param>
    /// <param name="guard">Against hanging; given where many clients share one.</param>
    public static async Task<SocksClient> ConnectAsync(LanyardProxy proxy, CancellationToken? guard = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var client = new SocksClient(socket, guard ?? TestLan.Guard);
        await socket.ConnectAsync(proxy.LocalEndPoint, client._guard);
        return client;
    }

    /// <summary>Greets without a password and asks for something.</summary>
    public static async Task<(SocksClient Client, SocksReply Reply, InetEndpoint Bound)> RequestAsync(LanyardProxy proxy, SocksCommand command, string host, int port)
    {
        var client = await ConnectAsync(proxy);
        await client.SendAsync([5, 1, 0, .. Request(command, host, port)]);
        Assert.Equal([5, 0], await client.ReceiveAsync(2));
        var (reply, bound) = await client.ReadReplyAsync();
        return (client, reply, bound);
    }

    public static byte[] Request(SocksCommand command, string host, int port)
    {
        var portBytes = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(portBytes, (ushort)port);
        byte[] address = IPAddress.TryParse(host, out var ip)
            ? [(byte)(ip.AddressFamily == AddressFamily.InterNetwork ? 1 : 4), .. ip.GetAddressBytes()]
            : [3, (byte)host.Length, .. Encoding.ASCII.GetBytes(host)];
        return [5, (byte)command, 0, .. address, .. portBytes];
    }

    public async Task SendAsync(byte[] bytes) => await Socket.SendAsync(bytes, SocketFlags.None, _guard);

    public async Task<byte[]> ReceiveAsync(int count)
    {
        var bytes = new byte[count];
        for (var got = 0; got < count;)
        {
            var read = await Socket.ReceiveAsync(bytes.AsMemory(got), SocketFlags.None, _guard);
            Assert.True(read > 0, "The proxy ended the connection.");
            got += read;
        }

        return bytes;
    }

    public async Task<(SocksReply Reply, InetEndpoint Bound)> ReadReplyAsync()
    {
        var head = await ReceiveAsync(4);
        var address = await ReceiveAsync(head[3] == 1 ? 4 : 16);
        var port = BinaryPrimitives.ReadUInt16BigEndian(await ReceiveAsync(2));
        return ((SocksReply)head[1], new InetEndpoint(InetAddress.FromBytes(address), port));
    }

    /// <summary>Reads to the end. Whether it came as a reset.</summary>
    public async Task<bool> EndsWithResetAsync()
    {
        var buffer = new byte[65_536];
        try
        {
            while (await Socket.ReceiveAsync(buffer, SocketFlags.None, _guard) > 0)
            {
            }

            return false;
        }
        catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset)
        {
            return true;
        }
    }

    public void Reset()
    {
        Socket.LingerState = new LingerOption(true, 0);
        Socket.Close(0);
    }

    public void Dispose() => Socket.Dispose();
}
