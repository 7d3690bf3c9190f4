using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// The stream cipher Salsa20 (D. J. Bernstein, "The Salsa20 family of stream ciphers") with a 32-byte key and an 8-byte nonce. Packets use
/// twelve rounds; the hash that derives addresses uses twenty. A keystream can start at any block of 64 bytes.
/// </summary>
public static class Salsa20
{
    /// <summary>The length of a key in bytes.</summary>
    public const int KeySize = 32;

    /// <summary>The length of a nonce in bytes.</summary>
    public const int NonceSize = 8;

    /// <summary>The length of a block of keystream in bytes.</summary>
    public const int BlockSize = 64;

    /// <summary>The number of rounds in packets.</summary>
    internal const int PacketRounds = 12;

    /// <summary>The number of 32-bit words in the cipher's state.</summary>
    internal const int StateWords = 16;

    /// <summary>The length in bytes of the maximum number of blocks that are computed in parallel.</summary>
    internal const int ChunkSize = 16 * BlockSize;

    /// <summary>Encrypts or decrypts in place with twelve rounds.</summary>
    /// <param name="key">32 bytes.</param>
    /// <param name="nonce">8 bytes, never used twice with one key.</param>
    /// <param name="firstBlock">The number of the keystream block for the first byte of <paramref name="data"/>.</param>
    /// <param name="data">Any length.</param>
    /// <exception cref="ArgumentException">The key or the nonce has another length.</exception>
    public static void Transform12(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ulong firstBlock, Span<byte> data) =>
        Apply(PacketRounds, key, nonce, firstBlock, data);

    /// <summary>Encrypts or decrypts like <see cref="Transform12"/>, with twenty rounds.</summary>
    /// <inheritdoc cref="Transform12"/>
    public static void Transform20(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ulong firstBlock, Span<byte> data) =>
        Apply(20, key, nonce, firstBlock, data);

    /// <summary>Writes the keystream of twelve rounds.</summary>
    /// <param name="key">32 bytes.</param>
    /// <param name="nonce">8 bytes.</param>
    /// <param name="firstBlock">The number of the first block to write.</param>
    /// <param name="destination">Any length; all of it is overwritten.</param>
    /// <exception cref="ArgumentException">The key or the nonce has another length.</exception>
    public static void Keystream12(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ulong firstBlock, Span<byte> destination)
    {
        destination.Clear();
        Apply(PacketRounds, key, nonce, firstBlock, destination);
    }

    /// <summary>Writes the keystream like <see cref="Keystream12"/>, with twenty rounds.</summary>
    /// <inheritdoc cref="Keystream12"/>
    public static void Keystream20(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ulong firstBlock, Span<byte> destination)
    {
        destination.Clear();
        Apply(20, key, nonce, firstBlock, destination);
    }

    /// <summary>Loads the words of a state in the cipher's order: constants on the diagonal, key, nonce, block number.</summary>
    internal static void LoadState(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ulong block, Span<uint> state)
    {
        if (key.Length != KeySize)
            throw new ArgumentException("A Salsa20 key has 32 bytes.", nameof(key));
        if (nonce.Length != NonceSize)
            throw new ArgumentException("A Salsa20 nonce has 8 bytes.", nameof(nonce));
        state[0] = 0x61707865;
        state[5] = 0x3320646e;
        state[10] = 0x79622d32;
        state[15] = 0x6b206574;
        for (var i = 0; i < 4; i++)
        {
            state[1 + i] = BinaryPrimitives.ReadUInt32LittleEndian(key[(4 * i)..]);
            state[11 + i] = BinaryPrimitives.ReadUInt32LittleEndian(key[(16 + (4 * i))..]);
        }
        state[6] = BinaryPrimitives.ReadUInt32LittleEndian(nonce);
        state[7] = BinaryPrimitives.ReadUInt32LittleEndian(nonce[4..]);
        state[8] = (uint)block;
        state[9] = (uint)(block >> 32);
    }

    /// <summary>
    /// Writes blocks of keystream, as many in parallel as the machine can, and adds their count to the state's block number. The room after
    /// the blocks may also be overwritten with keystream.
    /// </summary>
    /// <param name="rounds">12 or 20.</param>
    /// <param name="state">The state, as loaded by <see cref="LoadState"/>.</param>
    /// <param name="room">The destination. Its length is a multiple of <see cref="ChunkSize"/>.</param>
    /// <param name="count">The number of blocks.</param>
    internal static void Blocks(int rounds, Span<uint> state, Span<byte> room, int count)
    {
        while (count > 0)
        {
            var done = SomeBlocks(rounds, state, room, count);
            var block = (state[8] | ((ulong)state[9] << 32)) + (ulong)done;
            state[8] = (uint)block;
            state[9] = (uint)(block >> 32);
            count -= done;
            room = room[(done * BlockSize)..];
        }
    }

    private static int SomeBlocks(int rounds, ReadOnlySpan<uint> state, Span<byte> room, int count)
    {
#if NET
        if (Salsa20Vector.IsSupported512 && count > 8)
        {
            Salsa20Vector.SixteenBlocks(rounds, state, room);
            return Math.Min(count, 16);
        }
        if (Salsa20Vector.IsSupported256 && count > 4)
        {
            Salsa20Vector.EightBlocks(rounds, state, room);
            return Math.Min(count, 8);
        }
        if (Salsa20Vector.IsSupported128)
        {
            Salsa20Vector.FourBlocks(rounds, state, room);
            return Math.Min(count, 4);
        }
#endif
        Salsa20Portable.OneBlock(rounds, state, room);
        return 1;
    }

    [SkipLocalsInit]
    private static void Apply(int rounds, ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ulong firstBlock, Span<byte> data)
    {
        Span<uint> state = stackalloc uint[StateWords];
        Span<byte> keystream = stackalloc byte[ChunkSize];
        LoadState(key, nonce, firstBlock, state);
        while (data.Length > 0)
        {
            var length = Math.Min(data.Length, ChunkSize);
            Blocks(rounds, state, keystream, (length + BlockSize - 1) / BlockSize);
            ByteMath.Xor(data[..length], keystream);
            data = data[length..];
        }
        state.Clear();
    }
}
