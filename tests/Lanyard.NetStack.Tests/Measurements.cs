using System.Diagnostics;
using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>Figures, not checks: run with <c>-explicit only</c> on a Release build.</summary>
public class Measurements(ITestOutputHelper output)
{
    [Fact(Explicit = true)]
    public void Bulk_through_a_link_without_delay()
    {
        foreach (var v6 in new[] { false, true })
        {
            for (var run = 0; run < 3; run++)
            {
                var pair = new Pair();
                const long bytes = 2_000_000_000;
                var (client, server) = Transfer.Start(pair, bytes, 0, v6, setup: app => app.Verify = false);
                var watch = Stopwatch.StartNew();
                Assert.True(pair.RunUntil(() => client.Closed));
                var seconds = watch.Elapsed.TotalSeconds;
                output.WriteLine($"{(v6 ? "IPv6" : "IPv4")}: {bytes / seconds / 1e6:F0} MB/s, {bytes * 8 / seconds / 1e9:F2} Gbit/s, "
                    + $"{pair.A.Counters[HostCounter.TcpSegmentsSent]} segments, "
                    + $"{pair.B.Counters[HostCounter.TcpSegmentsSent]} acknowledgements, "
                    + $"{server.Apps[0].Connection.GetInfo()}");
            }
        }
    }

    [Fact(Explicit = true)]
    public void Round_trips_of_64_bytes_without_delay()
    {
        var pair = new Pair();
        var server = new AcceptAll(() => new StreamApp(() => pair.Now, 0) { Finish = false });
        pair.B.ListenTcp(new InetEndpoint(default, 1), server, out _);
        var client = new StreamApp(() => pair.Now, 0) { Finish = false };
        pair.A.ConnectTcp(pair.Now, new InetEndpoint(Pair.B4, 1), client, out var near);
        pair.RunUntil(() => server.Apps.Count == 1);
        var far = server.Apps[0].Connection;
        near!.Events = null;
        far.Events = null;
        var buffer = new byte[64];
        const int rounds = 200_000;
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < rounds; i++)
        {
            near.Write(pair.Now, buffer);
            while (far.ReadableBytes < 64)
                pair.Step(long.MaxValue);
            far.Read(pair.Now, buffer);
            far.Write(pair.Now, buffer);
            while (near.ReadableBytes < 64)
                pair.Step(long.MaxValue);
            near.Read(pair.Now, buffer);
        }

        output.WriteLine($"{watch.Elapsed.TotalMicroseconds / rounds:F2} us a round trip, both ends");
    }

    [Fact(Explicit = true)]
    public void A_flood_of_SYNs()
    {
        var peer = new RawPeer();
        peer.Host.ListenTcp(new InetEndpoint(default, 80), null, out _);
        const int count = 1_000_000;
        var syn = new byte[Ipv4Packet.HeaderBytes + TcpSegment.HeaderBytes];
        var watch = new Stopwatch();
        var memory = 0L;
        for (var i = 0; i < count; i++)
        {
            var source = InetAddress.FromV4(0x0a01_0002u + (uint)(i % 250));
            Ipv4Packet.WriteHeader(syn, source, Pair.A4, IpProtocol.Tcp, 64, 0, 0, true, false, 0, TcpSegment.HeaderBytes);
            var segment = syn.AsSpan(Ipv4Packet.HeaderBytes);
            TcpSegment.WriteHeader(segment, (ushort)(1_024 + (i % 60_000)), 80, (uint)i, 0, TcpFlags.Syn, 1_000, 0);
            TcpSegment.WriteChecksum(segment, InternetChecksum.PseudoHeader(source, Pair.A4, IpProtocol.Tcp, segment.Length));
            watch.Start();
            peer.Receive(NetworkHost.EtherTypeIPv4, syn);
            watch.Stop();
            peer.Frames.Clear();
            if (i == 10_000)
                memory = GC.GetTotalMemory(true);
        }

        output.WriteLine($"{watch.Elapsed.TotalNanoseconds / count:F0} ns a SYN, {GC.GetTotalMemory(true) - memory} bytes more after "
            + $"{count}, {peer.Host.Counters[HostCounter.TcpCookiesSent]} cookies");
    }

    [Theory(Explicit = true)]
    [InlineData(0, 20_000)]
    [InlineData(0.001, 20_000)]
    [InlineData(0.01, 20_000)]
    [InlineData(0.05, 20_000)]
    [InlineData(0.01, 100_000)]
    public void Goodput_over_loss(double loss, long rtt)
    {
        var pair = new Pair(new LinkOptions { Delay = rtt / 2, Loss = loss });
        const long bytes = 50_000_000;
        var (client, _) = Transfer.Start(pair, bytes, 0);
        var start = pair.Now;
        Assert.True(pair.RunUntil(() => client.Closed, 1_000_000_000));
        output.WriteLine($"loss {loss} rtt {rtt} us: {bytes * 8.0 / (pair.Now - start):F1} Mbit/s {client.Connection.GetInfo()}");
    }
}
