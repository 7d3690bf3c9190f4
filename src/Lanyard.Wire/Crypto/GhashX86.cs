#if NET
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lanyard.Wire.Crypto;

/// <summary>Products with PCLMULQDQ; from .NET 10 on also with VPCLMULQDQ, two blocks at once.</summary>
internal readonly struct GhashX86 : IReversedGhashMachine<GhashX86>
{
    public static bool IsSupported => Pclmulqdq.IsSupported && Ssse3.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> MultiplyLow(Vector128<ulong> a, Vector128<ulong> b) => Pclmulqdq.CarrylessMultiply(a, b, 0x00);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProduct(Vector128<ulong> a, Vector128<ulong> b, ref IGhashMachine.Sum sum)
    {
        sum.Low ^= Pclmulqdq.CarrylessMultiply(a, b, 0x00);
        sum.Middle ^= Pclmulqdq.CarrylessMultiply(a, b, 0x01) ^ Pclmulqdq.CarrylessMultiply(a, b, 0x10);
        sum.High ^= Pclmulqdq.CarrylessMultiply(a, b, 0x11);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int AddProductsWide(ref byte blocks, ref byte factors, nuint sums, int count, ref IGhashMachine.Sum sum)
    {
        var done = 0;
#if NET10_0_OR_GREATER
        if (Pclmulqdq.V256.IsSupported && Avx2.IsSupported && count >= 2)
        {
            var reversed = Vector256.Create(IReversedGhashMachine<GhashX86>.ReversedBytes);
            Vector256<ulong> low2 = default, middle2 = default, high2 = default;
            for (; count - done >= 2; done += 2)
            {
                var a = Avx2.Shuffle(Vector256.LoadUnsafe(ref blocks, (nuint)done * 16), reversed).AsUInt64();
                var b = Vector256.LoadUnsafe(ref factors, (nuint)done * 16).AsUInt64();
                low2 ^= Pclmulqdq.V256.CarrylessMultiply(a, b, 0x00);
                middle2 ^= Pclmulqdq.V256.CarrylessMultiply(a, b, 0x01) ^ Pclmulqdq.V256.CarrylessMultiply(a, b, 0x10);
                high2 ^= Pclmulqdq.V256.CarrylessMultiply(a, b, 0x11);
            }
            sum.Low ^= Folded(low2);
            sum.Middle ^= Folded(middle2);
            sum.High ^= Folded(high2);
        }
#endif
        return done;
    }

#if NET10_0_OR_GREATER
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Folded(Vector256<ulong> sum) => sum.GetLower() ^ sum.GetUpper();
#endif
}
#endif
