using System.Text;
using Lanyard.Wire.Compression;
using Lanyard.Wire.Packets;

namespace Lanyard.Wire.Tests.Compression;

public sealed class Lz4BlockTests
{
    // Blocks of the reference encoder, liblz4 1.9.4 (LZ4_compress_fast, acceleration 1).
    public static TheoryData<string, string> ReferenceBlocks => new()
    {
        { "hello", "50 68656c6c6f" },
        { new string('a', 100), "1f 61 0100 4b 50 6161616161" },
        { new string('a', 300), "1f 61 0100 ff14 50 6161616161" },
        { string.Concat(Enumerable.Repeat("abcdefgh", 20)), "8f 6162636465666768 0800 80 50 6465666768" },
        {
            "one two three one two three one two three four five six four five six seven eight nine ten",
            "ef 6f6e652074776f207468726565200e0009db666f75722066697665207369780e00f005736576656e206569676874206e696e652074656e"
        },
    };

    public static TheoryData<string> BrokenBlocks =>
    [
        "", // Not even a token.
        "10", // Literals that are not there.
        "f0", // A length that does not end.
        "f0ffffff",
        "1061 01", // Half a distance.
        "1061 0000", // A distance of nothing.
        "1061 0200 50 6161616161", // A distance to before the beginning.
        "1f61 0100", // A match length that does not end.
        "1f61 0100 ffffffffffffffffffffffffffffff", // Likewise.
        "1061 0100", // Ends after a match.
    ];

    [Theory]
    [MemberData(nameof(ReferenceBlocks))]
    public void Blocks_of_the_reference_encoder_expand(string text, string block)
    {
        var expanded = new byte[text.Length];

        Assert.True(Lz4Block.TryDecode(TestData.Hex(block), expanded, out var length));
        Assert.Equal(text, Encoding.ASCII.GetString(expanded, 0, length));
    }

    [Theory]
    [MemberData(nameof(ReferenceBlocks))]
    public void A_block_that_expands_to_more_than_fits_is_refused(string text, string block) =>
        Assert.False(Lz4Block.TryDecode(TestData.Hex(block), new byte[text.Length - 1], out _));

    [Theory]
    [MemberData(nameof(BrokenBlocks))]
    public void A_broken_block_is_refused(string block) => Assert.False(Lz4Block.TryDecode(TestData.Hex(block), new byte[10_000], out _));

    [Fact]
    public void Compressed_data_expand_to_the_original()
    {
        var random = new Random(1);
        var block = new byte[20_000];
        var expanded = new byte[10_000];
        for (var round = 0; round < 2_000; round++)
        {
            // From noise to one byte repeated: few different bytes, and runs.
            var source = new byte[random.Next(4_000)];
            var kinds = 1 << random.Next(9);
            for (var i = 0; i < source.Length; i++)
                source[i] = i > 0 && random.Next(4) == 0 ? source[random.Next(i)] : (byte)random.Next(kinds);

            Assert.True(Lz4Block.TryEncode(source, block, out var length));
            Assert.True(Lz4Block.TryDecode(block.AsSpan(0, length), expanded, out var back));
            Assert.True(source.AsSpan().SequenceEqual(expanded.AsSpan(0, back)));
        }
    }

    [Fact]
    public void The_last_five_bytes_are_literals_and_no_match_begins_in_the_last_twelve()
    {
        for (var length = 1; length < 64; length++)
        {
            var source = new byte[length];
            var block = new byte[128];

            Assert.True(Lz4Block.TryEncode(source, block, out var used));

            // One literal, one match, the rest literals; or literals alone where there is no room for a match.
            if (length < 14)
                Assert.Equal(1 + length, used);
            else
                Assert.Equal("50" + string.Concat(Enumerable.Repeat("00", 5)), TestData.ToHex(block.AsSpan(used - 6, 6)));
        }
    }

    [Fact]
    public void A_block_that_does_not_fit_is_not_written()
    {
        var noise = TestData.RandomBytes(2, 1000);

        Assert.False(Lz4Block.TryEncode(noise, new byte[1000], out _));
        Assert.True(Lz4Block.TryEncode(noise, new byte[1005], out _));
    }

    [Fact]
    public void A_payload_is_compressed_only_where_that_makes_it_shorter()
    {
        var destination = new byte[PacketFormat.MaxPayloadBytes];

        Assert.False(PayloadCompression.TryCompress(new byte[PayloadCompression.WorthlessBytes], destination, out _));
        Assert.False(PayloadCompression.TryCompress(TestData.RandomBytes(3, 200), destination, out _));
        Assert.False(PayloadCompression.TryCompress(new byte[PacketFormat.MaxPayloadBytes + 1], destination, out _));
        Assert.True(PayloadCompression.TryCompress(new byte[PacketFormat.MaxPayloadBytes], destination, out var length));
        Assert.True(length < 60);
    }

    [Fact]
    public void A_payload_expands_to_no_more_than_a_packet_may_hold()
    {
        var destination = new byte[2 * PacketFormat.MaxPayloadBytes];
        var block = new byte[1000];
        Lz4Block.TryEncode(new byte[PacketFormat.MaxPayloadBytes], block, out var most);
        Assert.True(PayloadCompression.TryExpand(block.AsSpan(0, most), destination, out var length));
        Assert.Equal(PacketFormat.MaxPayloadBytes, length);

        Lz4Block.TryEncode(new byte[PacketFormat.MaxPayloadBytes + 1], block, out var more);
        Assert.False(PayloadCompression.TryExpand(block.AsSpan(0, more), destination, out _));
    }

    [Fact]
    public void An_empty_payload_expands_to_empty_and_an_empty_block_is_refused()
    {
        Assert.True(PayloadCompression.TryExpand(default, new byte[10], out var length));
        Assert.Equal(0, length);
        Assert.False(PayloadCompression.TryExpand([0], new byte[10], out _));
    }

    [Fact]
    public void Random_bytes_do_not_make_the_decoder_throw()
    {
        var random = new Random(4);
        var destination = new byte[3_000];
        var block = new byte[1_000];
        for (var round = 0; round < 100_000; round++)
        {
            var length = random.Next(64);
            if (round % 2 == 0)
            {
                random.NextBytes(block.AsSpan(0, length));
            }
            else
            {
                Lz4Block.TryEncode(TestData.RandomBytes(round, 40).AsSpan().ToArray().Concat(new byte[40]).ToArray(), block, out length);
                block[random.Next(length)] = (byte)random.Next(256);
            }

            Lz4Block.TryDecode(block.AsSpan(0, length), destination, out var expanded);
            Assert.InRange(expanded, 0, destination.Length);
        }
    }
}
