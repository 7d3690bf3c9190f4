#if NET
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// A machine that uses GHASH's polynomials in the bit order of blocks, with the bytes reversed: the coefficient of x^0 is the highest bit. A product of
/// two polynomials is then one bit too low; a factor that has been multiplied by x compensates for it.
/// </summary>
/// <typeparam name="TSelf">The machine.</typeparam>
internal interface IReversedGhashMachine<TSelf> : IGhashMachine
    where TSelf : struct, IReversedGhashMachine<TSelf>
{
    /// <summary>For shuffles: reverses the bytes.</summary>
    static Vector128<byte> ReversedBytes => Vector128.Create((byte)15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);

    /// <summary>Returns the product of the lower halves.</summary>
    static abstract Vector128<ulong> MultiplyLow(Vector128<ulong> a, Vector128<ulong> b);

    /// <inheritdoc/>
    static bool IGhashMachine.MultipliesSums => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<ulong> IGhashMachine.Polynomial(Vector128<byte> block) => Vector128.Shuffle(block, ReversedBytes).AsUInt64();

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<byte> IGhashMachine.Block(Vector128<ulong> polynomial) => Vector128.Shuffle(polynomial.AsByte(), ReversedBytes);

    /// <inheritdoc/>
    static Vector128<ulong> IGhashMachine.Factor(Vector128<ulong> polynomial)
    {
        ulong low = polynomial[0], high = polynomial[1];
        var top = 0 - (high >> 63);
        return Vector128.Create((low << 1) ^ (top & 1), ((high << 1) | (low >> 63)) ^ (top & 0xc200000000000000));
    }

    /// <remarks>
    /// In two steps of 64 bits (S. Gueron and M. Kounavis, "Intel Carry-Less Multiplication Instruction and its Usage for Computing the GCM Mode").
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<ulong> IGhashMachine.Reduced(in Sum sum)
    {
        const byte Z = 0xff; // Out of range, for a zero.
        var polynomial = Vector128.CreateScalar(0xc200000000000000);
        var movedUp = Vector128.Shuffle(sum.Middle.AsByte(), Vector128.Create(Z, Z, Z, Z, Z, Z, Z, Z, 0, 1, 2, 3, 4, 5, 6, 7));
        var movedDown = Vector128.Shuffle(sum.Middle.AsByte(), Vector128.Create(8, 9, 10, 11, 12, 13, 14, 15, Z, Z, Z, Z, Z, Z, Z, Z));
        var low = sum.Low ^ movedUp.AsUInt64();
        var high = sum.High ^ movedDown.AsUInt64();
        low = Exchanged(low) ^ TSelf.MultiplyLow(low, polynomial);
        low = Exchanged(low) ^ TSelf.MultiplyLow(low, polynomial);
        return low ^ high;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Exchanged(Vector128<ulong> x) => Vector128.Shuffle(x, Vector128.Create(1UL, 0));
}
#endif
