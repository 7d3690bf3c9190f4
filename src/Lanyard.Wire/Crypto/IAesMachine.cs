#if NET
using System.Runtime.Intrinsics;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// A processor's AES instructions. Each round gets the previous round key as well as its own, because processors differ in
/// whether a round begins or ends with adding its key.
/// </summary>
internal interface IAesMachine
{
    /// <summary>Whether this processor has the instructions.</summary>
    static abstract bool IsSupported { get; }

    /// <summary>Prepares a block for the first round.</summary>
    static abstract Vector128<byte> Begin(Vector128<byte> block, Vector128<byte> key);

    /// <summary>Computes a round of encryption that is not the last.</summary>
    static abstract Vector128<byte> Round(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key);

    /// <summary>Computes a round of encryption that is not the last and at whose end a value other than its key has been added.</summary>
    static abstract Vector128<byte> RoundPlus(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> added);

    /// <summary>Computes the last round of encryption.</summary>
    static abstract Vector128<byte> LastRound(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key);

    /// <summary>
    /// Computes a round of decryption that is not the last. All keys except the first and the last have been transformed by <see cref="InverseMixColumns"/>.
    /// </summary>
    static abstract Vector128<byte> InverseRound(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key);

    /// <summary>Computes the last round of decryption.</summary>
    static abstract Vector128<byte> InverseLastRound(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key);

    /// <summary>Computes the inverse of MixColumns (FIPS 197, section 5.3.3).</summary>
    static abstract Vector128<byte> InverseMixColumns(Vector128<byte> key);

    /// <summary>Returns four copies of a block, in which four columns (words of four bytes), one each, replace the first column.</summary>
    static abstract FourBlocks WithFirstColumns(Vector128<byte> block, Vector128<byte> columns);

    /// <summary>Four blocks.</summary>
    readonly record struct FourBlocks(Vector128<byte> B0, Vector128<byte> B1, Vector128<byte> B2, Vector128<byte> B3);
}
#endif
