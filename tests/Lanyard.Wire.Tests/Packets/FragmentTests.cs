using Lanyard.Primitives;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Wire.Tests.Packets;

public sealed class FragmentTests
{
    private static readonly InetEndpoint Here = InetEndpoint.Parse("192.0.2.1:9993");
    private static readonly InetEndpoint There = InetEndpoint.Parse("192.0.2.2:9993");
    private readonly byte[] _joined = new byte[PacketFormat.MaxPacketBytes];

    [Theory]
    [InlineData(28, 1432, 1)]
    [InlineData(1432, 1432, 1)]
    [InlineData(1433, 1432, 2)]
    [InlineData(1432 + 1416, 1432, 2)]
    [InlineData(1432 + 1416 + 1, 1432, 3)]
    [InlineData(9928, 1432, 7)]
    [InlineData(2900, 1400, 3)]
    public void A_packet_splits_into_as_few_datagrams_as_the_path_allows(int length, int mtu, int count)
    {
        var packet = NewPacket(1, length);
        Assert.Equal(count, Parts(packet, mtu).Length);
        Assert.Equal(length + ((count - 1) * PacketFormat.FragmentHeaderBytes), Parts(packet, mtu).Sum(part => part.Length));
        var longest = Parts(packet, mtu)[0].Length;
        Assert.InRange(longest, 1, mtu);
        Assert.All(Parts(packet, mtu)[..^1], part => Assert.Equal(longest, part.Length));
        Assert.InRange(Parts(packet, mtu)[^1].Length, longest - count + 1, longest);
    }

    [Fact]
    public void A_fragment_names_its_packet_its_receiver_and_its_place()
    {
        var packet = NewPacket(0x1122334455667788, 4000);
        var part = Parts(packet, 1432)[2];

        Assert.True(FragmentView.TryParse(part, out var fragment));
        Assert.Equal(0x1122334455667788u, fragment.PacketId);
        Assert.Equal(NodeAddress.Parse("0102030405"), fragment.Destination);
        Assert.Equal((2, 3, 0), (fragment.Number, fragment.Total, fragment.Hops));
        Assert.Equal(packet[(1344 + 1328)..], fragment.Data.ToArray());
        Assert.Equal("1122334455667788 0102030405 ff 32 00".Replace(" ", "", StringComparison.Ordinal), TestData.ToHex(part.AsSpan(0, 16)));
    }

    [Fact]
    public void A_fragments_hops_count_up_to_the_limit()
    {
        var part = Parts(NewPacket(1, 2000), 1432)[1];

        Assert.True(FragmentView.TryIncrementHops(part, 2));
        Assert.True(FragmentView.TryIncrementHops(part, 2));
        Assert.False(FragmentView.TryIncrementHops(part, 2));
        Assert.True(FragmentView.TryParse(part, out var fragment));
        Assert.Equal(2, fragment.Hops);
    }

    [Fact]
    public void A_packet_that_would_take_too_many_datagrams_is_refused()
    {
        Assert.Equal(9928, PacketFormat.MaxPacketBytesFor(1432));
        Assert.Throws<ArgumentOutOfRangeException>(() => PacketSplitter.Split(new byte[12_000], 9929, 1432, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => PacketSplitter.Split(new byte[200], 100, 27, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => PacketSplitter.Split(new byte[2_015], 2_000, 1432, out _));
    }

    [Theory]
    [InlineData(1433, 2)]
    [InlineData(2838, 2)]
    [InlineData(2839, 2)]
    [InlineData(5000, 4)]
    [InlineData(9928, 7)]
    public void Parts_that_lie_one_behind_the_other_join_on_the_spot(int length, int count)
    {
        var packet = NewPacket(1, length);
        var (run, datagramBytes) = Run(packet, 1432);
        byte[] withMore = [.. run, .. new byte[datagramBytes]];

        Assert.True(PacketSplitter.TryJoin(run, datagramBytes, out var packetBytes, out var taken));
        Assert.Equal(packet, run[..packetBytes]);
        Assert.Equal(length + ((count - 1) * PacketFormat.FragmentHeaderBytes), taken);
        if (taken % datagramBytes == 0)
        {
            Assert.True(PacketSplitter.TryJoin(withMore, datagramBytes, out packetBytes, out taken));
            Assert.Equal(packet, withMore[..packetBytes]);
            Assert.Equal(run.Length, taken);
        }
    }

    [Fact]
    public void An_incomplete_or_unordered_run_is_not_changed()
    {
        var (whole, datagramBytes) = Run(NewPacket(1, 4_000), 1432);
        var parts = whole.Chunk(datagramBytes).ToArray();
        var other = Run(NewPacket(2, 4_000), 1432).Run.Chunk(datagramBytes).ToArray();
        byte[][][] runs =
        [
            [parts[0]], [parts[0], parts[1]], [parts[0], parts[2], parts[1]], [parts[0], parts[1], other[2]], [parts[0], other[1], other[2]],
            [parts[0], parts[1], parts[1]], [parts[0], parts[1][..10]], [parts[0], parts[1], parts[2][..16]],
        ];
        foreach (var run in runs)
        {
            var bytes = run.SelectMany(part => part).ToArray();
            var before = bytes.ToArray();
            Assert.False(PacketSplitter.TryJoin(bytes, datagramBytes, out _, out _));
            Assert.Equal(before, bytes);
        }
    }

    [Fact]
    public void Joining_arbitrary_runs_never_fails_otherwise()
    {
        var random = new Random(7);
        var (whole, datagramBytes) = Run(NewPacket(1, 6_000), 1432);
        for (var round = 0; round < 20_000; round++)
        {
            var run = whole[..random.Next(1, whole.Length + 1)];
            for (var i = random.Next(4); i > 0; i--)
                run[random.Next(2) == 0 ? random.Next(run.Length) : Math.Min(run.Length - 1, (random.Next(5) * datagramBytes) + random.Next(16))] = (byte)random.Next(256);
            if (PacketSplitter.TryJoin(run, random.Next(2) == 0 ? datagramBytes : random.Next(1, 2_000), out var packetBytes, out var taken))
                Assert.InRange(packetBytes, 1, taken);
        }
    }

    [Fact]
    public void Parts_join_in_whatever_order_they_come()
    {
        var packet = NewPacket(1, 5000);
        var parts = Parts(packet, 1432);
        var random = new Random(1);
        for (var round = 0; round < 50; round++)
        {
            var buffer = new FragmentBuffer();
            random.Shuffle(parts);
            for (var i = 0; i < parts.Length; i++)
            {
                var isLast = i == parts.Length - 1;
                Assert.Equal(isLast ? FragmentResult.Joined : FragmentResult.Waiting, Add(buffer, parts[i], Here, out var length));
                Assert.Equal(isLast ? packet.Length : 0, length);
                Assert.Equal(isLast ? 0 : 1, buffer.Count);
            }

            Assert.Equal(packet, _joined[..packet.Length]);
        }
    }

    [Fact]
    public void A_part_that_comes_twice_counts_once_and_the_first_is_kept()
    {
        var packet = NewPacket(1, 3000);
        var parts = Parts(packet, 1432);
        var other = parts[1].ToArray();
        other[^1] ^= 1;
        var buffer = new FragmentBuffer();

        Add(buffer, parts[1], Here, out _);
        Assert.Equal(FragmentResult.Duplicate, Add(buffer, other, Here, out _));
        Add(buffer, parts[0], Here, out _);
        Assert.Equal(FragmentResult.Duplicate, Add(buffer, parts[0], Here, out _));
        Assert.Equal(FragmentResult.Joined, Add(buffer, parts[2], Here, out var length));

        Assert.Equal(packet, _joined[..length]);
    }

    [Fact]
    public void Parts_of_different_packets_and_from_different_sources_do_not_mix()
    {
        var one = Parts(NewPacket(1, 2000), 1432);
        var two = Parts(NewPacket(2, 2000), 1432);
        var buffer = new FragmentBuffer();

        Assert.Equal(FragmentResult.Waiting, Add(buffer, one[0], Here, out _));
        Assert.Equal(FragmentResult.Waiting, Add(buffer, two[1], Here, out _));
        Assert.Equal(FragmentResult.Waiting, Add(buffer, one[1], There, out _));
        Assert.Equal(3, buffer.Count);
        Assert.Equal(FragmentResult.Joined, Add(buffer, one[1], Here, out _));
        Assert.Equal(FragmentResult.Joined, Add(buffer, one[0], There, out _));
        Assert.Equal(1, buffer.Count);
    }

    [Fact]
    public void Parts_that_do_not_agree_on_their_number_are_dropped()
    {
        var three = Parts(NewPacket(1, 3000), 1432);
        var two = Parts(NewPacket(1, 2000), 1432);
        var buffer = new FragmentBuffer();

        Add(buffer, three[2], Here, out _);
        Assert.Equal(FragmentResult.Contradiction, Add(buffer, two[1], Here, out _));
        Assert.Equal(0, buffer.Count);
    }

    [Fact]
    public void A_packet_that_would_become_too_long_is_dropped()
    {
        var long1 = Parts(NewPacket(1, 10_000), 5100)[1];
        var long0 = NewPacket(1, 9_000);
        var buffer = new FragmentBuffer();

        Add(buffer, long1, Here, out _);
        Assert.Equal(FragmentResult.Contradiction, Add(buffer, long0, Here, out _));
        Assert.Equal(0, buffer.Count);
    }

    [Fact]
    public void In_a_full_buffer_the_packet_that_was_begun_first_makes_way()
    {
        var buffer = new FragmentBuffer(2);
        var parts = Enumerable.Range(1, 3).Select(id => Parts(NewPacket((ulong)id, 2000), 1432)).ToArray();
        foreach (var packet in parts)
            Add(buffer, packet[1], Here, out _);

        Assert.Equal((2, 1L), (buffer.Count, buffer.Displaced));
        Assert.Equal(FragmentResult.Joined, Add(buffer, parts[1][0], Here, out _));
        Assert.Equal(FragmentResult.Joined, Add(buffer, parts[2][0], Here, out _));
        Assert.Equal(FragmentResult.Waiting, Add(buffer, parts[0][0], Here, out _));
    }

    [Fact]
    public void Strangers_never_displace_the_packets_of_known_sources_and_have_half_of_the_buffer_at_most()
    {
        var buffer = new FragmentBuffer(8);
        for (var id = 1; id <= 4; id++)
            Add(buffer, Parts(NewPacket((ulong)id, 2000), 1432)[0], Here, out _);
        for (var id = 100; id < 1_100; id++)
            Add(buffer, Parts(NewPacket((ulong)id, 2000), 1432)[0], Stranger(id), out _, isKnown: false);

        Assert.Equal(8, buffer.Count);
        for (var id = 1; id <= 4; id++)
            Assert.Equal(FragmentResult.Joined, Add(buffer, Parts(NewPacket((ulong)id, 2000), 1432)[1], Here, out _));

        // Known sources take all of it, and then there is no room for a stranger.
        for (var id = 11; id <= 18; id++)
            Add(buffer, Parts(NewPacket((ulong)id, 2000), 1432)[0], Here, out _);
        Assert.Equal(FragmentResult.Refused, Add(buffer, Parts(NewPacket(2_000, 2000), 1432)[0], Stranger(1), out _, isKnown: false));
        for (var id = 11; id <= 18; id++)
            Assert.Equal(FragmentResult.Joined, Add(buffer, Parts(NewPacket((ulong)id, 2000), 1432)[1], Here, out _));
    }

    [Fact]
    public void The_prefix_with_most_incomplete_packets_loses_one()
    {
        var buffer = new FragmentBuffer(8, key: 7);
        Add(buffer, Parts(NewPacket(1, 2000), 1432)[0], Stranger(1), out _);
        for (var id = 100; id < 200; id++)
            Add(buffer, Parts(NewPacket((ulong)id, 2000), 1432)[0], Here, out _);

        Assert.Equal(FragmentResult.Joined, Add(buffer, Parts(NewPacket(1, 2000), 1432)[1], Stranger(1), out _));
    }

    [Fact]
    public void Old_incomplete_packets_are_dropped()
    {
        var buffer = new FragmentBuffer();
        for (var id = 1; id <= 3; id++)
            Add(buffer, Parts(NewPacket((ulong)id, 2000), 1432)[0], Here, out _, time: id * 10);

        Assert.Equal(2, buffer.DropOlderThan(30));
        Assert.Equal(1, buffer.Count);
        Assert.Equal(0, buffer.DropOlderThan(30));
    }

    [Fact]
    public void Hostile_fragments_neither_throw_nor_grow_the_buffer()
    {
        var random = new Random(5);
        var buffer = new FragmentBuffer(8);
        var datagram = new byte[PacketFormat.MaxPacketBytes];
        for (var round = 0; round < 20_000; round++)
        {
            var length = random.Next(4) == 0 ? random.Next(17, datagram.Length) : random.Next(17, 100);
            random.NextBytes(datagram.AsSpan(0, 32));
            datagram.AsSpan(0, 7).Clear();
            datagram[7] &= 7;
            datagram[13] = random.Next(8) == 0 ? (byte)0 : (byte)0xff;
            datagram[18] |= 0x40;
            Add(buffer, datagram.AsSpan(0, length), random.Next(2) == 0 ? Here : There, out var joined);
            Assert.InRange(joined, 0, PacketFormat.MaxPacketBytes);
            Assert.InRange(buffer.Count, 0, 8);
        }
    }

    [Fact]
    public void Joining_allocates_nothing_once_the_buffer_has_its_memory()
    {
        var buffer = new FragmentBuffer(1);
        var parts = Parts(NewPacket(1, 3000), 1432);
        foreach (var part in parts)
            Add(buffer, part, Here, out _);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            foreach (var part in parts)
                Add(buffer, part, Here, out _);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private FragmentResult? Add(FragmentBuffer buffer, ReadOnlySpan<byte> datagram, InetEndpoint source, out int length, long time = 0, bool isKnown = true)
    {
        length = 0;
        if (FragmentView.TryParse(datagram, out var fragment))
            return buffer.AddFragment(fragment, source, isKnown, time, _joined, out length);
        return PacketView.TryParse(datagram, out var head) ? buffer.AddHead(head, source, isKnown, time, _joined, out length) : null;
    }

    private static InetEndpoint Stranger(int number) => new(InetAddress.FromV4(0x2d00_0000 + ((uint)number << 8)), 9993);

    private static byte[][] Parts(byte[] packet, int mtu)
    {
        var (run, datagramBytes) = Run(packet, mtu);
        return [.. run.Chunk(datagramBytes)];
    }

    private static (byte[] Run, int DatagramBytes) Run(byte[] packet, int mtu)
    {
        var buffer = new byte[packet.Length + PacketSplitter.MaxAddedBytes];
        packet.CopyTo(buffer, 0);
        var total = PacketSplitter.Split(buffer, packet.Length, mtu, out var datagramBytes);
        return (buffer[..total], datagramBytes);
    }

    private static byte[] NewPacket(ulong id, int length)
    {
        var packet = TestData.RandomBytes(length, length);
        PacketHeader.Write(packet, id, NodeAddress.Parse("0102030405"), NodeAddress.Parse("a1a2a3a4a5"), Verb.Frame);
        PacketHeader.SetFragmented(packet, true);
        return packet;
    }
}
