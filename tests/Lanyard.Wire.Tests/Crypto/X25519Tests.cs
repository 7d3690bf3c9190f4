using Lanyard.Wire.Crypto;

namespace Lanyard.Wire.Tests.Crypto;

public sealed class X25519Tests
{
    // RFC 7748, section 5.2.
    [Theory]
    [InlineData(
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4", "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")]
    [InlineData(
        "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d", "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957")]
    public void The_examples_of_RFC_7748_give_their_results(string scalar, string u, string expected)
    {
        var shared = new byte[32];
        Assert.True(X25519.TryAgree(TestData.Hex(scalar), TestData.Hex(u), shared));
        Assert.Equal(expected, TestData.ToHex(shared));
    }

    [Fact]
    public void A_thousand_iterations_give_the_result_of_RFC_7748()
    {
        byte[] k = new byte[32], u = new byte[32], next = new byte[32];
        k[0] = u[0] = 9;
        for (var i = 0; i < 1000; i++)
        {
            Assert.True(X25519.TryAgree(k, u, next));
            (k, u, next) = (next, k, u);
            if (i == 0)
                Assert.Equal("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079", TestData.ToHex(k));
        }
        Assert.Equal("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51", TestData.ToHex(k));
    }

    [Fact]
    public void The_key_pairs_of_RFC_7748_agree()
    {
        // Section 6.1.
        var alice = TestData.Hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
        var bob = TestData.Hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
        byte[] publicAlice = new byte[32], publicBob = new byte[32], shared = new byte[32];
        X25519.DerivePublicKey(alice, publicAlice);
        X25519.DerivePublicKey(bob, publicBob);
        Assert.Equal("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a", TestData.ToHex(publicAlice));
        Assert.Equal("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", TestData.ToHex(publicBob));
        Assert.True(X25519.TryAgree(alice, publicBob, shared));
        Assert.Equal("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742", TestData.ToHex(shared));
        Assert.True(X25519.TryAgree(bob, publicAlice, shared));
        Assert.Equal("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742", TestData.ToHex(shared));
    }

    // The u of every point whose order divides eight, on the curve and its twist, and those again with p added where that still fits.
    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")]
    [InlineData("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000080")]
    public void A_point_of_small_order_is_no_agreement(string u)
    {
        var shared = TestData.RandomBytes(1, 32);
        Assert.False(X25519.TryAgree(TestData.RandomBytes(2, 32), TestData.Hex(u), shared));
        Assert.Equal(new byte[32], shared);
    }

    [Fact]
    public void The_highest_bit_is_ignored_and_a_number_from_p_on_counts_modulo_p()
    {
        byte[] secret = TestData.RandomBytes(3, 32), two = new byte[32], expected = new byte[32], shared = new byte[32];
        two[0] = 2;
        Assert.True(X25519.TryAgree(secret, two, expected));
        Assert.True(X25519.TryAgree(secret, TestData.Hex("efffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), shared));
        Assert.Equal(expected, shared);
        two[31] = 0x80;
        Assert.True(X25519.TryAgree(secret, two, shared));
        Assert.Equal(expected, shared);
    }

    [Fact]
    public void Both_sides_come_to_one_secret()
    {
        byte[] publicA = new byte[32], publicB = new byte[32], sharedA = new byte[32], sharedB = new byte[32];
        for (var i = 0; i < 20; i++)
        {
            byte[] a = TestData.RandomBytes(100 + i, 32), b = TestData.RandomBytes(200 + i, 32);
            X25519.DerivePublicKey(a, publicA);
            X25519.DerivePublicKey(b, publicB);
            Assert.True(X25519.TryAgree(a, publicB, sharedA));
            Assert.True(X25519.TryAgree(b, publicA, sharedB));
            Assert.Equal(sharedA, sharedB);
        }
    }

    [Fact]
    public void The_public_key_is_the_agreement_with_the_base_point()
    {
        byte[] basePoint = new byte[32], publicKey = new byte[32], expected = new byte[32];
        basePoint[0] = 9;
        for (var i = 0; i < 50; i++)
        {
            var secret = TestData.RandomBytes(300 + i, 32);
            X25519.DerivePublicKey(secret, publicKey);
            Assert.True(X25519.TryAgree(secret, basePoint, expected));
            Assert.Equal(expected, publicKey);
        }
    }

    [Fact]
    public void Keys_of_another_length_are_refused()
    {
        Assert.Throws<ArgumentException>(() => X25519.TryAgree(new byte[31], new byte[32], new byte[32]));
        Assert.Throws<ArgumentException>(() => X25519.TryAgree(new byte[32], new byte[33], new byte[32]));
        Assert.Throws<ArgumentException>(() => X25519.DerivePublicKey(new byte[32], new byte[31]));
    }
}
