#if NET
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace Lanyard.Wire.Crypto;

/// <summary>The cryptography extension of 64-bit Arm: its rounds begin with adding a key.</summary>
internal readonly struct AesArm : IAesMachine
{
    public static bool IsSupported => Aes.IsSupported && AdvSimd.Arm64.IsSupported;

    public static bool MultipliesSums => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Begin(Vector128<byte> block, Vector128<byte> key) => block;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Round(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key) =>
        Aes.MixColumns(Aes.Encrypt(block, keyBefore));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> LastRound(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key) =>
        Aes.Encrypt(block, keyBefore) ^ key;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> InverseRound(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key) =>
        Aes.InverseMixColumns(Aes.Decrypt(block, keyBefore));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> InverseLastRound(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key) =>
        Aes.Decrypt(block, keyBefore) ^ key;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> InverseMixColumns(Vector128<byte> key) => Aes.InverseMixColumns(key);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Polynomial(Vector128<byte> block) => ReversedPolynomials.FromBlock(block);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Block(Vector128<ulong> polynomial) => ReversedPolynomials.ToBlock(polynomial);

    public static Vector128<ulong> Factor(Vector128<ulong> polynomial) => ReversedPolynomials.TimesX(polynomial);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Reduced(in IAesMachine.Sum sum) => ReversedPolynomials.Reduced<AesArm>(sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> MultiplyLow(Vector128<ulong> a, Vector128<ulong> b) =>
        Aes.PolynomialMultiplyWideningLower(a.GetLower(), b.GetLower());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProduct(Vector128<ulong> a, Vector128<ulong> b, ref IAesMachine.Sum sum)
    {
        var exchanged = AdvSimd.ExtractVector128(b, b, 1);
        sum.Low ^= Aes.PolynomialMultiplyWideningLower(a.GetLower(), b.GetLower());
        sum.Middle ^= Aes.PolynomialMultiplyWideningLower(a.GetLower(), exchanged.GetLower());
        sum.Middle ^= Aes.PolynomialMultiplyWideningUpper(a, exchanged);
        sum.High ^= Aes.PolynomialMultiplyWideningUpper(a, b);
    }

    public static int AddProductsWide(ref byte blocks, ref byte factors, nuint sums, int count, ref IAesMachine.Sum sum) => 0;
}
#endif
