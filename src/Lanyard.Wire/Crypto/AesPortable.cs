using System.Buffers.Binary;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// AES-256 (FIPS 197) without tables, so that its time does not depend on key or data: four blocks at once, sliced into eight planes of
/// 64 bits. Plane i holds bit i of every byte; bit 16b + n of a plane belongs to byte n of block b, so a block's row r is the bits r,
/// r+4, r+8, r+12.
/// </summary>
internal static class AesPortable
{
    public const int BlockSize = 16;
    public const int KeySize = 32;

    /// <summary>How many blocks are done together.</summary>
    public const int BlocksAtOnce = 4;

    /// <summary>The length of an expanded key in bytes: fifteen round keys.</summary>
    public const int ScheduleSize = (Rounds + 1) * BlockSize;

    /// <summary>The number of rounds of AES with 256-bit keys.</summary>
    public const int Rounds = 14;

    private const int Planes = 8;

    /// <summary>Expands a key into its fifteen round keys (FIPS 197, section 5.2).</summary>
    public static void ExpandKey(ReadOnlySpan<byte> key, Span<byte> schedule)
    {
        key.CopyTo(schedule);
        byte roundConstant = 1;
        Span<byte> word = stackalloc byte[4];
        for (var i = KeySize; i < ScheduleSize; i += 4)
        {
            schedule.Slice(i - 4, 4).CopyTo(word);
            if (i % KeySize == 0)
            {
                (word[0], word[1], word[2], word[3]) = (word[1], word[2], word[3], word[0]);
                SubstituteWord(word);
                word[0] ^= roundConstant;
                roundConstant <<= 1;
            }
            else if (i % KeySize == BlockSize)
            {
                SubstituteWord(word);
            }
            for (var j = 0; j < 4; j++)
                schedule[i + j] = (byte)(schedule[i - KeySize + j] ^ word[j]);
        }
        word.Clear();
    }

    /// <summary>Slices the round keys into planes, each round key four times side by side.</summary>
    public static void SliceKeys(ReadOnlySpan<byte> schedule, Span<ulong> sliced)
    {
        Span<byte> copies = stackalloc byte[BlocksAtOnce * BlockSize];
        for (var round = 0; round <= Rounds; round++)
        {
            for (var i = 0; i < BlocksAtOnce; i++)
                schedule.Slice(round * BlockSize, BlockSize).CopyTo(copies[(i * BlockSize)..]);
            Slice(copies, sliced.Slice(round * Planes, Planes));
        }
        copies.Clear();
    }

    /// <summary>How many words the sliced round keys take.</summary>
    public const int SlicedKeyWords = (Rounds + 1) * Planes;

    /// <summary>Encrypts four blocks in place.</summary>
    public static void Encrypt(ReadOnlySpan<ulong> slicedKeys, Span<byte> blocks)
    {
        Span<ulong> q = stackalloc ulong[Planes];
        Slice(blocks, q);
        AddRoundKey(q, slicedKeys);
        for (var round = 1; round < Rounds; round++)
        {
            SubstituteBytes(q);
            ShiftRows(q);
            MixColumns(q);
            AddRoundKey(q, slicedKeys[(round * Planes)..]);
        }
        SubstituteBytes(q);
        ShiftRows(q);
        AddRoundKey(q, slicedKeys[(Rounds * Planes)..]);
        Unslice(q, blocks);
        q.Clear();
    }

    /// <summary>Decrypts four blocks in place.</summary>
    public static void Decrypt(ReadOnlySpan<ulong> slicedKeys, Span<byte> blocks)
    {
        Span<ulong> q = stackalloc ulong[Planes];
        Slice(blocks, q);
        AddRoundKey(q, slicedKeys[(Rounds * Planes)..]);
        for (var round = Rounds - 1; round > 0; round--)
        {
            InverseShiftRows(q);
            InverseSubstituteBytes(q);
            AddRoundKey(q, slicedKeys[(round * Planes)..]);

            // Mixing columns is an operation of order four: three times more undoes it.
            MixColumns(q);
            MixColumns(q);
            MixColumns(q);
        }
        InverseShiftRows(q);
        InverseSubstituteBytes(q);
        AddRoundKey(q, slicedKeys);
        Unslice(q, blocks);
        q.Clear();
    }

    private static void SubstituteWord(Span<byte> word)
    {
        Span<byte> block = stackalloc byte[BlocksAtOnce * BlockSize];
        Span<ulong> q = stackalloc ulong[Planes];
        block.Clear();
        word.CopyTo(block);
        Slice(block, q);
        SubstituteBytes(q);
        Unslice(q, block);
        block[..4].CopyTo(word);
        block.Clear();
        q.Clear();
    }

    /// <summary>From 64 bytes to eight planes.</summary>
    private static void Slice(ReadOnlySpan<byte> bytes, Span<ulong> q)
    {
        q = q[..Planes];
        for (var i = 0; i < Planes; i++)
            q[i] = TransposeBits(BinaryPrimitives.ReadUInt64LittleEndian(bytes[(8 * i)..]));
        TransposeBytes(q);
    }

    /// <summary>From eight planes to 64 bytes.</summary>
    private static void Unslice(Span<ulong> q, Span<byte> bytes)
    {
        TransposeBytes(q);
        for (var i = 0; i < Planes; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[(8 * i)..], TransposeBits(q[i]));
    }

    /// <summary>Eight bytes seen as a square of bits, turned about its diagonal.</summary>
    private static ulong TransposeBits(ulong x)
    {
        x = SwapWithin(x, 7, 0x00AA00AA00AA00AA);
        x = SwapWithin(x, 14, 0x0000CCCC0000CCCC);
        return SwapWithin(x, 28, 0x00000000F0F0F0F0);
    }

    private static ulong SwapWithin(ulong x, int distance, ulong mask)
    {
        var difference = (x ^ (x >> distance)) & mask;
        return x ^ difference ^ (difference << distance);
    }

    /// <summary>Eight words seen as a square of bytes, turned about its diagonal.</summary>
    private static void TransposeBytes(Span<ulong> q)
    {
        for (var i = 0; i < 8; i += 2)
            SwapBetween(ref q[i], ref q[i + 1], 8, 0x00FF00FF00FF00FF);
        for (var i = 0; i < 4; i++)
        {
            var low = (i & 1) + ((i & 2) << 1);
            SwapBetween(ref q[low], ref q[low + 2], 16, 0x0000FFFF0000FFFF);
        }
        for (var i = 0; i < 4; i++)
            SwapBetween(ref q[i], ref q[i + 4], 32, 0x00000000FFFFFFFF);
    }

    private static void SwapBetween(ref ulong low, ref ulong high, int distance, ulong mask)
    {
        var difference = ((low >> distance) ^ high) & mask;
        high ^= difference;
        low ^= difference << distance;
    }

    private static void AddRoundKey(Span<ulong> q, ReadOnlySpan<ulong> key)
    {
        for (var i = 0; i < Planes; i++)
            q[i] ^= key[i];
    }

    private static void ShiftRows(Span<ulong> q)
    {
        for (var i = 0; i < Planes; i++)
        {
            var x = q[i];
            q[i] = (x & 0x1111111111111111)
                | ((x & 0x2220222022202220) >> 4) | ((x & 0x0002000200020002) << 12)
                | ((x & 0x4400440044004400) >> 8) | ((x & 0x0044004400440044) << 8)
                | ((x & 0x8000800080008000) >> 12) | ((x & 0x0888088808880888) << 4);
        }
    }

    private static void InverseShiftRows(Span<ulong> q)
    {
        for (var i = 0; i < Planes; i++)
        {
            var x = q[i];
            q[i] = (x & 0x1111111111111111)
                | ((x & 0x0222022202220222) << 4) | ((x & 0x2000200020002000) >> 12)
                | ((x & 0x4400440044004400) >> 8) | ((x & 0x0044004400440044) << 8)
                | ((x & 0x0008000800080008) << 12) | ((x & 0x8880888088808880) >> 4);
        }
    }

    /// <summary>
    /// Each byte becomes 2(a + b) + b + (c + d), where b, c, d are the rows below it, going round: doubling moves every plane up by one and
    /// folds the last into planes 0, 1, 3 and 4.
    /// </summary>
    private static void MixColumns(Span<ulong> q)
    {
        Span<ulong> pairs = stackalloc ulong[Planes];
        for (var i = 0; i < Planes; i++)
            pairs[i] = q[i] ^ NextRow(q[i]);
        var carry = pairs[7];
        for (var i = 0; i < Planes; i++)
        {
            var doubled = i == 0 ? carry : i is 1 or 3 or 4 ? pairs[i - 1] ^ carry : pairs[i - 1];
            q[i] = doubled ^ NextRow(q[i]) ^ NextRow(NextRow(pairs[i]));
        }
    }

    private static ulong NextRow(ulong x) => ((x & 0xEEEEEEEEEEEEEEEE) >> 1) | ((x & 0x1111111111111111) << 3);

    /// <summary>The inverse affine map before and after the forward substitution gives the inverse one.</summary>
    private static void InverseSubstituteBytes(Span<ulong> q)
    {
        InverseAffine(q);
        SubstituteBytes(q);
        InverseAffine(q);
    }

    private static void InverseAffine(Span<ulong> q)
    {
        Span<ulong> x = stackalloc ulong[Planes];
        q[..Planes].CopyTo(x);
        for (var i = 0; i < Planes; i++)
            q[i] = x[(i + 2) & 7] ^ x[(i + 5) & 7] ^ x[(i + 7) & 7];
        q[0] = ~q[0];
        q[2] = ~q[2];
    }

    /// <summary>
    /// The S-box as a circuit of 113 gates (J. Boyar and R. Peralta, "A small depth-16 circuit for the AES S-box", 2012): a linear layer,
    /// an inversion in GF(2^8) by way of GF(2^4), a linear layer. The names are the paper's; x0 is the highest bit.
    /// </summary>
    private static void SubstituteBytes(Span<ulong> q)
    {
        q = q[..Planes];
        ulong x0 = q[7], x1 = q[6], x2 = q[5], x3 = q[4], x4 = q[3], x5 = q[2], x6 = q[1], x7 = q[0];

        var y14 = x3 ^ x5;
        var y13 = x0 ^ x6;
        var y9 = x0 ^ x3;
        var y8 = x0 ^ x5;
        var t0 = x1 ^ x2;
        var y1 = t0 ^ x7;
        var y4 = y1 ^ x3;
        var y12 = y13 ^ y14;
        var y2 = y1 ^ x0;
        var y5 = y1 ^ x6;
        var y3 = y5 ^ y8;
        var t1 = x4 ^ y12;
        var y15 = t1 ^ x5;
        var y20 = t1 ^ x1;
        var y6 = y15 ^ x7;
        var y10 = y15 ^ t0;
        var y11 = y20 ^ y9;
        var y7 = x7 ^ y11;
        var y17 = y10 ^ y11;
        var y19 = y10 ^ y8;
        var y16 = t0 ^ y11;
        var y21 = y13 ^ y16;
        var y18 = x0 ^ y16;

        var t2 = y12 & y15;
        var t4 = (y3 & y6) ^ t2;
        var t6 = (y4 & x7) ^ t2;
        var t7 = y13 & y16;
        var t9 = (y5 & y1) ^ t7;
        var t11 = (y2 & y7) ^ t7;
        var t12 = y9 & y11;
        var t14 = (y14 & y17) ^ t12;
        var t16 = (y8 & y10) ^ t12;
        var t21 = t4 ^ t14 ^ y20;
        var t22 = t6 ^ t16 ^ y19;
        var t23 = t9 ^ t14 ^ y21;
        var t24 = t11 ^ t16 ^ y18;
        var t25 = t21 ^ t22;
        var t26 = t21 & t23;
        var t27 = t24 ^ t26;
        var t29 = (t25 & t27) ^ t22;
        var t30 = t23 ^ t24;
        var t31 = t22 ^ t26;
        var t33 = (t31 & t30) ^ t24;
        var t36 = t24 & (t27 ^ t33);
        var t37 = t36 ^ t23 ^ t33;
        var t38 = t27 ^ t36;
        var t40 = t25 ^ (t29 & t38);
        var t41 = t40 ^ t37;
        var t42 = t29 ^ t33;
        var t43 = t29 ^ t40;
        var t44 = t33 ^ t37;
        var t45 = t42 ^ t41;

        var z0 = t44 & y15;
        var z1 = t37 & y6;
        var z2 = t33 & x7;
        var z3 = t43 & y16;
        var z4 = t40 & y1;
        var z5 = t29 & y7;
        var z6 = t42 & y11;
        var z7 = t45 & y17;
        var z8 = t41 & y10;
        var z9 = t44 & y12;
        var z10 = t37 & y3;
        var z11 = t33 & y4;
        var z12 = t43 & y13;
        var z13 = t40 & y5;
        var z14 = t29 & y2;
        var z15 = t42 & y9;
        var z16 = t45 & y14;
        var z17 = t41 & y8;

        var t46 = z15 ^ z16;
        var t48 = z5 ^ z13;
        var t53 = z0 ^ z3;
        var t54 = z6 ^ z7;
        var t57 = z2 ^ z12 ^ t53;
        var t58 = z4 ^ t46;
        var t59 = z3 ^ t54;
        var t60 = t46 ^ t57;
        var t62 = z7 ^ z8 ^ t58;
        var t63 = z9 ^ z10 ^ t58;
        var t64 = z4 ^ t59;
        var t65 = z14 ^ t57 ^ t62;
        var t66 = z1 ^ t63;
        var s3 = t53 ^ t66;
        q[7] = t59 ^ t63;
        q[6] = t64 ^ ~s3;
        q[5] = z16 ^ z17 ^ ~(t64 ^ t65);
        q[4] = s3;
        q[3] = z2 ^ z5 ^ t66;
        q[2] = z10 ^ z11 ^ t65;
        q[1] = z12 ^ t48 ^ ~t62;
        q[0] = t48 ^ ~t60;
    }
}
