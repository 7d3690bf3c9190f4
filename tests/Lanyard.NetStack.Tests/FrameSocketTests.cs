using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>Sockets for Ethernet frames.</summary>
public class FrameSocketTests : IFrameEvents
{
    private const ushort Type = 0x88b5;
    private int _readable;

    void IFrameEvents.OnReadable(FrameSocket socket) => _readable++;

    [Fact]
    public void Frames_of_a_type_go_from_host_to_host()
    {
        var pair = new Pair();
        Assert.Equal(NetError.None, pair.A.OpenFrames(Type, null, out var sender));
        Assert.Equal(NetError.None, pair.B.OpenFrames(Type, this, out var receiver));
        Assert.Equal(NetError.None, sender!.Send(pair.Now, Pair.MacB, Type, "hello"u8));
        Assert.Equal(NetError.None, sender.Send(pair.Now, Pair.MacB, 0x88b6, "other"u8));
        pair.Run(1_000_000);
        var buffer = new byte[3];
        Assert.True(receiver!.TryReceive(buffer, out var info));
        Assert.Equal(new FrameInfo(Pair.MacA, Pair.MacB, Type, 5), info);
        Assert.Equal("hel"u8.ToArray(), buffer);
        Assert.False(receiver.TryReceive(buffer, out _));
        Assert.Equal(1, _readable);
        Assert.Equal((1, 1), (pair.B.Counters[HostCounter.FrameDelivered], pair.B.Counters[HostCounter.FrameUnknownType]));
    }

    [Fact]
    public void A_socket_for_all_types_sees_what_the_host_itself_handles()
    {
        var peer = new RawPeer();
        peer.Host.OpenFrames(0, null, out var socket);
        peer.ReceiveV4(IpProtocol.Icmp, RawPeer.Icmp(8, 0, 1, "x"u8));
        peer.Receive(Type, "y"u8);
        Assert.Equal((2, 1), (socket!.Pending, peer.Frames.Count));
        Assert.True(socket.TryReceive(new byte[100], out var info));
        Assert.Equal((NetworkHost.EtherTypeIPv4, 29), (info.EtherType, info.Length));
        Assert.Equal(0, peer.Host.Counters[HostCounter.FrameUnknownType]);
    }

    [Fact]
    public void The_queue_is_bounded_and_what_does_not_fit_is_counted()
    {
        var peer = new RawPeer();
        peer.Host.OpenFrames(Type, null, out var socket, new FrameOptions { ReceiveBufferBytes = 3_000 });
        for (var i = 0; i < 10; i++)
            peer.Receive(Type, new byte[1_000]);
        Assert.Equal((2, 8, 8), (socket!.Pending, socket.Dropped, peer.Host.Counters[HostCounter.FrameQueueFull]));
        socket.TryReceive(default, out _);
        peer.Receive(Type, new byte[1_000]);
        Assert.Equal(2, socket.Pending);
        socket.Close(peer.Now);
        Assert.Equal(0, peer.Host.Pool.Outstanding);
        Assert.Equal(NetError.Closed, socket.Send(peer.Now, Pair.MacB, Type, "x"u8));
    }

    [Fact]
    public void Groups_are_joined_and_left_with_the_socket()
    {
        var peer = new RawPeer();
        var group = new EthernetGroup(new MacAddress(0x0180_c200_000e), default);
        peer.Host.OpenFrames(0x88cc, null, out var socket);
        Assert.True(socket!.JoinGroup(group.Mac));
        Assert.False(socket.JoinGroup(group.Mac));
        Assert.Contains(group, peer.Joined);
        peer.Receive(0x88cc, "lldp"u8, group.Mac);
        Assert.Equal(1, socket.Pending);
        Assert.Throws<ArgumentException>(() => socket.JoinGroup(Pair.MacB));
        socket.Close(peer.Now);
        Assert.DoesNotContain(group, peer.Joined);
    }

    [Fact]
    public void What_is_no_frame_is_refused()
    {
        var peer = new RawPeer(options => options with { Limits = new HostLimits { FrameSockets = 1 } });
        peer.Host.OpenFrames(Type, null, out var socket);
        Assert.Equal(NetError.MessageTooLong, socket!.Send(peer.Now, Pair.MacB, Type, new byte[2_801]));
        Assert.Equal(NetError.NoRoute, socket.Send(peer.Now, Pair.MacB, 100, "x"u8));
        Assert.Equal(NetError.NoRoute, socket.Send(peer.Now, Pair.MacB, Type, default));
        Assert.Equal(NetError.LimitReached, peer.Host.OpenFrames(Type, null, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => peer.Host.OpenFrames(100, null, out _));
        Assert.Empty(peer.Frames);
    }
}
