using System.Net;
using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard.Tests;

/// <summary>Both implementations of sending and receiving datagrams behave the same. Each test runs both, on the loopback interface.</summary>
public sealed class DatagramSocketTests
{
    private const int Trials = 2_000;
    private const int MaxBytesAtOnce = 60_000;
    private const int Bursts = 40;

    [Theory]
    [InlineData(false, "127.0.0.1")]
    [InlineData(true, "127.0.0.1")]
    [InlineData(true, "::1")]
    public void Datagrams_of_all_lengths_arrive_in_order_from_where_they_were_sent(bool batch, string address)
    {
        using var sender = Bind(batch, address);
        using var receiver = Bind(batch, address);
        var random = new Random(1);
        var sent = new List<byte[]>();
        for (var burst = 1; burst <= Bursts; burst++)
        {
            var length = random.Next(1, 9_000);
            for (var i = random.Next(1, 8); i > 0; i--)
            {
                var datagram = new byte[random.Next(3) == 0 ? random.Next(1, length + 1) : length];
                random.NextBytes(datagram);
                sent.Add(datagram);
                sender.Send(receiver.LocalEndpoint, datagram);
            }

            // Not more than the system has room for.
            if (random.Next(3) != 0 && sent.Sum(datagram => datagram.Length) < MaxBytesAtOnce && burst < Bursts)
                continue;
            Flush(sender);
            Assert.Equal(sent, ReceiveAll(receiver, sent.Count, (source, _) => Assert.Equal(sender.LocalEndpoint, source)));
            sent.Clear();
        }

        Assert.Equal(0, sender.SendFailures);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_burst_of_full_datagrams_arrives_whole(bool batch)
    {
        using var sender = Bind(batch);
        using var receiver = Bind(batch);
        var sent = new List<byte[]>();
        for (var i = 0; i < 150; i++)
        {
            sent.Add([(byte)i, .. new byte[1_426]]);
            sender.Send(receiver.LocalEndpoint, sent[i]);
        }

        Flush(sender);

        Assert.Equal(sent, ReceiveAll(receiver, sent.Count, (_, _) => { }));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Datagrams_for_many_sockets_reach_the_right_socket(bool batch)
    {
        using var sender = Bind(batch);
        var receivers = Enumerable.Range(0, 5).Select(_ => Bind(batch)).ToArray();
        for (var round = 0; round < 30; round++)
        {
            for (var i = 0; i < receivers.Length; i++)
                sender.Send(receivers[i].LocalEndpoint, [(byte)i, (byte)round, 0, 0]);
        }

        Flush(sender);

        for (var i = 0; i < receivers.Length; i++)
        {
            Assert.Equal(Enumerable.Range(0, 30).Select(round => new[] { (byte)i, (byte)round, (byte)0, (byte)0 }), ReceiveAll(receivers[i], 30, (_, _) => { }));
            receivers[i].Dispose();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Datagrams_that_the_system_rejects_are_counted_and_the_others_are_sent(bool batch)
    {
        using var sender = Bind(batch);
        using var receiver = Bind(batch);
        sender.Send(receiver.LocalEndpoint, "a"u8);
        sender.Send(receiver.LocalEndpoint, new byte[100_000]);
        sender.Send(new InetEndpoint(InetAddress.Parse("10.0.0.1"), 0), "nowhere"u8);
        sender.Send(receiver.LocalEndpoint, "b"u8);
        Flush(sender);

        Assert.Equal(["a"u8.ToArray(), "b"u8.ToArray()], ReceiveAll(receiver, 2, (_, _) => { }));
        Assert.Equal(2, sender.SendFailures);
    }

    [Fact]
    public void A_socket_reports_that_its_receive_buffer_fills()
    {
        using var sender = Bind(batch: true);
        using var receiver = Bind(batch: true);
        if (receiver is not LinuxDatagramSocket)
            Assert.Skip("Only Linux tells how much of a socket's room is taken.");
        // Of different lengths, so that they are not joined; more than there is room for.
        for (var i = 0; i < 4_000; i++)
        {
            sender.Send(receiver.LocalEndpoint, new byte[5_000 + (i % 100)]);
            Flush(sender);
        }

        var batch = receiver.CreateBatch();
        var backlogged = 0;
        do
            receiver.Receive(batch);
        while (batch.IsBacklogged && ++backlogged < 10_000);
        Assert.InRange(backlogged, 1, 9_999);
        receiver.Receive(batch);
        Assert.True(batch.Count > 0);
        Assert.False(batch.IsBacklogged);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Datagrams_sent_after_closing_are_counted_as_dropped(bool batch)
    {
        var sender = Bind(batch);
        sender.Dispose();
        for (var i = 0; i < 3; i++)
            sender.Send(new InetEndpoint(InetAddress.Parse("127.0.0.1"), 9), "late"u8);
        Flush(sender);
        Flush(sender);
        Assert.Equal(3, sender.SendFailures);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_datagram_goes_out_with_the_time_to_live_that_is_asked_for_and_the_next_without(bool batch)
    {
        using var receiver = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        receiver.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        receiver.ReceiveTimeout = 10_000;
        using var sender = Bind(batch);
        var usual = sender.SystemTimeToLive;
        var to = InetEndpoint.FromIPEndPoint((IPEndPoint)receiver.LocalEndPoint!);
        sender.Send(to, "a"u8);
        sender.Send(to, "b"u8, timeToLive: 2);
        Assert.Equal(usual, sender.SystemTimeToLive);
        sender.Send(to, "c"u8);
        Flush(sender);
        var buffer = new byte[16];
        foreach (var expected in "abc"u8.ToArray())
        {
            Assert.Equal(1, receiver.Receive(buffer));
            Assert.Equal(expected, buffer[0]);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Sending_and_receiving_allocates_nothing(bool batch)
    {
        using var sender = Bind(batch);
        using var receiver = Bind(batch);
        var received = receiver.CreateBatch();
        var datagram = new byte[1_427];
        // The runtime itself allocates now and then, but not each time.
        var least = long.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 100; i++)
                Exchange();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);

        void Exchange()
        {
            for (var i = 0; i < 8; i++)
                sender.Send(receiver.LocalEndpoint, datagram);
            Flush(sender);
            for (var bytes = 0; bytes < 8 * datagram.Length;)
            {
                receiver.Receive(received);
                for (var i = 0; i < received.Count; i++)
                    bytes += received.Run(i).Length;
            }
        }
    }

    private static void Flush(DatagramSocket socket)
    {
        socket.BeginFlush();
        socket.EndFlush();
    }

    private static DatagramSocket Bind(bool batch, string address = "127.0.0.1")
    {
        if (batch && !LinuxDatagramSocket.IsSupported)
            Assert.Skip("This system has no calls for many datagrams at once that are known here.");
        if (address == "::1" && !Socket.OSSupportsIPv6)
            Assert.Skip("This system has no IPv6.");
        var socket = DatagramSocket.Bind(new IPEndPoint(IPAddress.Parse(address), 0), batch);
        Assert.Equal(batch, socket is LinuxDatagramSocket);
        return socket;
    }

    private static List<byte[]> ReceiveAll(DatagramSocket socket, int count, Action<InetEndpoint, int> check)
    {
        var batch = socket.CreateBatch();
        var all = new List<byte[]>();
        for (var trial = 0; all.Count < count && trial < Trials; trial++)
        {
            socket.Receive(batch);
            for (var i = 0; i < batch.Count; i++)
            {
                check(batch.Source(i), i);
                var run = batch.Run(i).ToArray();
                all.AddRange(run.Chunk(Math.Max(batch.DatagramBytes(i), 1)));
            }
        }

        return all;
    }
}
