#if NET
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lanyard.Wire.Crypto;

/// <summary>AES-NI.</summary>
internal readonly struct AesX86 : IAesMachine
{
    public static bool IsSupported => Aes.IsSupported && Sse41.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Begin(Vector128<byte> block, Vector128<byte> key) => block ^ key;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Round(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key) => Aes.Encrypt(block, key);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> RoundPlus(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> added) => Aes.Encrypt(block, added);

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
    public static IAesMachine.FourBlocks WithFirstColumns(Vector128<byte> block, Vector128<byte> columns) =>
        new(
            Sse41.Insert(block.AsSingle(), columns.AsSingle(), 0b00_00_0000).AsByte(),
            Sse41.Insert(block.AsSingle(), columns.AsSingle(), 0b01_00_0000).AsByte(),
            Sse41.Insert(block.AsSingle(), columns.AsSingle(), 0b10_00_0000).AsByte(),
            Sse41.Insert(block.AsSingle(), columns.AsSingle(), 0b11_00_0000).AsByte());
}
#endif
