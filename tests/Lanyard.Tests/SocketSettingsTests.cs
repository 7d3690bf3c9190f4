using System.Net;
using System.Net.Sockets;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard.Tests;

/// <summary>The settings of streams, listeners and datagram sockets: their effects, and that they read back.</summary>
public sealed class SocketSettingsTests
{
    [Fact]
    public async Task A_stream_s_settings_are_read_back_and_in_its_packets()
    {
        await using var pair = await Pair.StartAsync();
        using var file = new MemoryStream();
        var (near, far) = await pair.ConnectAsync();
        await using var capture = pair.A.Capture(file, new LanyardCaptureOptions { LeaveOpen = true });
        near.NoDelay = false;
        near.KeepAliveIdle = TimeSpan.FromSeconds(30);
        near.KeepAliveInterval = TimeSpan.FromSeconds(5);
        near.KeepAliveProbes = 3;
        near.UserTimeout = TimeSpan.FromSeconds(40);
        near.Linger = TimeSpan.FromSeconds(7);
        near.SendBufferBytes = 1 << 20;
        near.ReceiveBufferBytes = 2 << 20;
        near.Congestion = CongestionAlgorithm.Reno;
        near.MaxSegmentBytes = 700;
        near.QuickAck = true;
        near.HopLimit = 17;
        near.TrafficClass = 0xb8;
        Assert.Equal((false, true, (byte)17, (byte)0xb8, 700), (near.NoDelay, near.QuickAck, near.HopLimit, near.TrafficClass, near.MaxSegmentBytes));
        Assert.Equal((30, 5, 3, 40), (near.KeepAliveIdle.TotalSeconds, near.KeepAliveInterval.TotalSeconds, near.KeepAliveProbes,
            near.UserTimeout.TotalSeconds));
        Assert.Equal((TimeSpan.FromSeconds(7), 1 << 20, 2 << 20, CongestionAlgorithm.Reno),
            (near.Linger, near.SendBufferBytes, near.ReceiveBufferBytes, near.Congestion));
        Assert.Equal(700 - 12, near.Info.SendSegmentBytes);

        await near.WriteAsync(new byte[5_000], TestLan.Guard);
        var buffer = new byte[5_000];
        await far.ReadExactlyAsync(buffer, TestLan.Guard);
        await capture.DisposeAsync();
        var sent = CaptureReader.Read(file.ToArray()).Frames.Where(frame => frame.IsOutbound && frame.EtherType == NetworkHost.EtherTypeIPv4
            && frame.Bytes[14 + 9] == 6).ToArray();
        Assert.NotEmpty(sent);
        Assert.All(sent, frame => Assert.Equal((0xb8, 17, true), (frame.Bytes[15] & ~3, frame.Bytes[22], frame.Length <= 14 + 20 + 20 + 700 + 12)));
        await near.DisposeAsync();
        await far.DisposeAsync();
    }

    [Fact]
    public async Task Listener_settings_apply_to_streams_accepted_later()
    {
        await using var pair = await Pair.StartAsync();
        using var listener = pair.B.Listen(0);
        Assert.Equal(64, listener.Options.HopLimit);
        listener.Options = listener.Options with { HopLimit = 9, MaxSegmentBytes = 600 };
        var accepting = listener.AcceptAsync(TestLan.Guard);
        await using var near = await pair.A.ConnectAsync(pair.B.IPv4Address!.ToString(), listener.LocalEndPoint.Port, TestLan.Guard);
        await using var far = await accepting;
        Assert.Equal((9, 9, 600), (listener.Options.HopLimit, far.HopLimit, far.MaxSegmentBytes));
        Assert.InRange(near.Info.SendSegmentBytes, 500, 600);
    }

    [Fact]
    public async Task A_datagram_sockets_settings_read_back_and_reach_the_receiver()
    {
        await using var pair = await Pair.StartAsync();
        using var server = pair.B.OpenUdp(53);
        using var client = pair.A.OpenUdp();
        client.HopLimit = 33;
        client.TrafficClass = 0x28;
        client.MulticastHopLimit = 5;
        client.MulticastLoopback = false;
        client.EnableBroadcast = true;
        client.DontFragment = true;
        client.ReceiveBufferBytes = 4_096;
        client.ReuseAddress = true;
        client.ReceiveErrors = true;
        Assert.Equal((33, 0x28, 5, 4_096), (client.HopLimit, client.TrafficClass, client.MulticastHopLimit, client.ReceiveBufferBytes));
        Assert.Equal((false, true, true, true, true),
            (client.MulticastLoopback, client.EnableBroadcast, client.DontFragment, client.ReuseAddress, client.ReceiveErrors));
        client.SendTo("x"u8, new InetEndpoint(Pair.Address(pair.B), 53));
        var datagram = await server.ReceiveFromAsync(new byte[10], TestLan.Guard);
        Assert.Equal((33, 0x28), (datagram.HopLimit, datagram.TrafficClass));
        Assert.Equal(NetError.MessageTooLong,
            Assert.Throws<LanyardSocketException>(() => client.SendTo(new byte[5_000], new InetEndpoint(Pair.Address(pair.B), 53))).Error);

        // Nothing listens there: the unconnected socket hears of it.
        client.SendTo("x"u8, new InetEndpoint(Pair.Address(pair.B), 54));
        LanyardUdpError error;
        while (!client.TryTakeError(out error))
            Assert.True((await pair.A.PingAsync(pair.B.IPv4Address!, TimeSpan.FromMinutes(1), 56, TestLan.Guard)).IsSuccess);
        Assert.Equal(new LanyardUdpError(new IPEndPoint(Pair.Address(pair.B).ToIPAddress(), 54), SocketError.ConnectionRefused, Pair.Address(pair.B).ToIPAddress(), 0), error);
    }

    [Fact]
    public async Task Destinations_are_sorted_by_how_well_they_are_reached()
    {
        await using var pair = await Pair.StartAsync();
        InetAddress[] destinations = [InetAddress.Parse("192.0.2.1"), Pair.Address(pair.B)];
        pair.A.SortDestinations(destinations);
        Assert.Equal([Pair.Address(pair.B), InetAddress.Parse("192.0.2.1")], destinations);
    }
}
