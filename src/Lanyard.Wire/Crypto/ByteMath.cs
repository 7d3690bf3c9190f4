using System.Buffers.Binary;
using System.Runtime.CompilerServices;
#if NET
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
#endif

namespace Lanyard.Wire.Crypto;

/// <summary>Operations on whole spans of bytes.</summary>
internal static class ByteMath
{
    /// <summary>XORs the beginning of a stream with data.</summary>
    /// <param name="data">Any length.</param>
    /// <param name="stream">At least as long as the data.</param>
    [MethodImpl(Optimize.AtOnce)]
    public static void Xor(Span<byte> data, ReadOnlySpan<byte> stream)
    {
        stream = stream[..data.Length];
        var done = 0;
#if NET
        ref var to = ref MemoryMarshal.GetReference(data);
        ref var from = ref MemoryMarshal.GetReference(stream);
        if (Vector512.IsHardwareAccelerated)
        {
            for (; data.Length - done >= Vector512<byte>.Count; done += Vector512<byte>.Count)
                (Vector512.LoadUnsafe(ref to, (nuint)done) ^ Vector512.LoadUnsafe(ref from, (nuint)done)).StoreUnsafe(ref to, (nuint)done);
        }
        if (Vector256.IsHardwareAccelerated)
        {
            for (; data.Length - done >= Vector256<byte>.Count; done += Vector256<byte>.Count)
                (Vector256.LoadUnsafe(ref to, (nuint)done) ^ Vector256.LoadUnsafe(ref from, (nuint)done)).StoreUnsafe(ref to, (nuint)done);
        }
        if (Vector128.IsHardwareAccelerated)
        {
            for (; data.Length - done >= Vector128<byte>.Count; done += Vector128<byte>.Count)
                (Vector128.LoadUnsafe(ref to, (nuint)done) ^ Vector128.LoadUnsafe(ref from, (nuint)done)).StoreUnsafe(ref to, (nuint)done);
        }
#endif
        for (; data.Length - done >= sizeof(ulong); done += sizeof(ulong))
        {
            var word = BinaryPrimitives.ReadUInt64LittleEndian(data[done..]) ^ BinaryPrimitives.ReadUInt64LittleEndian(stream[done..]);
            BinaryPrimitives.WriteUInt64LittleEndian(data[done..], word);
        }
        for (; done < data.Length; done++)
            data[done] ^= stream[done];
    }
}
