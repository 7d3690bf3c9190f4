using System.Security.Cryptography;
using Lanyard.Wire.Crypto;

namespace Lanyard.Wire.Tests.Crypto;

public sealed class Sha2Tests
{
    [Fact]
    public void Abc_gives_the_digests_of_FIPS_180()
    {
        Span<byte> digest = stackalloc byte[64];
        Sha2.Hash512("abc"u8, digest);
        Assert.Equal(
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            TestData.ToHex(digest));
        Sha2.Hash384("abc"u8, digest);
        Assert.Equal("cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7", TestData.ToHex(digest[..48]));
    }

    [Fact]
    public void Two_pieces_of_any_length_count_as_one_message()
    {
        var message = TestData.RandomBytes(1, 2000);
        Span<byte> digest = new byte[64];
        for (var split = 0; split <= message.Length; split += 77)
        {
            Sha2.Hash512(message.AsSpan(0, split), message.AsSpan(split), digest);
            Assert.Equal(SHA512.HashData(message), digest);
            Sha2.Hash512(message.AsSpan(0, split / 8), message.AsSpan(split / 8, 100), digest);
            Assert.Equal(SHA512.HashData(message.AsSpan(0, (split / 8) + 100)), digest);
            Sha2.Hash384(message.AsSpan(0, split), message.AsSpan(split), digest[..48]);
            Assert.Equal(SHA384.HashData(message), digest[..48]);
            Sha2.Hash384(message.AsSpan(0, split / 8), message.AsSpan(split / 8, 100), digest[..48]);
            Assert.Equal(SHA384.HashData(message.AsSpan(0, (split / 8) + 100)), digest[..48]);
        }
    }

    [Fact]
    public void The_key_derivation_is_HMAC_SHA_384_of_counter_label_context_and_length()
    {
        var key = TestData.RandomBytes(2, 48);
        var derived = new byte[48];
        KeyDerivation.Derive(key, KeyDerivation.LabelAesGmacSivKey1, 0x42, 0x01020304, derived);
        Assert.Equal(HMACSHA384.HashData(key, TestData.Hex("01020304 5A54 31 00 42 00000180")), derived);
        Assert.Throws<ArgumentException>(() => KeyDerivation.Derive(new byte[32], 0, 0, 0, derived));
        Assert.Throws<ArgumentException>(() => KeyDerivation.Derive(key, 0, 0, 0, new byte[32]));
    }

    [Fact]
    public void Secret_bytes_are_zeroed_when_disposed_and_never_printed()
    {
        var secret = new SecretBytes("top secret"u8);
        var bytes = secret.Span;
        Assert.Equal("top secret"u8, bytes);
        Assert.Equal("10 secret bytes", secret.ToString());
        secret.Dispose();
        Assert.Equal(new byte[10], bytes);
        Assert.Throws<ObjectDisposedException>(() => secret.Span.Length);
    }
}
