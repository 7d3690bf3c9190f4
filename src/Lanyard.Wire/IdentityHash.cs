using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Lanyard.Wire.Crypto;

namespace Lanyard.Wire;

/// <summary>
/// The memory-hard hash that makes an address of a public key, so that searching a key for somebody else's address is expensive: a table of
/// 2 MiB is filled with Salsa20/20 in a chain that cannot be entered in the middle, and then mixed with the digest in an order that its content decides.
/// </summary>
internal static class IdentityHash
{
    /// <summary>The length of the digest in bytes.</summary>
    public const int Size = Sha2.Size512;

    private const int TableSize = 2 * 1024 * 1024;
    private const int TableWords = TableSize / sizeof(ulong);
    private const int DigestWords = Size / sizeof(ulong);
    private const int Rounds = 20;

    /// <summary>Hashes a public key.</summary>
    /// <param name="publicKey">64 bytes.</param>
    /// <param name="digest">Receives 64 bytes.</param>
    public static void Compute(ReadOnlySpan<byte> publicKey, Span<byte> digest)
    {
        var rented = ArrayPool<byte>.Shared.Rent(TableSize);
        Compute(publicKey, digest, rented.AsSpan(0, TableSize));
        ArrayPool<byte>.Shared.Return(rented);
    }

    private static void Compute(ReadOnlySpan<byte> publicKey, Span<byte> digest, Span<byte> table)
    {
        Sha2.Hash512(publicKey, digest);
        Span<uint> state = stackalloc uint[Salsa20.StateWords];
        Salsa20.LoadState(digest[..Salsa20.KeySize], digest.Slice(Salsa20.KeySize, Salsa20.NonceSize), 0, state);

        table[..Salsa20.BlockSize].Clear();
        Salsa20Portable.Apply(Rounds, state, table[..Salsa20.BlockSize]);
        for (var i = Salsa20.BlockSize; i < TableSize; i += Salsa20.BlockSize)
        {
            var block = table.Slice(i, Salsa20.BlockSize);
            table.Slice(i - Salsa20.BlockSize, Salsa20.BlockSize).CopyTo(block);
            Salsa20Portable.Apply(Rounds, state, block);
        }

        var words = MemoryMarshal.Cast<byte, ulong>(table);
        var digestWords = MemoryMarshal.Cast<byte, ulong>(digest[..Size]);
        for (var i = 0; i < TableWords; i += 2)
        {
            var ours = (int)(BinaryPrimitives.ReadUInt64BigEndian(table[(i * sizeof(ulong))..]) % DigestWords);
            var theirs = (int)(BinaryPrimitives.ReadUInt64BigEndian(table[((i + 1) * sizeof(ulong))..]) % TableWords);
            (words[theirs], digestWords[ours]) = (digestWords[ours], words[theirs]);
            Salsa20Portable.Apply(Rounds, state, digest[..Size]);
        }
    }
}
