using System.Buffers.Binary;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// Numbers modulo the order of the Edwards curve's base point, L = 2^252 + 27742317777372353535851937790883648493 (RFC 8032, section
/// 5.1), as 32 bytes, little-endian. Constant time.
/// </summary>
internal static class Scalar25519
{
    public const int Size = 32;

    private const ulong L0 = 0x5812631a5cf5d3ed, L1 = 0x14def9dea2f79cd6, L3 = 0x1000000000000000;

    /// <summary>
    /// Whether 32 bytes are a number below L, as required for the second half of a signature. Not constant time: signatures are public.
    /// </summary>
    public static bool IsCanonical(ReadOnlySpan<byte> scalar)
    {
        var w3 = BinaryPrimitives.ReadUInt64LittleEndian(scalar[24..]);
        var w2 = BinaryPrimitives.ReadUInt64LittleEndian(scalar[16..]);
        var w1 = BinaryPrimitives.ReadUInt64LittleEndian(scalar[8..]);
        var w0 = BinaryPrimitives.ReadUInt64LittleEndian(scalar);
        return w3 != L3 ? w3 < L3 : w2 == 0 && (w1 != L1 ? w1 < L1 : w0 < L0);
    }

    /// <summary>Reduces a 64-byte hash modulo L.</summary>
    public static void Reduce(ReadOnlySpan<byte> wide, Span<byte> result)
    {
        Span<ulong> words = stackalloc ulong[8];
        for (var i = 0; i < 8; i++)
            words[i] = BinaryPrimitives.ReadUInt64LittleEndian(wide[(8 * i)..]);
        Reduce(words, result);
    }

    /// <summary>Computes a b + c modulo L. Each is any 32 bytes.</summary>
    public static void MultiplyAdd(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, ReadOnlySpan<byte> c, Span<byte> result)
    {
        Span<ulong> words = stackalloc ulong[8];
        words.Clear();
        for (var i = 0; i < 4; i++)
            words[i] = BinaryPrimitives.ReadUInt64LittleEndian(c[(8 * i)..]);
        for (var i = 0; i < 4; i++)
        {
            var factor = BinaryPrimitives.ReadUInt64LittleEndian(a[(8 * i)..]);
            var carry = 0UL;
            for (var j = 0; j < 4; j++)
            {
                var low = words[i + j];
                var high = 0UL;
                WideMath.MultiplyAdd(ref high, ref low, factor, BinaryPrimitives.ReadUInt64LittleEndian(b[(8 * j)..]));
                low += carry;
                carry = high + (low < carry ? 1UL : 0UL);
                words[i + j] = low;
            }
            words[i + 4] = carry;
        }
        Reduce(words, result);
    }

    /// <summary>
    /// Reduces the number from the top, 32 bits at a time. Each step shifts the remainder up, and subtracts L as many times as the bits from 252 on
    /// indicate, which is correct or once too often; in the latter case, L is added again.
    /// </summary>
    private static void Reduce(Span<ulong> words, Span<byte> result)
    {
        ulong r0 = 0, r1 = 0, r2 = 0, r3 = 0;
        for (var i = 15; i >= 0; i--)
        {
            var r4 = r3 >> 32;
            r3 = (r3 << 32) | (r2 >> 32);
            r2 = (r2 << 32) | (r1 >> 32);
            r1 = (r1 << 32) | (r0 >> 32);
            r0 = (r0 << 32) | (uint)(words[i >> 1] >> (32 * (i & 1)));
            Subtract((r4 << 4) | (r3 >> 60), ref r0, ref r1, ref r2, ref r3, r4);
        }
        BinaryPrimitives.WriteUInt64LittleEndian(result, r0);
        BinaryPrimitives.WriteUInt64LittleEndian(result[8..], r1);
        BinaryPrimitives.WriteUInt64LittleEndian(result[16..], r2);
        BinaryPrimitives.WriteUInt64LittleEndian(result[24..], r3);
        words.Clear();
    }

    /// <summary>
    /// Subtracts L a number of times; if that was once too often, the fifth word becomes all ones, and L is added again under that mask.
    /// </summary>
    private static void Subtract(ulong quotient, ref ulong r0, ref ulong r1, ref ulong r2, ref ulong r3, ulong r4)
    {
        var h0 = WideMath.Multiply(quotient, L0, out var p0);
        var h1 = WideMath.Multiply(quotient, L1, out var p1);
        p1 += h0;
        var p2 = h1 + (p1 < h0 ? 1UL : 0UL);
        var p3 = quotient << 60;
        var p4 = quotient >> 4;

        var borrow = SubtractWithBorrow(ref r0, p0, 0);
        borrow = SubtractWithBorrow(ref r1, p1, borrow);
        borrow = SubtractWithBorrow(ref r2, p2, borrow);
        borrow = SubtractWithBorrow(ref r3, p3, borrow);
        SubtractWithBorrow(ref r4, p4, borrow);

        var carry = AddWithCarry(ref r0, L0 & r4, 0);
        carry = AddWithCarry(ref r1, L1 & r4, carry);
        carry = AddWithCarry(ref r2, 0, carry);
        AddWithCarry(ref r3, L3 & r4, carry);
    }

    private static ulong SubtractWithBorrow(ref ulong a, ulong b, ulong borrow)
    {
        var difference = a - b;
        var result = difference - borrow;
        borrow = (a < b ? 1UL : 0UL) | (difference < borrow ? 1UL : 0UL);
        a = result;
        return borrow;
    }

    private static ulong AddWithCarry(ref ulong a, ulong b, ulong carry)
    {
        var sum = a + b;
        var result = sum + carry;
        carry = (sum < b ? 1UL : 0UL) | (result < carry ? 1UL : 0UL);
        a = result;
        return carry;
    }
}
