using System.Numerics;
using Lanyard.Wire.Crypto;

namespace Lanyard.Wire.Tests.Crypto;

public sealed class Ed25519Tests
{
    private static readonly BigInteger Order = (BigInteger.One << 252) + BigInteger.Parse("27742317777372353535851937790883648493", null);

    // RFC 8032, section 7.1: tests 1, 2, 3 and SHA(abc).
    [Theory]
    [InlineData(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")]
    [InlineData(
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")]
    [InlineData(
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")]
    [InlineData(
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42", "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704")]
    public void The_tests_of_RFC_8032_give_their_results(string seed, string publicKey, string message, string expected)
    {
        byte[] derived = new byte[32], signature = new byte[64];
        Ed25519.DerivePublicKey(TestData.Hex(seed), derived);
        Assert.Equal(publicKey, TestData.ToHex(derived));
        Ed25519.Sign(TestData.Hex(seed), derived, TestData.Hex(message), signature);
        Assert.Equal(expected, TestData.ToHex(signature));
        Assert.True(Ed25519.Verify(derived, TestData.Hex(message), signature));
    }

    [Fact]
    public void A_signature_verifies_and_a_changed_message_does_not()
    {
        for (var i = 0; i < 60; i++)
        {
            var (publicKey, message, signature) = Signed(i, i * 23);
            Assert.True(Ed25519.Verify(publicKey, message, signature));
            signature[i] ^= 0x20;
            Assert.False(Ed25519.Verify(publicKey, message, signature));
            signature[i] ^= 0x20;
            publicKey[i % 32] ^= 4;
            Assert.False(Ed25519.Verify(publicKey, message, signature));
            publicKey[i % 32] ^= 4;
            Assert.False(Ed25519.Verify(publicKey, [.. message, 0], signature));
        }
    }

    [Fact]
    public void Vectors_give_the_multiples_of_the_base_point_that_single_words_give()
    {
        if (!EdwardsVector.IsSupported)
            Assert.Skip("This processor has no AVX2.");
        byte[] expected = new byte[32], actual = new byte[32];

        // Numbers of extreme digits first: all of one value, and a single one at each place.
        var scalars = Enumerable.Range(0, 16).Select(digit => Enumerable.Repeat((byte)(digit * 0x11), 32).ToArray())
            .Concat(Enumerable.Range(0, 32).Select(place => Enumerable.Range(0, 32).Select(i => i == place ? (byte)0x78 : (byte)0).ToArray()))
            .Concat(Enumerable.Range(0, 300).Select(seed => TestData.RandomBytes(seed, 32)));
        foreach (var scalar in scalars)
        {
            scalar[31] &= 0x7f;
            EdwardsTables.MultiplyBase(scalar, useVectors: false).Encode(expected);
            EdwardsTables.MultiplyBase(scalar, useVectors: true).Encode(actual);
            Assert.Equal(expected, actual);
        }
    }

    [Fact]
    public void A_second_half_at_or_above_the_group_order_is_refused()
    {
        var (publicKey, message, signature) = Signed(1, 10);
        var s = new BigInteger(signature.AsSpan(32), isUnsigned: true);
        for (var multiple = 1; multiple < 16; multiple++)
        {
            var changed = signature.ToArray();
            Scalar(s + (multiple * Order)).CopyTo(changed, 32);
            Assert.False(Ed25519.Verify(publicKey, message, changed));
        }
        Assert.True(Scalar25519.IsCanonical(Scalar(Order - 1)));
        Assert.False(Scalar25519.IsCanonical(Scalar(Order)));
        Assert.False(Scalar25519.IsCanonical(Scalar(Order + 1)));
        Assert.False(Scalar25519.IsCanonical(Scalar((BigInteger.One << 256) - 1)));
        Assert.True(Scalar25519.IsCanonical(Scalar(0)));
    }

    // y = p, p + 1, 2^255 - 1; x = 0 with a sign, for y = 1 and y = -1; y = 2, which has no x.
    [Theory]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000080")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    [InlineData("0200000000000000000000000000000000000000000000000000000000000000")]
    public void Invalid_and_noncanonical_point_encodings_are_refused(string point)
    {
        Assert.False(EdwardsPoint.TryDecode(TestData.Hex(point), out _));
        var (_, message, signature) = Signed(2, 10);
        Assert.False(Ed25519.Verify(TestData.Hex(point), message, signature));
    }

    [Fact]
    public void A_first_half_in_another_encoding_of_the_right_point_is_refused()
    {
        // With the neutral point as key and zero as second half, R has to be the neutral point, encoded as y = 1 and not as y = p + 1.
        byte[] key = new byte[32], signature = new byte[64];
        key[0] = signature[0] = 1;
        Assert.True(Ed25519.Verify(key, "any"u8, signature));
        TestData.Hex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f").CopyTo(signature, 0);
        Assert.False(Ed25519.Verify(key, "any"u8, signature));
    }

    [Fact]
    public void Another_length_is_refused()
    {
        var (publicKey, message, signature) = Signed(3, 10);
        Assert.False(Ed25519.Verify(publicKey.AsSpan(0, 31), message, signature));
        Assert.False(Ed25519.Verify(publicKey, message, signature.AsSpan(0, 63)));
        Assert.False(Ed25519.Verify(publicKey, message, default));
        Assert.Throws<ArgumentException>(() => Ed25519.Sign(new byte[31], publicKey, message, signature));
        Assert.Throws<ArgumentException>(() => Ed25519.DerivePublicKey(new byte[32], new byte[33]));
    }

    [Fact]
    public void Scalars_are_reduced_and_combined_as_plain_arithmetic_does()
    {
        var random = new Random(25519);
        byte[] wide = new byte[64], a = new byte[32], b = new byte[32], c = new byte[32], result = new byte[32];
        for (var i = 0; i < 2000; i++)
        {
            Fill(wide, i);
            Fill(a, i / 3);
            Fill(b, i / 9);
            Fill(c, i / 27);
            Scalar25519.Reduce(wide, result);
            Assert.Equal(Scalar(Number(wide) % Order), result);
            Scalar25519.MultiplyAdd(a, b, c, result);
            Assert.Equal(Scalar(((Number(a) * Number(b)) + Number(c)) % Order), result);
        }

        void Fill(byte[] bytes, int kind)
        {
            if (kind % 3 == 0)
            {
                random.NextBytes(bytes);
            }
            else if (kind % 3 == 1)
            {
                Array.Fill(bytes, (byte)0xff);
            }
            else
            {
                // A multiple of the order, or just off it.
                Array.Clear(bytes);
                var top = BigInteger.One << (8 * bytes.Length);
                var multiple = (top / Order) - random.Next(12);
                ((multiple * Order) + random.Next(-1, 2)).ToByteArray(isUnsigned: true).CopyTo(bytes, 0);
            }
        }
    }

    [Fact]
    public void Multiples_of_the_base_point_are_the_same_by_every_way()
    {
        byte[] zero = new byte[32], one = new byte[32], first = new byte[32], second = new byte[32], third = new byte[32];
        one[0] = 1;
        var basePoint = EdwardsPoint.Base;
        for (var i = 0; i < 40; i++)
        {
            var scalar = Scalar(i < 3 ? i : i == 3 ? Order - 1 : i == 4 ? Order : Number(TestData.RandomBytes(i, 32)) % Order);
            EdwardsTables.MultiplyBase(scalar).Encode(first);
            EdwardsTables.MultiplyAddBaseVariableTime(scalar, basePoint, zero).Encode(second);
            EdwardsTables.MultiplyAddBaseVariableTime(zero, basePoint, scalar).Encode(third);
            Assert.Equal(first, second);
            Assert.Equal(first, third);
        }
        EdwardsTables.MultiplyBase(Scalar(Order)).Encode(first);
        Assert.Equal(one, first);
    }

    private static (byte[] PublicKey, byte[] Message, byte[] Signature) Signed(int seed, int length)
    {
        byte[] key = TestData.RandomBytes(seed, 32), publicKey = new byte[32], message = TestData.RandomBytes(seed + 1000, length), signature = new byte[64];
        Ed25519.DerivePublicKey(key, publicKey);
        Ed25519.Sign(key, publicKey, message, signature);
        return (publicKey, message, signature);
    }

    private static BigInteger Number(byte[] bytes) => new(bytes, isUnsigned: true);

    private static byte[] Scalar(BigInteger number)
    {
        var bytes = number.ToByteArray(isUnsigned: true);
        Array.Resize(ref bytes, 32);
        return bytes;
    }
}
