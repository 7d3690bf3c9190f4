using System.Globalization;
using System.Numerics;
using System.Text;
using Lanyard.Wire.Crypto;

namespace Lanyard.Wire.Tests.Crypto;

public sealed class Poly1305Tests
{
    [Fact]
    public void The_example_of_RFC_8439_gives_its_tag()
    {
        var key = TestData.Hex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b");
        var tag = new byte[16];
        Poly1305.Compute(key, Encoding.ASCII.GetBytes("Cryptographic Forum Research Group"), tag);
        Assert.Equal("a8061dc1305136c6c22b8baf0c0127a9", TestData.ToHex(tag));
    }

    // RFC 8439, appendix A.3, vectors 7 to 11: where the sum passes the prime, or comes close to it.
    [Theory]
    [InlineData("02000000000000000000000000000000", "00000000000000000000000000000000", "ffffffffffffffffffffffffffffffff", "03000000000000000000000000000000")]
    [InlineData("02000000000000000000000000000000", "ffffffffffffffffffffffffffffffff", "02000000000000000000000000000000", "03000000000000000000000000000000")]
    [InlineData(
        "01000000000000000000000000000000", "00000000000000000000000000000000",
        "fffffffffffffffffffffffffffffffff0ffffffffffffffffffffffffffffff11000000000000000000000000000000", "05000000000000000000000000000000")]
    [InlineData(
        "01000000000000000000000000000000", "00000000000000000000000000000000",
        "fffffffffffffffffffffffffffffffffbfefefefefefefefefefefefefefefe01010101010101010101010101010101", "00000000000000000000000000000000")]
    [InlineData("02000000000000000000000000000000", "00000000000000000000000000000000", "fdffffffffffffffffffffffffffffff", "faffffffffffffffffffffffffffffff")]
    [InlineData(
        "01000000000000000400000000000000", "00000000000000000000000000000000",
        "e33594d7505e43b90000000000000000 3394d7505e4379cd0100000000000000 00000000000000000000000000000000 01000000000000000000000000000000",
        "14000000000000005500000000000000")]
    public void Sums_about_the_prime_give_the_published_tags(string r, string s, string message, string expected)
    {
        var tag = new byte[16];
        Poly1305.Compute(TestData.Hex(r + s), TestData.Hex(message), tag);
        Assert.Equal(expected, TestData.ToHex(tag));
    }

    [Fact]
    public void Every_length_gives_the_tag_that_plain_arithmetic_gives()
    {
        var random = new Random(1305);
        for (var length = 0; length < 800; length += 1 + (length / 100))
        {
            byte[] key = new byte[32], message = new byte[length], tag = new byte[16];
            random.NextBytes(key);
            random.NextBytes(message);
            if (length % 3 == 0)
                Array.Fill(message, (byte)0xff);
            Poly1305.Compute(key, message, tag);
            Assert.Equal(Expected(key, message), tag);
        }
    }

    [Fact]
    public void The_portable_authenticator_gives_the_same_tag_for_every_length()
    {
        byte[] tag = new byte[16], expected = new byte[16];
        for (var length = 0; length <= 2048; length += 1 + (length / 200))
        {
            byte[] key = TestData.RandomBytes(length, 32), message = TestData.RandomBytes(length + 1, length);
            Poly1305.Compute(key, message, tag);
            Poly1305Portable.Compute(key, message, default, expected);
            Assert.Equal(expected, tag);
            var split = length / 3;
            Poly1305.Compute(key, message.AsSpan(0, split), message.AsSpan(split), tag);
            Assert.Equal(expected, tag);
            Poly1305Portable.Compute(key, message.AsSpan(0, split), message.AsSpan(split), tag);
            Assert.Equal(expected, tag);
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(8)]
    public void Blocks_side_by_side_give_the_sum_of_blocks_one_after_the_other(int lanes)
    {
        if (!(lanes == 4 ? Poly1305Vector.IsSupported256 : Poly1305Vector.IsSupported512))
            Assert.Skip($"This machine has no vectors for {lanes} blocks at once.");
        byte[] expected = new byte[16], actual = new byte[16];
        for (var length = 0; length <= 600; length++)
        {
            byte[] key = TestData.RandomBytes(length, 32), message = new byte[length];
            Array.Fill(message, (byte)0xff);
            if (length % 2 == 0)
                new Random(length).NextBytes(message);
            if (length % 5 == 0)
                key.AsSpan(0, 16).Fill(0xff);
            Poly1305Wide one = new(key), other = new(key);
            one.LastBlock(one.Blocks(message));
            one.Finish(key.AsSpan(16), expected);
            var first = message.AsSpan(0, length / 32 * 16);
            var rest = lanes == 4 ? Poly1305Vector.FourLanes(ref other, first) : Poly1305Vector.EightLanes(ref other, first);
            Assert.Equal(0, rest.Length);
            ReadOnlySpan<byte> second = message.AsSpan(first.Length);
            other.LastBlock(lanes == 4 ? Poly1305Vector.FourLanes(ref other, second) : Poly1305Vector.EightLanes(ref other, second));
            other.Finish(key.AsSpan(16), actual);
            Assert.Equal(expected, actual);
        }
    }

    [Fact]
    public void Two_pieces_count_as_one_message()
    {
        byte[] key = TestData.RandomBytes(1, 32), message = TestData.RandomBytes(2, 700), whole = new byte[16], tag = new byte[16];
        Poly1305.Compute(key, message, whole);
        for (var split = 0; split <= message.Length; split++)
        {
            Poly1305.Compute(key, message.AsSpan(0, split), message.AsSpan(split), tag);
            Assert.Equal(whole, tag);
        }
        Poly1305.Compute(key, message.AsSpan(0, 5), whole);
        Poly1305.Compute(key, message.AsSpan(0, 3), message.AsSpan(3, 2), tag);
        Assert.Equal(whole, tag);
    }

    [Fact]
    public void Keys_and_tags_of_another_length_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Poly1305.Compute(new byte[31], new byte[1], new byte[16]));
        Assert.Throws<ArgumentException>(() => Poly1305.Compute(new byte[32], new byte[1], new byte[8]));
    }

    private static byte[] Expected(byte[] key, byte[] message)
    {
        var prime = (BigInteger.One << 130) - 5;
        var r = new BigInteger(key.AsSpan(0, 16), isUnsigned: true) & BigInteger.Parse("0ffffffc0ffffffc0ffffffc0fffffff", NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        var sum = BigInteger.Zero;
        foreach (var block in message.Chunk(16))
            sum = (sum + new BigInteger([.. block, 1], isUnsigned: true)) * r % prime;
        sum += new BigInteger(key.AsSpan(16), isUnsigned: true);
        var bytes = sum.ToByteArray(isUnsigned: true);
        Array.Resize(ref bytes, 16);
        return bytes;
    }
}
