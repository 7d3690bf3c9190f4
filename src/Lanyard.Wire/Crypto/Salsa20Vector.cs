#if NET
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// Salsa20 with 4, 8 or 16 blocks in parallel: lane n of each of sixteen vectors is a word of the n-th block, so the rounds need no
/// shuffles; only the result is converted to bytes block by block.
/// </summary>
internal static class Salsa20Vector
{
    public static bool IsSupported128 => Sse2.IsSupported || AdvSimd.Arm64.IsSupported;

    public static bool IsSupported256 => Avx2.IsSupported;

    public static bool IsSupported512 => Avx512F.IsSupported && Vector512.IsHardwareAccelerated;

    /// <summary>Writes four blocks of keystream from the state's block number on; the number itself is unchanged.</summary>
    public static void FourBlocks(int rounds, ReadOnlySpan<uint> state, Span<byte> keystream) =>
        Blocks<Vector128<uint>, Lanes128>(rounds, state, keystream);

    /// <summary>Writes eight blocks of keystream from the state's block number on; the number itself is unchanged.</summary>
    public static void EightBlocks(int rounds, ReadOnlySpan<uint> state, Span<byte> keystream) =>
        Blocks<Vector256<uint>, Lanes256>(rounds, state, keystream);

    /// <summary>Writes sixteen blocks of keystream from the state's block number on; the number itself is unchanged.</summary>
    public static void SixteenBlocks(int rounds, ReadOnlySpan<uint> state, Span<byte> keystream) =>
        Blocks<Vector512<uint>, Lanes512>(rounds, state, keystream);

    [MethodImpl(Optimize.AtOnce)]
    private static void Blocks<TVector, TLanes>(int rounds, ReadOnlySpan<uint> state, Span<byte> keystream)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        state = state[..Salsa20.StateWords];
        ref var output = ref MemoryMarshal.GetReference(keystream[..(TLanes.Count * Salsa20.BlockSize)]);
        TLanes.BlockNumbers(state[8], state[9], out var low, out var high);
        TVector x0 = TLanes.All(state[0]), x1 = TLanes.All(state[1]), x2 = TLanes.All(state[2]), x3 = TLanes.All(state[3]);
        TVector x4 = TLanes.All(state[4]), x5 = TLanes.All(state[5]), x6 = TLanes.All(state[6]), x7 = TLanes.All(state[7]);
        TVector x8 = low, x9 = high, x10 = TLanes.All(state[10]), x11 = TLanes.All(state[11]);
        TVector x12 = TLanes.All(state[12]), x13 = TLanes.All(state[13]), x14 = TLanes.All(state[14]), x15 = TLanes.All(state[15]);
        for (var i = 0; i < rounds; i += 2)
        {
            QuarterRound<TVector, TLanes>(ref x0, ref x4, ref x8, ref x12);
            QuarterRound<TVector, TLanes>(ref x5, ref x9, ref x13, ref x1);
            QuarterRound<TVector, TLanes>(ref x10, ref x14, ref x2, ref x6);
            QuarterRound<TVector, TLanes>(ref x15, ref x3, ref x7, ref x11);
            QuarterRound<TVector, TLanes>(ref x0, ref x1, ref x2, ref x3);
            QuarterRound<TVector, TLanes>(ref x5, ref x6, ref x7, ref x4);
            QuarterRound<TVector, TLanes>(ref x10, ref x11, ref x8, ref x9);
            QuarterRound<TVector, TLanes>(ref x15, ref x12, ref x13, ref x14);
        }
        x0 = TLanes.Add(x0, TLanes.All(state[0]));
        x1 = TLanes.Add(x1, TLanes.All(state[1]));
        x2 = TLanes.Add(x2, TLanes.All(state[2]));
        x3 = TLanes.Add(x3, TLanes.All(state[3]));
        x4 = TLanes.Add(x4, TLanes.All(state[4]));
        x5 = TLanes.Add(x5, TLanes.All(state[5]));
        x6 = TLanes.Add(x6, TLanes.All(state[6]));
        x7 = TLanes.Add(x7, TLanes.All(state[7]));
        x8 = TLanes.Add(x8, low);
        x9 = TLanes.Add(x9, high);
        x10 = TLanes.Add(x10, TLanes.All(state[10]));
        x11 = TLanes.Add(x11, TLanes.All(state[11]));
        x12 = TLanes.Add(x12, TLanes.All(state[12]));
        x13 = TLanes.Add(x13, TLanes.All(state[13]));
        x14 = TLanes.Add(x14, TLanes.All(state[14]));
        x15 = TLanes.Add(x15, TLanes.All(state[15]));
        TLanes.Turn(ref x0, ref x1, ref x2, ref x3);
        TLanes.Turn(ref x4, ref x5, ref x6, ref x7);
        TLanes.Turn(ref x8, ref x9, ref x10, ref x11);
        TLanes.Turn(ref x12, ref x13, ref x14, ref x15);
        TLanes.Store(x0, x4, x8, x12, ref output);
        TLanes.Store(x1, x5, x9, x13, ref Unsafe.Add(ref output, Salsa20.BlockSize));
        TLanes.Store(x2, x6, x10, x14, ref Unsafe.Add(ref output, 2 * Salsa20.BlockSize));
        TLanes.Store(x3, x7, x11, x15, ref Unsafe.Add(ref output, 3 * Salsa20.BlockSize));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void QuarterRound<TVector, TLanes>(ref TVector a, ref TVector b, ref TVector c, ref TVector d)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        b = TLanes.XorRotated7(b, TLanes.Add(a, d));
        c = TLanes.XorRotated9(c, TLanes.Add(b, a));
        d = TLanes.XorRotated13(d, TLanes.Add(c, b));
        a = TLanes.XorRotated18(a, TLanes.Add(d, c));
    }

    /// <summary>
    /// The operations of one vector width. Each rotation is its own method because its count must be a constant.
    /// </summary>
    private interface ILanes<TVector>
        where TVector : struct
    {
        /// <summary>The number of blocks in parallel.</summary>
        static abstract int Count { get; }

        static abstract TVector All(uint word);

        /// <summary>The two words of the block numbers, which increase from lane to lane.</summary>
        static abstract void BlockNumbers(uint firstLow, uint firstHigh, out TVector low, out TVector high);

        static abstract TVector Add(TVector a, TVector b);

        static abstract TVector XorRotated7(TVector a, TVector b);

        static abstract TVector XorRotated9(TVector a, TVector b);

        static abstract TVector XorRotated13(TVector a, TVector b);

        static abstract TVector XorRotated18(TVector a, TVector b);

        /// <summary>
        /// Transposes each 4 x 4 square of words: afterwards 128 bits of a vector are four consecutive words of one block, and the vector contains every fourth
        /// block.
        /// </summary>
        static abstract void Turn(ref TVector a, ref TVector b, ref TVector c, ref TVector d);

        /// <summary>Writes every fourth block from its quarters.</summary>
        static abstract void Store(TVector quarter0, TVector quarter1, TVector quarter2, TVector quarter3, ref byte destination);
    }

    private readonly struct Lanes128 : ILanes<Vector128<uint>>
    {
        public static int Count => 4;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<uint> All(uint word) => Vector128.Create(word);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void BlockNumbers(uint firstLow, uint firstHigh, out Vector128<uint> low, out Vector128<uint> high)
        {
            low = Vector128.Create(firstLow) + Vector128.Create(0u, 1, 2, 3);
            high = Vector128.Create(firstHigh) - Vector128.LessThan(low, Vector128.Create(firstLow));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<uint> Add(Vector128<uint> a, Vector128<uint> b) => a + b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<uint> XorRotated7(Vector128<uint> a, Vector128<uint> b) =>
            a ^ (Avx512F.VL.IsSupported ? Avx512F.VL.RotateLeft(b, 7) : (b << 7) | (b >>> 25));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<uint> XorRotated9(Vector128<uint> a, Vector128<uint> b) =>
            a ^ (Avx512F.VL.IsSupported ? Avx512F.VL.RotateLeft(b, 9) : (b << 9) | (b >>> 23));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<uint> XorRotated13(Vector128<uint> a, Vector128<uint> b) =>
            a ^ (Avx512F.VL.IsSupported ? Avx512F.VL.RotateLeft(b, 13) : (b << 13) | (b >>> 19));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<uint> XorRotated18(Vector128<uint> a, Vector128<uint> b) =>
            a ^ (Avx512F.VL.IsSupported ? Avx512F.VL.RotateLeft(b, 18) : (b << 18) | (b >>> 14));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Turn(ref Vector128<uint> a, ref Vector128<uint> b, ref Vector128<uint> c, ref Vector128<uint> d)
        {
            var ab0 = ZipLow(a, b).AsUInt64();
            var ab2 = ZipHigh(a, b).AsUInt64();
            var cd0 = ZipLow(c, d).AsUInt64();
            var cd2 = ZipHigh(c, d).AsUInt64();
            a = Vector128.Create(ab0.GetLower(), cd0.GetLower()).AsUInt32();
            b = Vector128.Create(ab0.GetUpper(), cd0.GetUpper()).AsUInt32();
            c = Vector128.Create(ab2.GetLower(), cd2.GetLower()).AsUInt32();
            d = Vector128.Create(ab2.GetUpper(), cd2.GetUpper()).AsUInt32();
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Store(
            Vector128<uint> quarter0, Vector128<uint> quarter1, Vector128<uint> quarter2, Vector128<uint> quarter3, ref byte destination)
        {
            quarter0.AsByte().StoreUnsafe(ref destination);
            quarter1.AsByte().StoreUnsafe(ref destination, 16);
            quarter2.AsByte().StoreUnsafe(ref destination, 32);
            quarter3.AsByte().StoreUnsafe(ref destination, 48);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector128<uint> ZipLow(Vector128<uint> a, Vector128<uint> b) =>
            Sse2.IsSupported ? Sse2.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector128<uint> ZipHigh(Vector128<uint> a, Vector128<uint> b) =>
            Sse2.IsSupported ? Sse2.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);
    }

    private readonly struct Lanes256 : ILanes<Vector256<uint>>
    {
        public static int Count => 8;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<uint> All(uint word) => Vector256.Create(word);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void BlockNumbers(uint firstLow, uint firstHigh, out Vector256<uint> low, out Vector256<uint> high)
        {
            low = Vector256.Create(firstLow) + Vector256.Create(0u, 1, 2, 3, 4, 5, 6, 7);
            high = Vector256.Create(firstHigh) - Vector256.LessThan(low, Vector256.Create(firstLow));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<uint> Add(Vector256<uint> a, Vector256<uint> b) => a + b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<uint> XorRotated7(Vector256<uint> a, Vector256<uint> b) =>
            a ^ (Avx512F.VL.IsSupported ? Avx512F.VL.RotateLeft(b, 7) : (b << 7) | (b >>> 25));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<uint> XorRotated9(Vector256<uint> a, Vector256<uint> b) =>
            a ^ (Avx512F.VL.IsSupported ? Avx512F.VL.RotateLeft(b, 9) : (b << 9) | (b >>> 23));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<uint> XorRotated13(Vector256<uint> a, Vector256<uint> b) =>
            a ^ (Avx512F.VL.IsSupported ? Avx512F.VL.RotateLeft(b, 13) : (b << 13) | (b >>> 19));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<uint> XorRotated18(Vector256<uint> a, Vector256<uint> b) =>
            a ^ (Avx512F.VL.IsSupported ? Avx512F.VL.RotateLeft(b, 18) : (b << 18) | (b >>> 14));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Turn(ref Vector256<uint> a, ref Vector256<uint> b, ref Vector256<uint> c, ref Vector256<uint> d)
        {
            var ab0 = Avx2.UnpackLow(a, b).AsUInt64();
            var ab2 = Avx2.UnpackHigh(a, b).AsUInt64();
            var cd0 = Avx2.UnpackLow(c, d).AsUInt64();
            var cd2 = Avx2.UnpackHigh(c, d).AsUInt64();
            a = Avx2.UnpackLow(ab0, cd0).AsUInt32();
            b = Avx2.UnpackHigh(ab0, cd0).AsUInt32();
            c = Avx2.UnpackLow(ab2, cd2).AsUInt32();
            d = Avx2.UnpackHigh(ab2, cd2).AsUInt32();
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Store(
            Vector256<uint> quarter0, Vector256<uint> quarter1, Vector256<uint> quarter2, Vector256<uint> quarter3, ref byte destination)
        {
            Avx2.Permute2x128(quarter0, quarter1, 0x20).AsByte().StoreUnsafe(ref destination);
            Avx2.Permute2x128(quarter2, quarter3, 0x20).AsByte().StoreUnsafe(ref destination, 32);
            Avx2.Permute2x128(quarter0, quarter1, 0x31).AsByte().StoreUnsafe(ref destination, 4 * Salsa20.BlockSize);
            Avx2.Permute2x128(quarter2, quarter3, 0x31).AsByte().StoreUnsafe(ref destination, (4 * Salsa20.BlockSize) + 32);
        }
    }

    private readonly struct Lanes512 : ILanes<Vector512<uint>>
    {
        public static int Count => 16;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<uint> All(uint word) => Vector512.Create(word);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void BlockNumbers(uint firstLow, uint firstHigh, out Vector512<uint> low, out Vector512<uint> high)
        {
            low = Vector512.Create(firstLow) + Vector512.Create(0u, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            high = Vector512.Create(firstHigh) - Vector512.LessThan(low, Vector512.Create(firstLow));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<uint> Add(Vector512<uint> a, Vector512<uint> b) => a + b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<uint> XorRotated7(Vector512<uint> a, Vector512<uint> b) => a ^ Avx512F.RotateLeft(b, 7);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<uint> XorRotated9(Vector512<uint> a, Vector512<uint> b) => a ^ Avx512F.RotateLeft(b, 9);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<uint> XorRotated13(Vector512<uint> a, Vector512<uint> b) => a ^ Avx512F.RotateLeft(b, 13);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<uint> XorRotated18(Vector512<uint> a, Vector512<uint> b) => a ^ Avx512F.RotateLeft(b, 18);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Turn(ref Vector512<uint> a, ref Vector512<uint> b, ref Vector512<uint> c, ref Vector512<uint> d)
        {
            var ab0 = Avx512F.UnpackLow(a, b).AsUInt64();
            var ab2 = Avx512F.UnpackHigh(a, b).AsUInt64();
            var cd0 = Avx512F.UnpackLow(c, d).AsUInt64();
            var cd2 = Avx512F.UnpackHigh(c, d).AsUInt64();
            a = Avx512F.UnpackLow(ab0, cd0).AsUInt32();
            b = Avx512F.UnpackHigh(ab0, cd0).AsUInt32();
            c = Avx512F.UnpackLow(ab2, cd2).AsUInt32();
            d = Avx512F.UnpackHigh(ab2, cd2).AsUInt32();
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Store(
            Vector512<uint> quarter0, Vector512<uint> quarter1, Vector512<uint> quarter2, Vector512<uint> quarter3, ref byte destination)
        {
            var left01 = Avx512F.Shuffle4x128(quarter0, quarter1, 0x44);
            var left23 = Avx512F.Shuffle4x128(quarter2, quarter3, 0x44);
            var right01 = Avx512F.Shuffle4x128(quarter0, quarter1, 0xee);
            var right23 = Avx512F.Shuffle4x128(quarter2, quarter3, 0xee);
            Avx512F.Shuffle4x128(left01, left23, 0x88).AsByte().StoreUnsafe(ref destination);
            Avx512F.Shuffle4x128(left01, left23, 0xdd).AsByte().StoreUnsafe(ref destination, 4 * Salsa20.BlockSize);
            Avx512F.Shuffle4x128(right01, right23, 0x88).AsByte().StoreUnsafe(ref destination, 8 * Salsa20.BlockSize);
            Avx512F.Shuffle4x128(right01, right23, 0xdd).AsByte().StoreUnsafe(ref destination, 12 * Salsa20.BlockSize);
        }
    }
}
#endif
