using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Lanyard.Wire.Crypto;

/// <summary>Salsa20, one block at a time, with 32-bit arithmetic only.</summary>
internal static class Salsa20Portable
{
    /// <summary>Writes the keystream block of the state's block number.</summary>
    [MethodImpl(Optimize.AtOnce)]
    public static void OneBlock(int rounds, ReadOnlySpan<uint> state, Span<byte> keystream)
    {
        state = state[..Salsa20.StateWords];
        keystream = keystream[..Salsa20.BlockSize];
        uint x0 = state[0], x1 = state[1], x2 = state[2], x3 = state[3], x4 = state[4], x5 = state[5], x6 = state[6], x7 = state[7];
        uint x8 = state[8], x9 = state[9], x10 = state[10], x11 = state[11];
        uint x12 = state[12], x13 = state[13], x14 = state[14], x15 = state[15];
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
        BinaryPrimitives.WriteUInt32LittleEndian(keystream, x0 + state[0]);
        BinaryPrimitives.WriteUInt32LittleEndian(keystream[4..], x1 + state[1]);
        BinaryPrimitives.WriteUInt32LittleEndian(keystream[8..], x2 + state[2]);
        BinaryPrimitives.WriteUInt32LittleEndian(keystream[12..], x3 + state[3]);
        BinaryPrimitives.WriteUInt32LittleEndian(keystream[16..], x4 + state[4]);
        BinaryPrimitives.WriteUInt32LittleEndian(keystream[20..], x5 + state[5]);
        BinaryPrimitives.WriteUInt32LittleEndian(keystream[24..], x6 + state[6]);
        BinaryPrimitives.WriteUInt32LittleEndian(keystream[28..], x7 + state[7]);
        BinaryPrimitives.WriteUInt32LittleEndian(keystream[32..], x8 + state[8]);
        BinaryPrimitives.WriteUInt32LittleEndian(keystream[36..], x9 + state[9]);
        BinaryPrimitives.WriteUInt32LittleEndian(keystream[40..], x10 + state[10]);
        BinaryPrimitives.WriteUInt32LittleEndian(keystream[44..], x11 + state[11]);
        BinaryPrimitives.WriteUInt32LittleEndian(keystream[48..], x12 + state[12]);
        BinaryPrimitives.WriteUInt32LittleEndian(keystream[52..], x13 + state[13]);
        BinaryPrimitives.WriteUInt32LittleEndian(keystream[56..], x14 + state[14]);
        BinaryPrimitives.WriteUInt32LittleEndian(keystream[60..], x15 + state[15]);
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
