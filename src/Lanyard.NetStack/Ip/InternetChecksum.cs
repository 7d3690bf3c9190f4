using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lanyard.Primitives;
#if NET
using System.Runtime.Intrinsics;
#endif

namespace Lanyard.NetStack;

/// <summary>
/// The Internet checksum (RFC 1071): the ones' complement sum of 16-bit big-endian words. Sums are numbers in host order. They may be added
/// to each other, and <see cref="Finish"/> folds them.
/// </summary>
internal static class InternetChecksum
{
    /// <summary>Returns the sum of the bytes, 0 to 0xffff. An odd last byte counts as the high half of a word.</summary>
    public static uint Sum(ReadOnlySpan<byte> data)
    {
#if NET
        if (Vector256.IsHardwareAccelerated && data.Length >= 128)
            return SumVector256(data);
        if (Vector128.IsHardwareAccelerated && data.Length >= 64)
            return SumVector128(data);
#endif
        return SumPortable(data);
    }

    /// <summary>Returns the same as <see cref="Sum"/>, without wide vectors.</summary>
    public static uint SumPortable(ReadOnlySpan<byte> data) => Fold(AddWords(0, data));

    /// <summary>Returns the sum of the pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1).</summary>
    public static uint PseudoHeader(InetAddress source, InetAddress destination, byte protocol, int length) =>
        AddressSum(source) + AddressSum(destination) + protocol + (uint)(length & 0xffff) + (uint)(length >> 16);

    /// <summary>Returns the checksum field for a sum.</summary>
    public static ushort Finish(uint sum)
    {
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }

    /// <summary>Whether a sum over data with its checksum field is that of intact data.</summary>
    public static bool IsValid(uint sum) => Finish(sum) == 0;

    private static uint AddressSum(InetAddress address)
    {
        if (address.IsV4)
            return (address.V4 & 0xffff) + (address.V4 >> 16);
        var high = address.V6High;
        var low = address.V6Low;
        return (uint)((high & 0xffff) + ((high >> 16) & 0xffff) + ((high >> 32) & 0xffff) + (high >> 48)
            + (low & 0xffff) + ((low >> 16) & 0xffff) + ((low >> 32) & 0xffff) + (low >> 48));
    }

    // Adds words in the machine's byte order, which only swaps the result's bytes (RFC 1071 section 2).
    private static ulong AddWords(ulong sum, ReadOnlySpan<byte> data)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(data);
        foreach (var word in words)
            sum += (word & 0xffffffff) + (word >> 32);
        data = data[(words.Length * 8)..];
        if (data.Length >= 4)
        {
            sum += MemoryMarshal.Read<uint>(data);
            data = data[4..];
        }

        if (data.Length >= 2)
        {
            sum += MemoryMarshal.Read<ushort>(data);
            data = data[2..];
        }

        if (!data.IsEmpty)
            sum += BitConverter.IsLittleEndian ? data[0] : (uint)data[0] << 8;
        return sum;
    }

    private static uint Fold(ulong sum)
    {
        sum = (sum & 0xffffffff) + (sum >> 32);
        sum = (sum & 0xffffffff) + (sum >> 32);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness((ushort)sum) : (uint)sum;
    }

#if NET
    private static uint SumVector256(ReadOnlySpan<byte> data)
    {
        var mask = Vector256.Create(0xffffffffUL);
        var low0 = Vector256<ulong>.Zero;
        var low1 = Vector256<ulong>.Zero;
        var high0 = Vector256<ulong>.Zero;
        var high1 = Vector256<ulong>.Zero;
        ref var start = ref MemoryMarshal.GetReference(data);
        var i = 0;
        for (; i <= data.Length - 64; i += 64)
        {
            var first = Vector256.LoadUnsafe(ref Unsafe.Add(ref start, i)).AsUInt64();
            var second = Vector256.LoadUnsafe(ref Unsafe.Add(ref start, i + 32)).AsUInt64();
            low0 += first & mask;
            high0 += first >>> 32;
            low1 += second & mask;
            high1 += second >>> 32;
        }

        return Fold(AddWords(Vector256.Sum(low0 + low1 + (high0 + high1)), data[i..]));
    }

    private static uint SumVector128(ReadOnlySpan<byte> data)
    {
        var mask = Vector128.Create(0xffffffffUL);
        var low = Vector128<ulong>.Zero;
        var high = Vector128<ulong>.Zero;
        ref var start = ref MemoryMarshal.GetReference(data);
        var i = 0;
        for (; i <= data.Length - 16; i += 16)
        {
            var words = Vector128.LoadUnsafe(ref Unsafe.Add(ref start, i)).AsUInt64();
            low += words & mask;
            high += words >>> 32;
        }

        return Fold(AddWords(Vector128.Sum(low + high), data[i..]));
    }
#endif
}
