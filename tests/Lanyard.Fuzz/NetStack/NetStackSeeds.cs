using Lanyard.NetStack;
using Lanyard.NetStack.Tests;
using Lanyard.Primitives;

namespace Lanyard.Fuzz;

/// <summary>Packets of real conversations between two hosts, and short scenarios.</summary>
internal static class NetStackSeeds
{
    /// <summary>One packet of each kind, a byte with its kind in front.</summary>
    public static IEnumerable<byte[]> Packets() => Conversation()
        .GroupBy(frame => (frame.EtherType, frame.Packet.Length / 32, frame.Packet.Length > 40 ? frame.Packet[9] : 0, frame.Packet.Length > 54 ? frame.Packet[33] : 0))
        .SelectMany(group => group.Take(2))
        .Select(frame => (byte[])[Kind(frame), .. frame.Packet[..Math.Min(frame.Packet.Length, 1_600)]]);

    /// <summary>Each step alone, and in pairs.</summary>
    public static IEnumerable<byte[]> Stories()
    {
        var random = new Random(1);
        for (var step = 0; step < 20; step++)
        {
            for (var variant = 0; variant < 4; variant++)
            {
                var bytes = new byte[60];
                random.NextBytes(bytes);
                (bytes[0], bytes[1]) = ((byte)(variant * 4), (byte)step);
                yield return bytes;
            }
        }

        // A flood of handshakes, and the answer to a cookie, with timestamps and without.
        for (byte choice = 0; choice < 6; choice++)
            yield return [2, 18, 200, 4, choice, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 4, choice, 0, 0, 0, 0xff, 0xff, 0, 12, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 0];
        // Errors of each kind about a packet that was sent, over IPv4 and IPv6.
        for (byte type = 0; type < 16; type++)
        {
            foreach (byte sender in (byte[])[0x00, 0x20, 0x02, 0x22])
            {
                byte[] error = [7, (byte)(sender >> 5), type, (byte)(type & 4), 0, 0, 5, 0, 1, 60, 64];
                yield return [0, 10, (byte)(sender >> 5), .. error, 12, sender, 1, 0, 40, .. error, 12, 3, 12, 4];
            }
        }

        // Questions about neighbors and answers, and routers that are none.
        for (var choice = 0; choice < 256; choice++)
        {
            foreach (byte target in (byte[])[0, 3, 4, 5, 7])
                yield return [0, 10, 1, 8, (byte)(choice | 0x21), target, 0, (byte)(choice >> 1 & 0x60), 0, 0, 0xff, 8, (byte)(choice | 1), target, 5, 6, 0x60, 0xff, 13, 22];
        }

        // Groups that are asked about, told of by others, and left, in each version.
        for (byte choice = 0; choice < 64; choice++)
            yield return [(byte)((choice & 1) << 6), 9, choice, 0, 100, 0, 0, 13, 20, 9, (byte)(choice | 2), 0x80, 9, 0, 12, 2, 9, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 12, 6, 13, 22, 12, 14, 13, 24];
        foreach (var story in HostStorySeeds.All())
            yield return story;
    }

    /// <summary>Connections that send, receive and end.</summary>
    public static IEnumerable<byte[]> TcpStories()
    {
        byte[] segment = [0, 0, 0, 0, 0xff, 0xff, 0, 0, 0x85];
        byte[] end = [0, 0x11, 0, 0, 0xff, 0xff, 0, 0, 0];
        byte[] write = [7, 0, 0x10, 0x00];
        byte[] read = [7, 5, 0x20, 0x00];
        byte[] wait = [11, 20];
        byte[] close = [7, 12, 0];
        foreach (var options in (byte[])[0x05, 0x1d, 0x3d, 0x7d, 0x3a])
        {
            byte[] open = [0, 0, 0xff, 0xff, options];
            yield return [.. open, 0, .. segment, .. read, .. write, .. wait, 0, .. end, .. close, .. wait];
            yield return [.. open, .. write, .. write, .. wait, 0, .. segment, 0, .. segment, .. wait, .. wait, .. close];
            yield return [.. open, 0, 0, 0, 0xb0, 5, 0, 0, 0xff, 0xff, 0, 0, 0x85, 0, .. segment, .. read, .. wait, .. close];
        }
    }

    /// <summary>Datagrams in parts, in order and backwards, alone and disturbed.</summary>
    public static IEnumerable<byte[]> Reassemblies() =>
    [
        [0, 0x10, 0x00, 3, 0x04, 0x00, 0x08, 0x00, 0x0c, 0x00, 0, 1, 2, 3],
        [1, 0x10, 0x00, 3, 0x04, 0x00, 0x08, 0x00, 0x0c, 0x00, 3, 2, 1, 0],
        [0, 0x20, 0x00, 2, 0x04, 0x00, 0x10, 0x00, 0, 0, 0xe0, 0x04, 0x00, 1, 0, 16, .. new byte[16], 1, 2],
        [1, 0x20, 0x00, 0],
        // More fragments than the limit for a datagram.
        [0, 0x20, 0x00, 0, .. Enumerable.Range(1, 140).SelectMany(i => (byte[])[0xe0, (byte)(i >> 4), (byte)(i << 4), 1, 0, 8, .. new byte[8]])],
    ];

    private static byte Kind(Frame frame) => frame.EtherType switch { NetworkHost.EtherTypeArp => 0, NetworkHost.EtherTypeIPv4 => 1, NetworkHost.EtherTypeIPv6 => 2, _ => 3 };

    private static List<Frame> Conversation()
    {
        var pair = new Pair(new LinkOptions { Delay = 100, Loss = 0.02 }, 9);
        var frames = new List<Frame>();
        pair.BtoA.Tap = frame => frames.Add(new Frame { Bytes = frame.Packet.ToArray(), Length = frame.Length, EtherType = frame.EtherType, Destination = frame.Destination });
        pair.A.ListenTcp(new InetEndpoint(default, 80), new AcceptAll(() => new StreamApp(() => pair.Now, 20_000, 2, 1)), out _);
        foreach (var address in new[] { Pair.A4, Pair.A6 })
        {
            var client = new StreamApp(() => pair.Now, 20_000);
            pair.B.ConnectTcp(pair.Now, new InetEndpoint(address, 80), client, out var connection);
            client.Attach(connection!);
            pair.RunUntil(() => client.Closed);
            pair.B.OpenEcho(new EchoRecorder(), out var echo);
            echo!.Send(pair.Now, address, 1, new byte[6_000]);
            pair.B.OpenUdp(default, null, out var socket);
            socket!.JoinGroup(pair.Now, InetAddress.Parse("239.1.2.3"));
            socket.JoinGroup(pair.Now, InetAddress.Parse("ff15::1234"));
            socket.SendTo(pair.Now, new InetEndpoint(address, 9), new byte[5_000]);
            pair.Run(1_000_000);
        }

        return frames;
    }
}
