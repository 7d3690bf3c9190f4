#if NET
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lanyard.Wire.Crypto;

/// <summary>AES-NI and PCLMULQDQ; from .NET 10 on also VPCLMULQDQ, which does four blocks at once.</summary>
internal readonly struct AesX86 : IAesMachine
{
    public static bool IsSupported => Aes.IsSupported && Pclmulqdq.IsSupported && Ssse3.IsSupported;

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
    public static Vector128<ulong> MultiplyLow(Vector128<ulong> a, Vector128<ulong> b) => Pclmulqdq.CarrylessMultiply(a, b, 0x00);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddProduct(Vector128<ulong> a, Vector128<ulong> b, ref IAesMachine.Sum sum)
    {
        sum.Low ^= Pclmulqdq.CarrylessMultiply(a, b, 0x00);
        sum.Middle ^= Pclmulqdq.CarrylessMultiply(a, b, 0x01) ^ Pclmulqdq.CarrylessMultiply(a, b, 0x10);
        sum.High ^= Pclmulqdq.CarrylessMultiply(a, b, 0x11);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int AddProductsWide(ref byte blocks, ref byte factors, int count, ref IAesMachine.Sum sum)
    {
        var done = 0;
#if NET10_0_OR_GREATER
        if (Pclmulqdq.V512.IsSupported && Avx512BW.IsSupported && Vector512.IsHardwareAccelerated && count >= 4)
        {
            var reversed = Vector512.Create(Vector256.Create(ReversedBytes, ReversedBytes), Vector256.Create(ReversedBytes, ReversedBytes));
            Vector512<ulong> low4 = default, middle4 = default, high4 = default;
            for (; count - done >= 8; done += 8)
            {
                var a = Avx512BW.Shuffle(Vector512.LoadUnsafe(ref blocks, (nuint)done * 16), reversed).AsUInt64();
                var b = Vector512.LoadUnsafe(ref factors, (nuint)done * 16).AsUInt64();
                var c = Avx512BW.Shuffle(Vector512.LoadUnsafe(ref blocks, ((nuint)done * 16) + 64), reversed).AsUInt64();
                var d = Vector512.LoadUnsafe(ref factors, ((nuint)done * 16) + 64).AsUInt64();
                low4 ^= Pclmulqdq.V512.CarrylessMultiply(a, b, 0x00) ^ Pclmulqdq.V512.CarrylessMultiply(c, d, 0x00);
                middle4 ^= Pclmulqdq.V512.CarrylessMultiply(a, b, 0x01) ^ Pclmulqdq.V512.CarrylessMultiply(a, b, 0x10);
                middle4 ^= Pclmulqdq.V512.CarrylessMultiply(c, d, 0x01) ^ Pclmulqdq.V512.CarrylessMultiply(c, d, 0x10);
                high4 ^= Pclmulqdq.V512.CarrylessMultiply(a, b, 0x11) ^ Pclmulqdq.V512.CarrylessMultiply(c, d, 0x11);
            }
            for (; count - done >= 4; done += 4)
            {
                var a = Avx512BW.Shuffle(Vector512.LoadUnsafe(ref blocks, (nuint)done * 16), reversed).AsUInt64();
                var b = Vector512.LoadUnsafe(ref factors, (nuint)done * 16).AsUInt64();
                low4 ^= Pclmulqdq.V512.CarrylessMultiply(a, b, 0x00);
                middle4 ^= Pclmulqdq.V512.CarrylessMultiply(a, b, 0x01) ^ Pclmulqdq.V512.CarrylessMultiply(a, b, 0x10);
                high4 ^= Pclmulqdq.V512.CarrylessMultiply(a, b, 0x11);
            }
            sum.Low ^= Folded(low4.GetLower() ^ low4.GetUpper());
            sum.Middle ^= Folded(middle4.GetLower() ^ middle4.GetUpper());
            sum.High ^= Folded(high4.GetLower() ^ high4.GetUpper());
        }
        else if (Pclmulqdq.V256.IsSupported && Avx2.IsSupported && count >= 2)
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
