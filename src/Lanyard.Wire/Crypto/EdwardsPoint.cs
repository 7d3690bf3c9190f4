using System.Runtime.CompilerServices;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// A point of the curve -x^2 + y^2 = 1 + d x^2 y^2 in extended coordinates: x = X/Z, y = Y/Z, T = XY/Z (H. Hisil, K. Wong, G. Carter and
/// E. Dawson, "Twisted Edwards Curves Revisited", 2008). The formulas are complete: no point needs a case of its own.
/// </summary>
internal struct EdwardsPoint
{
    /// <summary>The length of an encoded point in bytes.</summary>
    public const int Size = 32;

    public Field25519 X, Y, Z, T;

    public static EdwardsPoint Neutral => new() { Y = Field25519.One, Z = Field25519.One };

    /// <summary>The curve's base point (RFC 8032, section 5.1): y = 4/5.</summary>
    public static EdwardsPoint Base
    {
        get
        {
            Span<byte> encoded = stackalloc byte[Size];
            encoded.Fill(0x66);
            encoded[0] = 0x58;
            TryDecode(encoded, out var point);
            return point;
        }
    }

    /// <summary>
    /// Decodes a point (RFC 8032, section 5.1.3). Rejects invalid encodings: y from 2^255 - 19 on, no x for that y, x = 0
    /// with a sign. Its time depends on the encoding, which is public.
    /// </summary>
    public static bool TryDecode(ReadOnlySpan<byte> source, out EdwardsPoint point)
    {
        point = default;
        var y = Field25519.Decode(source);
        var sign = source[31] >> 7;
        Span<byte> canonical = stackalloc byte[Size];
        y.Encode(canonical);
        canonical[31] |= (byte)(sign << 7);
        if (!canonical.SequenceEqual(source[..Size]))
            return false;

        // x^2 = u/v; the candidate is u v^3 (u v^7)^((p - 5) / 8), or that times a root of -1.
        var yy = y.Squared();
        var u = yy - Field25519.One;
        var v = (yy * Field25519.EdwardsD) + Field25519.One;
        var v3 = v.Squared() * v;
        var x = (v3.Squared() * v * u).PowerForRoot() * v3 * u;
        var vxx = x.Squared() * v;
        if (!(vxx - u * Field25519.One).IsZero())
        {
            if (!(vxx + u * Field25519.One).IsZero())
                return false;
            x *= Field25519.RootOfMinusOne;
        }
        if (x.Parity() != sign)
        {
            if (x.IsZero())
                return false;
            x = (Field25519.Zero - x) * Field25519.One;
        }
        point = new EdwardsPoint { X = x, Y = y, Z = Field25519.One, T = x * y };
        return true;
    }

    /// <summary>Writes y and the sign of x, 32 bytes.</summary>
    public readonly void Encode(Span<byte> destination)
    {
        var inverse = Z.Inverted();
        (Y * inverse).Encode(destination);
        destination[31] ^= (byte)((X * inverse).Parity() << 7);
    }

    public readonly EdwardsPoint Negated() =>
        new() { X = (Field25519.Zero - X) * Field25519.One, Y = Y, Z = Z, T = (Field25519.Zero - T) * Field25519.One };

    public readonly EdwardsPoint Doubled()
    {
        var half = DoubledHalf(X, Y, Z);
        return half.Finished();
    }

    /// <summary>Doubles the point a number of times; T is computed only in the last.</summary>
    public readonly EdwardsPoint Doubled(int times)
    {
        Field25519 x = X, y = Y, z = Z;
        for (var i = 1; i < times; i++)
        {
            var half = DoubledHalf(x, y, z);
            x = half.E * half.F;
            y = half.G * half.H;
            z = half.F * half.G;
        }
        return DoubledHalf(x, y, z).Finished();
    }

    public static EdwardsPoint operator +(in EdwardsPoint p, in Cached q)
    {
        var a = (p.Y - p.X) * q.Difference;
        var b = (p.Y + p.X) * q.Sum;
        var c = p.T * q.TwiceDT;
        var zz = p.Z * q.Z;
        return Added(a, b, c, zz + zz);
    }

    public static EdwardsPoint operator -(in EdwardsPoint p, in Cached q)
    {
        var a = (p.Y - p.X) * q.Sum;
        var b = (p.Y + p.X) * q.Difference;
        var c = p.T * q.TwiceDT;
        var zz = p.Z * q.Z;
        return Subtracted(a, b, c, zz + zz);
    }

    public static EdwardsPoint operator +(in EdwardsPoint p, in Affine q)
    {
        var a = (p.Y - p.X) * q.Difference;
        var b = (p.Y + p.X) * q.Sum;
        return Added(a, b, p.T * q.TwiceDXY, p.Z + p.Z);
    }

    public static EdwardsPoint operator -(in EdwardsPoint p, in Affine q)
    {
        var a = (p.Y - p.X) * q.Sum;
        var b = (p.Y + p.X) * q.Difference;
        return Subtracted(a, b, p.T * q.TwiceDXY, p.Z + p.Z);
    }

    /// <summary>Returns the form in which a point is added to others.</summary>
    public readonly Cached ToCached() => new() { Sum = Y + X, Difference = Y - X, Z = Z, TwiceDT = T * Field25519.EdwardsTwiceD };

    /// <summary>Returns the form in which a fixed point is added to others, given the inverse of Z.</summary>
    public readonly Affine ToAffine(in Field25519 inverse)
    {
        var x = X * inverse;
        var y = Y * inverse;
        return new Affine { Sum = y + x, Difference = y - x, TwiceDXY = x * y * Field25519.EdwardsTwiceD };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static EdwardsPoint Added(in Field25519 a, in Field25519 b, in Field25519 c, in Field25519 d) =>
        new Half { E = b - a, F = d - c, G = d + c, H = b + a }.Finished();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static EdwardsPoint Subtracted(in Field25519 a, in Field25519 b, in Field25519 c, in Field25519 d) =>
        new Half { E = b - a, F = d + c, G = d - c, H = b + a }.Finished();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Half DoubledHalf(in Field25519 x, in Field25519 y, in Field25519 z)
    {
        var xx = x.Squared();
        var yy = y.Squared();
        var zz = z.Squared();
        var h = xx + yy;
        return new Half { E = (x + y).Squared() - h, F = zz + zz + xx - yy, G = yy - xx, H = h };
    }

    /// <summary>The four numbers whose products are a sum's coordinates.</summary>
    private struct Half
    {
        public Field25519 E, F, G, H;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly EdwardsPoint Finished() => new() { X = E * F, Y = G * H, Z = F * G, T = E * H };
    }

    /// <summary>A point as it is added to others: Y + X, Y - X, Z, 2dT.</summary>
    public struct Cached
    {
        public Field25519 Sum, Difference, Z, TwiceDT;
    }

    /// <summary>A point with Z = 1 as it is added to others: y + x, y - x, 2dxy.</summary>
    public struct Affine
    {
        public Field25519 Sum, Difference, TwiceDXY;

        public static Affine Neutral => new() { Sum = Field25519.One, Difference = Field25519.One };

        /// <summary>Selects a value with a mask of all ones or zeros: the other value, or this one.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void SetIf(ulong mask, in Affine other)
        {
            Sum.SetIf(mask, other.Sum);
            Difference.SetIf(mask, other.Difference);
            TwiceDXY.SetIf(mask, other.TwiceDXY);
        }

        /// <summary>Negates the point if the mask is all ones; keeps it if the mask is zero.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void NegateIf(ulong mask)
        {
            Field25519.SwapIf(mask, ref Sum, ref Difference);
            TwiceDXY.SetIf(mask, Field25519.Zero - TwiceDXY);
        }
    }
}
