using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Lanyard.Wire.Compression;

/// <summary>
/// LZ4 blocks without a frame around them. A block is a list of sequences: a token (4 bits literal length, 4 bits match length minus 4; 15 means
/// that more length bytes follow, each adding up to 255), the literals, a 16-bit little-endian distance, and the match. The last sequence ends after its
/// literals.
/// </summary>
internal static class Lz4Block
{
    // The maximum input of the encoder: positions are stored in 16 bits.
    internal const int MaxInputBytes = ushort.MaxValue;

    private const int MinMatch = 4;
    private const int LengthMask = 15;

    // The format's rules for the end, which let decoders copy in large steps: the last bytes are literals, and no match begins near the end.
    private const int LastLiterals = 5;
    private const int NoMatchFromEnd = 12;

    private const int HashBits = 12;
    private const uint HashMultiplier = 2654435761;

    // After this number of failures in a row, the search step grows by one byte each time, so that incompressible data are skipped quickly.
    private const int PatienceBits = 6;

    /// <summary>Compresses data. Returns false if the block does not fit.</summary>
    [SkipLocalsInit]
    internal static bool TryEncode(ReadOnlySpan<byte> source, Span<byte> destination, out int length)
    {
        length = 0;
        if (source.Length > MaxInputBytes)
            return false;
        Span<ushort> table = stackalloc ushort[1 << HashBits];
        table.Clear();
        var anchor = 0;
        var position = 1; // Nothing lies before the first byte.
        var misses = 1 << PatienceBits;
        while (position < source.Length - NoMatchFromEnd)
        {
            var value = BinaryPrimitives.ReadUInt32LittleEndian(source[position..]);
            ref var entry = ref table[(int)((value * HashMultiplier) >> (32 - HashBits))];
            int candidate = entry;
            entry = (ushort)position;
            if (candidate >= position || BinaryPrimitives.ReadUInt32LittleEndian(source[candidate..]) != value)
            {
                position += misses++ >> PatienceBits;
                continue;
            }

            while (position > anchor && candidate > 0 && source[position - 1] == source[candidate - 1])
            {
                position--;
                candidate--;
            }

            var matchLimit = source.Length - LastLiterals - position;
            var match = source.Slice(position, matchLimit).CommonPrefixLength(source.Slice(candidate, matchLimit));
            if (!TryPutLiterals(source[anchor..position], destination, ref length, match - MinMatch)
                || !TryPutMatch(destination, ref length, position - candidate, match - MinMatch))
                return false;
            position += match;
            anchor = position;
            misses = 1 << PatienceBits;
        }

        return TryPutLiterals(source[anchor..], destination, ref length, 0);
    }

    /// <summary>Expands a block. Returns false if the bytes are not a block, or expand to more than the destination holds.</summary>
    internal static bool TryDecode(ReadOnlySpan<byte> source, Span<byte> destination, out int length)
    {
        length = 0;
        var position = 0;
        while (position < source.Length)
        {
            int token = source[position++];
            if (!TryGetLength(source, ref position, token >> 4, out var literals)
                || literals > source.Length - position || literals > destination.Length - length)
                return false;
            source.Slice(position, literals).CopyTo(destination[length..]);
            position += literals;
            length += literals;
            if (position == source.Length)
                return true;

            if (source.Length - position < sizeof(ushort))
                return false;
            int distance = BinaryPrimitives.ReadUInt16LittleEndian(source[position..]);
            position += sizeof(ushort);
            if (!TryGetLength(source, ref position, token & LengthMask, out var match))
                return false;
            match += MinMatch;
            if (distance == 0 || distance > length || match > destination.Length - length)
                return false;
            CopyMatch(destination, length, distance, match);
            length += match;
        }

        return false; // A block ends after literals, if only after none.
    }

    // The match may overlap the position: then its first bytes repeat.
    private static void CopyMatch(Span<byte> destination, int end, int distance, int count)
    {
        if (distance == 1)
        {
            destination.Slice(end, count).Fill(destination[end - 1]);
            return;
        }

        // Each round doubles the bytes that can be copied, so that no copy overlaps.
        var from = end - distance;
        while (count > 0)
        {
            var step = Math.Min(count, end - from);
            destination.Slice(from, step).CopyTo(destination[end..]);
            end += step;
            count -= step;
        }
    }

    private static bool TryGetLength(ReadOnlySpan<byte> source, ref int position, int nibble, out int length)
    {
        length = nibble;
        if (nibble != LengthMask)
            return true;
        while (position < source.Length)
        {
            int more = source[position++];
            length += more;
            if (more != byte.MaxValue)
                return true;
        }

        return false;
    }

    private static bool TryPutLiterals(ReadOnlySpan<byte> literals, Span<byte> destination, ref int length, int matchLength)
    {
        var needed = 1 + ExtraBytes(literals.Length) + literals.Length;
        if (needed > destination.Length - length)
            return false;
        destination[length++] = (byte)((Math.Min(literals.Length, LengthMask) << 4) | Math.Min(matchLength, LengthMask));
        PutLength(destination, ref length, literals.Length);
        literals.CopyTo(destination[length..]);
        length += literals.Length;
        return true;
    }

    private static bool TryPutMatch(Span<byte> destination, ref int length, int distance, int matchLength)
    {
        if (sizeof(ushort) + ExtraBytes(matchLength) > destination.Length - length)
            return false;
        BinaryPrimitives.WriteUInt16LittleEndian(destination[length..], (ushort)distance);
        length += sizeof(ushort);
        PutLength(destination, ref length, matchLength);
        return true;
    }

    private static int ExtraBytes(int count) => count < LengthMask ? 0 : 1 + ((count - LengthMask) / byte.MaxValue);

    private static void PutLength(Span<byte> destination, ref int length, int count)
    {
        if (count < LengthMask)
            return;
        for (count -= LengthMask; count >= byte.MaxValue; count -= byte.MaxValue)
            destination[length++] = byte.MaxValue;
        destination[length++] = (byte)count;
    }
}
