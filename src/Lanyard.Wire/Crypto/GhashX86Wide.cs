#if NET10_0_OR_GREATER
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// VPCLMULQDQ in vectors of 512 bits: four blocks at once. The execution port that multiplies has no other work, because GFNI reverses the bits of a block on
/// another port: the coefficient of x^0 is the lowest bit.
/// </summary>
internal readonly struct GhashX86Wide : IGhashMachine
{
    /// <summary>Reverses the bits of each byte.</summary>
    private const ulong BitsReversed = 0x8040201008040201;

    public static bool IsSupported =>
        GhashX86.IsSupported && Pclmulqdq.V512.IsSupported && Gfni.V512.IsSupported && Avx512F.IsSupported && Vector512.IsHardwareAccelerated;

    public static bool MultipliesSums => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Polynomial(Vector128<byte> block) =>
        Gfni.GaloisFieldAffineTransform(block, Vector128.Create(BitsReversed).AsByte(), 0).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Block(Vector128<ulong> polynomial) => Polynomial(polynomial.AsByte()).AsByte();

    public static Vector128<ulong> Factor(Vector128<ulong> polynomial) => polynomial;

    /// <summary>Multiplies the part above x^127 by x^7 + x^2 + x + 1 and adds it: first the upper half, then the lower.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Reduced(in IGhashMachine.Sum sum)
    {
        var polynomial = Vector128.CreateScalar(0x87UL);
        var low = sum.Low ^ Sse2.ShiftLeftLogical128BitLane(sum.Middle, 8);
        var high = sum.High ^ Sse2.ShiftRightLogical128BitLane(sum.Middle, 8);
        var upper = Pclmulqdq.CarrylessMultiply(high, polynomial, 0x01);
        low ^= Sse2.ShiftLeftLogical128BitLane(upper, 8);
        high ^= Sse2.ShiftRightLogical128BitLane(upper, 8);
        return low ^ Pclmulqdq.CarrylessMultiply(high, polynomial, 0x00);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProduct(Vector128<ulong> a, Vector128<ulong> b, ref IGhashMachine.Sum sum) => GhashX86.AddProduct(a, b, ref sum);

    /// <summary>
    /// Three products for a block instead of four (A. Karatsuba and Y. Ofman, 1962): the product of the sums of the halves contains both middle products and the two outer products.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int AddProductsWide(ref byte blocks, ref byte factors, nuint sums, int count, ref IGhashMachine.Sum sum)
    {
        if (count < 4)
            return 0;
        var block = Vector512.LoadUnsafe(ref blocks);
        var (low, high) = (Product(Polynomials(block), ref factors, 0, 0x00), Product(Polynomials(block), ref factors, 0, 0x11));
        var all = Product(Polynomials(block ^ Avx512F.Shuffle(block.AsInt32(), 0b01_00_11_10).AsByte()), ref factors, sums, 0x01);
        ref byte place = ref Unsafe.Add(ref blocks, 64), factor = ref Unsafe.Add(ref factors, 64);
        var left = count - 4;
        for (; left >= 8; left -= 8)
        {
            // Loaded from half a block earlier, the lower halves are in the positions of the upper halves; a shuffle would use the multiplier's port.
            Vector512<byte> block1 = Vector512.LoadUnsafe(ref place), block2 = Vector512.LoadUnsafe(ref place, 64);
            var sum1 = Polynomials(block1 ^ Vector512.LoadUnsafe(ref Unsafe.Subtract(ref place, 8)));
            var sum2 = Polynomials(block2 ^ Vector512.LoadUnsafe(ref place, 56));
            Vector512<ulong> whole1 = Polynomials(block1), whole2 = Polynomials(block2);
            all ^= Product(sum1, ref factor, sums, 0x01) ^ Product(sum2, ref factor, sums + 64, 0x01);
            low ^= Product(whole1, ref factor, 0, 0x00) ^ Product(whole2, ref factor, 64, 0x00);
            high ^= Product(whole1, ref factor, 0, 0x11) ^ Product(whole2, ref factor, 64, 0x11);
            place = ref Unsafe.Add(ref place, 128);
            factor = ref Unsafe.Add(ref factor, 128);
        }
        if (left >= 4)
        {
            block = Vector512.LoadUnsafe(ref place);
            all ^= Product(Polynomials(block ^ Vector512.LoadUnsafe(ref Unsafe.Subtract(ref place, 8))), ref factor, sums, 0x01);
            low ^= Product(Polynomials(block), ref factor, 0, 0x00);
            high ^= Product(Polynomials(block), ref factor, 0, 0x11);
        }
        sum.Low ^= Folded(low);
        sum.Middle ^= Folded(all ^ low ^ high);
        sum.High ^= Folded(high);
        return count & ~3;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Polynomials(Vector512<byte> blocks) =>
        Gfni.V512.GaloisFieldAffineTransform(blocks, Vector512.Create(BitsReversed).AsByte(), 0).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Product(Vector512<ulong> polynomials, ref byte factors, nuint place, [ConstantExpected] byte halves) =>
        Pclmulqdq.V512.CarrylessMultiply(polynomials, Vector512.LoadUnsafe(ref factors, place).AsUInt64(), halves);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Folded(Vector512<ulong> sum)
    {
        var half = sum.GetLower() ^ sum.GetUpper();
        return half.GetLower() ^ half.GetUpper();
    }
}
#endif
