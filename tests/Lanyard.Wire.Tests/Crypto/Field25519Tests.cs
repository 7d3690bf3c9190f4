using System.Numerics;
using Lanyard.Wire.Crypto;

namespace Lanyard.Wire.Tests.Crypto;

public sealed class Field25519Tests
{
    private static readonly BigInteger Prime = (BigInteger.One << 255) - 19;

    [Fact]
    public void Arithmetic_is_that_of_the_integers_modulo_p()
    {
        var numbers = Numbers();
        foreach (var a in numbers)
        {
            foreach (var b in numbers)
            {
                Field25519 x = Decode(a), y = Decode(b);
                Equal(a + b, x + y);
                Equal(a - b, x - y);
                Equal(a * b, x * y);
                Equal((a + b) * (a - b), (x + y) * (x - y));
                Equal((a - b) * (b - a), (x - y) * (y - x));
                Equal((a - (b + a)) * (a - (b + a)), (x - (y + x)).Squared());
                Equal((a - b) * 121665, (x - y).Times(121665));
            }
        }
    }

    [Fact]
    public void Powers_are_those_of_the_integers_modulo_p()
    {
        foreach (var a in Numbers())
        {
            var x = Decode(a);
            Equal(a * a, x.Squared());
            Equal(BigInteger.ModPow(a, 32, Prime), x.Squared(5));
            Equal(BigInteger.ModPow(a, Prime - 2, Prime), x.Inverted());
            Equal(BigInteger.ModPow(a, (Prime - 5) / 8, Prime), x.PowerForRoot());
        }
    }

    [Fact]
    public void The_constants_have_their_documented_values()
    {
        var d = (Prime - 121665) * BigInteger.ModPow(121666, Prime - 2, Prime);
        Equal(d, Field25519.EdwardsD);
        Equal(2 * d, Field25519.EdwardsTwiceD);
        Equal(-1, Field25519.RootOfMinusOne.Squared());
        Equal(BigInteger.ModPow(2, (Prime - 1) / 4, Prime), Field25519.RootOfMinusOne);
    }

    [Fact]
    public void Values_are_chosen_and_exchanged_by_mask()
    {
        Field25519 a = Field25519.FromSmall(3), b = Field25519.FromSmall(5);
        Field25519.SwapIf(0, ref a, ref b);
        Equal(3, a);
        Field25519.SwapIf(ulong.MaxValue, ref a, ref b);
        Equal(5, a);
        Equal(3, b);
        a.SetIf(0, b);
        Equal(5, a);
        a.SetIf(ulong.MaxValue, b);
        Equal(3, a);
        Assert.Equal(1, a.Parity());
        Assert.True((a - b).IsZero());
        Assert.False(a.IsZero());
    }

    private static BigInteger[] Numbers()
    {
        var random = new Random(255);
        var numbers = new List<BigInteger> { 0, 1, 2, 19, Prime - 1, Prime - 2, (BigInteger.One << 255) - 1, BigInteger.One << 254, (Prime - 1) / 2, (BigInteger.One << 51) - 1 };
        for (var i = 0; i < 20; i++)
        {
            var bytes = new byte[32];
            random.NextBytes(bytes);
            bytes[31] &= 127;
            numbers.Add(new BigInteger(bytes, isUnsigned: true));
        }
        return [.. numbers];
    }

    private static Field25519 Decode(BigInteger number) => Field25519.Decode(Bytes(number));

    private static void Equal(BigInteger expected, Field25519 actual)
    {
        var bytes = new byte[32];
        actual.Encode(bytes);
        Assert.Equal(Bytes(((expected % Prime) + Prime) % Prime), bytes);
    }

    private static byte[] Bytes(BigInteger number)
    {
        var bytes = number.ToByteArray(isUnsigned: true);
        Array.Resize(ref bytes, 32);
        return bytes;
    }
}
