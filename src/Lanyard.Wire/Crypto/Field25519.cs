using System.Buffers.Binary;
using System.Runtime.CompilerServices;
#if NET
using System.Runtime.Intrinsics;
#endif

namespace Lanyard.Wire.Crypto;

/// <summary>
/// A number modulo p = 2^255 - 19 in five limbs of 51 bits. Products have limbs below 2^51 + 2^14; sums and differences are not carried,
/// and every operation accepts limbs below 2^54 (the subtrahend: below 2^53 - 76). So one sum or difference of products, or a difference of
/// such a sum, may be a factor of a product. All operations take constant time unless the name says otherwise.
/// </summary>
internal struct Field25519
{
    /// <summary>The length of an encoding in bytes.</summary>
    public const int Size = 32;

    private const ulong Mask = (1UL << 51) - 1;

    private ulong _l0, _l1, _l2, _l3, _l4;

    public static Field25519 Zero => default;

    public static Field25519 One => new() { _l0 = 1 };

    /// <summary>d of the curve -x^2 + y^2 = 1 + d x^2 y^2: -121665/121666 (RFC 8032, section 5.1).</summary>
    public static readonly Field25519 EdwardsD = Decode(
    [
        0xa3, 0x78, 0x59, 0x13, 0xca, 0x4d, 0xeb, 0x75, 0xab, 0xd8, 0x41, 0x41, 0x4d, 0x0a, 0x70, 0x00,
        0x98, 0xe8, 0x79, 0x77, 0x79, 0x40, 0xc7, 0x8c, 0x73, 0xfe, 0x6f, 0x2b, 0xee, 0x6c, 0x03, 0x52,
    ]);

    /// <summary>Twice <see cref="EdwardsD"/>.</summary>
    public static readonly Field25519 EdwardsTwiceD = Carried(EdwardsD + EdwardsD);

    /// <summary>A square root of -1: 2^((p - 1) / 4).</summary>
    public static readonly Field25519 RootOfMinusOne = Decode(
    [
        0xb0, 0xa0, 0x0e, 0x4a, 0x27, 0x1b, 0xee, 0xc4, 0x78, 0xe4, 0x2f, 0xad, 0x06, 0x18, 0x43, 0x2f,
        0xa7, 0xd7, 0xfb, 0x3d, 0x99, 0x00, 0x4d, 0x2b, 0x0b, 0xdf, 0xc1, 0x4f, 0x80, 0x24, 0x83, 0x2b,
    ]);

    public static Field25519 FromSmall(uint value) => new() { _l0 = value };

    /// <summary>Reads 32 bytes, little-endian, without the highest bit. Values from p on are reduced modulo p.</summary>
    public static Field25519 Decode(ReadOnlySpan<byte> source)
    {
        var w0 = BinaryPrimitives.ReadUInt64LittleEndian(source);
        var w1 = BinaryPrimitives.ReadUInt64LittleEndian(source[8..]);
        var w2 = BinaryPrimitives.ReadUInt64LittleEndian(source[16..]);
        var w3 = BinaryPrimitives.ReadUInt64LittleEndian(source[24..]);
        return new Field25519
        {
            _l0 = w0 & Mask,
            _l1 = ((w0 >> 51) | (w1 << 13)) & Mask,
            _l2 = ((w1 >> 38) | (w2 << 26)) & Mask,
            _l3 = ((w2 >> 25) | (w3 << 39)) & Mask,
            _l4 = (w3 >> 12) & Mask,
        };
    }

    /// <summary>Writes the value, reduced below p, as 32 bytes, little-endian.</summary>
    public readonly void Encode(Span<byte> destination)
    {
        var x = Carried(this);

        // Now the value is a little above 2^255 at most: adding 19 carries out of the top exactly if the value is p or more.
        var q = (x._l0 + 19) >> 51;
        q = (x._l1 + q) >> 51;
        q = (x._l2 + q) >> 51;
        q = (x._l3 + q) >> 51;
        q = (x._l4 + q) >> 51;
        x._l0 += 19 * q;
        x._l1 += x._l0 >> 51;
        x._l0 &= Mask;
        x._l2 += x._l1 >> 51;
        x._l1 &= Mask;
        x._l3 += x._l2 >> 51;
        x._l2 &= Mask;
        x._l4 += x._l3 >> 51;
        x._l3 &= Mask;
        x._l4 &= Mask;
        BinaryPrimitives.WriteUInt64LittleEndian(destination, x._l0 | (x._l1 << 51));
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], (x._l1 >> 13) | (x._l2 << 38));
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], (x._l2 >> 26) | (x._l3 << 25));
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], (x._l3 >> 39) | (x._l4 << 12));
    }

    /// <summary>
    /// Writes ten limbs of 26 and 25 bits alternately, one word each: the halves of the 51-bit limbs.
    /// </summary>
    /// <param name="destination">The word of the first limb.</param>
    /// <param name="stride">The distance between the words of adjacent limbs.</param>
    public readonly void WriteHalves(Span<uint> destination, int stride)
    {
        WriteHalves(_l0, destination, stride);
        WriteHalves(_l1, destination[(2 * stride)..], stride);
        WriteHalves(_l2, destination[(4 * stride)..], stride);
        WriteHalves(_l3, destination[(6 * stride)..], stride);
        WriteHalves(_l4, destination[(8 * stride)..], stride);
    }

    /// <summary>Reads the output of <see cref="WriteHalves(Span{uint}, int)"/>, or limbs a little larger.</summary>
    public static Field25519 ReadHalves(ReadOnlySpan<uint> source, int stride) => new()
    {
        _l0 = source[0] + ((ulong)source[stride] << 26),
        _l1 = source[2 * stride] + ((ulong)source[3 * stride] << 26),
        _l2 = source[4 * stride] + ((ulong)source[5 * stride] << 26),
        _l3 = source[6 * stride] + ((ulong)source[7 * stride] << 26),
        _l4 = source[8 * stride] + ((ulong)source[9 * stride] << 26),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Field25519 operator +(in Field25519 a, in Field25519 b) => new()
    {
        _l0 = a._l0 + b._l0,
        _l1 = a._l1 + b._l1,
        _l2 = a._l2 + b._l2,
        _l3 = a._l3 + b._l3,
        _l4 = a._l4 + b._l4,
    };

    /// <summary>Returns the difference plus 4p, so that no limb becomes negative.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Field25519 operator -(in Field25519 a, in Field25519 b) => new()
    {
        _l0 = a._l0 + (4 * (Mask - 18)) - b._l0,
        _l1 = a._l1 + (4 * Mask) - b._l1,
        _l2 = a._l2 + (4 * Mask) - b._l2,
        _l3 = a._l3 + (4 * Mask) - b._l3,
        _l4 = a._l4 + (4 * Mask) - b._l4,
    };

    // A product's factors are shifted up by 9 and 4 bits, so that the upper of its two words belongs to the next limb. Upper words and
    // lower words (shifted back) are then summed separately, and no sum exceeds 64 bits.
    [SkipLocalsInit]
    [MethodImpl(Optimize.AtOnce)]
    public static Field25519 operator *(in Field25519 a, in Field25519 b)
    {
        ulong a0 = a._l0 << 9, a1 = a._l1 << 9, a2 = a._l2 << 9, a3 = a._l3 << 9, a4 = a._l4 << 9;
        ulong b0 = b._l0 << 4, b1 = b._l1 << 4, b2 = b._l2 << 4, b3 = b._l3 << 4, b4 = b._l4 << 4;
        ulong c1 = b1 * 19, c2 = b2 * 19, c3 = b3 * 19, c4 = b4 * 19;
        ulong h0 = 0, l0 = 0, h1 = 0, l1 = 0, h2 = 0, l2 = 0, h3 = 0, l3 = 0, h4 = 0, l4 = 0;

        AddProduct(ref h0, ref l0, a0, b0);
        AddProduct(ref h0, ref l0, a1, c4);
        AddProduct(ref h0, ref l0, a2, c3);
        AddProduct(ref h0, ref l0, a3, c2);
        AddProduct(ref h0, ref l0, a4, c1);

        AddProduct(ref h1, ref l1, a0, b1);
        AddProduct(ref h1, ref l1, a1, b0);
        AddProduct(ref h1, ref l1, a2, c4);
        AddProduct(ref h1, ref l1, a3, c3);
        AddProduct(ref h1, ref l1, a4, c2);

        AddProduct(ref h2, ref l2, a0, b2);
        AddProduct(ref h2, ref l2, a1, b1);
        AddProduct(ref h2, ref l2, a2, b0);
        AddProduct(ref h2, ref l2, a3, c4);
        AddProduct(ref h2, ref l2, a4, c3);

        AddProduct(ref h3, ref l3, a0, b3);
        AddProduct(ref h3, ref l3, a1, b2);
        AddProduct(ref h3, ref l3, a2, b1);
        AddProduct(ref h3, ref l3, a3, b0);
        AddProduct(ref h3, ref l3, a4, c4);

        AddProduct(ref h4, ref l4, a0, b4);
        AddProduct(ref h4, ref l4, a1, b3);
        AddProduct(ref h4, ref l4, a2, b2);
        AddProduct(ref h4, ref l4, a3, b1);
        AddProduct(ref h4, ref l4, a4, b0);

        return Reduced(l0 + (19 * h4), l1 + h0, l2 + h1, l3 + h2, l4 + h3);
    }

    [SkipLocalsInit]
    [MethodImpl(Optimize.AtOnce)]
    public readonly Field25519 Squared()
    {
        Field25519 result;
        Square(_l0, _l1, _l2, _l3, _l4, out result._l0, out result._l1, out result._l2, out result._l3, out result._l4);
        return result;
    }

    /// <summary>Squares the number a number of times. The limbs stay in registers from one square to the next.</summary>
    [SkipLocalsInit]
    [MethodImpl(Optimize.AtOnce)]
    public readonly Field25519 Squared(int times)
    {
        ulong x0 = _l0, x1 = _l1, x2 = _l2, x3 = _l3, x4 = _l4;
        for (var i = 0; i < times; i++)
            Square(x0, x1, x2, x3, x4, out x0, out x1, out x2, out x3, out x4);
        return new Field25519 { _l0 = x0, _l1 = x1, _l2 = x2, _l3 = x3, _l4 = x4 };
    }

    /// <summary>Returns the product with a number below 2^17.</summary>
    [SkipLocalsInit]
    [MethodImpl(Optimize.AtOnce)]
    public readonly Field25519 Times(uint factor)
    {
        var b = (ulong)factor << 4;
        ulong h0 = 0, l0 = 0, h1 = 0, l1 = 0, h2 = 0, l2 = 0, h3 = 0, l3 = 0, h4 = 0, l4 = 0;
        AddProduct(ref h0, ref l0, _l0 << 9, b);
        AddProduct(ref h1, ref l1, _l1 << 9, b);
        AddProduct(ref h2, ref l2, _l2 << 9, b);
        AddProduct(ref h3, ref l3, _l3 << 9, b);
        AddProduct(ref h4, ref l4, _l4 << 9, b);
        return Reduced(l0 + (19 * h4), l1 + h0, l2 + h1, l3 + h2, l4 + h3);
    }

    /// <summary>Returns the inverse, as the power p - 2. The result for zero is zero.</summary>
    public readonly Field25519 Inverted()
    {
        var x250 = PowerOf250Ones(out var x11);
        return x250.Squared(5) * x11;
    }

    /// <summary>Returns the power (p - 5) / 8 = 2^252 - 3.</summary>
    public readonly Field25519 PowerForRoot() => PowerOf250Ones(out _).Squared(2) * this;

    /// <summary>Swaps two numbers if the mask is all ones; keeps them if it is zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SwapIf(ulong mask, ref Field25519 a, ref Field25519 b)
    {
        var d = (a._l0 ^ b._l0) & mask;
        a._l0 ^= d;
        b._l0 ^= d;
        d = (a._l1 ^ b._l1) & mask;
        a._l1 ^= d;
        b._l1 ^= d;
        d = (a._l2 ^ b._l2) & mask;
        a._l2 ^= d;
        b._l2 ^= d;
        d = (a._l3 ^ b._l3) & mask;
        a._l3 ^= d;
        b._l3 ^= d;
        d = (a._l4 ^ b._l4) & mask;
        a._l4 ^= d;
        b._l4 ^= d;
    }

    /// <summary>Selects a number with a mask of all ones or zeros: the other number, or this one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetIf(ulong mask, in Field25519 other)
    {
#if NET
        if (Vector256.IsHardwareAccelerated)
        {
            var own = Vector256.LoadUnsafe(ref _l0);
            (own ^ ((own ^ Vector256.LoadUnsafe(in other._l0)) & Vector256.Create(mask))).StoreUnsafe(ref _l0);
            _l4 ^= (_l4 ^ other._l4) & mask;
            return;
        }
#endif
        _l0 ^= (_l0 ^ other._l0) & mask;
        _l1 ^= (_l1 ^ other._l1) & mask;
        _l2 ^= (_l2 ^ other._l2) & mask;
        _l3 ^= (_l3 ^ other._l3) & mask;
        _l4 ^= (_l4 ^ other._l4) & mask;
    }

    /// <summary>The lowest bit of the encoding: the sign in encoded points.</summary>
    public readonly int Parity()
    {
        Span<byte> bytes = stackalloc byte[Size];
        Encode(bytes);
        return bytes[0] & 1;
    }

    /// <summary>Whether the number is zero modulo p.</summary>
    public readonly bool IsZero()
    {
        Span<byte> bytes = stackalloc byte[Size];
        Encode(bytes);
        var bits = 0;
        foreach (var b in bytes)
            bits |= b;
        return bits == 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddProduct(ref ulong high, ref ulong low, ulong a, ulong b)
    {
        high += WideMath.Multiply(a, b, out var product);
        low += product >> 13;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Field25519 Reduced(ulong l0, ulong l1, ulong l2, ulong l3, ulong l4)
    {
        Field25519 result;
        Reduce(l0, l1, l2, l3, l4, out result._l0, out result._l1, out result._l2, out result._l3, out result._l4);
        return result;
    }

    /// <summary>Returns the limbs of a square, with the products that occur twice computed once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Square(
        ulong x0, ulong x1, ulong x2, ulong x3, ulong x4, out ulong r0, out ulong r1, out ulong r2, out ulong r3, out ulong r4)
    {
        ulong a0 = x0 << 9, a1 = x1 << 9, a2 = x2 << 9, a3 = x3 << 9, a4 = x4 << 9;
        ulong b0 = x0 << 4, b1 = x1 << 4, b2 = x2 << 4, b3 = x3 << 4, b4 = x4 << 4;
        ulong c3 = b3 * 19, c4 = b4 * 19;
        ulong h0 = 0, l0 = 0, h1 = 0, l1 = 0, h2 = 0, l2 = 0, h3 = 0, l3 = 0, h4 = 0, l4 = 0;

        AddProduct(ref h0, ref l0, a0, b0);
        AddProduct(ref h0, ref l0, 2 * a1, c4);
        AddProduct(ref h0, ref l0, 2 * a2, c3);

        AddProduct(ref h1, ref l1, 2 * a0, b1);
        AddProduct(ref h1, ref l1, 2 * a2, c4);
        AddProduct(ref h1, ref l1, a3, c3);

        AddProduct(ref h2, ref l2, 2 * a0, b2);
        AddProduct(ref h2, ref l2, a1, b1);
        AddProduct(ref h2, ref l2, 2 * a3, c4);

        AddProduct(ref h3, ref l3, 2 * a0, b3);
        AddProduct(ref h3, ref l3, 2 * a1, b2);
        AddProduct(ref h3, ref l3, a4, c4);

        AddProduct(ref h4, ref l4, 2 * a0, b4);
        AddProduct(ref h4, ref l4, 2 * a1, b3);
        AddProduct(ref h4, ref l4, a2, b2);

        Reduce(l0 + (19 * h4), l1 + h0, l2 + h1, l3 + h2, l4 + h3, out r0, out r1, out r2, out r3, out r4);
    }

    /// <summary>Carries limbs of any size below 2^64.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Reduce(
        ulong l0, ulong l1, ulong l2, ulong l3, ulong l4, out ulong r0, out ulong r1, out ulong r2, out ulong r3, out ulong r4)
    {
        l1 += l0 >> 51;
        l2 += l1 >> 51;
        l3 += l2 >> 51;
        l4 += l3 >> 51;
        l0 = (l0 & Mask) + (19 * (l4 >> 51));
        r0 = l0 & Mask;
        r1 = (l1 & Mask) + (l0 >> 51);
        r2 = l2 & Mask;
        r3 = l3 & Mask;
        r4 = l4 & Mask;
    }

    private static void WriteHalves(ulong limb, Span<uint> destination, int stride)
    {
        destination[0] = (uint)limb & ((1u << 26) - 1);
        destination[stride] = (uint)(limb >> 26);
    }

    private static Field25519 Carried(in Field25519 x) => Reduced(x._l0, x._l1, x._l2, x._l3, x._l4);

    /// <summary>Returns the power 2^250 - 1, from which both long powers are computed, and the power 11 as an output.</summary>
    private readonly Field25519 PowerOf250Ones(out Field25519 x11)
    {
        var x2 = Squared();
        var x9 = x2.Squared(2) * this;
        x11 = x9 * x2;
        var ones5 = x11.Squared() * x9;
        var ones10 = ones5.Squared(5) * ones5;
        var ones20 = ones10.Squared(10) * ones10;
        var ones40 = ones20.Squared(20) * ones20;
        var ones50 = ones40.Squared(10) * ones10;
        var ones100 = ones50.Squared(50) * ones50;
        var ones200 = ones100.Squared(100) * ones100;
        return ones200.Squared(50) * ones50;
    }
}
