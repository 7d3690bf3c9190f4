#if NET
using System.Runtime.Intrinsics;

namespace Lanyard.Wire.Crypto;

/// <summary>A processor's instructions for GHASH: carry-less products.</summary>
internal interface IGhashMachine
{
    /// <summary>Whether this processor has the instructions.</summary>
    static abstract bool IsSupported { get; }

    /// <summary>Whether <see cref="AddProductsWide"/> needs the sums of the factors' halves.</summary>
    static abstract bool MultipliesSums { get; }

    /// <summary>Converts a block to a polynomial, with its bits in the order in which this machine multiplies.</summary>
    static abstract Vector128<ulong> Polynomial(Vector128<byte> block);

    /// <summary>Reverses <see cref="Polynomial"/>.</summary>
    static abstract Vector128<byte> Block(Vector128<ulong> polynomial);

    /// <summary>Converts a polynomial to a factor for this machine's products.</summary>
    static abstract Vector128<ulong> Factor(Vector128<ulong> polynomial);

    /// <summary>Reduces a sum of products with factors to 128 bits, modulo x^128 + x^7 + x^2 + x + 1.</summary>
    static abstract Vector128<ulong> Reduced(in Sum sum);

    /// <summary>Adds (XOR) a product.</summary>
    static abstract void AddProduct(Vector128<ulong> a, Vector128<ulong> b, ref Sum sum);

    /// <summary>Adds the products of blocks with successive factors, as many as wide vectors can process.</summary>
    /// <param name="blocks">The first block.</param>
    /// <param name="factors">The first block's factor; the others follow.</param>
    /// <param name="sums">The distance from a factor to the sum of its halves, stored twice, if there are such sums.</param>
    /// <param name="count">The number of blocks.</param>
    /// <param name="sum">The sum to add to.</param>
    /// <returns>The number of blocks processed, from the first on; zero without wide vectors.</returns>
    static abstract int AddProductsWide(ref byte blocks, ref byte factors, nuint sums, int count, ref Sum sum);

    /// <summary>A sum of products of 256 bits. The middle part overlaps the two others by half.</summary>
    struct Sum
    {
        public Vector128<ulong> Low, Middle, High;
    }
}
#endif
