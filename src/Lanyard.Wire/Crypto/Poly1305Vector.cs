#if NET
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// Poly1305 with every fourth (eighth) block in its own lane. The lanes' sums are multiplied by the fourth (eighth) power of the
/// multiplier. At the end, each lane is multiplied by the power for the position of its last block, and the lanes are added. Five limbs of 26 bits, because
/// vectors multiply 32 bits to 64.
/// </summary>
internal static class Poly1305Vector
{
    /// <summary>The minimum length in bytes for which computing four powers is worthwhile.</summary>
    public const int Threshold256 = 256;

    /// <summary>The minimum length in bytes for which computing eight powers is worthwhile.</summary>
    public const int Threshold512 = 512;

    private const int BlockSize = 16;
    private const int Limbs = 5;
    private const int MaxLanes = 8;

    public static bool IsSupported256 => Avx2.IsSupported;

    public static bool IsSupported512 => Avx512F.IsSupported && Vector512.IsHardwareAccelerated;

    // Two vectors of blocks are interleaved word by word, so the lanes contain the blocks 0 2 1 3 and 0 4 1 5 2 6 3 7; the first power belongs
    // to the last block.
    private static ReadOnlySpan<byte> Columns256 => [3, 1, 2, 0];

    private static ReadOnlySpan<byte> Columns512 => [7, 5, 3, 1, 6, 4, 2, 0];

    /// <summary>Processes complete blocks, four at a time.</summary>
    /// <returns>The remaining data, less than a block.</returns>
    public static ReadOnlySpan<byte> FourLanes(scoped ref Poly1305Wide state, ReadOnlySpan<byte> data) =>
        Groups<Vector256<ulong>, Lanes256>(ref state, data, Columns256);

    /// <summary>Processes complete blocks, eight at a time.</summary>
    /// <returns>The remaining data, less than a block.</returns>
    public static ReadOnlySpan<byte> EightLanes(scoped ref Poly1305Wide state, ReadOnlySpan<byte> data) =>
        Groups<Vector512<ulong>, Lanes512>(ref state, data, Columns512);

    [SkipLocalsInit]
    private static ReadOnlySpan<byte> Groups<TVector, TLanes>(
        scoped ref Poly1305Wide state, ReadOnlySpan<byte> data, ReadOnlySpan<byte> columns)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        var lanes = columns.Length;
        var groupSize = lanes * BlockSize;
        if (data.Length < BlockSize)
            return data;

        // The first group is padded at the front with zeros without the bit above them, which leave a sum of zero unchanged. The
        // previous sum is added to the first real block.
        Span<byte> firstGroup = stackalloc byte[MaxLanes * BlockSize];
        Span<ulong> limbs = stackalloc ulong[Limbs * MaxLanes];
        Span<ulong> topBits = stackalloc ulong[MaxLanes];
        var groups = (data.Length + groupSize - BlockSize) / groupSize;
        var filling = groups * lanes - (data.Length / BlockSize);
        firstGroup[..(filling * BlockSize)].Clear();
        data[..(groupSize - (filling * BlockSize))].CopyTo(firstGroup[(filling * BlockSize)..]);
        topBits.Clear();
        for (var i = 0; i < lanes - filling; i++)
            topBits[columns[i]] = 1 << 24;
        limbs.Clear();
        state.Split(limbs[columns[lanes - filling - 1]..], lanes);
        ref var row = ref MemoryMarshal.GetReference(limbs);
        TVector h0 = TLanes.Load(ref row, 0), h1 = TLanes.Load(ref row, lanes), h2 = TLanes.Load(ref row, 2 * lanes);
        TVector h3 = TLanes.Load(ref row, 3 * lanes), h4 = TLanes.Load(ref row, 4 * lanes);
        var topBit = TLanes.Load(ref MemoryMarshal.GetReference(topBits), 0);
        ref var source = ref Unsafe.As<byte, ulong>(ref MemoryMarshal.GetReference(firstGroup));
        data = data[(groupSize - (filling * BlockSize))..];

        state.WritePowers(limbs, columns);
        TVector r0 = TLanes.All(limbs[0]), r1 = TLanes.All(limbs[lanes]), r2 = TLanes.All(limbs[2 * lanes]);
        TVector r3 = TLanes.All(limbs[3 * lanes]), r4 = TLanes.All(limbs[4 * lanes]);
        TVector mask = TLanes.All((1 << 26) - 1), five = TLanes.All(5);
        while (true)
        {
            TLanes.LoadBlocks(ref source, out var low, out var high);
            h0 = TLanes.Add(h0, TLanes.And(low, mask));
            h1 = TLanes.Add(h1, TLanes.And(TLanes.ShiftRight(low, 26), mask));
            h2 = TLanes.Add(h2, TLanes.And(TLanes.Or(TLanes.ShiftRight(low, 52), TLanes.ShiftLeft(high, 12)), mask));
            h3 = TLanes.Add(h3, TLanes.And(TLanes.ShiftRight(high, 14), mask));
            h4 = TLanes.Add(h4, TLanes.Or(TLanes.ShiftRight(high, 40), topBit));
            var isLast = data.Length < groupSize;
            if (isLast)
            {
                r0 = TLanes.Load(ref row, 0);
                r1 = TLanes.Load(ref row, lanes);
                r2 = TLanes.Load(ref row, 2 * lanes);
                r3 = TLanes.Load(ref row, 3 * lanes);
                r4 = TLanes.Load(ref row, 4 * lanes);
            }
            TVector s1 = TLanes.Multiply(r1, five), s2 = TLanes.Multiply(r2, five);
            TVector s3 = TLanes.Multiply(r3, five), s4 = TLanes.Multiply(r4, five);
            var d0 = Sum<TVector, TLanes>(h0, r0, h1, s4, h2, s3, h3, s2, h4, s1);
            var d1 = Sum<TVector, TLanes>(h0, r1, h1, r0, h2, s4, h3, s3, h4, s2);
            var d2 = Sum<TVector, TLanes>(h0, r2, h1, r1, h2, r0, h3, s4, h4, s3);
            var d3 = Sum<TVector, TLanes>(h0, r3, h1, r2, h2, r1, h3, r0, h4, s4);
            var d4 = Sum<TVector, TLanes>(h0, r4, h1, r3, h2, r2, h3, r1, h4, r0);
            if (isLast)
            {
                state.Join(TLanes.Sum(d0), TLanes.Sum(d1), TLanes.Sum(d2), TLanes.Sum(d3), TLanes.Sum(d4));
                limbs.Clear();
                return data;
            }
            topBit = TLanes.All(1 << 24);
            source = ref Unsafe.As<byte, ulong>(ref MemoryMarshal.GetReference(data));
            data = data[groupSize..];

            // Two carry chains in parallel: 0 to 1 to 2 to 3, and 3 to 4 to 0 to 1.
            d1 = TLanes.Add(d1, TLanes.ShiftRight(d0, 26));
            d4 = TLanes.Add(d4, TLanes.ShiftRight(d3, 26));
            h0 = TLanes.And(d0, mask);
            h3 = TLanes.And(d3, mask);
            d2 = TLanes.Add(d2, TLanes.ShiftRight(d1, 26));
            var carry = TLanes.ShiftRight(d4, 26);
            h0 = TLanes.Add(h0, TLanes.Add(carry, TLanes.ShiftLeft(carry, 2)));
            h1 = TLanes.And(d1, mask);
            h4 = TLanes.And(d4, mask);
            h3 = TLanes.Add(h3, TLanes.ShiftRight(d2, 26));
            h1 = TLanes.Add(h1, TLanes.ShiftRight(h0, 26));
            h2 = TLanes.And(d2, mask);
            h0 = TLanes.And(h0, mask);
            h4 = TLanes.Add(h4, TLanes.ShiftRight(h3, 26));
            h3 = TLanes.And(h3, mask);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Sum<TVector, TLanes>(
        TVector a0, TVector b0, TVector a1, TVector b1, TVector a2, TVector b2, TVector a3, TVector b3, TVector a4, TVector b4)
        where TVector : struct
        where TLanes : ILanes<TVector> =>
        TLanes.Add(
            TLanes.Add(TLanes.Multiply(a0, b0), TLanes.Multiply(a1, b1)),
            TLanes.Add(TLanes.Add(TLanes.Multiply(a2, b2), TLanes.Multiply(a3, b3)), TLanes.Multiply(a4, b4)));

    /// <summary>The operations of one vector width.</summary>
    private interface ILanes<TVector>
        where TVector : struct
    {
        static abstract TVector All(ulong word);

        static abstract TVector Load(ref ulong source, int index);

        /// <summary>Loads as many blocks as there are lanes: their low words, and their high words.</summary>
        static abstract void LoadBlocks(ref ulong source, out TVector low, out TVector high);

        static abstract TVector Add(TVector a, TVector b);

        static abstract TVector And(TVector a, TVector b);

        static abstract TVector Or(TVector a, TVector b);

        static abstract TVector ShiftLeft(TVector a, int count);

        static abstract TVector ShiftRight(TVector a, int count);

        /// <summary>Returns the products of the lanes' low halves.</summary>
        static abstract TVector Multiply(TVector a, TVector b);

        static abstract ulong Sum(TVector a);
    }

    private readonly struct Lanes256 : ILanes<Vector256<ulong>>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<ulong> All(ulong word) => Vector256.Create(word);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<ulong> Load(ref ulong source, int index) => Vector256.LoadUnsafe(ref source, (nuint)index);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void LoadBlocks(ref ulong source, out Vector256<ulong> low, out Vector256<ulong> high)
        {
            var first = Vector256.LoadUnsafe(ref source);
            var second = Vector256.LoadUnsafe(ref source, 4);
            low = Avx2.UnpackLow(first, second);
            high = Avx2.UnpackHigh(first, second);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<ulong> Add(Vector256<ulong> a, Vector256<ulong> b) => a + b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<ulong> And(Vector256<ulong> a, Vector256<ulong> b) => a & b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<ulong> Or(Vector256<ulong> a, Vector256<ulong> b) => a | b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<ulong> ShiftLeft(Vector256<ulong> a, int count) => a << count;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<ulong> ShiftRight(Vector256<ulong> a, int count) => a >>> count;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<ulong> Multiply(Vector256<ulong> a, Vector256<ulong> b) => Avx2.Multiply(a.AsUInt32(), b.AsUInt32());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static ulong Sum(Vector256<ulong> a) => Vector256.Sum(a);
    }

    private readonly struct Lanes512 : ILanes<Vector512<ulong>>
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<ulong> All(ulong word) => Vector512.Create(word);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<ulong> Load(ref ulong source, int index) => Vector512.LoadUnsafe(ref source, (nuint)index);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void LoadBlocks(ref ulong source, out Vector512<ulong> low, out Vector512<ulong> high)
        {
            var first = Vector512.LoadUnsafe(ref source);
            var second = Vector512.LoadUnsafe(ref source, 8);
            low = Avx512F.UnpackLow(first, second);
            high = Avx512F.UnpackHigh(first, second);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<ulong> Add(Vector512<ulong> a, Vector512<ulong> b) => a + b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<ulong> And(Vector512<ulong> a, Vector512<ulong> b) => a & b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<ulong> Or(Vector512<ulong> a, Vector512<ulong> b) => a | b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<ulong> ShiftLeft(Vector512<ulong> a, int count) => a << count;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<ulong> ShiftRight(Vector512<ulong> a, int count) => a >>> count;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<ulong> Multiply(Vector512<ulong> a, Vector512<ulong> b) => Avx512F.Multiply(a.AsUInt32(), b.AsUInt32());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static ulong Sum(Vector512<ulong> a) => Vector512.Sum(a);
    }
}
#endif
