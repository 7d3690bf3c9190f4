using System.Runtime.CompilerServices;

namespace Lanyard.Wire.Crypto;

/// <summary>128-bit products as two words, in constant time.</summary>
internal static class WideMath
{
    /// <summary>Adds the product of two words to a two-word sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd(ref ulong high, ref ulong low, ulong a, ulong b)
    {
        var productHigh = Multiply(a, b, out var productLow);
        low += productLow;
        high += productHigh + (low < productLow ? 1UL : 0UL);
    }

    /// <summary>Returns the upper word of a product, and the lower word as an output.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Multiply(ulong a, ulong b, out ulong low)
    {
#if NET
        return Math.BigMul(a, b, out low);
#else
        ulong a0 = (uint)a, a1 = a >> 32, b0 = (uint)b, b1 = b >> 32;
        var p00 = a0 * b0;
        var p01 = (a0 * b1) + (p00 >> 32);
        var p10 = (a1 * b0) + (uint)p01;
        low = (p10 << 32) | (uint)p00;
        return (a1 * b1) + (p01 >> 32) + (p10 >> 32);
#endif
    }
}
