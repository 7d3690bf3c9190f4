#if NET
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace Lanyard.Wire.Crypto;

/// <summary>Products with the cryptography extension of 64-bit Arm.</summary>
internal readonly struct GhashArm : IReversedGhashMachine<GhashArm>
{
    public static bool IsSupported => Aes.IsSupported && AdvSimd.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> MultiplyLow(Vector128<ulong> a, Vector128<ulong> b) =>
        Aes.PolynomialMultiplyWideningLower(a.GetLower(), b.GetLower());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProduct(Vector128<ulong> a, Vector128<ulong> b, ref IGhashMachine.Sum sum)
    {
        var exchanged = AdvSimd.ExtractVector128(b, b, 1);
        sum.Low ^= Aes.PolynomialMultiplyWideningLower(a.GetLower(), b.GetLower());
        sum.Middle ^= Aes.PolynomialMultiplyWideningLower(a.GetLower(), exchanged.GetLower());
        sum.Middle ^= Aes.PolynomialMultiplyWideningUpper(a, exchanged);
        sum.High ^= Aes.PolynomialMultiplyWideningUpper(a, b);
    }

    public static int AddProductsWide(ref byte blocks, ref byte factors, nuint sums, int count, ref IGhashMachine.Sum sum) => 0;
}
#endif
