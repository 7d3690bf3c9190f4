using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>
/// Bulk data to and from the Linux kernel over links of every kind: loss, delay, reordering. Some of them and short here; with LANYARD_FULL_LENGTH=1
/// in the environment all of them, 50 MB or 60 s each. As root only; elsewhere skipped.
/// </summary>
[SupportedOSPlatform("linux")]
public class KernelMatrixTests(ITestOutputHelper output)
{
    private const int Port = 7000;

    /// <summary>How many links are tried at a time: most of them wait for the delay.</summary>
    private const int AtOnce = 12;

    /// <summary>Without a byte for so long, a transfer has stalled: far beyond what a few lost retransmissions in a row cost.</summary>
    private static readonly TimeSpan Stall = TimeSpan.FromSeconds(25);

    private static readonly bool s_isFullLength = Environment.GetEnvironmentVariable("LANYARD_FULL_LENGTH") == "1";
    private static readonly double[] s_losses = [0, 0.001, 0.01, 0.05];
    private static readonly int[] s_roundTripMs = [1, 20, 100];

    // In CI: the corners, and what is between them once.
    private static readonly (double Loss, int RoundTripMs, bool IsReordered)[] s_some =
    [
        (0, 1, false), (0, 100, true), (0.001, 20, true), (0.01, 1, true), (0.01, 20, false), (0.01, 100, true), (0.05, 1, false), (0.05, 20, true),
    ];

    private static int Bytes(double loss, int roundTripMs) => s_isFullLength ? 50_000_000 : loss >= 0.05 ? 150_000 : loss * roundTripMs >= 0.5 ? 600_000 : 4_000_000;

    private static TimeSpan Duration => TimeSpan.FromSeconds(s_isFullLength ? 60 : 4);

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Every_byte_is_right_and_no_transfer_stalls(bool isSending, bool v6)
    {
        if (KernelPeer.WhyNot is { } reason)
            Assert.Skip(reason);
        var links = s_isFullLength
            ? [.. from loss in s_losses from roundTripMs in s_roundTripMs from isReordered in new[] { false, true } select (loss, roundTripMs, isReordered)]
            : s_some;
        using var slots = new SemaphoreSlim(AtOnce);
        await Task.WhenAll(links.Select((link, number) => Task.Run(async () =>
        {
            await slots.WaitAsync();
            try
            {
                var (loss, roundTripMs, isReordered) = link;
                var options = new LinkOptions
                {
                    Delay = roundTripMs * 500,
                    Loss = loss,
                    Reorder = isReordered ? 0.02 : 0,
                    ReorderDelay = roundTripMs * 250,
                };
                var what = string.Create(CultureInfo.InvariantCulture,
                    $"loss {loss:P1}, {roundTripMs} ms, {(isReordered ? "reordered" : "in order")}, {(isSending ? "sending" : "receiving")}, {(v6 ? "IPv6" : "IPv4")}");
                await TransferAsync(options, number + 1, isSending, v6, Bytes(loss, roundTripMs), what);
            }
            finally
            {
                slots.Release();
            }
        })));
    }

    private async Task TransferAsync(LinkOptions link, int seed, bool isSending, bool v6, int bytes, string what)
    {
        using var peer = new KernelPeer(seed: seed, link: link);
        using var listening = new ManualResetEventSlim();
        var progress = new Progress();
        var kernel = peer.InKernel(() =>
        {
            using var listener = new Socket(v6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(v6 ? IPAddress.IPv6Any : IPAddress.Any, Port));
            listener.Listen();
            listening.Set();
            using var socket = listener.Accept();
            socket.SendTimeout = socket.ReceiveTimeout = (int)Stall.TotalMilliseconds;
            return isSending ? Receive(socket, progress) : Send(socket, bytes);
        });
        listening.Wait();
        var watch = Stopwatch.StartNew();
        var app = new StreamApp(() => peer.Now, isSending ? bytes : 0, sendSeed: 1, expectSeed: 2);
        lock (peer.Lock)
        {
            Assert.Equal(NetError.None, peer.Host.ConnectTcp(peer.Now, new InetEndpoint(v6 ? Pair.B6 : Pair.B4, Port), app, out var connection));
            app.Attach(connection!);
        }

        // Waits for the end as long as bytes come; a sender whose time is up finishes with what it has written.
        var (last, since) = (0L, Stopwatch.StartNew());
        while (!app.Closed)
        {
            await Task.Delay(20);
            long now;
            lock (peer.Lock)
            {
                now = isSending ? progress.Bytes : app.Received;
                if (isSending && app.ToSend > app.Sent && watch.Elapsed > Duration)
                {
                    app.ToSend = app.Sent;
                    app.Pump();
                }
            }

            if (now != last)
            {
                last = now;
                since.Restart();
            }

            Assert.True(since.Elapsed < Stall, $"{what}: no byte for {Stall.TotalSeconds} s after {last}; {app.Connection.GetInfo()}");
        }

        var total = await kernel.WaitAsync(Stall);
        Assert.True(app.Reason == NetError.None, $"{what}: closed with {app.Reason}");
        Assert.False(app.Corrupted, $"{what}: a wrong byte");
        Assert.False(progress.IsCorrupted, $"{what}: a wrong byte");
        Assert.Equal(isSending ? app.Sent : app.Received, total);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {total * 8 / watch.Elapsed.TotalMicroseconds:F1} Mbit/s, {total} bytes"));
    }

    private static long Receive(Socket socket, Progress progress)
    {
        var expected = StreamApp.Pattern(1);
        var buffer = new byte[expected.Length];
        long received = 0;
        while (true)
        {
            var from = (int)(received % expected.Length);
            var count = socket.Receive(buffer.AsSpan(0, expected.Length - from));
            if (count == 0)
                return received;
            progress.IsCorrupted |= !buffer.AsSpan(0, count).SequenceEqual(expected.AsSpan(from, count));
            received += count;
            progress.Bytes = received;
        }
    }

    private static long Send(Socket socket, int bytes)
    {
        var pattern = StreamApp.Pattern(2);
        var watch = Stopwatch.StartNew();
        long sent = 0;
        while (sent < bytes && watch.Elapsed < Duration)
        {
            var from = (int)(sent % pattern.Length);
            sent += socket.Send(pattern.AsSpan(from, (int)Math.Min(bytes - sent, pattern.Length - from)));
        }

        socket.Shutdown(SocketShutdown.Send);
        while (socket.Receive(new byte[1]) > 0)
        {
            // The other end has nothing to say; this waits until it has finished too.
        }

        return sent;
    }

    /// <summary>What the kernel's side has read so far.</summary>
    private sealed class Progress
    {
        private long _bytes;

        public long Bytes
        {
            get => Volatile.Read(ref _bytes);
            set => Volatile.Write(ref _bytes, value);
        }

        public bool IsCorrupted { get; set; }
    }
}
