using System.Globalization;
using System.Net.Sockets;

namespace Lanyard.Intercept.Tests;

/// <summary>Virtual sockets that later turn out to belong to the system's network, with both engines.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class ExchangeTests(ProgramLan lan) : IClassFixture<ProgramLan>
{
    private const string Client = """
        import errno, os, select, socket, sys
        address, port, own, kind = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 50000)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, b"\7" + bytes(15))
        s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x10)
        s.setblocking(False)
        poll = select.epoll()
        poll.register(s, select.EPOLLIN | select.EPOLLET)
        s.bind(("0.0.0.0", own))
        error = s.connect_ex((address, port))
        if error not in (0, errno.EINPROGRESS):
            raise OSError(error, os.strerror(error))
        if kind == "udp":
            s.send(b"?")
        got = b""
        while not got:
            for number, events in poll.poll(30):
                try:
                    got = s.recv(100) if number == s.fileno() else b"another number"
                except BlockingIOError:
                    pass
        options = [s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF), s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16)[0], s.getsockopt(socket.IPPROTO_IP, socket.IP_TOS)]
        print(got.decode(), s.getsockname()[1], options, s.getblocking(), s.get_inheritable())
        """;

    [Theory]
    [InlineData("preload", "tcp", 23_471)]
    [InlineData("supervise", "tcp", 23_472)]
    [InlineData("preload", "tcp", 0)]
    [InlineData("preload", "udp", 23_473)]
    public async Task A_replaced_socket_keeps_its_options_and_epoll_entries(string engine, string kind, int port)
    {
        lan.Require("python3");
        if (LifeTests.FindHostAddress() is not { } own)
        {
            Assert.Skip("This machine has no address but loopback ones.");
            return;
        }

        var answering = kind == "tcp" ? AnswerAsync(new TcpListener(own, 0), out var at) : AnswerAsync(new UdpClient(new System.Net.IPEndPoint(own, 0)), out at);
        await using var client = lan.StartWith("a", ["--engine", engine], "python3", "-c", Client, $"{own}", $"{at}", $"{port}", kind);
        Assert.True(await client.WaitAsync() == 0, client.Output);
        var seen = await answering;
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"{seen} {seen} [100000, 7, 16] False False\n"), client.Output);
        if (port != 0)
            Assert.Equal(port, seen);
    }

    // Sends the client the port of its connection or datagram.
    private static Task<int> AnswerAsync(TcpListener listener, out int port)
    {
        listener.Start();
        port = ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
        return AnswerOneAsync();

        async Task<int> AnswerOneAsync()
        {
            using var client = await listener.AcceptTcpClientAsync(ProgramProcess.Guard);
            listener.Stop();
            var seen = ((System.Net.IPEndPoint)client.Client.RemoteEndPoint!).Port;
            await client.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(seen.ToString(CultureInfo.InvariantCulture)), ProgramProcess.Guard);
            return seen;
        }
    }

    private static Task<int> AnswerAsync(UdpClient socket, out int port)
    {
        port = ((System.Net.IPEndPoint)socket.Client.LocalEndPoint!).Port;
        return AnswerOneAsync();

        async Task<int> AnswerOneAsync()
        {
            using (socket)
            {
                var from = (await socket.ReceiveAsync(ProgramProcess.Guard)).RemoteEndPoint;
                await socket.SendAsync(System.Text.Encoding.ASCII.GetBytes(from.Port.ToString(CultureInfo.InvariantCulture)), from, ProgramProcess.Guard);
                return from.Port;
            }
        }
    }
}
