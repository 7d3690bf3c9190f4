using Lanyard.Wire.Crypto;

namespace Lanyard.Wire.Tests.Crypto;

public sealed class Salsa20Poly1305Tests
{
    private static readonly byte[] Key = TestData.RandomBytes(1, 32);
    private static readonly byte[] Nonce = TestData.RandomBytes(2, 8);

    [Fact]
    public void Sealing_is_the_cipher_from_block_one_and_the_authenticator_keyed_by_block_zero()
    {
        for (var length = 0; length < 4200; length += length < 2200 ? 37 : 501)
        {
            var plain = TestData.RandomBytes(length, length);
            byte[] sealedPayload = plain.ToArray(), expected = plain.ToArray(), tag = new byte[8], block = new byte[64], expectedTag = new byte[16];
            Salsa20.Keystream12(Key, Nonce, 0, block);
            Salsa20.Transform12(Key, Nonce, 1, expected);
            Poly1305.Compute(block.AsSpan(0, 32), expected, expectedTag);

            Salsa20Poly1305.Seal(Key, Nonce, sealedPayload, tag);
            Assert.Equal(expected, sealedPayload);
            Assert.True(tag.AsSpan().SequenceEqual(expectedTag.AsSpan(0, 8)));
            Assert.True(Salsa20Poly1305.Verify(Key, Nonce, sealedPayload, tag));
            Assert.True(Salsa20Poly1305.TryOpen(Key, Nonce, sealedPayload, tag));
            Assert.Equal(plain, sealedPayload);
        }
    }

    [Fact]
    public void A_payload_in_the_clear_is_authenticated()
    {
        byte[] payload = TestData.RandomBytes(3, 100), tag = new byte[8];
        Salsa20Poly1305.Authenticate(Key, Nonce, payload, tag);
        Assert.True(Salsa20Poly1305.Verify(Key, Nonce, payload, tag));
        payload[50] ^= 1;
        Assert.False(Salsa20Poly1305.Verify(Key, Nonce, payload, tag));
    }

    [Fact]
    public void A_wrong_tag_fails_and_leaves_the_payload_unchanged()
    {
        byte[] payload = TestData.RandomBytes(4, 1400), tag = new byte[8];
        Salsa20Poly1305.Seal(Key, Nonce, payload, tag);
        var before = payload.ToArray();
        for (var bit = 0; bit < 64; bit++)
        {
            tag[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(Salsa20Poly1305.TryOpen(Key, Nonce, payload, tag));
            Assert.Equal(before, payload);
            tag[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        Assert.False(Salsa20Poly1305.TryOpen(Key, TestData.RandomBytes(9, 8), payload, tag));
    }

    [Fact]
    public void Tags_of_less_than_eight_or_more_than_sixteen_bytes_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Salsa20Poly1305.Verify(Key, Nonce, new byte[1], new byte[7]));
        Assert.Throws<ArgumentException>(() => Salsa20Poly1305.Seal(Key, Nonce, new byte[1], new byte[17]));
        Assert.Throws<ArgumentException>(() => Salsa20Poly1305.TryOpen(Key, Nonce, new byte[1], default));
    }
}
