using System.Buffers.Binary;

namespace Lanyard.Wire.Crypto;

/// <summary>Poly1305 with five limbs of 26 bits, so that every product fits 64 bits: for machines without a 64-bit multiplication to 128 bits.</summary>
internal static class Poly1305Portable
{
    private const int BlockSize = 16;
    private const uint Mask = (1u << 26) - 1;

    public static void Compute(ReadOnlySpan<byte> key, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> tag)
    {
        var state = new State(key);
        state.Blocks(first[..(first.Length & ~(BlockSize - 1))], 1u << 24);
        Span<byte> joint = stackalloc byte[BlockSize];
        var rest = first[(first.Length & ~(BlockSize - 1))..];
        if (rest.Length > 0)
        {
            var taken = Math.Min(BlockSize - rest.Length, second.Length);
            rest.CopyTo(joint);
            second[..taken].CopyTo(joint[rest.Length..]);
            second = second[taken..];
            state.Tail(joint[..(rest.Length + taken)]);
        }
        state.Blocks(second[..(second.Length & ~(BlockSize - 1))], 1u << 24);
        state.Tail(second[(second.Length & ~(BlockSize - 1))..]);
        state.Finish(key[16..], tag);
    }

    private struct State
    {
        private readonly uint _r0, _r1, _r2, _r3, _r4;
        private uint _h0, _h1, _h2, _h3, _h4;

        public State(ReadOnlySpan<byte> key)
        {
            _r0 = BinaryPrimitives.ReadUInt32LittleEndian(key) & 0x3ffffff;
            _r1 = (BinaryPrimitives.ReadUInt32LittleEndian(key[3..]) >> 2) & 0x3ffff03;
            _r2 = (BinaryPrimitives.ReadUInt32LittleEndian(key[6..]) >> 4) & 0x3ffc0ff;
            _r3 = (BinaryPrimitives.ReadUInt32LittleEndian(key[9..]) >> 6) & 0x3f03fff;
            _r4 = (BinaryPrimitives.ReadUInt32LittleEndian(key[12..]) >> 8) & 0x00fffff;
        }

        /// <summary>A last block of less than sixteen bytes, or a whole one.</summary>
        public void Tail(ReadOnlySpan<byte> rest)
        {
            if (rest.Length == BlockSize)
            {
                Blocks(rest, 1u << 24);
            }
            else if (rest.Length > 0)
            {
                Span<byte> block = stackalloc byte[BlockSize];
                block.Clear();
                rest.CopyTo(block);
                block[rest.Length] = 1;
                Blocks(block, 0);
            }
        }

        /// <summary>Whole blocks, each with the bit above its highest one as given in the highest limb's scale.</summary>
        public void Blocks(ReadOnlySpan<byte> data, uint topBit)
        {
            uint s1 = _r1 * 5, s2 = _r2 * 5, s3 = _r3 * 5, s4 = _r4 * 5;
            while (data.Length >= BlockSize)
            {
                var h0 = (ulong)(_h0 + (BinaryPrimitives.ReadUInt32LittleEndian(data) & Mask));
                var h1 = (ulong)(_h1 + ((BinaryPrimitives.ReadUInt32LittleEndian(data[3..]) >> 2) & Mask));
                var h2 = (ulong)(_h2 + ((BinaryPrimitives.ReadUInt32LittleEndian(data[6..]) >> 4) & Mask));
                var h3 = (ulong)(_h3 + (BinaryPrimitives.ReadUInt32LittleEndian(data[9..]) >> 6));
                var h4 = (ulong)(_h4 + ((BinaryPrimitives.ReadUInt32LittleEndian(data[12..]) >> 8) | topBit));
                var d0 = (h0 * _r0) + (h1 * s4) + (h2 * s3) + (h3 * s2) + (h4 * s1);
                var d1 = (h0 * _r1) + (h1 * _r0) + (h2 * s4) + (h3 * s3) + (h4 * s2);
                var d2 = (h0 * _r2) + (h1 * _r1) + (h2 * _r0) + (h3 * s4) + (h4 * s3);
                var d3 = (h0 * _r3) + (h1 * _r2) + (h2 * _r1) + (h3 * _r0) + (h4 * s4);
                var d4 = (h0 * _r4) + (h1 * _r3) + (h2 * _r2) + (h3 * _r1) + (h4 * _r0);
                d1 += d0 >> 26;
                d2 += d1 >> 26;
                d3 += d2 >> 26;
                d4 += d3 >> 26;
                _h0 = ((uint)d0 & Mask) + ((uint)(d4 >> 26) * 5);
                _h1 = ((uint)d1 & Mask) + (_h0 >> 26);
                _h0 &= Mask;
                _h2 = (uint)d2 & Mask;
                _h3 = (uint)d3 & Mask;
                _h4 = (uint)d4 & Mask;
                data = data[BlockSize..];
            }
        }

        /// <summary>Reduces fully and adds the key's second half, in constant time.</summary>
        public readonly void Finish(ReadOnlySpan<byte> addend, Span<byte> tag)
        {
            uint h0 = _h0, h1 = _h1, h2 = _h2, h3 = _h3, h4 = _h4;
            h2 += h1 >> 26;
            h1 &= Mask;
            h3 += h2 >> 26;
            h2 &= Mask;
            h4 += h3 >> 26;
            h3 &= Mask;
            h0 += (h4 >> 26) * 5;
            h4 &= Mask;
            h1 += h0 >> 26;
            h0 &= Mask;

            // The value minus the prime, 2^130 - 5: selected if it is not negative.
            var g0 = h0 + 5;
            var g1 = h1 + (g0 >> 26);
            var g2 = h2 + (g1 >> 26);
            var g3 = h3 + (g2 >> 26);
            var g4 = h4 + (g3 >> 26) - (1u << 26);
            var keep = 0 - (g4 >> 31);
            h0 = (h0 & keep) | (g0 & Mask & ~keep);
            h1 = (h1 & keep) | (g1 & Mask & ~keep);
            h2 = (h2 & keep) | (g2 & Mask & ~keep);
            h3 = (h3 & keep) | (g3 & Mask & ~keep);
            h4 = (h4 & keep) | (g4 & Mask & ~keep);

            var sum = (ulong)(h0 | (h1 << 26)) + BinaryPrimitives.ReadUInt32LittleEndian(addend);
            BinaryPrimitives.WriteUInt32LittleEndian(tag, (uint)sum);
            sum = (sum >> 32) + ((h1 >> 6) | (h2 << 20)) + BinaryPrimitives.ReadUInt32LittleEndian(addend[4..]);
            BinaryPrimitives.WriteUInt32LittleEndian(tag[4..], (uint)sum);
            sum = (sum >> 32) + ((h2 >> 12) | (h3 << 14)) + BinaryPrimitives.ReadUInt32LittleEndian(addend[8..]);
            BinaryPrimitives.WriteUInt32LittleEndian(tag[8..], (uint)sum);
            sum = (sum >> 32) + ((h3 >> 18) | (h4 << 8)) + BinaryPrimitives.ReadUInt32LittleEndian(addend[12..]);
            BinaryPrimitives.WriteUInt32LittleEndian(tag[12..], (uint)sum);
        }
    }
}
