using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lanyard.Wire.Crypto;

namespace Lanyard.Wire;

/// <summary>
/// The memory-hard hash that derives an address from a public key, so that a search for a key with a given address is expensive. A table
/// of 2 MiB is filled with Salsa20/20 in a chain that must be computed from its start, and then mixed with the digest in an order that
/// depends on its content.
/// </summary>
internal static class IdentityHash
{
    /// <summary>The length of the digest in bytes.</summary>
    public const int Size = Sha2.Size512;

    private const int TableSize = 2 * 1024 * 1024;
    private const int TableWords = TableSize / sizeof(ulong);
    private const int BlockWords = Salsa20.BlockSize / sizeof(ulong);
    private const int BlocksAtOnce = Salsa20.ChunkSize / Salsa20.BlockSize;
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

    /// <summary>
    /// By definition, each block of the table is the encrypted previous block, and the digest is encrypted after each exchange. No
    /// keystream depends on the data that it encrypts, so both are sums (XOR) of the keystream so far, which are computed for many blocks at
    /// once. The digest is stored without the sum, and the sum is added when a word is exchanged.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(Optimize.AtOnce)]
    private static void Compute(ReadOnlySpan<byte> publicKey, Span<byte> digest, Span<byte> table)
    {
        Span<uint> state = stackalloc uint[Salsa20.StateWords];
        Span<ulong> rest = stackalloc ulong[BlockWords];
        Span<byte> sums = stackalloc byte[Salsa20.BlockSize + Salsa20.ChunkSize];
        Sha2.Hash512(publicKey, digest);
        Salsa20.LoadState(digest[..Salsa20.KeySize], digest.Slice(Salsa20.KeySize, Salsa20.NonceSize), 0, state);
        digest[..Size].CopyTo(MemoryMarshal.AsBytes(rest));

        var zero = sums[..Salsa20.BlockSize];
        zero.Clear();
        for (var i = 0; i < TableSize; i += Salsa20.ChunkSize)
            NextSums(state, i == 0 ? zero : table.Slice(i - Salsa20.BlockSize, Salsa20.BlockSize), table.Slice(i, Salsa20.ChunkSize));

        // Block n of the sums is the sum of the keystream before exchange n.
        var sumWords = MemoryMarshal.Cast<byte, ulong>(sums);
        var words = MemoryMarshal.Cast<byte, ulong>(table);
        for (var i = 0; i < TableWords; i += 2 * BlocksAtOnce)
        {
            NextSums(state, sums[..Salsa20.BlockSize], sums[Salsa20.BlockSize..]);
            for (var j = 0; j < BlocksAtOnce; j++)
            {
                var ours = (int)(BinaryPrimitives.ReadUInt64BigEndian(table[((i + (2 * j)) * sizeof(ulong))..]) % BlockWords);
                var theirs = (int)(BinaryPrimitives.ReadUInt64BigEndian(table[((i + (2 * j) + 1) * sizeof(ulong))..]) % TableWords);
                var sum = sumWords[(j * BlockWords) + ours];
                (words[theirs], rest[ours]) = (rest[ours] ^ sum, words[theirs] ^ sum);
            }
            sums[^Salsa20.BlockSize..].CopyTo(sums);
        }
        for (var i = 0; i < BlockWords; i++)
            rest[i] ^= sumWords[i];
        MemoryMarshal.AsBytes(rest).CopyTo(digest);
    }

    /// <summary>Writes the sums of the keystream up to each of the next blocks, given the sum up to the block before them.</summary>
    [MethodImpl(Optimize.AtOnce)]
    private static void NextSums(Span<uint> state, ReadOnlySpan<byte> last, Span<byte> sums)
    {
        Salsa20.Blocks(Rounds, state, sums, BlocksAtOnce);
        ByteMath.Xor(sums[..Salsa20.BlockSize], last);
        var words = MemoryMarshal.Cast<byte, ulong>(sums);
        for (var i = BlockWords; i < words.Length; i++)
            words[i] ^= words[i - BlockWords];
    }
}
