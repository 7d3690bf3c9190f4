using System.Buffers.Binary;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard.Tests;

/// <summary>Captures of a network.</summary>
public sealed class CaptureTests
{
    [Fact]
    public async Task Frames_of_both_directions_are_captured_with_their_headers_and_times_in_order()
    {
        await using var pair = await Pair.StartAsync();
        using var file = new MemoryStream();
        var capture = pair.A.Capture(file, new LanyardCaptureOptions { LeaveOpen = true });
        var before = DateTimeOffset.UtcNow;
        Assert.True((await pair.A.PingAsync(pair.B.IPv4Address!, TimeSpan.FromMinutes(1), 100, TestLan.Guard)).IsSuccess);
        await capture.DisposeAsync();
        Assert.True(capture.Completion.IsCompletedSuccessfully);
        var read = CaptureReader.Read(file.ToArray());
        Assert.Equal((capture.Frames, 0L), (read.Frames.Count, capture.DroppedFrames));
        Assert.Equal((capture.Frames, 0UL), ((long)read.Received, read.Dropped));
        Assert.Equal(pair.A.Id.ToString(), read.InterfaceName);

        var request = Assert.Single(read.Frames, frame => IsEcho(frame, 8));
        var reply = Assert.Single(read.Frames, frame => IsEcho(frame, 0));
        Assert.Equal((true, pair.A.Mac, pair.B.Mac, 14 + 20 + 8 + 100), (request.IsOutbound, request.Source, request.Destination, request.Length));
        Assert.Equal((false, pair.B.Mac, pair.A.Mac, 14 + 20 + 8 + 100), (reply.IsOutbound, reply.Source, reply.Destination, reply.Length));
        Assert.Equal(read.Frames.Select(frame => frame.Time).Order(), read.Frames.Select(frame => frame.Time));
        Assert.InRange(request.Time, (before.ToUnixTimeMilliseconds() - 60_000) * 1_000, (before.ToUnixTimeMilliseconds() + 600_000) * 1_000);

        // Nothing of it is left on the way of frames.
        var frames = capture.Frames;
        Assert.True((await pair.A.PingAsync(pair.B.IPv4Address!, TimeSpan.FromMinutes(1), 100, TestLan.Guard)).IsSuccess);
        Assert.Equal(frames, capture.Frames);
    }

    [Fact]
    public async Task A_slow_stream_loses_frames_that_are_counted_and_the_node_goes_on()
    {
        await using var pair = await Pair.StartAsync();
        // Frames wait in small numbers only while the neighbor is being found.
        Assert.True((await pair.A.PingAsync(pair.B.IPv4Address!, TimeSpan.FromMinutes(1), 56, TestLan.Guard)).IsSuccess);
        using var file = new HeldStream();
        var capture = pair.A.Capture(file, new LanyardCaptureOptions { BufferBytes = 1, LeaveOpen = true });
        using var socket = pair.A.OpenUdp();
        for (var i = 0; i < 400; i++)
            socket.SendTo(new byte[1_400], new InetEndpoint(Pair.Address(pair.B), 9));
        // What comes behind so many may be lost once itself.
        var guard = TestLan.Guard;
        while (!(await pair.A.PingAsync(pair.B.IPv4Address!, TimeSpan.FromSeconds(1), 56, guard)).IsSuccess)
            guard.ThrowIfCancellationRequested();
        Assert.True(capture.DroppedFrames > 100);
        file.Release();
        await capture.DisposeAsync();
        var read = CaptureReader.Read(file.ToArray());
        Assert.Equal(capture.Frames, read.Frames.Count);
        Assert.Equal((ulong)capture.DroppedFrames, read.Dropped);
        Assert.Equal((ulong)(capture.Frames + capture.DroppedFrames), read.Received);
    }

    [Fact]
    public async Task A_capture_ends_by_itself_after_so_many_frames_and_keeps_as_much_of_each_as_asked_for()
    {
        await using var pair = await Pair.StartAsync();
        Assert.True((await pair.A.PingAsync(pair.B.IPv4Address!, TimeSpan.FromMinutes(1), 56, TestLan.Guard)).IsSuccess);
        using var file = new MemoryStream();
        var capture = pair.A.Capture(file, new LanyardCaptureOptions { MaxFrames = 5, SnapLength = 40, LeaveOpen = true });
        using var socket = pair.A.OpenUdp();
        for (var i = 0; i < 20; i++)
            socket.SendTo(new byte[500], new InetEndpoint(Pair.Address(pair.B), 9));
        await capture.Completion.WaitAsync(TestLan.Guard);
        var read = CaptureReader.Read(file.ToArray());
        Assert.Equal(5, read.Frames.Count);
        Assert.Contains(read.Frames, frame => frame.Length == 14 + 20 + 8 + 500 && frame.Bytes.Length == 40);
        Assert.All(read.Frames, frame => Assert.True(frame.Bytes.Length <= 40));
    }

    [Fact]
    public async Task A_stream_that_fails_ends_its_capture_and_nothing_else()
    {
        await using var pair = await Pair.StartAsync();
        var capture = pair.A.Capture(new FailingStream());
        await Assert.ThrowsAsync<IOException>(() => capture.Completion.WaitAsync(TestLan.Guard));
        await capture.DisposeAsync();
        Assert.True((await pair.A.PingAsync(pair.B.IPv4Address!, TimeSpan.FromMinutes(1), 56, TestLan.Guard)).IsSuccess);
        Assert.Equal(0, capture.Frames);
    }

    [Fact]
    public async Task Leaving_the_network_ends_a_capture_and_closes_its_stream()
    {
        await using var pair = await Pair.StartAsync();
        var file = new MemoryStream();
        var capture = pair.A.Capture(file);
        await pair.A.Node.LeaveAsync(pair.A.Id, TestLan.Guard);
        await capture.Completion.WaitAsync(TestLan.Guard);
        Assert.False(file.CanWrite);
        Assert.Throws<LanyardNetworkException>(() => pair.A.Capture(new MemoryStream()));
    }

    private static bool IsEcho(CapturedFrame frame, byte type) =>
        frame.EtherType == NetworkHost.EtherTypeIPv4 && frame.Bytes[14 + 9] == 1 && frame.Bytes[14 + 20] == type;

    private sealed class HeldStream : MemoryStream
    {
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Release() => _released.SetResult();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await _released.Task;
            await base.WriteAsync(buffer, cancellationToken);
        }
    }

    private sealed class FailingStream : MemoryStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            throw new IOException("The disk is full.");
    }
}

/// <summary>A frame in a capture file.</summary>
internal sealed record CapturedFrame(long Time, bool IsOutbound, int Length, byte[] Bytes)
{
    public MacAddress Destination => MacAddress.Read(Bytes);

    public MacAddress Source => MacAddress.Read(Bytes.AsSpan(6));

    public ushort EtherType => BinaryPrimitives.ReadUInt16BigEndian(Bytes.AsSpan(12));
}

/// <summary>Reads the pcapng files that captures produce, block by block.</summary>
internal sealed record CaptureReader(string InterfaceName, List<CapturedFrame> Frames, ulong Received, ulong Dropped)
{
    public static CaptureReader Read(byte[] file)
    {
        Assert.Equal(0x0a0d0d0au, BinaryPrimitives.ReadUInt32LittleEndian(file));
        var read = new CaptureReader("", [], 0, 0);
        for (var at = 0; at < file.Length;)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 4));
            var block = file.AsSpan(at, length);
            Assert.Equal(0, length & 3);
            Assert.Equal(length, BinaryPrimitives.ReadInt32LittleEndian(block[^4..]));
            switch (BinaryPrimitives.ReadUInt32LittleEndian(block))
            {
                case 1:
                    Assert.Equal(1, BinaryPrimitives.ReadUInt16LittleEndian(block[8..]));
                    read = read with { InterfaceName = System.Text.Encoding.UTF8.GetString(Option(block[16..^4], 2)) };
                    break;
                case 6:
                    var kept = BinaryPrimitives.ReadInt32LittleEndian(block[20..]);
                    var time = ((long)BinaryPrimitives.ReadUInt32LittleEndian(block[12..]) << 32)
                        | BinaryPrimitives.ReadUInt32LittleEndian(block[16..]);
                    var flags = BinaryPrimitives.ReadUInt32LittleEndian(Option(block[(28 + ((kept + 3) & ~3))..^4], 2));
                    read.Frames.Add(new CapturedFrame(time, flags == 2, BinaryPrimitives.ReadInt32LittleEndian(block[24..]),
                        block.Slice(28, kept).ToArray()));
                    break;
                case 5:
                    Assert.Equal(file.Length, at + length);
                    read = read with
                    {
                        Received = BinaryPrimitives.ReadUInt64LittleEndian(Option(block[20..^4], 4)),
                        Dropped = BinaryPrimitives.ReadUInt64LittleEndian(Option(block[20..^4], 5)),
                    };
                    break;
                default:
                    break;
            }

            at += length;
        }

        return read;
    }

    private static ReadOnlySpan<byte> Option(ReadOnlySpan<byte> options, ushort wanted)
    {
        while (BinaryPrimitives.ReadUInt16LittleEndian(options) is var code and not 0)
        {
            var length = BinaryPrimitives.ReadUInt16LittleEndian(options[2..]);
            if (code == wanted)
                return options.Slice(4, length);
            options = options[(4 + ((length + 3) & ~3))..];
        }

        Assert.Fail($"There is no option {wanted}.");
        return default;
    }
}
