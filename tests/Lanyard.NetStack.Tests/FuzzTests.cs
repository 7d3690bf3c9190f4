using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>
/// Whatever arrives, nothing is thrown, nothing grows without bound, and the host works on. <c>LANYARD_FUZZ_FRAMES</c> sets how many frames
/// each loop takes; the default is what a second allows.
/// </summary>
public class FuzzTests
{
    private static int Frames => int.TryParse(Environment.GetEnvironmentVariable("LANYARD_FUZZ_FRAMES"), out var frames) ? frames : 40_000;

    [Fact]
    public void Random_bytes_as_frames_do_no_harm()
    {
        var random = new Random(1);
        var peer = MakeBusyHost(random);
        var bytes = new byte[4_000];
        for (var i = 0; i < Frames; i++)
        {
            random.NextBytes(bytes);
            var length = random.Next(10) == 0 ? random.Next(bytes.Length) : random.Next(120);
            ushort type = random.Next(10) switch
            {
                0 => (ushort)random.Next(),
                < 3 => NetworkHost.EtherTypeArp,
                < 6 => NetworkHost.EtherTypeIPv4,
                _ => NetworkHost.EtherTypeIPv6,
            };
            if (length > 0 && random.Next(4) != 0)
                bytes[0] = type == NetworkHost.EtherTypeIPv4 ? (byte)0x45 : (byte)0x60;
            peer.Receive(type, bytes.AsSpan(0, length), random.Next(3) == 0 ? MacAddress.Broadcast : null);
            Tend(peer, random, i);
        }

        CheckAlive(peer);
    }

    [Fact]
    public void Well_formed_headers_around_random_payloads_do_no_harm()
    {
        var random = new Random(2);
        var peer = MakeBusyHost(random);
        byte[] protocols = [IpProtocol.Tcp, IpProtocol.Udp, IpProtocol.Icmp, IpProtocol.IcmpV6, IpProtocol.Igmp, IpProtocol.Fragment, IpProtocol.HopByHop,
            IpProtocol.Routing, IpProtocol.DestinationOptions, 50];
        var bytes = new byte[2_600];
        for (var i = 0; i < Frames; i++)
        {
            random.NextBytes(bytes);
            var payload = bytes.AsSpan(0, random.Next(8) == 0 ? random.Next(2_600) : random.Next(100));
            var protocol = protocols[random.Next(protocols.Length)];
            var v6 = random.Next(2) == 0;
            if (protocol is IpProtocol.Icmp or IpProtocol.IcmpV6 && payload.Length >= 8)
                FixIcmp(payload, protocol == IpProtocol.IcmpV6, random);
            if (v6)
                peer.ReceiveV6(protocol, payload, hopLimit: random.Next(2) == 0 ? (byte)255 : (byte)64);
            else
                peer.ReceiveV4(protocol, payload, identification: (ushort)random.Next(4), more: random.Next(4) == 0,
                    offset: random.Next(4) == 0 ? 8 * random.Next(8_190) : 0);
            Tend(peer, random, i);
        }

        CheckAlive(peer);
    }

    [Fact]
    public void Mutated_queries_and_reports_about_groups_do_no_harm()
    {
        var random = new Random(4);
        var peer = MakeBusyHost(random);
        InetAddress[] groups4 = [InetAddress.Parse("224.0.0.1"), InetAddress.Parse("239.1.2.3")];
        InetAddress[] groups6 = [Ipv6Addresses.AllNodes, InetAddress.Parse("ff15::1234")];
        byte[] types4 = [0x11, 0x11, 0x11, 0x12, 0x16, 0x17, 0x22];
        byte[] types6 = [130, 130, 130, 131, 132, 143];
        for (var i = 0; i < Frames; i++)
        {
            var isV6 = random.Next(2) == 0;
            var group = (isV6 ? groups6 : groups4)[random.Next(2)];
            var message = new byte[random.Next(4) == 0 ? random.Next(1_400) : (isV6 ? 24 : 8) + (random.Next(8) * 4)];
            if (random.Next(2) == 0)
                random.NextBytes(message);
            if (message.Length >= 28 && random.Next(4) != 0)
            {
                message[isV6 ? 26 : 10] = 0;
                message[isV6 ? 27 : 11] = (byte)random.Next(12);
            }

            if (message.Length >= 24 && random.Next(3) != 0)
                group.Write(message.AsSpan(isV6 ? 8 : 4));
            if (isV6 && message.Length >= 8)
            {
                GroupMembershipTests.Mld(peer, types6[random.Next(types6.Length)], BinaryPrimitives.ReadUInt32BigEndian(message.AsSpan(4)),
                    message[8..], random.Next(8) != 0, InetAddress.Parse("fe80::b"), group);
            }
            else if (message.Length >= 4)
            {
                message[0] = types4[random.Next(types4.Length)];
                GroupMembershipTests.Igmp(peer, message, group, random.Next(8) == 0 ? (byte)64 : (byte)1);
            }

            Assert.InRange(peer.Frames.Count, 0, 8);
            Tend(peer, random, i);
        }

        CheckAlive(peer);
    }

    [Fact]
    public void Mutated_frames_of_real_conversations_do_no_harm()
    {
        var random = new Random(3);
        var recorded = Record();
        var peer = MakeBusyHost(random);
        for (var i = 0; i < Frames; i++)
        {
            var frame = recorded[random.Next(recorded.Count)];
            var bytes = frame.Packet.ToArray();
            for (var flips = random.Next(6); flips > 0; flips--)
                bytes[random.Next(Math.Min(bytes.Length, 100))] = (byte)random.Next(256);
            if (random.Next(4) == 0)
                bytes = bytes[..random.Next(bytes.Length + 1)];
            if (frame.EtherType == NetworkHost.EtherTypeIPv4 && random.Next(4) != 0)
                FixChecksums(bytes);
            peer.Receive(frame.EtherType, bytes, frame.Destination.IsMulticast ? frame.Destination : null);
            Tend(peer, random, i);
        }

        CheckAlive(peer);
    }

    [Fact]
    public void Segments_with_random_numbers_for_open_connections_do_no_harm()
    {
        for (var seed = 1; seed <= 60; seed++)
        {
            var random = new Random(seed);
            var peer = new RawPeer(seed: seed);
            byte[] options = random.Next(2) == 0 ? [2, 4, 0x05, 0xb4] : [2, 4, 0x05, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7,
                .. TcpSegmentTests.Timestamps(1)];
            var raw = RawConnection.Open(peer, synOptions: options);
            var written = 0L;
            for (var i = 0; i < Frames / 100; i++)
            {
                written += raw.Write(random.Next(4_000));
                var flags = random.Next(8) == 0 ? (TcpFlags)random.Next(64) : TcpFlags.Ack;
                if (random.Next(50) != 0)
                    flags &= ~TcpFlags.Rst;
                var data = new byte[random.Next(3) == 0 ? random.Next(2_000) : 0];
                var sequence = random.Next(4) == 0 ? random.NextInt64(-100_000, 400_000) : random.Next(5_000);
                var ack = random.Next(8) == 0 ? random.NextInt64(-100_000, 400_000) : random.NextInt64(written + 1);
                raw.Send(flags, sequence, ack, data, (ushort)random.Next(65_536), RandomOptions(random, written));
                if (random.Next(4) == 0)
                    raw.Connection.Read(peer.Now, new byte[3_000]);
                peer.Advance(random.Next(100_000));
                peer.Frames.Clear();
                Assert.True(peer.Host.Pool.Outstanding <= 10 << 20);
            }

            raw.Connection.Abort(peer.Now);
            peer.Advance(200_000_000);
            Assert.Equal((0, 0L), (peer.Host.Tcp.Count, peer.Host.Pool.Outstanding));
        }

        static byte[] RandomOptions(Random random, long written)
        {
            if (random.Next(3) == 0)
                return [];
            if (random.Next(4) == 0)
            {
                var junk = new byte[4 * random.Next(11)];
                random.NextBytes(junk);
                return junk;
            }

            // Selective acknowledgements of what may or may not have been sent; RawPeer's numbers begin at an unknown place, so most miss.
            var sack = new byte[20];
            (sack[0], sack[1], sack[2], sack[3]) = (1, 1, 5, 18);
            for (var i = 4; i < 20; i += 4)
                BinaryPrimitives.WriteUInt32BigEndian(sack.AsSpan(i), (uint)random.NextInt64(written + 2_000));
            return sack;
        }
    }

    /// <summary>A host with sockets of every kind open.</summary>
    private static RawPeer MakeBusyHost(Random random)
    {
        var limits = new HostLimits { BufferBytes = 8 << 20, TcpConnections = 500, Neighbors = 50 };
        var peer = new RawPeer(options => options with { Limits = limits }, resolve: random.Next(2) == 0);
        peer.Host.ListenTcp(new InetEndpoint(default, 80), null, out _, backlog: 8);
        peer.Host.OpenUdp(new InetEndpoint(default, 9), null, out var socket);
        socket!.JoinGroup(peer.Now, InetAddress.Parse("239.1.2.3"));
        socket.JoinGroup(peer.Now, InetAddress.Parse("ff15::1234"));
        socket.Options = new UdpOptions { ReceiveErrors = true };
        peer.Host.OpenFrames(0, null, out _, new FrameOptions { ReceiveBufferBytes = 20_000 });
        peer.Host.OpenEcho(new EchoRecorder(), out _);
        return peer;
    }

    private static void Tend(RawPeer peer, Random random, int i)
    {
        peer.Frames.Clear();
        if (i % 64 == 0)
            peer.Advance(random.Next(2_000_000));
        if (i % 1024 == 0)
            Assert.True(peer.Host.Pool.Outstanding <= 8 << 20);
    }

    private static void CheckAlive(RawPeer peer)
    {
        peer.Advance(400_000_000);
        Assert.InRange(peer.Host.Neighbors.Count, 0, 50);
        Assert.Equal(0, peer.Host.Reassembler.Count);
        peer.Frames.Clear();
        peer.ReceiveV4(IpProtocol.Icmp, RawPeer.Icmp(8, 0, 1, "still there?"u8));
        peer.Advance(1_000_000);
        Assert.NotEmpty(peer.Frames);
    }

    /// <summary>The frames that A was sent in conversations of all kinds.</summary>
    private static List<Frame> Record()
    {
        var pair = new Pair(new LinkOptions { Delay = 100, Loss = 0.02 }, 9);
        var recorded = new List<Frame>();
        pair.BtoA.Tap = frame => recorded.Add(new Frame { Bytes = frame.Packet.ToArray(), Length = frame.Length,
            EtherType = frame.EtherType, Destination = frame.Destination });
        var server = new AcceptAll(() => new StreamApp(() => pair.Now, 60_000, 2, 1));
        pair.A.ListenTcp(new InetEndpoint(default, 80), server, out _);
        foreach (var address in new[] { Pair.A4, Pair.A6 })
        {
            var client = new StreamApp(() => pair.Now, 60_000);
            pair.B.ConnectTcp(pair.Now, new InetEndpoint(address, 80), client, out var connection);
            client.Attach(connection!);
            Assert.True(pair.RunUntil(() => client.Closed));
            pair.B.OpenEcho(new EchoRecorder(), out var echo);
            echo!.Send(pair.Now, address, 1, new byte[6_000]);
            pair.B.OpenUdp(default, null, out var socket);
            socket!.SendTo(pair.Now, new InetEndpoint(address, 9), new byte[5_000]);
            pair.Run(1_000_000);
        }

        return recorded;
    }

    private static void FixIcmp(Span<byte> message, bool v6, Random random)
    {
        byte[] types = v6 ? [1, 2, 3, 4, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 143] : [0, 3, 5, 8, 11, 12];
        message[0] = types[random.Next(types.Length)];
        message[1] = (byte)random.Next(5);
        (message[2], message[3]) = (0, 0);
        if (message.Length > 60 && random.Next(2) == 0)
        {
            message[8] = v6 ? (byte)0x60 : (byte)0x45;
            (v6 ? Pair.A6 : Pair.A4).Write(message[(v6 ? 16 : 20)..]);
        }

        var sum = InternetChecksum.Sum(message) + (v6 ? InternetChecksum.PseudoHeader(Pair.B6, Pair.A6, IpProtocol.IcmpV6,
            message.Length) : 0);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], InternetChecksum.Finish(sum));
    }

    /// <summary>Makes the checksums of a mutated IPv4 packet right, so that the mutation gets further in.</summary>
    private static void FixChecksums(byte[] bytes)
    {
        if (bytes.Length < 20)
            return;
        var header = (bytes[0] & 15) * 4;
        if (header < 20 || header > bytes.Length)
            return;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)bytes.Length);
        (bytes[10], bytes[11]) = (0, 0);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(10), InternetChecksum.Finish(InternetChecksum.Sum(bytes.AsSpan(0, header))));
        var payload = bytes.AsSpan(header);
        if (bytes[9] != IpProtocol.Tcp || payload.Length < 20)
            return;
        (payload[16], payload[17]) = (0, 0);
        TcpSegment.WriteChecksum(payload, InternetChecksum.PseudoHeader(InetAddress.FromBytes(bytes.AsSpan(12, 4)),
            InetAddress.FromBytes(bytes.AsSpan(16, 4)),
            IpProtocol.Tcp, payload.Length));
    }
}
