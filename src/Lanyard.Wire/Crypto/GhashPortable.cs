using System.Buffers.Binary;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// GHASH (NIST SP 800-38D, section 6.4) without tables: carry-less products are computed by integer multiplications in which three of every four
/// bits are zero, so that no carry reaches the next significant bit (T. Pornin, "Constant-time GHASH").
/// </summary>
internal struct GhashPortable
{
    private readonly ulong _keyHigh, _keyLow, _keySum;
    private readonly ulong _keyHighReversed, _keyLowReversed, _keySumReversed;
    private ulong _high, _low;

    /// <param name="key">The 16-byte hash key.</param>
    public GhashPortable(ReadOnlySpan<byte> key)
    {
        _keyHigh = BinaryPrimitives.ReadUInt64BigEndian(key);
        _keyLow = BinaryPrimitives.ReadUInt64BigEndian(key[8..]);
        _keySum = _keyHigh ^ _keyLow;
        _keyHighReversed = ReverseBits(_keyHigh);
        _keyLowReversed = ReverseBits(_keyLow);
        _keySumReversed = _keyHighReversed ^ _keyLowReversed;
        _high = _low = 0;
    }

    /// <summary>Processes bytes; the last block is padded with zeros.</summary>
    public void Update(ReadOnlySpan<byte> data)
    {
        for (; data.Length >= 16; data = data[16..])
            Update(BinaryPrimitives.ReadUInt64BigEndian(data), BinaryPrimitives.ReadUInt64BigEndian(data[8..]));
        if (data.Length > 0)
        {
            Span<byte> block = stackalloc byte[16];
            block.Clear();
            data.CopyTo(block);
            Update(block);
        }
    }

    /// <summary>Processes one block, given as two big-endian numbers.</summary>
    public void Update(ulong high, ulong low)
    {
        high ^= _high;
        low ^= _low;
        ulong highReversed = ReverseBits(high), lowReversed = ReverseBits(low);

        // Karatsuba's three products; the upper half of each is the lower half of the product of the reversed factors, reversed.
        var low0 = MultiplyLow(low, _keyLow);
        var low1 = MultiplyLow(high, _keyHigh);
        var lowMiddle = MultiplyLow(low ^ high, _keySum) ^ low0 ^ low1;
        var high0 = MultiplyLow(lowReversed, _keyLowReversed);
        var high1 = MultiplyLow(highReversed, _keyHighReversed);
        var highMiddle = MultiplyLow(lowReversed ^ highReversed, _keySumReversed) ^ high0 ^ high1;
        high0 = ReverseBits(high0) >> 1;
        high1 = ReverseBits(high1) >> 1;
        highMiddle = ReverseBits(highMiddle) >> 1;

        // GHASH numbers bits from the other end: the 255-bit product is shifted up by one.
        var v0 = low0;
        var v1 = high0 ^ lowMiddle;
        var v2 = low1 ^ highMiddle;
        var v3 = high1;
        v3 = (v3 << 1) | (v2 >> 63);
        v2 = (v2 << 1) | (v1 >> 63);
        v1 = (v1 << 1) | (v0 >> 63);
        v0 <<= 1;

        // Reduces modulo x^128 + x^7 + x^2 + x + 1, one word at a time.
        v2 ^= v0 ^ (v0 >> 1) ^ (v0 >> 2) ^ (v0 >> 7);
        v1 ^= (v0 << 63) ^ (v0 << 62) ^ (v0 << 57);
        v3 ^= v1 ^ (v1 >> 1) ^ (v1 >> 2) ^ (v1 >> 7);
        v2 ^= (v1 << 63) ^ (v1 << 62) ^ (v1 << 57);
        _high = v3;
        _low = v2;
    }

    /// <summary>Writes the 16-byte hash of the processed blocks.</summary>
    public readonly void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, _high);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _low);
    }

    /// <summary>Returns the lower 64 bits of the carry-less product.</summary>
    private static ulong MultiplyLow(ulong x, ulong y)
    {
        const ulong M0 = 0x1111111111111111, M1 = 0x2222222222222222, M2 = 0x4444444444444444, M3 = 0x8888888888888888;
        ulong x0 = x & M0, x1 = x & M1, x2 = x & M2, x3 = x & M3;
        ulong y0 = y & M0, y1 = y & M1, y2 = y & M2, y3 = y & M3;
        var z0 = (x0 * y0) ^ (x1 * y3) ^ (x2 * y2) ^ (x3 * y1);
        var z1 = (x0 * y1) ^ (x1 * y0) ^ (x2 * y3) ^ (x3 * y2);
        var z2 = (x0 * y2) ^ (x1 * y1) ^ (x2 * y0) ^ (x3 * y3);
        var z3 = (x0 * y3) ^ (x1 * y2) ^ (x2 * y1) ^ (x3 * y0);
        return (z0 & M0) | (z1 & M1) | (z2 & M2) | (z3 & M3);
    }

    private static ulong ReverseBits(ulong x)
    {
        x = ((x & 0x5555555555555555) << 1) | ((x >> 1) & 0x5555555555555555);
        x = ((x & 0x3333333333333333) << 2) | ((x >> 2) & 0x3333333333333333);
        x = ((x & 0x0F0F0F0F0F0F0F0F) << 4) | ((x >> 4) & 0x0F0F0F0F0F0F0F0F);
        return BinaryPrimitives.ReverseEndianness(x);
    }
}
