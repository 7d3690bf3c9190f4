using Lanyard.Wire.Crypto;

namespace Lanyard.Wire.Tests.Crypto;

public sealed class Salsa20Tests
{
    private const string LongKey = "0053A6F94C9FF24598EB3E91E4378ADD3083D6297CCF2275C81B6EC11467BA0D";

    // The ECRYPT project's verified test vectors for 256-bit keys.
    [Theory]
    [InlineData("8000000000000000000000000000000000000000000000000000000000000000", "0000000000000000", "AFE411ED1C4E07E4")]
    [InlineData(LongKey, "0D74DB42A91077DE", "52E20CF8775AE882")]
    public void Twelve_rounds_give_the_published_keystream(string key, string nonce, string expected)
    {
        var stream = new byte[expected.Length / 2];
        Salsa20.Keystream12(TestData.Hex(key), TestData.Hex(nonce), 0, stream);
        Assert.Equal(expected, Convert.ToHexString(stream));
    }

    [Theory]
    [InlineData("8000000000000000000000000000000000000000000000000000000000000000", "0000000000000000", "E3BE8FDD8BECA2E3")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000", "8000000000000000", "2ABA3DC45B494700")]
    [InlineData(LongKey, "0D74DB42A91077DE", "F5FAD53F79F9DF58")]
    public void Twenty_rounds_give_the_published_keystream(string key, string nonce, string expected)
    {
        var stream = new byte[expected.Length / 2];
        Salsa20.Keystream20(TestData.Hex(key), TestData.Hex(nonce), 0, stream);
        Assert.Equal(expected, Convert.ToHexString(stream));
    }

    [Fact]
    public void Eight_blocks_give_the_published_keystream()
    {
        // Set 3, vector 72: bytes 0 to 63 and 448 to 511.
        var stream = new byte[512];
        Salsa20.Keystream20(
            TestData.Hex("48494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F6061626364656667"), TestData.Hex("0000000000000000"), 0, stream);
        Assert.Equal(
            "53AD3698A011F779AD71030F3EFBEBA0A7EE3C55789681B1591EF33A7BE521ED68FC36E58F53FFD6E1369B00E390E973F656ACB097E0D603BE59A0B8F7975B98",
            Convert.ToHexString(stream.AsSpan(0, 64)));
        Assert.Equal(
            "B505D41E2C207FA1C0A0E93413DDCFFC9BECA8030AFFAC2466E56482DA0EF428E63880B5021D3051F18679505A2B9D4F9B2C5A2D271D276DE3F51DBEBA934436",
            Convert.ToHexString(stream.AsSpan(448, 64)));
    }

    [Fact]
    public void A_transformation_is_the_keystream_XORed_in_and_undoes_itself()
    {
        byte[] key = TestData.RandomBytes(1, 32), nonce = TestData.RandomBytes(2, 8), plain = TestData.RandomBytes(3, 1500);
        var data = plain.ToArray();
        var stream = new byte[1500];
        Salsa20.Keystream12(key, nonce, 5, stream);
        Salsa20.Transform12(key, nonce, 5, data);
        Assert.Equal(plain.Zip(stream, (a, b) => (byte)(a ^ b)), data);
        Salsa20.Transform12(key, nonce, 5, data);
        Assert.Equal(plain, data);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0xfffffff8)]
    [InlineData(0xffffffffffffffff - 3)]
    public void A_keystream_entered_at_any_block_goes_on_as_if_read_from_the_start(ulong first)
    {
        byte[] key = TestData.RandomBytes(4, 32), nonce = TestData.RandomBytes(5, 8);
        byte[] whole = new byte[40 * 64], part = new byte[64];
        Salsa20.Keystream12(key, nonce, first, whole);
        for (var i = 0; i < 40; i++)
        {
            Salsa20.Keystream12(key, nonce, first + (ulong)i, part);
            Assert.True(part.AsSpan().SequenceEqual(whole.AsSpan(i * 64, 64)));
        }
    }

    [Theory]
    [InlineData(12)]
    [InlineData(20)]
    public void Every_length_gives_the_same_result_as_the_portable_cipher(int rounds)
    {
        byte[] key = TestData.RandomBytes(6, 32), nonce = TestData.RandomBytes(7, 8), expected = new byte[2112];
        var state = new uint[Salsa20.StateWords];
        for (var i = 0; i < expected.Length; i += 64)
        {
            Salsa20.LoadState(key, nonce, 0xfffffffe + ((ulong)i / 64), state);
            Salsa20Portable.OneBlock(rounds, state, expected.AsSpan(i));
        }
        for (var length = 0; length <= 2048; length += 1 + (length / 100))
        {
            var data = new byte[length];
            if (rounds == 12)
                Salsa20.Transform12(key, nonce, 0xfffffffe, data);
            else
                Salsa20.Keystream20(key, nonce, 0xfffffffe, data);
            Assert.True(data.AsSpan().SequenceEqual(expected.AsSpan(0, length)));
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(16)]
    public void Blocks_side_by_side_are_those_of_the_portable_cipher(int count)
    {
        var supported = count == 4 ? Salsa20Vector.IsSupported128 : count == 8 ? Salsa20Vector.IsSupported256 : Salsa20Vector.IsSupported512;
        if (!supported)
            Assert.Skip($"This machine has no vectors for {count} blocks at once.");
        byte[] actual = new byte[count * 64], expected = new byte[64];
        var state = new uint[Salsa20.StateWords];
        ulong[] starts = [0, 1, 0xffffffff - 2, 0xffffffffffffffff - 2, 0x1234567890];
        foreach (var start in starts)
        {
            for (var rounds = 12; rounds <= 20; rounds += 8)
            {
                byte[] key = TestData.RandomBytes(rounds, 32), nonce = TestData.RandomBytes(count, 8);
                Salsa20.LoadState(key, nonce, start, state);
                if (count == 4)
                    Salsa20Vector.FourBlocks(rounds, state, actual);
                else if (count == 8)
                    Salsa20Vector.EightBlocks(rounds, state, actual);
                else
                    Salsa20Vector.SixteenBlocks(rounds, state, actual);
                for (var i = 0; i < count; i++)
                {
                    Salsa20.LoadState(key, nonce, start + (ulong)i, state);
                    Salsa20Portable.OneBlock(rounds, state, expected);
                    Assert.True(actual.AsSpan(i * 64, 64).SequenceEqual(expected));
                }
            }
        }
    }

    [Fact]
    public void Keys_and_nonces_of_another_length_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Salsa20.Transform12(new byte[31], new byte[8], 0, new byte[1]));
        Assert.Throws<ArgumentException>(() => Salsa20.Transform20(new byte[32], new byte[9], 0, new byte[1]));
    }
}
