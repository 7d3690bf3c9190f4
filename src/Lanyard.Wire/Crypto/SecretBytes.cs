#if NET
using System.Runtime.InteropServices;
#endif
using System.Security.Cryptography;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// Secret bytes with a limited lifetime: stored where the garbage collector does not copy them, and zeroed on <see cref="Dispose"/>.
/// </summary>
public sealed class SecretBytes : IDisposable
{
    private readonly byte[] _bytes;
    private readonly int _start;
    private bool _disposed;

    /// <summary>Allocates a number of zero bytes.</summary>
    /// <param name="length">At least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative.</exception>
    public SecretBytes(int length)
        : this(length, 1)
    {
    }

    /// <summary>
    /// Allocates bytes at a multiple of a power of two where the runtime supports it: wide vectors are read fastest from there.
    /// </summary>
    internal SecretBytes(int length, int alignment)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
#if NET
        _bytes = GC.AllocateArray<byte>(length + alignment - 1, pinned: true);
        _start = (int)(-Marshal.UnsafeAddrOfPinnedArrayElement(_bytes, 0) & (alignment - 1));
#else
        _bytes = new byte[length + alignment - 1];
        _start = 0;
#endif
    }

    /// <summary>Copies bytes. The caller clears its own copy.</summary>
    public SecretBytes(ReadOnlySpan<byte> bytes)
        : this(bytes.Length) => bytes.CopyTo(Span);

    /// <summary>The number of bytes.</summary>
    public int Length { get; }

    /// <summary>The bytes. The span must not be kept past <see cref="Dispose"/>.</summary>
    /// <exception cref="ObjectDisposedException">The bytes have been zeroed.</exception>
    public Span<byte> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _bytes.AsSpan(_start, Length);
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
