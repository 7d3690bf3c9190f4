#if NET
using System.Runtime.Intrinsics;

namespace Lanyard.Wire.Crypto;

/// <summary>A processor's instructions for GHASH: products without carries.</summary>
internal interface IGhashMachine
{
    /// <summary>Whether this processor has them.</summary>
    static abstract bool IsSupported { get; }

    /// <summary>Whether <see cref="AddProductsWide"/> takes the sums of factors' halves.</summary>
    static abstract bool MultipliesSums { get; }

    /// <summary>A block as a polynomial, its bits in the order in which this machine multiplies.</summary>
    static abstract Vector128<ulong> Polynomial(Vector128<byte> block);

    /// <summary>What <see cref="Polynomial"/> undoes.</summary>
    static abstract Vector128<byte> Block(Vector128<ulong> polynomial);

    /// <summary>What a polynomial is multiplied by in place of another one.</summary>
    static abstract Vector128<ulong> Factor(Vector128<ulong> polynomial);

    /// <summary>Brings a sum of products with factors back to 128 bits, modulo x^128 + x^7 + x^2 + x + 1.</summary>
    static abstract Vector128<ulong> Reduced(in Sum sum);

    /// <summary>Adds (XOR) a product.</summary>
    static abstract void AddProduct(Vector128<ulong> a, Vector128<ulong> b, ref Sum sum);

    /// <summary>Adds the products of blocks with successive factors, as many as wide vectors can do.</summary>
    /// <param name="blocks">The first block.</param>
    /// <param name="factors">The first block's factor; the others follow.</param>
    /// <param name="sums">How far behind a factor the sum of its halves is, as both halves, where there are such sums.</param>
    /// <param name="count">How many blocks there are.</param>
    /// <param name="sum">What is added to.</param>
    /// <returns>How many blocks were done, from the first on; zero where there are no wide vectors.</returns>
    static abstract int AddProductsWide(ref byte blocks, ref byte factors, nuint sums, int count, ref Sum sum);

    /// <summary>A sum of products of 256 bits. The middle part overlaps the two others by half.</summary>
    struct Sum
    {
        public Vector128<ulong> Low, Middle, High;
    }
}
#endif
