#if NET
using System.Runtime.Intrinsics;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// The instructions of a processor for AES and for products without carries. The rounds are given the round key before as well as their
/// own, since processors differ in whether a round begins or ends with adding its key.
/// </summary>
internal interface IAesMachine
{
    /// <summary>Whether this processor has them.</summary>
    static abstract bool IsSupported { get; }

    /// <summary>Whether <see cref="AddProductsWide"/> takes the sums of factors' halves.</summary>
    static abstract bool MultipliesSums { get; }

    /// <summary>What comes before the first round.</summary>
    static abstract Vector128<byte> Begin(Vector128<byte> block, Vector128<byte> key);

    /// <summary>A round of encryption that is not the last.</summary>
    static abstract Vector128<byte> Round(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key);

    /// <summary>The last round of encryption.</summary>
    static abstract Vector128<byte> LastRound(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key);

    /// <summary>
    /// A round of decryption that is not the last; the keys but the outer two have gone through <see cref="InverseMixColumns"/>.
    /// </summary>
    static abstract Vector128<byte> InverseRound(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key);

    /// <summary>The last round of decryption.</summary>
    static abstract Vector128<byte> InverseLastRound(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key);

    /// <summary>The inverse of the step that mixes columns (FIPS 197, section 5.3.3).</summary>
    static abstract Vector128<byte> InverseMixColumns(Vector128<byte> key);

    /// <summary>A block of the hash as a polynomial, its bits in the order in which this machine multiplies.</summary>
    static abstract Vector128<ulong> Polynomial(Vector128<byte> block);

    /// <summary>What <see cref="Polynomial"/> undoes.</summary>
    static abstract Vector128<byte> Block(Vector128<ulong> polynomial);

    /// <summary>What a polynomial is multiplied by in place of another one.</summary>
    static abstract Vector128<ulong> Factor(Vector128<ulong> polynomial);

    /// <summary>Brings a sum of products with factors back to 128 bits, modulo x^128 + x^7 + x^2 + x + 1.</summary>
    static abstract Vector128<ulong> Reduced(in Sum sum);

    /// <summary>The product without carries of the lower halves.</summary>
    static abstract Vector128<ulong> MultiplyLow(Vector128<ulong> a, Vector128<ulong> b);

    /// <summary>Adds (XOR) a product without carries.</summary>
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
