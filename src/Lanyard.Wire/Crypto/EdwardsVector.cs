#if NET
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// Sums of points of the Edwards curve with AVX2: the four coordinates in the four lanes of vectors, each coordinate in ten limbs of 26 and 25 bits
/// by turns (D. J. Bernstein and P. Schwabe, "NEON crypto", 2012; the formulas are those of <see cref="EdwardsPoint"/>). All operations take the
/// same steps whatever the values.
/// </summary>
internal static class EdwardsVector
{
    private const int Lanes = 4;
    private const int Limbs = 10;

    /// <summary>The length of a table's entry in words.</summary>
    public const int EntryWords = Lanes * Limbs;

    private const uint EvenMask = (1u << 26) - 1;
    private const uint OddMask = (1u << 25) - 1;

    public static bool IsSupported => Avx2.IsSupported;

    /// <summary>Writes a fixed point as an entry of a table: y - x, y + x, 2dxy and 2, of each limb the four lanes together.</summary>
    public static void WriteEntry(in EdwardsPoint.Affine point, Span<uint> entry)
    {
        point.Difference.WriteHalves(entry, Lanes);
        point.Sum.WriteHalves(entry[1..], Lanes);
        point.TwiceDXY.WriteHalves(entry[2..], Lanes);
        Field25519.FromSmall(2).WriteHalves(entry[3..], Lanes);
    }

    /// <summary>
    /// Adds the multiple of a window's point for a digit, without a branch or an address that depends on it.
    /// </summary>
    /// <param name="sum">The sum so far.</param>
    /// <param name="window">The neutral point's entry, then those of the multiples from one on.</param>
    /// <param name="digit">The digit, positive or negative; its magnitude is at most the number of multiples.</param>
    public static void Add(ref Point sum, ReadOnlySpan<uint> window, sbyte digit)
    {
        var negative = digit >> 31;
        var size = Vector256.Create((uint)((digit ^ negative) - negative));
        Vector256<uint> e0 = default, e1 = default, e2 = default, e3 = default, e4 = default;
        ref var entry = ref MemoryMarshal.GetReference(window);
        for (var i = 0u; i < (uint)(window.Length / EntryWords); i++)
        {
            var mask = Vector256.Equals(size, Vector256.Create(i));
            e0 |= mask & Vector256.LoadUnsafe(ref entry, 0);
            e1 |= mask & Vector256.LoadUnsafe(ref entry, 8);
            e2 |= mask & Vector256.LoadUnsafe(ref entry, 16);
            e3 |= mask & Vector256.LoadUnsafe(ref entry, 24);
            e4 |= mask & Vector256.LoadUnsafe(ref entry, 32);
            entry = ref Unsafe.Add(ref entry, EntryWords);
        }

        var negate = Vector256.Create((ulong)(long)negative);
        Four point;
        point.L0 = Signed(Avx2.ConvertToVector256Int64(e0.GetLower()), negate, TwicePrimeFirst);
        point.L1 = Signed(Avx2.ConvertToVector256Int64(e0.GetUpper()), negate, TwicePrimeOdd);
        point.L2 = Signed(Avx2.ConvertToVector256Int64(e1.GetLower()), negate, TwicePrimeEven);
        point.L3 = Signed(Avx2.ConvertToVector256Int64(e1.GetUpper()), negate, TwicePrimeOdd);
        point.L4 = Signed(Avx2.ConvertToVector256Int64(e2.GetLower()), negate, TwicePrimeEven);
        point.L5 = Signed(Avx2.ConvertToVector256Int64(e2.GetUpper()), negate, TwicePrimeOdd);
        point.L6 = Signed(Avx2.ConvertToVector256Int64(e3.GetLower()), negate, TwicePrimeEven);
        point.L7 = Signed(Avx2.ConvertToVector256Int64(e3.GetUpper()), negate, TwicePrimeOdd);
        point.L8 = Signed(Avx2.ConvertToVector256Int64(e4.GetLower()), negate, TwicePrimeEven);
        point.L9 = Signed(Avx2.ConvertToVector256Int64(e4.GetUpper()), negate, TwicePrimeOdd);

        // a = (Y - X) (y - x), b = (Y + X) (y + x), c = T 2dxy, d = 2 Z
        Four left, right;
        left.L0 = SumAndDifference(sum.Value.L0, TwicePrimeFirst);
        left.L1 = SumAndDifference(sum.Value.L1, TwicePrimeOdd);
        left.L2 = SumAndDifference(sum.Value.L2, TwicePrimeEven);
        left.L3 = SumAndDifference(sum.Value.L3, TwicePrimeOdd);
        left.L4 = SumAndDifference(sum.Value.L4, TwicePrimeEven);
        left.L5 = SumAndDifference(sum.Value.L5, TwicePrimeOdd);
        left.L6 = SumAndDifference(sum.Value.L6, TwicePrimeEven);
        left.L7 = SumAndDifference(sum.Value.L7, TwicePrimeOdd);
        left.L8 = SumAndDifference(sum.Value.L8, TwicePrimeEven);
        left.L9 = SumAndDifference(sum.Value.L9, TwicePrimeOdd);
        Multiply(in left, in point, out var products);

        // H = b + a, E = b - a, G = d + c, F = d - c; then Y = H G, T = E H, Z = G F, X = F E
        left.L0 = SumsAndDifferences(products.L0, TwicePrimeFirst);
        left.L1 = SumsAndDifferences(products.L1, TwicePrimeOdd);
        left.L2 = SumsAndDifferences(products.L2, TwicePrimeEven);
        left.L3 = SumsAndDifferences(products.L3, TwicePrimeOdd);
        left.L4 = SumsAndDifferences(products.L4, TwicePrimeEven);
        left.L5 = SumsAndDifferences(products.L5, TwicePrimeOdd);
        left.L6 = SumsAndDifferences(products.L6, TwicePrimeEven);
        left.L7 = SumsAndDifferences(products.L7, TwicePrimeOdd);
        left.L8 = SumsAndDifferences(products.L8, TwicePrimeEven);
        left.L9 = SumsAndDifferences(products.L9, TwicePrimeOdd);
        right.L0 = Partners(left.L0);
        right.L1 = Partners(left.L1);
        right.L2 = Partners(left.L2);
        right.L3 = Partners(left.L3);
        right.L4 = Partners(left.L4);
        right.L5 = Partners(left.L5);
        right.L6 = Partners(left.L6);
        right.L7 = Partners(left.L7);
        right.L8 = Partners(left.L8);
        right.L9 = Partners(left.L9);
        Multiply(in left, in right, out sum.Value);
    }

    // Twice the prime in limbs, which is added before a subtraction so that no limb becomes negative.
    private static Vector256<uint> TwicePrimeFirst => Vector256.Create(2 * (ulong)(EvenMask - 18)).AsUInt32();

    private static Vector256<uint> TwicePrimeEven => Vector256.Create(2 * (ulong)EvenMask).AsUInt32();

    private static Vector256<uint> TwicePrimeOdd => Vector256.Create(2 * (ulong)OddMask).AsUInt32();

    /// <summary>A point's entry, or that of its negative: the first two lanes exchanged, the third negated.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Signed(Vector256<long> limb, Vector256<ulong> negate, Vector256<uint> twicePrime)
    {
        var positive = limb.AsUInt32();
        var exchanged = Avx2.Shuffle(positive, 0x4e);
        var negative = Avx2.Blend(Avx2.Blend(exchanged, twicePrime - positive, 0x30), positive, 0xc0);
        return Avx2.BlendVariable(positive.AsByte(), negative.AsByte(), negate.AsByte()).AsUInt32();
    }

    /// <summary>Of Y, T, Z, X: Y - X, Y + X, T, Z.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> SumAndDifference(Vector256<uint> limb, Vector256<uint> twicePrime)
    {
        // Y, Y, T, Z and X, X.
        var first = Avx2.Permute4x64(limb.AsUInt64(), 0b10_01_00_00).AsUInt32();
        var second = Avx2.Permute4x64(limb.AsUInt64(), 0b11_11_11_11).AsUInt32();
        var added = Avx2.Blend(second, Vector256<uint>.Zero, 0xf0);
        return first + Avx2.Blend(added, twicePrime - second, 0x03);
    }

    /// <summary>Of a, b, c, d: b + a, b - a, d + c, d - c.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> SumsAndDifferences(Vector256<uint> limb, Vector256<uint> twicePrime)
    {
        var exchanged = Avx2.Shuffle(limb, 0x4e);
        return limb + Avx2.Blend(exchanged, twicePrime - exchanged, 0xcc);
    }

    /// <summary>Of H, E, G, F, what each is multiplied by: G, H, F, E.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Partners(Vector256<uint> limb) => Avx2.Permute4x64(limb.AsUInt64(), 0b01_11_00_10).AsUInt32();

    /// <summary>
    /// Four products. Even limbs up to 2^27.6 and odd ones up to 2^26.6 may go in; out come limbs a little above 2^26 and 2^25.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(Optimize.AtOnce)]
    private static void Multiply(in Four f, in Four g, out Four result)
    {
        // What passes the tenth limb comes in again at the first, times 19. Two odd limbs make one that counts double.
        Four t;
        var nineteen = Vector256.Create(19u);
        t.L0 = default;
        t.L1 = Avx2.Multiply(g.L1, nineteen).AsUInt32();
        t.L2 = Avx2.Multiply(g.L2, nineteen).AsUInt32();
        t.L3 = Avx2.Multiply(g.L3, nineteen).AsUInt32();
        t.L4 = Avx2.Multiply(g.L4, nineteen).AsUInt32();
        t.L5 = Avx2.Multiply(g.L5, nineteen).AsUInt32();
        t.L6 = Avx2.Multiply(g.L6, nineteen).AsUInt32();
        t.L7 = Avx2.Multiply(g.L7, nineteen).AsUInt32();
        t.L8 = Avx2.Multiply(g.L8, nineteen).AsUInt32();
        t.L9 = Avx2.Multiply(g.L9, nineteen).AsUInt32();
        Vector256<ulong> h0, h1, h2, h3, h4, h5, h6, h7, h8, h9;

        Vector256<uint> f0 = f.L0;
        h0 = Avx2.Multiply(f0, g.L0);
        h1 = Avx2.Multiply(f0, g.L1);
        h2 = Avx2.Multiply(f0, g.L2);
        h3 = Avx2.Multiply(f0, g.L3);
        h4 = Avx2.Multiply(f0, g.L4);
        h5 = Avx2.Multiply(f0, g.L5);
        h6 = Avx2.Multiply(f0, g.L6);
        h7 = Avx2.Multiply(f0, g.L7);
        h8 = Avx2.Multiply(f0, g.L8);
        h9 = Avx2.Multiply(f0, g.L9);

        Vector256<uint> f1 = f.L1, d1 = f1 + f1;
        h1 += Avx2.Multiply(f1, g.L0);
        h2 += Avx2.Multiply(d1, g.L1);
        h3 += Avx2.Multiply(f1, g.L2);
        h4 += Avx2.Multiply(d1, g.L3);
        h5 += Avx2.Multiply(f1, g.L4);
        h6 += Avx2.Multiply(d1, g.L5);
        h7 += Avx2.Multiply(f1, g.L6);
        h8 += Avx2.Multiply(d1, g.L7);
        h9 += Avx2.Multiply(f1, g.L8);
        h0 += Avx2.Multiply(d1, t.L9);

        Vector256<uint> f2 = f.L2;
        h2 += Avx2.Multiply(f2, g.L0);
        h3 += Avx2.Multiply(f2, g.L1);
        h4 += Avx2.Multiply(f2, g.L2);
        h5 += Avx2.Multiply(f2, g.L3);
        h6 += Avx2.Multiply(f2, g.L4);
        h7 += Avx2.Multiply(f2, g.L5);
        h8 += Avx2.Multiply(f2, g.L6);
        h9 += Avx2.Multiply(f2, g.L7);
        h0 += Avx2.Multiply(f2, t.L8);
        h1 += Avx2.Multiply(f2, t.L9);

        Vector256<uint> f3 = f.L3, d3 = f3 + f3;
        h3 += Avx2.Multiply(f3, g.L0);
        h4 += Avx2.Multiply(d3, g.L1);
        h5 += Avx2.Multiply(f3, g.L2);
        h6 += Avx2.Multiply(d3, g.L3);
        h7 += Avx2.Multiply(f3, g.L4);
        h8 += Avx2.Multiply(d3, g.L5);
        h9 += Avx2.Multiply(f3, g.L6);
        h0 += Avx2.Multiply(d3, t.L7);
        h1 += Avx2.Multiply(f3, t.L8);
        h2 += Avx2.Multiply(d3, t.L9);

        Vector256<uint> f4 = f.L4;
        h4 += Avx2.Multiply(f4, g.L0);
        h5 += Avx2.Multiply(f4, g.L1);
        h6 += Avx2.Multiply(f4, g.L2);
        h7 += Avx2.Multiply(f4, g.L3);
        h8 += Avx2.Multiply(f4, g.L4);
        h9 += Avx2.Multiply(f4, g.L5);
        h0 += Avx2.Multiply(f4, t.L6);
        h1 += Avx2.Multiply(f4, t.L7);
        h2 += Avx2.Multiply(f4, t.L8);
        h3 += Avx2.Multiply(f4, t.L9);

        Vector256<uint> f5 = f.L5, d5 = f5 + f5;
        h5 += Avx2.Multiply(f5, g.L0);
        h6 += Avx2.Multiply(d5, g.L1);
        h7 += Avx2.Multiply(f5, g.L2);
        h8 += Avx2.Multiply(d5, g.L3);
        h9 += Avx2.Multiply(f5, g.L4);
        h0 += Avx2.Multiply(d5, t.L5);
        h1 += Avx2.Multiply(f5, t.L6);
        h2 += Avx2.Multiply(d5, t.L7);
        h3 += Avx2.Multiply(f5, t.L8);
        h4 += Avx2.Multiply(d5, t.L9);

        Vector256<uint> f6 = f.L6;
        h6 += Avx2.Multiply(f6, g.L0);
        h7 += Avx2.Multiply(f6, g.L1);
        h8 += Avx2.Multiply(f6, g.L2);
        h9 += Avx2.Multiply(f6, g.L3);
        h0 += Avx2.Multiply(f6, t.L4);
        h1 += Avx2.Multiply(f6, t.L5);
        h2 += Avx2.Multiply(f6, t.L6);
        h3 += Avx2.Multiply(f6, t.L7);
        h4 += Avx2.Multiply(f6, t.L8);
        h5 += Avx2.Multiply(f6, t.L9);

        Vector256<uint> f7 = f.L7, d7 = f7 + f7;
        h7 += Avx2.Multiply(f7, g.L0);
        h8 += Avx2.Multiply(d7, g.L1);
        h9 += Avx2.Multiply(f7, g.L2);
        h0 += Avx2.Multiply(d7, t.L3);
        h1 += Avx2.Multiply(f7, t.L4);
        h2 += Avx2.Multiply(d7, t.L5);
        h3 += Avx2.Multiply(f7, t.L6);
        h4 += Avx2.Multiply(d7, t.L7);
        h5 += Avx2.Multiply(f7, t.L8);
        h6 += Avx2.Multiply(d7, t.L9);

        Vector256<uint> f8 = f.L8;
        h8 += Avx2.Multiply(f8, g.L0);
        h9 += Avx2.Multiply(f8, g.L1);
        h0 += Avx2.Multiply(f8, t.L2);
        h1 += Avx2.Multiply(f8, t.L3);
        h2 += Avx2.Multiply(f8, t.L4);
        h3 += Avx2.Multiply(f8, t.L5);
        h4 += Avx2.Multiply(f8, t.L6);
        h5 += Avx2.Multiply(f8, t.L7);
        h6 += Avx2.Multiply(f8, t.L8);
        h7 += Avx2.Multiply(f8, t.L9);

        Vector256<uint> f9 = f.L9, d9 = f9 + f9;
        h9 += Avx2.Multiply(f9, g.L0);
        h0 += Avx2.Multiply(d9, t.L1);
        h1 += Avx2.Multiply(f9, t.L2);
        h2 += Avx2.Multiply(d9, t.L3);
        h3 += Avx2.Multiply(f9, t.L4);
        h4 += Avx2.Multiply(d9, t.L5);
        h5 += Avx2.Multiply(f9, t.L6);
        h6 += Avx2.Multiply(d9, t.L7);
        h7 += Avx2.Multiply(f9, t.L8);
        h8 += Avx2.Multiply(d9, t.L9);

        // Carried in two chains at a time, from the first limb and from the fifth.
        var even = Vector256.Create((ulong)EvenMask);
        var odd = Vector256.Create((ulong)OddMask);
        h1 += h0 >>> 26;
        h5 += h4 >>> 26;
        h0 &= even;
        h4 &= even;
        h2 += h1 >>> 25;
        h6 += h5 >>> 25;
        h1 &= odd;
        h5 &= odd;
        h3 += h2 >>> 26;
        h7 += h6 >>> 26;
        h2 &= even;
        h6 &= even;
        h4 += h3 >>> 25;
        h8 += h7 >>> 25;
        h3 &= odd;
        h7 &= odd;
        h5 += h4 >>> 26;
        h9 += h8 >>> 26;
        h4 &= even;
        h8 &= even;
        var last = h9 >>> 25;
        h9 &= odd;
        h0 += last + (last << 1) + (last << 4);
        h1 += h0 >>> 26;
        h0 &= even;
        result.L0 = h0.AsUInt32();
        result.L1 = h1.AsUInt32();
        result.L2 = h2.AsUInt32();
        result.L3 = h3.AsUInt32();
        result.L4 = h4.AsUInt32();
        result.L5 = h5.AsUInt32();
        result.L6 = h6.AsUInt32();
        result.L7 = h7.AsUInt32();
        result.L8 = h8.AsUInt32();
        result.L9 = h9.AsUInt32();
    }

    /// <summary>Four numbers: limb by limb, each in the lower half of a lane of 64 bits.</summary>
    internal struct Four
    {
        public Vector256<uint> L0, L1, L2, L3, L4, L5, L6, L7, L8, L9;
    }

    /// <summary>A point in the form to which others are added: Y, T, Z, X.</summary>
    public struct Point
    {
        internal Four Value;

        public static Point From(in EdwardsPoint point)
        {
            Span<uint> words = stackalloc uint[EntryWords];
            point.Y.WriteHalves(words, Lanes);
            point.T.WriteHalves(words[1..], Lanes);
            point.Z.WriteHalves(words[2..], Lanes);
            point.X.WriteHalves(words[3..], Lanes);
            Point result = default;
            var limbs = MemoryMarshal.CreateSpan(ref result.Value.L0, Limbs);
            for (var i = 0; i < Limbs; i++)
                limbs[i] = Avx2.ConvertToVector256Int64(Vector128.Create(words.Slice(i * Lanes, Lanes))).AsUInt32();
            words.Clear();
            return result;
        }

        public EdwardsPoint ToPoint()
        {
            Span<uint> words = stackalloc uint[EntryWords];
            var limbs = MemoryMarshal.CreateSpan(ref Value.L0, Limbs);
            for (var i = 0; i < EntryWords; i++)
                words[i] = (uint)limbs[i / Lanes].AsUInt64()[i % Lanes];
            var result = new EdwardsPoint
            {
                Y = Field25519.ReadHalves(words, Lanes),
                T = Field25519.ReadHalves(words[1..], Lanes),
                Z = Field25519.ReadHalves(words[2..], Lanes),
                X = Field25519.ReadHalves(words[3..], Lanes),
            };
            words.Clear();
            return result;
        }
    }
}
#endif
