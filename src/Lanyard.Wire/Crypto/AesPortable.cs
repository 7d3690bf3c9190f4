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

    /// <summary>The number of blocks that are processed together.</summary>
    public const int BlocksAtOnce = 4;

    /// <summary>The length of an expanded key in bytes: fifteen round keys.</summary>
    public const int ScheduleSize = (Rounds + 1) * BlockSize;

    /// <summary>The number of rounds of AES with 256-bit keys.</summary>
    public const int Rounds = 14;

    private const int PlaneCount = 8;

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

    /// <summary>The number of words of the sliced round keys.</summary>
    public const int SlicedKeyWords = (Rounds + 1) * PlaneCount;

    /// <summary>Slices the round keys into planes, each round key four times side by side.</summary>
    public static void SliceKeys(ReadOnlySpan<byte> schedule, Span<ulong> sliced)
    {
        Span<byte> copies = stackalloc byte[BlocksAtOnce * BlockSize];
        for (var round = 0; round <= Rounds; round++)
        {
            for (var i = 0; i < BlocksAtOnce; i++)
                schedule.Slice(round * BlockSize, BlockSize).CopyTo(copies[(i * BlockSize)..]);
            var planes = Slice(copies);
            var place = sliced.Slice(round * PlaneCount, PlaneCount);
            (place[0], place[1], place[2], place[3]) = (planes.P0, planes.P1, planes.P2, planes.P3);
            (place[4], place[5], place[6], place[7]) = (planes.P4, planes.P5, planes.P6, planes.P7);
        }
        copies.Clear();
    }

    /// <summary>Encrypts four blocks in place.</summary>
    public static void Encrypt(ReadOnlySpan<ulong> slicedKeys, Span<byte> blocks)
    {
        var planes = Slice(blocks);
        AddRoundKey(ref planes, slicedKeys, 0);
        for (var round = 1; round < Rounds; round++)
        {
            SubstituteBytes(ref planes);
            ShiftRows(ref planes);
            MixColumns(ref planes);
            AddRoundKey(ref planes, slicedKeys, round);
        }
        SubstituteBytes(ref planes);
        ShiftRows(ref planes);
        AddRoundKey(ref planes, slicedKeys, Rounds);
        Unslice(planes, blocks);
    }

    /// <summary>Decrypts four blocks in place.</summary>
    public static void Decrypt(ReadOnlySpan<ulong> slicedKeys, Span<byte> blocks)
    {
        var planes = Slice(blocks);
        AddRoundKey(ref planes, slicedKeys, Rounds);
        for (var round = Rounds - 1; round > 0; round--)
        {
            InverseShiftRows(ref planes);
            InverseSubstituteBytes(ref planes);
            AddRoundKey(ref planes, slicedKeys, round);

            // MixColumns has order four: applying it three more times inverts it.
            MixColumns(ref planes);
            MixColumns(ref planes);
            MixColumns(ref planes);
        }
        InverseShiftRows(ref planes);
        InverseSubstituteBytes(ref planes);
        AddRoundKey(ref planes, slicedKeys, 0);
        Unslice(planes, blocks);
    }

    private static void SubstituteWord(Span<byte> word)
    {
        Span<byte> block = stackalloc byte[BlocksAtOnce * BlockSize];
        block.Clear();
        word.CopyTo(block);
        var planes = Slice(block);
        SubstituteBytes(ref planes);
        Unslice(planes, block);
        block[..4].CopyTo(word);
        block.Clear();
    }

    /// <summary>Converts 64 bytes to eight planes.</summary>
    private static Planes Slice(ReadOnlySpan<byte> bytes)
    {
        var planes = new Planes
        {
            P0 = TransposeBits(BinaryPrimitives.ReadUInt64LittleEndian(bytes)),
            P1 = TransposeBits(BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..])),
            P2 = TransposeBits(BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..])),
            P3 = TransposeBits(BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..])),
            P4 = TransposeBits(BinaryPrimitives.ReadUInt64LittleEndian(bytes[32..])),
            P5 = TransposeBits(BinaryPrimitives.ReadUInt64LittleEndian(bytes[40..])),
            P6 = TransposeBits(BinaryPrimitives.ReadUInt64LittleEndian(bytes[48..])),
            P7 = TransposeBits(BinaryPrimitives.ReadUInt64LittleEndian(bytes[56..])),
        };
        TransposeBytes(ref planes);
        return planes;
    }

    /// <summary>Converts eight planes to 64 bytes.</summary>
    private static void Unslice(Planes planes, Span<byte> bytes)
    {
        TransposeBytes(ref planes);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, TransposeBits(planes.P0));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], TransposeBits(planes.P1));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], TransposeBits(planes.P2));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[24..], TransposeBits(planes.P3));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[32..], TransposeBits(planes.P4));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[40..], TransposeBits(planes.P5));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[48..], TransposeBits(planes.P6));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[56..], TransposeBits(planes.P7));
    }

    /// <summary>Transposes eight bytes as a square of bits.</summary>
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

    /// <summary>Transposes eight words as a square of bytes.</summary>
    private static void TransposeBytes(ref Planes p)
    {
        const ulong Bytes = 0x00FF00FF00FF00FF, Pairs = 0x0000FFFF0000FFFF, Halves = 0x00000000FFFFFFFF;
        SwapBetween(ref p.P0, ref p.P1, 8, Bytes);
        SwapBetween(ref p.P2, ref p.P3, 8, Bytes);
        SwapBetween(ref p.P4, ref p.P5, 8, Bytes);
        SwapBetween(ref p.P6, ref p.P7, 8, Bytes);
        SwapBetween(ref p.P0, ref p.P2, 16, Pairs);
        SwapBetween(ref p.P1, ref p.P3, 16, Pairs);
        SwapBetween(ref p.P4, ref p.P6, 16, Pairs);
        SwapBetween(ref p.P5, ref p.P7, 16, Pairs);
        SwapBetween(ref p.P0, ref p.P4, 32, Halves);
        SwapBetween(ref p.P1, ref p.P5, 32, Halves);
        SwapBetween(ref p.P2, ref p.P6, 32, Halves);
        SwapBetween(ref p.P3, ref p.P7, 32, Halves);
    }

    private static void SwapBetween(ref ulong low, ref ulong high, int distance, ulong mask)
    {
        var difference = ((low >> distance) ^ high) & mask;
        high ^= difference;
        low ^= difference << distance;
    }

    private static void AddRoundKey(ref Planes p, ReadOnlySpan<ulong> slicedKeys, int round)
    {
        var key = slicedKeys.Slice(round * PlaneCount, PlaneCount);
        p.P0 ^= key[0];
        p.P1 ^= key[1];
        p.P2 ^= key[2];
        p.P3 ^= key[3];
        p.P4 ^= key[4];
        p.P5 ^= key[5];
        p.P6 ^= key[6];
        p.P7 ^= key[7];
    }

    private static void ShiftRows(ref Planes p)
    {
        p.P0 = ShiftRows(p.P0);
        p.P1 = ShiftRows(p.P1);
        p.P2 = ShiftRows(p.P2);
        p.P3 = ShiftRows(p.P3);
        p.P4 = ShiftRows(p.P4);
        p.P5 = ShiftRows(p.P5);
        p.P6 = ShiftRows(p.P6);
        p.P7 = ShiftRows(p.P7);
    }

    /// <summary>Rotates row r by r columns of four bits each.</summary>
    private static ulong ShiftRows(ulong x) =>
        (x & 0x1111111111111111)
        | ((x & 0x2220222022202220) >> 4) | ((x & 0x0002000200020002) << 12)
        | ((x & 0x4400440044004400) >> 8) | ((x & 0x0044004400440044) << 8)
        | ((x & 0x8000800080008000) >> 12) | ((x & 0x0888088808880888) << 4);

    /// <summary>ShiftRows has order four: applying it three more times inverts it.</summary>
    private static void InverseShiftRows(ref Planes p)
    {
        ShiftRows(ref p);
        ShiftRows(ref p);
        ShiftRows(ref p);
    }

    /// <summary>
    /// Each byte becomes 2(a + b) + b + (c + d), where b, c, d are the rows below it, going round: doubling moves every plane up by one and
    /// folds the last into planes 0, 1, 3 and 4.
    /// </summary>
    private static void MixColumns(ref Planes p)
    {
        ulong b0 = NextRow(p.P0), b1 = NextRow(p.P1), b2 = NextRow(p.P2), b3 = NextRow(p.P3);
        ulong b4 = NextRow(p.P4), b5 = NextRow(p.P5), b6 = NextRow(p.P6), b7 = NextRow(p.P7);
        ulong s0 = p.P0 ^ b0, s1 = p.P1 ^ b1, s2 = p.P2 ^ b2, s3 = p.P3 ^ b3;
        ulong s4 = p.P4 ^ b4, s5 = p.P5 ^ b5, s6 = p.P6 ^ b6, s7 = p.P7 ^ b7;
        p.P0 = s7 ^ b0 ^ TwoRowsOn(s0);
        p.P1 = s0 ^ s7 ^ b1 ^ TwoRowsOn(s1);
        p.P2 = s1 ^ b2 ^ TwoRowsOn(s2);
        p.P3 = s2 ^ s7 ^ b3 ^ TwoRowsOn(s3);
        p.P4 = s3 ^ s7 ^ b4 ^ TwoRowsOn(s4);
        p.P5 = s4 ^ b5 ^ TwoRowsOn(s5);
        p.P6 = s5 ^ b6 ^ TwoRowsOn(s6);
        p.P7 = s6 ^ b7 ^ TwoRowsOn(s7);
    }

    private static ulong NextRow(ulong x) => ((x & 0xEEEEEEEEEEEEEEEE) >> 1) | ((x & 0x1111111111111111) << 3);

    private static ulong TwoRowsOn(ulong x) => ((x & 0xCCCCCCCCCCCCCCCC) >> 2) | ((x & 0x3333333333333333) << 2);

    /// <summary>The inverse affine map before and after the forward substitution gives the inverse one.</summary>
    private static void InverseSubstituteBytes(ref Planes p)
    {
        InverseAffine(ref p);
        SubstituteBytes(ref p);
        InverseAffine(ref p);
    }

    private static void InverseAffine(ref Planes p) => p = new Planes
    {
        P0 = ~(p.P2 ^ p.P5 ^ p.P7),
        P1 = p.P3 ^ p.P6 ^ p.P0,
        P2 = ~(p.P4 ^ p.P7 ^ p.P1),
        P3 = p.P5 ^ p.P0 ^ p.P2,
        P4 = p.P6 ^ p.P1 ^ p.P3,
        P5 = p.P7 ^ p.P2 ^ p.P4,
        P6 = p.P0 ^ p.P3 ^ p.P5,
        P7 = p.P1 ^ p.P4 ^ p.P6,
    };

    /// <summary>
    /// The S-box as a circuit of 113 gates (J. Boyar and R. Peralta, "A small depth-16 circuit for the AES S-box", 2012): a linear layer,
    /// an inversion in GF(2^8) by way of GF(2^4), a linear layer. The names are the paper's; x0 is the highest bit.
    /// </summary>
    private static void SubstituteBytes(ref Planes p)
    {
        ulong x0 = p.P7, x1 = p.P6, x2 = p.P5, x3 = p.P4, x4 = p.P3, x5 = p.P2, x6 = p.P1, x7 = p.P0;

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
        p.P7 = t59 ^ t63;
        p.P6 = t64 ^ ~s3;
        p.P5 = z16 ^ z17 ^ ~(t64 ^ t65);
        p.P4 = s3;
        p.P3 = z2 ^ z5 ^ t66;
        p.P2 = z10 ^ z11 ^ t65;
        p.P1 = z12 ^ t48 ^ ~t62;
        p.P0 = t48 ^ ~t60;
    }

    private struct Planes
    {
        public ulong P0, P1, P2, P3, P4, P5, P6, P7;
    }
}
