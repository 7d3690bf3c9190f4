#if NET
using System.Runtime.Intrinsics;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// The instructions of a processor for AES. The rounds are given the round key before as well as their own, since processors differ in
/// whether a round begins or ends with adding its key.
/// </summary>
internal interface IAesMachine
{
    /// <summary>Whether this processor has them.</summary>
    static abstract bool IsSupported { get; }

    /// <summary>What comes before the first round.</summary>
    static abstract Vector128<byte> Begin(Vector128<byte> block, Vector128<byte> key);

    /// <summary>A round of encryption that is not the last.</summary>
    static abstract Vector128<byte> Round(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key);

    /// <summary>A round of encryption that is not the last, at whose end something else than its key has been added.</summary>
    static abstract Vector128<byte> RoundPlus(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> added);

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

    /// <summary>Four times a block, with one after the other of four columns (words of four bytes) in place of its first.</summary>
    static abstract FourBlocks WithFirstColumns(Vector128<byte> block, Vector128<byte> columns);

    /// <summary>Four blocks.</summary>
    readonly record struct FourBlocks(Vector128<byte> B0, Vector128<byte> B1, Vector128<byte> B2, Vector128<byte> B3);
}
#endif
