using System.Diagnostics;
using System.Globalization;
using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>Many connections at once, many one after another, and a flood of those that never become any. In virtual time.</summary>
[Collection(nameof(Alone))]
public class CapacityTests(ITestOutputHelper output)
{
    private static readonly bool s_isFullLength = Environment.GetEnvironmentVariable("LANYARD_FULL_LENGTH") == "1";

    [Fact]
    public void An_idle_connection_takes_at_most_4_KB_at_each_end()
    {
        const int connections = 10_000;
        const int maxBytes = 4096;
        var pair = new Pair();
        var server = new EchoServer(() => pair.Now);
        Assert.Equal(NetError.None, pair.B.ListenTcp(new InetEndpoint(default, 1), server, out _, backlog: 1024));
        OpenQuiet(pair, 100);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var opened = OpenQuiet(pair, connections);
        Assert.Equal(connections + 100, server.Accepted);

        // The buffers of what they said are kept for a while.
        pair.Run(20_000_000);
        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / (2.0 * connections);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{each:F0} bytes an end"));
        Assert.All(opened, connection => Assert.Equal(TcpState.Established, connection.State));
        Assert.True(each <= maxBytes, $"{each:F0} bytes an end");
    }

    [Fact]
    public void Two_thousand_new_connections_a_second_leave_nothing_behind()
    {
        const int perSecond = 2_000;
        var seconds = s_isFullLength ? 60 : 15;
        var pair = new Pair(new LinkOptions { Delay = 500 });
        Assert.Equal(NetError.None, pair.B.ListenTcp(new InetEndpoint(default, 1), new EchoServer(() => pair.Now), out _, backlog: 1024));
        var (opened, refused) = (0, 0);
        var clients = new BriefClients(() => pair.Now);
        long baseline = 0;
        for (var millisecond = 0; millisecond < seconds * 1000; millisecond++)
        {
            for (var i = 0; i < perSecond / 1000; i++)
            {
                if (pair.A.ConnectTcp(pair.Now, new InetEndpoint(Pair.B4, 1), clients, out _) == NetError.None)
                    opened++;
                else
                    refused++;
            }

            pair.Run(1_000);

            // The first seconds fill what is kept for a while: TIME_WAIT, pools, tables.
            if (millisecond == 10_000)
                baseline = GC.GetTotalMemory(forceFullCollection: true);
        }

        var grown = GC.GetTotalMemory(forceFullCollection: true) - baseline;
        pair.Run(120_000_000);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{opened} opened, {clients.Clean} closed cleanly, {refused} refused; {grown} bytes grown since the 10th second; "
            + $"{pair.A.Tcp.Count} and {pair.B.Tcp.Count} left"));
        Assert.Equal(0, refused);
        Assert.Equal(opened, clients.Clean);
        Assert.Equal(0, pair.A.Tcp.Count);
        Assert.Equal(0, pair.B.Tcp.Count);
        Assert.True(grown < 1_000_000, $"{grown} bytes grown");
    }

    [Fact]
    public void A_flood_of_SYNs_leaves_an_established_flow_its_speed_and_memory_flat()
    {
        const int perSecond = 50_000;
        var seconds = s_isFullLength ? 20 : 3;
        var pair = new Pair(new LinkOptions { Delay = 500, BitsPerSecond = 200_000_000 });
        var server = new AcceptAll(() => new StreamApp(() => pair.Now, 0, sendSeed: 2, expectSeed: 1));
        Assert.Equal(NetError.None, pair.B.ListenTcp(new InetEndpoint(default, 1), server, out _));
        var client = new StreamApp(() => pair.Now, long.MaxValue);
        Assert.Equal(NetError.None, pair.A.ConnectTcp(pair.Now, new InetEndpoint(Pair.B4, 1), client, out var connection));
        client.Attach(connection!);
        pair.Run(3_000_000);
        var flow = server.Apps[0];

        var (start, at) = (flow.Received, pair.Now);
        pair.Run(2_000_000);
        var calm = (flow.Received - start) * 8.0 / (pair.Now - at);

        // From the host's own subnet, so that there is somebody to answer, and each from another port.
        var random = new Random(1);
        var syn = new byte[40];
        long memory = 0;
        (start, at) = (flow.Received, pair.Now);
        for (var millisecond = 0; millisecond < seconds * 1000; millisecond++)
        {
            pair.B.BeginBatch(pair.Now);
            for (var i = 0; i < perSecond / 1000; i++)
            {
                WriteSyn(syn, random);
                pair.B.Receive(pair.Now, Pair.MacA, Pair.MacB, NetworkHost.EtherTypeIPv4, syn);
            }

            pair.B.EndBatch(pair.Now);
            pair.Run(1_000);
            if (millisecond == 1_000)
                memory = GC.GetTotalMemory(forceFullCollection: true);
        }

        var flooded = (flow.Received - start) * 8.0 / (pair.Now - at);
        var grown = GC.GetTotalMemory(forceFullCollection: true) - memory;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{calm:F1} Mbit/s without, {flooded:F1} Mbit/s with the flood; {grown} bytes grown; {pair.B.Tcp.Count} connections"));
        Assert.True(flooded >= 0.8 * calm, $"{flooded:F1} of {calm:F1} Mbit/s");
        Assert.False(flow.Corrupted);
        Assert.True(grown < 1_000_000, $"{grown} bytes grown");

        // Whoever really wants to connect still can.
        var late = new StreamApp(() => pair.Now, 100);
        Assert.Equal(NetError.None, pair.A.ConnectTcp(pair.Now, new InetEndpoint(Pair.B4, 1), late, out var another));
        late.Attach(another!);
        Assert.True(pair.RunUntil(() => late.Connected, 10_000_000));
    }

    /// <summary>A figure, not a check: run with <c>-explicit only</c> on a Release build.</summary>
    [Fact(Explicit = true)]
    public void What_a_SYN_of_a_flood_costs()
    {
        const int syns = 1_000_000;
        var pair = new Pair();
        Assert.Equal(NetError.None, pair.B.ListenTcp(new InetEndpoint(default, 1), new EchoServer(() => pair.Now), out _));
        var random = new Random(1);
        var packets = new byte[4096][];
        for (var i = 0; i < packets.Length; i++)
            WriteSyn(packets[i] = new byte[40], random);
        for (var run = 0; run < 3; run++)
        {
            var watch = Stopwatch.StartNew();
            for (var i = 0; i < syns; i++)
            {
                if (i % 50 == 0)
                    pair.B.BeginBatch(pair.Now);
                pair.B.Receive(pair.Now, Pair.MacA, Pair.MacB, NetworkHost.EtherTypeIPv4, packets[i % packets.Length]);
                if (i % 50 == 49)
                {
                    pair.B.EndBatch(pair.Now);
                    pair.Run(1_000);
                }
            }

            var each = watch.Elapsed.TotalNanoseconds / syns;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{each:F0} ns a SYN: {each * 50_000 / 1e9:P1} of a core at 50,000 a second"));
        }
    }

    private static TcpConnection[] OpenQuiet(Pair pair, int count)
    {
        var connections = new TcpConnection[count];
        for (var i = 0; i < count; i++)
        {
            Assert.Equal(NetError.None, pair.A.ConnectTcp(pair.Now, new InetEndpoint(Pair.B4, 1), QuietEvents.Instance, out var connection));
            connections[i] = connection!;
            pair.Run(1_000);
        }

        // Each has carried something both ways.
        foreach (var connection in connections)
            Assert.Equal(5, connection.Write(pair.Now, "hello"u8));
        pair.Run(1_000_000);
        Span<byte> read = new byte[5];
        foreach (var connection in connections)
            Assert.Equal(5, connection.Read(pair.Now, read));
        pair.Run(1_000_000);
        return connections;
    }

    /// <summary>A SYN to port 1 of host B, from a random port of a random neighbor.</summary>
    private static void WriteSyn(byte[] packet, Random random)
    {
        Array.Clear(packet);
        packet[0] = 0x45;
        packet[3] = (byte)packet.Length;
        packet[8] = 64;
        packet[9] = 6;
        Pair.A4.Write(packet.AsSpan(12));
        packet[15] = (byte)random.Next(3, 250);
        Pair.B4.Write(packet.AsSpan(16));
        var sum = InternetChecksum.Finish(InternetChecksum.Sum(packet.AsSpan(0, 20)));
        (packet[10], packet[11]) = ((byte)(sum >> 8), (byte)sum);
        var segment = packet.AsSpan(20);
        segment[0] = (byte)random.Next(4, 256);
        segment[1] = (byte)random.Next(256);
        segment[3] = 1;
        random.NextBytes(segment.Slice(4, 4));
        segment[12] = 0x50;
        segment[13] = 2;
        segment[14] = 0xff;
        var source = InetAddress.FromBytes(packet.AsSpan(12, 4));
        sum = InternetChecksum.Finish(InternetChecksum.PseudoHeader(source, Pair.B4, IpProtocol.Tcp, segment.Length) + InternetChecksum.Sum(segment));
        (segment[16], segment[17]) = ((byte)(sum >> 8), (byte)sum);
    }

    private sealed class QuietEvents : ITcpEvents
    {
        public static readonly QuietEvents Instance = new();

        public void OnConnected(TcpConnection connection)
        {
        }

        public void OnReadable(TcpConnection connection)
        {
        }

        public void OnWritable(TcpConnection connection)
        {
        }

        public void OnClosed(TcpConnection connection, NetError reason)
        {
        }
    }

    /// <summary>Accepts, sends back what comes, and finishes when the other end does.</summary>
    private sealed class EchoServer(Func<long> clock) : ITcpListenEvents, ITcpEvents
    {
        private readonly byte[] _buffer = new byte[64];

        public int Accepted { get; private set; }

        public void OnAcceptable(TcpListenSocket listener)
        {
            while (listener.TryAccept(this, out var connection))
            {
                Accepted++;
                OnReadable(connection);
            }
        }

        public void OnClosed(TcpListenSocket listener, NetError reason)
        {
        }

        public void OnConnected(TcpConnection connection)
        {
        }

        public void OnReadable(TcpConnection connection)
        {
            while (connection.Read(clock(), _buffer) is var count and > 0)
                connection.Write(clock(), _buffer.AsSpan(0, count));
            if (connection.ReceiveEnded)
                connection.ShutdownSend(clock());
        }

        public void OnWritable(TcpConnection connection)
        {
        }

        public void OnClosed(TcpConnection connection, NetError reason)
        {
        }
    }

    /// <summary>Each connection sends a message, gets it back, and is closed.</summary>
    private sealed class BriefClients(Func<long> clock) : ITcpEvents
    {
        private readonly byte[] _message = StreamApp.Pattern(1)[..64];
        private readonly byte[] _buffer = new byte[64];

        /// <summary>How many got their message back and closed without an error.</summary>
        public int Clean { get; private set; }

        public void OnConnected(TcpConnection connection) => connection.Write(clock(), _message);

        public void OnReadable(TcpConnection connection)
        {
            if (connection.ReadableBytes < _message.Length)
                return;
            connection.Read(clock(), _buffer);
            Assert.Equal(_message, _buffer);
            connection.ShutdownSend(clock());
        }

        public void OnWritable(TcpConnection connection)
        {
        }

        public void OnClosed(TcpConnection connection, NetError reason)
        {
            Assert.Equal(NetError.None, reason);
            Clean++;
        }
    }
}
