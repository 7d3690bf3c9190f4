using System.Security.Cryptography;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// Bytes that must not outlive their use: kept where the garbage collector does not copy them, and zeroed on <see cref="Dispose"/>.
/// </summary>
public sealed class SecretBytes : IDisposable
{
    private readonly byte[] _bytes;
    private bool _disposed;

    /// <summary>Makes room for so many bytes, zero to begin with.</summary>
    /// <param name="length">At least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative.</exception>
    public SecretBytes(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
#if NET
        _bytes = GC.AllocateArray<byte>(length, pinned: true);
#else
        _bytes = new byte[length];
#endif
    }

    /// <summary>Copies bytes. The caller clears its own copy.</summary>
    public SecretBytes(ReadOnlySpan<byte> bytes)
        : this(bytes.Length) => bytes.CopyTo(_bytes);

    /// <summary>The number of bytes.</summary>
    public int Length => _bytes.Length;

    /// <summary>The bytes. The span must not be kept past <see cref="Dispose"/>.</summary>
    /// <exception cref="ObjectDisposedException">The bytes have been zeroed.</exception>
    public Span<byte> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _bytes;
        }
    }

    /// <summary>Zeroes the bytes.</summary>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_bytes);
        _disposed = true;
    }

    /// <summary>The length, never the bytes.</summary>
    public override string ToString() => $"{Length} secret bytes";
}
