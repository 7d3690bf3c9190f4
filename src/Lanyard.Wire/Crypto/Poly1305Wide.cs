#if NET
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// Poly1305 with limbs of 64 bits, for machines that multiply 64 bits to 128. The sum stays only a little above 2^130: two limbs and a
/// few bits in a third.
/// </summary>
internal struct Poly1305Wide
{
    private const int BlockSize = 16;
    private const ulong Mask26 = (1UL << 26) - 1;

    // The multiplier, and 5/4 of its upper limb, which is divisible by four: the value of that limb above 2^130.
    private readonly ulong _r0, _r1, _s1;

    private ulong _h0, _h1, _h2;

    /// <param name="key">The key's first half, 16 bytes, to be clamped (RFC 8439, section 2.5).</param>
    public Poly1305Wide(ReadOnlySpan<byte> key)
    {
        _r0 = BinaryPrimitives.ReadUInt64LittleEndian(key) & 0x0ffffffc0fffffff;
        _r1 = BinaryPrimitives.ReadUInt64LittleEndian(key[8..]) & 0x0ffffffc0ffffffc;
        _s1 = _r1 + (_r1 >> 2);
        _h0 = _h1 = _h2 = 0;
    }

    public static void Compute(ReadOnlySpan<byte> key, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> tag)
    {
        var state = new Poly1305Wide(key);
        var rest = state.AllBlocks(first);
        if (rest.Length > 0)
        {
            Span<byte> joint = stackalloc byte[BlockSize];
            var taken = Math.Min(BlockSize - rest.Length, second.Length);
            rest.CopyTo(joint);
            second[..taken].CopyTo(joint[rest.Length..]);
            second = second[taken..];
            state.LastBlock(state.Blocks(joint[..(rest.Length + taken)]));
        }
        state.LastBlock(state.AllBlocks(second));
        state.Finish(key[BlockSize..], tag);
    }

    /// <summary>Processes complete blocks, with vectors if that is faster.</summary>
    /// <returns>The remaining data, less than a block.</returns>
    public ReadOnlySpan<byte> AllBlocks(ReadOnlySpan<byte> data)
    {
        if (Poly1305Vector.IsSupported512 && data.Length >= Poly1305Vector.Threshold512)
            data = Poly1305Vector.EightLanes(ref this, data);
        else if (Poly1305Vector.IsSupported256 && data.Length >= Poly1305Vector.Threshold256)
            data = Poly1305Vector.FourLanes(ref this, data);
        return Blocks(data);
    }

    /// <summary>Processes complete blocks, one after another.</summary>
    /// <returns>The remaining data, less than a block.</returns>
    public ReadOnlySpan<byte> Blocks(ReadOnlySpan<byte> data)
    {
        for (; data.Length >= BlockSize; data = data[BlockSize..])
            Block(BinaryPrimitives.ReadUInt64LittleEndian(data), BinaryPrimitives.ReadUInt64LittleEndian(data[8..]), 1);
        return data;
    }

    /// <summary>Processes a last block of less than sixteen bytes; does nothing if it is empty.</summary>
    public void LastBlock(ReadOnlySpan<byte> rest)
    {
        if (rest.Length == 0)
            return;
        Span<byte> block = stackalloc byte[BlockSize];
        block.Clear();
        rest.CopyTo(block);
        block[rest.Length] = 1;
        Block(BinaryPrimitives.ReadUInt64LittleEndian(block), BinaryPrimitives.ReadUInt64LittleEndian(block[8..]), 0);
    }

    /// <summary>Reduces fully and adds the key's second half, in constant time.</summary>
    public readonly void Finish(ReadOnlySpan<byte> addend, Span<byte> tag)
    {
        // The value minus the prime, 2^130 - 5: selected if it is not negative.
        ulong carry = 0, g0 = _h0, g1 = _h1;
        Add(ref g0, 5, ref carry);
        Add(ref g1, 0, ref carry);
        var taken = 0 - ((_h2 + carry) >> 2);
        var h0 = (_h0 & ~taken) | (g0 & taken);
        var h1 = (_h1 & ~taken) | (g1 & taken);

        carry = 0;
        Add(ref h0, BinaryPrimitives.ReadUInt64LittleEndian(addend), ref carry);
        Add(ref h1, BinaryPrimitives.ReadUInt64LittleEndian(addend[8..]), ref carry);
        BinaryPrimitives.WriteUInt64LittleEndian(tag, h0);
        BinaryPrimitives.WriteUInt64LittleEndian(tag[8..], h1);
    }

    /// <summary>Writes powers of the multiplier, each as five limbs of 26 bits.</summary>
    /// <param name="limbs">Five rows, one for each limb.</param>
    /// <param name="columns">The columns of the first, second, third, ... power.</param>
    public readonly void WritePowers(Span<ulong> limbs, ReadOnlySpan<byte> columns)
    {
        var power = this;
        (power._h0, power._h1, power._h2) = (_r0, _r1, 0);
        for (var i = 0; i < columns.Length; i++)
        {
            if (i > 0)
                power.Block(0, 0, 0);
            power.Split(limbs[columns[i]..], columns.Length);
        }
    }

    /// <summary>Writes the sum as five limbs of 26 bits, with a given distance between limbs.</summary>
    public readonly void Split(Span<ulong> limbs, int distance)
    {
        limbs[0] = _h0 & Mask26;
        limbs[distance] = (_h0 >> 26) & Mask26;
        limbs[2 * distance] = ((_h0 >> 52) | (_h1 << 12)) & Mask26;
        limbs[3 * distance] = (_h1 >> 14) & Mask26;
        limbs[4 * distance] = (_h1 >> 40) | (_h2 << 24);
    }

    /// <summary>Sets the sum from five limbs of 26-bit weight, each below 2^63.</summary>
    public void Join(ulong l0, ulong l1, ulong l2, ulong l3, ulong l4)
    {
        l1 += l0 >> 26;
        l2 += l1 >> 26;
        l3 += l2 >> 26;
        l4 += l3 >> 26;
        l0 = (l0 & Mask26) + (5 * (l4 >> 26));
        l1 = (l1 & Mask26) + (l0 >> 26);
        l2 &= Mask26;
        l3 &= Mask26;
        l4 &= Mask26;
        var carry = 0UL;
        _h0 = (l0 & Mask26) + (l1 << 26);
        Add(ref _h0, l2 << 52, ref carry);
        _h1 = (l2 >> 12) + (l3 << 14);
        Add(ref _h1, l4 << 40, ref carry);
        _h2 = (l4 >> 24) + carry;
    }

    private static void Add(ref ulong sum, ulong addend, ref ulong carry)
    {
        addend += carry;
        carry = addend < carry ? 1UL : 0UL;
        sum += addend;
        carry += sum < addend ? 1UL : 0UL;
    }

    /// <summary>Adds a block, with the bit above it, and multiplies.</summary>
    private void Block(ulong low, ulong high, ulong top)
    {
        var carry = 0UL;
        ulong h0 = _h0, h1 = _h1;
        Add(ref h0, low, ref carry);
        Add(ref h1, high, ref carry);
        var h2 = _h2 + top + carry;

        var d0High = WideMath.Multiply(h0, _r0, out var d0);
        WideMath.MultiplyAdd(ref d0High, ref d0, h1, _s1);
        var d1High = WideMath.Multiply(h0, _r1, out var d1);
        WideMath.MultiplyAdd(ref d1High, ref d1, h1, _r0);
        var product = h2 * _s1;
        d1 += product;
        d1High += d1 < product ? 1UL : 0UL;
        d1 += d0High;
        d1High += d1 < d0High ? 1UL : 0UL;
        var d2 = (h2 * _r0) + d1High;

        // The part above 2^130 is multiplied by five and added at the bottom.
        carry = 0;
        Add(ref d0, (d2 & ~3UL) + (d2 >> 2), ref carry);
        Add(ref d1, 0, ref carry);
        _h0 = d0;
        _h1 = d1;
        _h2 = (d2 & 3) + carry;
    }
}
#endif
