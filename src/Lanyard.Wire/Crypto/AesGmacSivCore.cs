namespace Lanyard.Wire.Crypto;

/// <summary>An implementation of AES-GMAC-SIV. Lengths have been checked.</summary>
internal abstract class AesGmacSivCore : IDisposable
{
    /// <summary>Encrypts in place; the tag may overlap the initialization vector.</summary>
    public abstract void Encrypt(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> additionalData, Span<byte> data, Span<byte> tag);

    /// <summary>Decrypts in place, whether or not the tag is correct.</summary>
    public abstract bool TryDecrypt(ReadOnlySpan<byte> tag, ReadOnlySpan<byte> additionalData, Span<byte> data);

    /// <summary>Zeroes the keys.</summary>
    public abstract void Dispose();
}
