using System.Buffers.Binary;
using System.Net;
using Lanyard.NetStack;
using Lanyard.Primitives;
using Lanyard.Tests.Shared;

namespace Lanyard.Tests;

/// <summary>Packets that a member sends from another member's IP address are attributed to their sender or dropped.</summary>
public sealed class SpoofingTests
{
    [Fact]
    public async Task A_datagram_from_a_forged_address_names_the_node_that_sent_it()
    {
        await using var pair = await Pair.StartAsync();
        var hostile = await pair.Lan.JoinAsync(3);
        using var frames = hostile.OpenFrames(NetworkHost.EtherTypeIPv4);
        using var server = pair.B.OpenUdp(53);
        using var client = pair.A.OpenUdp(5_000);
        var buffer = new byte[100];
        client.SendTo("honest"u8, new InetEndpoint(Pair.Address(pair.B), 53));
        var honest = await server.ReceiveFromAsync(buffer, TestLan.Guard);
        Assert.Equal((pair.A.Node.Address, Pair.Address(pair.A)), (honest.RemoteNode, honest.Remote.Address));
        frames.Send(pair.B.Mac, NetworkHost.EtherTypeIPv4, IpForge.Packet(Pair.Address(pair.A), Pair.Address(pair.B), IpForge.Udp, [5_000 >> 8, 5_000 & 0xff, 0, 53, 0, 8, 0, 0]));
        var forged = await server.ReceiveFromAsync(buffer, TestLan.Guard);
        Assert.Equal((hostile.Node.Address, Pair.Address(pair.A)), (forged.RemoteNode, forged.Remote.Address));
    }

    [Fact]
    public async Task A_connection_that_a_forged_SYN_precedes_is_the_callers_that_made_it()
    {
        await using var pair = await Pair.StartAsync();
        var hostile = await pair.Lan.JoinAsync(3);
        using var frames = hostile.OpenFrames(NetworkHost.EtherTypeIPv4);
        using var listener = pair.B.Listen(80);
        for (ushort port = 6_000; port < 6_005; port++)
        {
            // The attacker knows address and port, is first, and goes on.
            var accepting = listener.AcceptAsync(TestLan.Guard);
            frames.Send(pair.B.Mac, NetworkHost.EtherTypeIPv4, IpForge.Segment(Pair.Address(pair.A), Pair.Address(pair.B), port, 80, IpForge.Syn, 1));
            var connecting = pair.A.ConnectAsync(new InetEndpoint(Pair.Address(pair.A), port), new InetEndpoint(Pair.Address(pair.B), 80), null, TestLan.Guard);
            frames.Send(pair.B.Mac, NetworkHost.EtherTypeIPv4, IpForge.Segment(Pair.Address(pair.A), Pair.Address(pair.B), port, 80, IpForge.Acknowledgment, 2));
            await using var atA = await connecting;
            await using var atB = await accepting;
            Assert.Equal(pair.A.Node.Address, atB.RemoteNode);
            Assert.Equal(new IPEndPoint(pair.A.IPv4Address!, port), atB.RemoteEndPoint);

            // And afterwards: some of what was forged before may have come before there was a connection.
            var before = pair.B.Counters[HostCounter.TcpForeignSender];
            frames.Send(pair.B.Mac, NetworkHost.EtherTypeIPv4, IpForge.Segment(Pair.Address(pair.A), Pair.Address(pair.B), port, 80, IpForge.Reset, 2));
            while (pair.B.Counters[HostCounter.TcpForeignSender] == before)
                await Task.Delay(5, TestLan.Guard);
        }
    }

    [Fact]
    public async Task Segments_that_another_member_forges_into_a_connection_change_nothing()
    {
        await using var pair = await Pair.StartAsync();
        var hostile = await pair.Lan.JoinAsync(3);
        using var frames = hostile.OpenFrames(NetworkHost.EtherTypeIPv4);
        using var heard = pair.B.OpenFrames(NetworkHost.EtherTypeIPv4);
        var (a, b) = await pair.ConnectAsync();
        await using (a)
        await using (b)
        {
            // The attacker has even heard what was said so far.
            await a.WriteAsync("before"u8.ToArray(), TestLan.Guard);
            await b.ReadExactlyAsync(new byte[6], TestLan.Guard);
            var (port, listening) = ((ushort)a.LocalEndPoint.Port, (ushort)b.LocalEndPoint.Port);
            var next = await NextSequenceAsync(heard, port);
            foreach (var flags in (byte[])[IpForge.Push | IpForge.Acknowledgment, IpForge.Fin | IpForge.Acknowledgment, IpForge.Reset, IpForge.Reset | IpForge.Acknowledgment, IpForge.Syn])
                frames.Send(pair.B.Mac, NetworkHost.EtherTypeIPv4, IpForge.Segment(Pair.Address(pair.A), Pair.Address(pair.B), port, listening, flags, next));
            while (pair.B.Counters[HostCounter.TcpForeignSender] < 5)
                await Task.Delay(5, TestLan.Guard);
            await a.WriteAsync("after"u8.ToArray(), TestLan.Guard);
            var buffer = new byte[5];
            await b.ReadExactlyAsync(buffer, TestLan.Guard);
            Assert.Equal("after"u8.ToArray(), buffer);
            Assert.Equal(pair.A.Node.Address, b.RemoteNode);
        }
    }

    [Fact]
    public async Task A_SYN_from_an_IPv6_address_that_is_another_members_by_its_form_is_dropped()
    {
        await using var pair = await Pair.StartAsync();
        var hostile = await pair.Lan.JoinAsync(3);
        using var frames = hostile.OpenFrames(NetworkHost.EtherTypeIPv6);
        using var listener = pair.B.Listen(80);
        var (from, to) = (InetAddress.FromIPAddress(pair.A.IPv6Address!), InetAddress.FromIPAddress(pair.B.IPv6Address!));
        frames.Send(pair.B.Mac, NetworkHost.EtherTypeIPv6, IpForge.Segment(from, to, 7_000, 80, IpForge.Syn, 1));
        while (pair.B.Counters[HostCounter.TcpForgedSource] == 0)
            await Task.Delay(5, TestLan.Guard);
    }

    // The sequence number after the six bytes that a port has sent.
    private static async Task<uint> NextSequenceAsync(LanyardFrameSocket frames, ushort port)
    {
        var buffer = new byte[2_000];
        while (true)
        {
            var length = (await frames.ReceiveAsync(buffer, TestLan.Guard)).Length;
            if (buffer[9] == 6 && BinaryPrimitives.ReadUInt16BigEndian(buffer.AsSpan(20)) == port && length - 20 - ((buffer[32] >> 4) * 4) == 6)
                return BinaryPrimitives.ReadUInt32BigEndian(buffer.AsSpan(24)) + 6;
        }
    }
}
