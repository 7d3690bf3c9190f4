#if NET
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace Lanyard.Wire.Crypto;

/// <summary>The cryptography extension of 64-bit Arm, whose rounds begin with adding the round key.</summary>
internal readonly struct AesArm : IAesMachine
{
    public static bool IsSupported => Aes.IsSupported && AdvSimd.Arm64.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Begin(Vector128<byte> block, Vector128<byte> key) => block;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Round(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key) =>
        Aes.MixColumns(Aes.Encrypt(block, keyBefore));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> RoundPlus(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> added) =>
        Aes.MixColumns(Aes.Encrypt(block, keyBefore)) ^ added;

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
    public static IAesMachine.FourBlocks WithFirstColumns(Vector128<byte> block, Vector128<byte> columns) =>
        new(
            AdvSimd.Arm64.InsertSelectedScalar(block.AsUInt32(), 0, columns.AsUInt32(), 0).AsByte(),
            AdvSimd.Arm64.InsertSelectedScalar(block.AsUInt32(), 0, columns.AsUInt32(), 1).AsByte(),
            AdvSimd.Arm64.InsertSelectedScalar(block.AsUInt32(), 0, columns.AsUInt32(), 2).AsByte(),
            AdvSimd.Arm64.InsertSelectedScalar(block.AsUInt32(), 0, columns.AsUInt32(), 3).AsByte());
}
#endif
