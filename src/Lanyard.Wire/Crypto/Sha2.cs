using System.Security.Cryptography;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// SHA-512 and SHA-384 (FIPS 180-4), and HMAC-SHA-384, over messages in up to two pieces, implemented with the framework on every target.
/// </summary>
public static class Sha2
{
    /// <summary>The length of a SHA-512 digest in bytes.</summary>
    public const int Size512 = 64;

    /// <summary>The length of a SHA-384 digest in bytes.</summary>
    public const int Size384 = 48;

    // Two pieces with at most this total length are joined on the stack, which is faster than an incremental hash.
    private const int JoinOnStack = 512;

    /// <summary>SHA-512 of one message.</summary>
    /// <param name="message">Any length.</param>
    /// <param name="digest">Receives 64 bytes; may overlap the message.</param>
    /// <exception cref="ArgumentException"><paramref name="digest"/> is shorter than 64 bytes.</exception>
    public static void Hash512(ReadOnlySpan<byte> message, Span<byte> digest)
    {
#if NET
        SHA512.HashData(message, digest);
#else
        using var hash = SHA512.Create();
        Check(hash.TryComputeHash(message, digest, out _), nameof(digest));
#endif
    }

    /// <summary>SHA-512 of the concatenation of two pieces.</summary>
    /// <param name="first">The message's first piece.</param>
    /// <param name="second">The message's second piece.</param>
    /// <param name="digest">Receives 64 bytes.</param>
    /// <exception cref="ArgumentException"><paramref name="digest"/> is shorter than 64 bytes.</exception>
    public static void Hash512(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> digest)
    {
        if (first.Length + second.Length <= JoinOnStack)
        {
            Span<byte> joint = stackalloc byte[JoinOnStack];
            Hash512(Join(first, second, joint), digest);
            joint.Clear();
        }
        else
        {
            Incremental(HashAlgorithmName.SHA512, first, second, digest);
        }
    }

    /// <summary>SHA-384 of one message.</summary>
    /// <param name="message">Any length.</param>
    /// <param name="digest">Receives 48 bytes.</param>
    /// <exception cref="ArgumentException"><paramref name="digest"/> is shorter than 48 bytes.</exception>
    public static void Hash384(ReadOnlySpan<byte> message, Span<byte> digest)
    {
#if NET
        SHA384.HashData(message, digest);
#else
        using var hash = SHA384.Create();
        Check(hash.TryComputeHash(message, digest, out _), nameof(digest));
#endif
    }

    /// <summary>SHA-384 of the concatenation of two pieces.</summary>
    /// <param name="first">The message's first piece.</param>
    /// <param name="second">The message's second piece.</param>
    /// <param name="digest">Receives 48 bytes.</param>
    /// <exception cref="ArgumentException"><paramref name="digest"/> is shorter than 48 bytes.</exception>
    public static void Hash384(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> digest)
    {
        if (first.Length + second.Length <= JoinOnStack)
        {
            Span<byte> joint = stackalloc byte[JoinOnStack];
            Hash384(Join(first, second, joint), digest);
            joint.Clear();
        }
        else
        {
            Incremental(HashAlgorithmName.SHA384, first, second, digest);
        }
    }

    /// <summary>HMAC-SHA-384 (RFC 2104).</summary>
    /// <param name="key">Any length.</param>
    /// <param name="message">Any length.</param>
    /// <param name="code">Receives 48 bytes.</param>
    /// <exception cref="ArgumentException"><paramref name="code"/> is shorter than 48 bytes.</exception>
    public static void Hmac384(ReadOnlySpan<byte> key, ReadOnlySpan<byte> message, Span<byte> code)
    {
#if NET
        HMACSHA384.HashData(key, message, code);
#else
        var copy = key.ToArray();
        using (var hmac = new HMACSHA384(copy))
            Check(hmac.TryComputeHash(message, code, out _), nameof(code));
        CryptographicOperations.ZeroMemory(copy);
#endif
    }

    private static ReadOnlySpan<byte> Join(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> room)
    {
        first.CopyTo(room);
        second.CopyTo(room[first.Length..]);
        return room[..(first.Length + second.Length)];
    }

    private static void Incremental(HashAlgorithmName name, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> digest)
    {
        using var hash = IncrementalHash.CreateHash(name);
        hash.AppendData(first);
        hash.AppendData(second);
        if (!hash.TryGetHashAndReset(digest, out _))
            throw new ArgumentException("The destination is shorter than the digest.", nameof(digest));
    }

#if !NET
    private static void Check(bool written, string parameter)
    {
        if (!written)
            throw new ArgumentException("The destination is shorter than the digest.", parameter);
    }
#endif
}
