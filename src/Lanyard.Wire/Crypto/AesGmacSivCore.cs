namespace Lanyard.Wire.Crypto;

/// <summary>A way to compute AES-GMAC-SIV. Lengths have been checked.</summary>
internal abstract class AesGmacSivCore : IDisposable
{
    /// <summary>Encrypts in place; the tag may lie where the vector does.</summary>
    public abstract void Encrypt(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> additionalData, Span<byte> data, Span<byte> tag);

    /// <summary>Decrypts in place, whether or not the tag turns out to be right.</summary>
    public abstract bool TryDecrypt(ReadOnlySpan<byte> tag, ReadOnlySpan<byte> additionalData, Span<byte> data);

    /// <summary>Zeroes the keys.</summary>
    public abstract void Dispose();
}
