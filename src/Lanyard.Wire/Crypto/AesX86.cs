#if NET
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lanyard.Wire.Crypto;

/// <summary>AES-NI and PCLMULQDQ; from .NET 10 on also VPCLMULQDQ, two blocks at once.</summary>
internal readonly struct AesX86 : IAesMachine
{
    public static bool IsSupported => Aes.IsSupported && Pclmulqdq.IsSupported && Ssse3.IsSupported;

    public static bool MultipliesSums => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Begin(Vector128<byte> block, Vector128<byte> key) => block ^ key;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Round(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key) => Aes.Encrypt(block, key);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> LastRound(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key) =>
        Aes.EncryptLast(block, key);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> InverseRound(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key) =>
        Aes.Decrypt(block, key);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> InverseLastRound(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key) =>
        Aes.DecryptLast(block, key);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> InverseMixColumns(Vector128<byte> key) => Aes.InverseMixColumns(key);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Polynomial(Vector128<byte> block) => ReversedPolynomials.FromBlock(block);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Block(Vector128<ulong> polynomial) => ReversedPolynomials.ToBlock(polynomial);

    public static Vector128<ulong> Factor(Vector128<ulong> polynomial) => ReversedPolynomials.TimesX(polynomial);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Reduced(in IAesMachine.Sum sum) => ReversedPolynomials.Reduced<AesX86>(sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> MultiplyLow(Vector128<ulong> a, Vector128<ulong> b) => Pclmulqdq.CarrylessMultiply(a, b, 0x00);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProduct(Vector128<ulong> a, Vector128<ulong> b, ref IAesMachine.Sum sum)
    {
        sum.Low ^= Pclmulqdq.CarrylessMultiply(a, b, 0x00);
        sum.Middle ^= Pclmulqdq.CarrylessMultiply(a, b, 0x01) ^ Pclmulqdq.CarrylessMultiply(a, b, 0x10);
        sum.High ^= Pclmulqdq.CarrylessMultiply(a, b, 0x11);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int AddProductsWide(ref byte blocks, ref byte factors, nuint sums, int count, ref IAesMachine.Sum sum)
    {
        var done = 0;
#if NET10_0_OR_GREATER
        if (Pclmulqdq.V256.IsSupported && Avx2.IsSupported && count >= 2)
        {
            var reversed = Vector256.Create(ReversedBytes, ReversedBytes);
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
    private static Vector128<byte> ReversedBytes => Vector128.Create((byte)15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Folded(Vector256<ulong> sum) => sum.GetLower() ^ sum.GetUpper();
#endif
}
#endif
