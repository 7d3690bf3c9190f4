namespace Lanyard.Wire.Crypto;

/// <summary>Multiples of points of the Edwards curve. Those of the base point are computed once, at their first use (about 80 KB).</summary>
internal static class EdwardsTables
{
    private const int Windows = 32;
    private const int WindowSize = 8;
    private const int OddBaseMultiples = 64;
    private const int OddPointMultiples = 8;

#if NET
    private static bool UseVectors => EdwardsVector.IsSupported;
#else
    private static bool UseVectors => false;
#endif

    /// <summary>
    /// Multiplies the base point by a secret number below 2^255, 32 bytes. Uses four-bit digits from -8 to 7: first the odd-numbered digits,
    /// shifted by four doublings, then the even-numbered digits; each lookup reads every entry of its window. Constant time.
    /// </summary>
    public static EdwardsPoint MultiplyBase(ReadOnlySpan<byte> scalar) => MultiplyBase(scalar, UseVectors);

    /// <summary>Multiplies the base point, with vectors or without.</summary>
    internal static EdwardsPoint MultiplyBase(ReadOnlySpan<byte> scalar, bool useVectors)
    {
        Span<sbyte> digits = stackalloc sbyte[2 * Windows];
        var carry = 0;
        for (var i = 0; i < 2 * Windows; i++)
        {
            var digit = ((scalar[i >> 1] >> (4 * (i & 1))) & 15) + carry;
            carry = i < (2 * Windows) - 1 ? (digit + 8) >> 4 : 0;
            digits[i] = (sbyte)(digit - (carry << 4));
        }

        var sum = EdwardsPoint.Neutral;
        AddDigits(ref sum, digits, 1, useVectors);
        sum = sum.Doubled(4);
        AddDigits(ref sum, digits, 0, useVectors);
        digits.Clear();
        return sum;
    }

    /// <summary>Adds the multiples for each second digit, starting with a given digit.</summary>
    private static void AddDigits(ref EdwardsPoint sum, ReadOnlySpan<sbyte> digits, int first, bool useVectors)
    {
#if NET
        if (useVectors)
        {
            var entries = BaseVectors.Entries;
            var point = EdwardsVector.Point.From(sum);
            for (var i = first; i < 2 * Windows; i += 2)
                EdwardsVector.Add(ref point, entries.AsSpan(i / 2 * BaseVectors.WindowWords, BaseVectors.WindowWords), digits[i]);
            sum = point.ToPoint();
            return;
        }
#endif
        var windows = BaseWindows.Points;
        for (var i = first; i < 2 * Windows; i += 2)
            sum += Select(windows.AsSpan(i / 2 * WindowSize, WindowSize), digits[i]);
    }

    /// <summary>a A + b B, with B the base point, for verification: its time depends on the numbers, which are public.</summary>
    /// <param name="a">A number below 2^253, 32 bytes.</param>
    /// <param name="point">A.</param>
    /// <param name="b">A number below 2^253, 32 bytes.</param>
    public static EdwardsPoint MultiplyAddBaseVariableTime(ReadOnlySpan<byte> a, in EdwardsPoint point, ReadOnlySpan<byte> b)
    {
        Span<EdwardsPoint.Cached> multiples = stackalloc EdwardsPoint.Cached[OddPointMultiples];
        var twice = point.Doubled().ToCached();
        var multiple = point;
        multiples[0] = multiple.ToCached();
        for (var i = 1; i < OddPointMultiples; i++)
        {
            multiple += twice;
            multiples[i] = multiple.ToCached();
        }

        Span<sbyte> digitsA = stackalloc sbyte[256];
        Span<sbyte> digitsB = stackalloc sbyte[256];
        OddDigits(a, (2 * OddPointMultiples) - 1, digitsA);
        OddDigits(b, (2 * OddBaseMultiples) - 1, digitsB);
        var baseMultiples = OddMultiplesOfBase.Points;
        var top = 255;
        while (top >= 0 && digitsA[top] == 0 && digitsB[top] == 0)
            top--;
        var sum = EdwardsPoint.Neutral;
        var doublings = 0;
        for (var i = top; i >= 0; i--)
        {
            doublings++;
            if (digitsA[i] == 0 && digitsB[i] == 0 && i > 0)
                continue;
            sum = sum.Doubled(doublings);
            doublings = 0;
            if (digitsA[i] > 0)
                sum += multiples[digitsA[i] / 2];
            else if (digitsA[i] < 0)
                sum -= multiples[-digitsA[i] / 2];
            if (digitsB[i] > 0)
                sum += baseMultiples[digitsB[i] / 2];
            else if (digitsB[i] < 0)
                sum -= baseMultiples[-digitsB[i] / 2];
        }
        return sum;
    }

    /// <summary>Recodes a number into digits that are zero or odd, with at most the given magnitude, one for each power of two, and no two nonzero digits close together.</summary>
    private static void OddDigits(ReadOnlySpan<byte> scalar, int bound, Span<sbyte> digits)
    {
        for (var i = 0; i < digits.Length; i++)
            digits[i] = (sbyte)((scalar[i >> 3] >> (i & 7)) & 1);
        for (var i = 0; i < digits.Length; i++)
        {
            if (digits[i] == 0)
                continue;
            for (var step = 1; step < 8 && i + step < digits.Length; step++)
            {
                if (digits[i + step] == 0)
                    continue;
                var value = digits[i + step] << step;
                if (digits[i] + value <= bound)
                {
                    digits[i] += (sbyte)value;
                    digits[i + step] = 0;
                }
                else if (digits[i] - value >= -bound)
                {
                    digits[i] -= (sbyte)value;
                    var k = i + step;
                    while (k < digits.Length && digits[k] != 0)
                        digits[k++] = 0;
                    if (k < digits.Length)
                        digits[k] = 1;
                }
                else
                {
                    break;
                }
            }
        }
    }

    /// <summary>
    /// Returns the multiple of a window's point for a digit from -8 to 8, without a branch or an address that depends on it.
    /// </summary>
    private static EdwardsPoint.Affine Select(ReadOnlySpan<EdwardsPoint.Affine> window, sbyte digit)
    {
        var negative = (ulong)((long)digit >> 63);
        var size = (ulong)(((long)digit ^ (long)negative) - (long)negative);
        var result = EdwardsPoint.Affine.Neutral;
        for (var i = 0; i < WindowSize; i++)
        {
            var difference = size ^ (ulong)(i + 1);
            result.SetIf((ulong)((long)(difference - 1) >> 63), window[i]);
        }
        result.NegateIf(negative);
        return result;
    }

    /// <summary>Normalizes points to Z = 1 with one inversion for all.</summary>
    private static EdwardsPoint.Affine[] ToAffine(EdwardsPoint[] points)
    {
        var products = new Field25519[points.Length];
        var product = Field25519.One;
        for (var i = 0; i < points.Length; i++)
        {
            products[i] = product;
            product *= points[i].Z;
        }
        var inverse = product.Inverted();
        var result = new EdwardsPoint.Affine[points.Length];
        for (var i = points.Length - 1; i >= 0; i--)
        {
            result[i] = points[i].ToAffine(products[i] * inverse);
            inverse *= points[i].Z;
        }
        return result;
    }

    /// <summary>1 to 8 times B, 256 B, 256^2 B, ..., 256^31 B.</summary>
    private static class BaseWindows
    {
        public static readonly EdwardsPoint.Affine[] Points = Create();

        private static EdwardsPoint.Affine[] Create()
        {
            var points = new EdwardsPoint[Windows * WindowSize];
            var first = EdwardsPoint.Base;
            for (var i = 0; i < Windows; i++)
            {
                var multiple = first;
                var step = first.ToCached();
                for (var j = 0; j < WindowSize; j++)
                {
                    points[(i * WindowSize) + j] = multiple;
                    multiple += step;
                }
                first = first.Doubled(8);
            }
            return ToAffine(points);
        }
    }

#if NET
    /// <summary>The same windows for vectors, each with the neutral point as its first entry.</summary>
    private static class BaseVectors
    {
        public const int WindowWords = (1 + WindowSize) * EdwardsVector.EntryWords;

        public static readonly uint[] Entries = Create();

        private static uint[] Create()
        {
            var entries = new uint[Windows * WindowWords];
            var place = entries.AsSpan();
            for (var i = 0; i < Windows * WindowSize; i++)
            {
                if (i % WindowSize == 0)
                {
                    EdwardsVector.WriteEntry(EdwardsPoint.Affine.Neutral, place);
                    place = place[EdwardsVector.EntryWords..];
                }

                EdwardsVector.WriteEntry(BaseWindows.Points[i], place);
                place = place[EdwardsVector.EntryWords..];
            }

            return entries;
        }
    }
#endif

    /// <summary>B, 3 B, 5 B, ..., 127 B.</summary>
    private static class OddMultiplesOfBase
    {
        public static readonly EdwardsPoint.Affine[] Points = Create();

        private static EdwardsPoint.Affine[] Create()
        {
            var points = new EdwardsPoint[OddBaseMultiples];
            points[0] = EdwardsPoint.Base;
            var step = points[0].Doubled().ToCached();
            for (var i = 1; i < points.Length; i++)
                points[i] = points[i - 1] + step;
            return ToAffine(points);
        }
    }
}
