#if NET
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// GHASH's polynomials as blocks have them but for the order of bytes: the coefficient of x^0 is the highest bit. A product of two then lies one
/// bit too low, which a factor that has been multiplied by x makes up for.
/// </summary>
internal static class ReversedPolynomials
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> FromBlock(Vector128<byte> block) =>
        Vector128.Shuffle(block, Vector128.Create((byte)15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ToBlock(Vector128<ulong> polynomial) => FromBlock(polynomial.AsByte()).AsByte();

    public static Vector128<ulong> TimesX(Vector128<ulong> polynomial)
    {
        ulong low = polynomial[0], high = polynomial[1];
        var top = 0 - (high >> 63);
        return Vector128.Create((low << 1) ^ (top & 1), ((high << 1) | (low >> 63)) ^ (top & 0xc200000000000000));
    }

    /// <summary>
    /// In two steps of 64 bits (S. Gueron and M. Kounavis, "Intel Carry-Less Multiplication Instruction and its Usage for Computing the GCM Mode").
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Reduced<TMachine>(in IAesMachine.Sum sum)
        where TMachine : struct, IAesMachine
    {
        const byte Z = 0xff; // Out of range, for a zero.
        var polynomial = Vector128.CreateScalar(0xc200000000000000);
        var movedUp = Vector128.Shuffle(sum.Middle.AsByte(), Vector128.Create(Z, Z, Z, Z, Z, Z, Z, Z, 0, 1, 2, 3, 4, 5, 6, 7));
        var movedDown = Vector128.Shuffle(sum.Middle.AsByte(), Vector128.Create(8, 9, 10, 11, 12, 13, 14, 15, Z, Z, Z, Z, Z, Z, Z, Z));
        var low = sum.Low ^ movedUp.AsUInt64();
        var high = sum.High ^ movedDown.AsUInt64();
        low = Exchanged(low) ^ TMachine.MultiplyLow(low, polynomial);
        low = Exchanged(low) ^ TMachine.MultiplyLow(low, polynomial);
        return low ^ high;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Exchanged(Vector128<ulong> x) => Vector128.Shuffle(x, Vector128.Create(1UL, 0));
}
#endif
