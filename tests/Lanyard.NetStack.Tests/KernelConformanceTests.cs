using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>The Linux kernel's TCP/IP as the other end. As root only; elsewhere skipped.</summary>
[SupportedOSPlatform("linux")]
public class KernelConformanceTests(ITestOutputHelper output)
{
    private const int Port = 7000;

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 0.01)]
    [InlineData(true, 0.01)]
    public async Task The_kernel_connects_and_bulk_data_goes_each_way(bool v6, double loss)
    {
        using var peer = Make(loss);
        const int up = 4_000_000;
        const int down = 4_000_000;
        AcceptAll server;
        lock (peer.Lock)
        {
            server = new AcceptAll(() => new StreamApp(() => peer.Now, down, sendSeed: 2, expectSeed: 1, seed: 7));
            Assert.Equal(NetError.None, peer.Host.ListenTcp(new InetEndpoint(default, Port), server, out _));
        }

        var received = await peer.InKernel(() =>
        {
            using var socket = new Socket(v6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Stream,
                ProtocolType.Tcp);
            socket.Connect(new IPEndPoint((v6 ? Pair.A6 : Pair.A4).ToIPAddress(), Port));
            return Exchange(socket, up, sendSeed: 1, expectSeed: 2);
        }).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(down, received);
        Assert.True(peer.WaitFor(() => server.Apps is [{ Closed: true }]));
        Transfer.CheckClean(server.Apps[0], down, up);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 0.01)]
    [InlineData(true, 0.01)]
    [InlineData(false, 0.01, CongestionAlgorithm.Bbr)]
    public async Task The_host_connects_to_the_kernel_and_bulk_data_goes_each_way(bool v6, double loss,
        CongestionAlgorithm algorithm = CongestionAlgorithm.Cubic)
    {
        var options = new TcpOptions { Ecn = EcnMode.Request, Congestion = algorithm };
        using var peer = Make(loss);
        const int up = 4_000_000;
        const int down = 4_000_000;
        using var listening = new ManualResetEventSlim();
        var kernel = peer.InKernel(() =>
        {
            using var listener = new Socket(v6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Stream,
                ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(v6 ? IPAddress.IPv6Any : IPAddress.Any, Port));
            listener.Listen();
            listening.Set();
            using var socket = listener.Accept();
            return Exchange(socket, down, sendSeed: 2, expectSeed: 1);
        });
        listening.Wait();
        var client = new StreamApp(() => peer.Now, up);
        lock (peer.Lock)
        {
            Assert.Equal(NetError.None, peer.Host.ConnectTcp(peer.Now, new InetEndpoint(v6 ? Pair.B6 : Pair.B4, Port), client,
                out var connection, options: options));
            client.Attach(connection!);
        }

        Assert.Equal(up, await kernel.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.True(peer.WaitFor(() => client.Closed));
        Transfer.CheckClean(client, up, down);
        // The kernel agrees to congestion notification by default.
        Assert.True(client.Connection.GetInfo().Ecn);
    }

    [Fact]
    public async Task The_kernel_connects_by_a_cookie_and_keeps_its_options()
    {
        using var peer = Make(0);
        AcceptAll server;
        lock (peer.Lock)
        {
            server = new AcceptAll(() => new StreamApp(() => peer.Now, 500_000, sendSeed: 2, expectSeed: 1, seed: 7));
            Assert.Equal(NetError.None, peer.Host.ListenTcp(new InetEndpoint(default, Port), server, out _, backlog: 1));
            // From an address that nobody has, or the kernel would reset what it knows nothing of.
            var nobody = InetAddress.Parse("10.1.0.77");
            var syn = new byte[Ipv4Packet.HeaderBytes + TcpSegment.HeaderBytes];
            for (var i = 0; i < 300; i++)
            {
                Ipv4Packet.WriteHeader(syn, nobody, Pair.A4, IpProtocol.Tcp, 64, 0, 0, true, false, 0, TcpSegment.HeaderBytes);
                var segment = syn.AsSpan(Ipv4Packet.HeaderBytes);
                TcpSegment.WriteHeader(segment, (ushort)(1_024 + i), Port, 1, 0, TcpFlags.Syn, 1_000, 0);
                TcpSegment.WriteChecksum(segment, InternetChecksum.PseudoHeader(nobody, Pair.A4, IpProtocol.Tcp, segment.Length));
                peer.Host.Receive(peer.Now, Pair.MacB, Pair.MacA, NetworkHost.EtherTypeIPv4, syn);
            }
        }

        var received = await peer.InKernel(() =>
        {
            using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            socket.Connect(new IPEndPoint(Pair.A6.ToIPAddress(), Port));
            return Exchange(socket, 500_000, sendSeed: 1, expectSeed: 2);
        }).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(500_000, received);
        Assert.True(peer.WaitFor(() => server.Apps is [{ Closed: true }]));
        Transfer.CheckClean(server.Apps[0], 500_000, 500_000);
        var info = server.Apps[0].Connection.GetInfo();
        Assert.True(info is { Timestamps: true, SelectiveAcknowledgments: true });
        lock (peer.Lock)
            Assert.Equal(1, peer.Host.Counters[HostCounter.TcpCookiesAccepted]);
    }

    [Theory(Explicit = true)]
    [InlineData(0, 200_000_000)]
    [InlineData(0.001, 100_000_000)]
    [InlineData(0.01, 50_000_000)]
    [InlineData(0.05, 20_000_000)]
    public async Task Speed_with_the_kernel(double loss, int bytes)
    {
        using var peer = Make(loss);
        foreach (var up in new[] { true, false })
        {
            var server = new AcceptAll(() => new StreamApp(() => peer.Now, up ? 0 : bytes, sendSeed: 2, expectSeed: 1));
            TcpListenSocket? listener;
            lock (peer.Lock)
                Assert.Equal(NetError.None, peer.Host.ListenTcp(new InetEndpoint(default, Port), server, out listener));
            var watch = Stopwatch.StartNew();
            var received = await peer.InKernel(() =>
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Connect(new IPEndPoint(Pair.A4.ToIPAddress(), Port));
                return Exchange(socket, up ? bytes : 0, sendSeed: 1, expectSeed: 2);
            }).WaitAsync(TimeSpan.FromSeconds(300));
            Assert.Equal(up ? 0 : bytes, received);
            Assert.True(peer.WaitFor(() => server.Apps is [{ Closed: true }]));
            Transfer.CheckClean(server.Apps[0], up ? 0 : bytes, up ? bytes : 0);
            output.WriteLine($"loss {loss}, {(up ? "kernel to host" : "host to kernel")}: {bytes * 8 / watch.Elapsed.TotalMicroseconds:F0} Mbit/s "
                + $"{server.Apps[0].Connection.GetInfo()}");
            lock (peer.Lock)
                listener!.Close(peer.Now);
        }
    }

    [Theory]
    [InlineData(false, 56)]
    [InlineData(true, 56)]
    [InlineData(false, 6_000)]
    [InlineData(true, 6_000)]
    [InlineData(false, 65_507)]
    [InlineData(true, 65_487)]
    public void The_kernel_answers_pings_of_any_size(bool v6, int size)
    {
        using var peer = Make(0);
        var payload = new byte[size];
        new Random(size).NextBytes(payload);
        var events = new EchoRecorder();
        lock (peer.Lock)
        {
            Assert.Equal(NetError.None, peer.Host.OpenEcho(events, out var echo));
            Assert.Equal(NetError.None, echo!.Send(peer.Now, v6 ? Pair.B6 : Pair.B4, 3, payload));
        }

        Assert.True(peer.WaitFor(() => events.Replies.Count == 1));
        Assert.Equal(3, events.Replies[0].Sequence);
        Assert.Equal(payload, events.Replies[0].Payload);
    }

    [Theory]
    [InlineData(56)]
    [InlineData(6_000)]
    public async Task The_kernel_gets_answers_to_its_pings(int size)
    {
        using var peer = Make(0);
        var length = await peer.InKernel(() =>
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Icmp) { ReceiveTimeout = 10_000 };
            var request = new byte[8 + size];
            request[0] = 8;
            request[5] = 77;
            var checksum = InternetChecksum.Finish(InternetChecksum.Sum(request));
            (request[2], request[3]) = ((byte)(checksum >> 8), (byte)checksum);
            socket.SendTo(request, new IPEndPoint(Pair.A4.ToIPAddress(), 0));
            return socket.Receive(new byte[65_536]);
        }).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(20 + 8 + size, length);
    }

    [Theory]
    [InlineData(false, 100)]
    [InlineData(true, 100)]
    [InlineData(false, 20_000)]
    [InlineData(true, 20_000)]
    public async Task Udp_datagrams_are_echoed_by_the_kernel(bool v6, int size)
    {
        using var peer = Make(0);
        using var bound = new ManualResetEventSlim();
        var kernel = peer.InKernel(() =>
        {
            using var socket = new Socket(v6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Dgram,
                ProtocolType.Udp) { ReceiveTimeout = 10_000 };
            socket.Bind(new IPEndPoint(v6 ? IPAddress.IPv6Any : IPAddress.Any, Port));
            bound.Set();
            EndPoint from = new IPEndPoint(v6 ? IPAddress.IPv6Any : IPAddress.Any, 0);
            var buffer = new byte[65_536];
            var length = socket.ReceiveFrom(buffer, ref from);
            return socket.SendTo(buffer.AsSpan(0, length), from);
        });
        bound.Wait();
        var payload = new byte[size];
        new Random(size).NextBytes(payload);
        UdpSocket? socket;
        lock (peer.Lock)
        {
            Assert.Equal(NetError.None, peer.Host.OpenUdp(default, null, out socket));
            Assert.Equal(NetError.None, socket!.SendTo(peer.Now, new InetEndpoint(v6 ? Pair.B6 : Pair.B4, Port), payload));
        }

        Assert.Equal(size, await kernel.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.True(peer.WaitFor(() => socket.Pending == 1));
        var buffer = new byte[size];
        Assert.True(socket.TryReceive(buffer, out var info));
        Assert.Equal(size, info.Length);
        Assert.Equal(payload, buffer);
    }

    [Fact]
    public void A_port_that_the_kernel_does_not_listen_on_refuses()
    {
        using var peer = Make(0);
        var client = new StreamApp(() => peer.Now, 0);
        UdpSocket? socket;
        lock (peer.Lock)
        {
            Assert.Equal(NetError.None, peer.Host.ConnectTcp(peer.Now, new InetEndpoint(Pair.B4, 9), client, out _));
            Assert.Equal(NetError.None, peer.Host.OpenUdp(default, null, out socket));
            Assert.Equal(NetError.None, socket!.Connect(new InetEndpoint(Pair.B6, 9)));
            Assert.Equal(NetError.None, socket.Send(peer.Now, "x"u8));
        }

        Assert.True(peer.WaitFor(() => client.Closed));
        Assert.Equal(NetError.ConnectionRefused, client.Reason);
        var error = NetError.None;
        Assert.True(peer.WaitFor(() => (error = socket.TakeError()) != NetError.None));
        Assert.Equal(NetError.ConnectionRefused, error);
    }

    private static KernelPeer Make(double loss)
    {
        if (KernelPeer.WhyNot is { } reason)
            Assert.Skip(reason);
        return new KernelPeer(loss);
    }

    /// <summary>Writes one known stream while reading and checking another; returns how much was read.</summary>
    private static int Exchange(Socket socket, int toSend, int sendSeed, int expectSeed)
    {
        socket.ReceiveTimeout = 30_000;
        var writer = new Thread(() =>
        {
            var pattern = StreamApp.Pattern(sendSeed);
            for (var sent = 0; sent < toSend;)
            {
                var from = sent % pattern.Length;
                sent += socket.Send(pattern.AsSpan(from, Math.Min(toSend - sent, pattern.Length - from)));
            }

            socket.Shutdown(SocketShutdown.Send);
        });
        writer.Start();
        var expected = StreamApp.Pattern(expectSeed);
        var buffer = new byte[expected.Length];
        var received = 0;
        while (true)
        {
            var from = received % expected.Length;
            var count = socket.Receive(buffer.AsSpan(0, expected.Length - from));
            if (count == 0)
                break;
            if (!buffer.AsSpan(0, count).SequenceEqual(expected.AsSpan(from, count)))
                return -1;
            received += count;
        }

        writer.Join();
        return received;
    }
}
