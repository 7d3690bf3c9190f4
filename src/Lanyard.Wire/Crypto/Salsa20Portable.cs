using System.Buffers.Binary;

namespace Lanyard.Wire.Crypto;

/// <summary>Salsa20 one block at a time, with nothing but 32-bit arithmetic.</summary>
internal static class Salsa20Portable
{
    /// <summary>XORs the keystream from the state's block number on into <paramref name="data"/>, and counts the block number up.</summary>
    public static void Apply(int rounds, Span<uint> state, Span<byte> data)
    {
        Span<uint> words = stackalloc uint[Salsa20.StateWords];
        Span<byte> block = stackalloc byte[Salsa20.BlockSize];
        while (data.Length >= Salsa20.BlockSize)
        {
            NextBlock(rounds, state, words);
            for (var i = 0; i < Salsa20.StateWords; i++)
            {
                var place = data[(4 * i)..];
                BinaryPrimitives.WriteUInt32LittleEndian(place, BinaryPrimitives.ReadUInt32LittleEndian(place) ^ words[i]);
            }
            data = data[Salsa20.BlockSize..];
        }
        if (data.Length > 0)
        {
            NextBlock(rounds, state, words);
            for (var i = 0; i < Salsa20.StateWords; i++)
                BinaryPrimitives.WriteUInt32LittleEndian(block[(4 * i)..], words[i]);
            for (var i = 0; i < data.Length; i++)
                data[i] ^= block[i];
            block.Clear();
        }
        words.Clear();
    }

    /// <summary>The words of one block of keystream; the state's block number goes up by one.</summary>
    public static void NextBlock(int rounds, Span<uint> state, Span<uint> words)
    {
        state = state[..Salsa20.StateWords];
        words = words[..Salsa20.StateWords];
        uint x0 = state[0], x1 = state[1], x2 = state[2], x3 = state[3], x4 = state[4], x5 = state[5], x6 = state[6], x7 = state[7];
        uint x8 = state[8], x9 = state[9], x10 = state[10], x11 = state[11], x12 = state[12], x13 = state[13], x14 = state[14], x15 = state[15];
        for (var i = 0; i < rounds; i += 2)
        {
            QuarterRound(ref x0, ref x4, ref x8, ref x12);
            QuarterRound(ref x5, ref x9, ref x13, ref x1);
            QuarterRound(ref x10, ref x14, ref x2, ref x6);
            QuarterRound(ref x15, ref x3, ref x7, ref x11);
            QuarterRound(ref x0, ref x1, ref x2, ref x3);
            QuarterRound(ref x5, ref x6, ref x7, ref x4);
            QuarterRound(ref x10, ref x11, ref x8, ref x9);
            QuarterRound(ref x15, ref x12, ref x13, ref x14);
        }
        words[0] = x0 + state[0];
        words[1] = x1 + state[1];
        words[2] = x2 + state[2];
        words[3] = x3 + state[3];
        words[4] = x4 + state[4];
        words[5] = x5 + state[5];
        words[6] = x6 + state[6];
        words[7] = x7 + state[7];
        words[8] = x8 + state[8];
        words[9] = x9 + state[9];
        words[10] = x10 + state[10];
        words[11] = x11 + state[11];
        words[12] = x12 + state[12];
        words[13] = x13 + state[13];
        words[14] = x14 + state[14];
        words[15] = x15 + state[15];
        if (++state[8] == 0)
            state[9]++;
    }

    private static void QuarterRound(ref uint a, ref uint b, ref uint c, ref uint d)
    {
        b ^= RotateLeft(a + d, 7);
        c ^= RotateLeft(b + a, 9);
        d ^= RotateLeft(c + b, 13);
        a ^= RotateLeft(d + c, 18);
    }

    private static uint RotateLeft(uint value, int count) => (value << count) | (value >> (32 - count));
}
