#if NET
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// AES-GMAC-SIV with a processor's own instructions. Counters are encrypted eight at a time. The hash multiplies a group of blocks by
/// powers of its key, computed in advance, adds up, and reduces once.
/// </summary>
/// <typeparam name="TMachine">The instructions.</typeparam>
internal sealed class AesGmacSivHardware<TMachine> : AesGmacSivCore
    where TMachine : struct, IAesMachine
{
    private const int BlockSize = AesPortable.BlockSize;
    private const int Rounds = AesPortable.Rounds;
    private const int CountersAtOnce = 8;
    private const int BatchSize = CountersAtOnce * BlockSize;

    // A packet of 1400 bytes is one group. Before a group there may be the additional data, after the last a partial block and the lengths.
    private const int GroupBlocks = 88;
    private const int Powers = GroupBlocks + 3;

    // What the one allocation holds: round keys of the first key, of the second, those of the second for decryption, the hash key's
    // powers from the highest down, and perhaps the sums of their halves.
    private const int AuthenticationKeys = 0;
    private const int EncryptionKeys = AesPortable.ScheduleSize;
    private const int DecryptionKeys = 2 * AesPortable.ScheduleSize;
    private const int HashKeys = 3 * AesPortable.ScheduleSize;

    // Of a full group, the first factor then stands where a cache line begins, and no vector of four reaches over the end of one.
    private const int CacheLine = 64;

    private const int SumsAfter = Powers * BlockSize;

    private readonly SecretBytes _keys = new(HashKeys + (TMachine.MultipliesSums ? 2 * SumsAfter : SumsAfter), CacheLine);

    /// <summary>For shuffles: moved so far that an index is out of range, it gives zero.</summary>
    private static Vector128<byte> Indices => Vector128.Create((byte)0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

    public AesGmacSivHardware(ReadOnlySpan<byte> authenticationKey, ReadOnlySpan<byte> encryptionKey)
    {
        var keys = _keys.Span;
        AesPortable.ExpandKey(authenticationKey, keys.Slice(AuthenticationKeys, AesPortable.ScheduleSize));
        AesPortable.ExpandKey(encryptionKey, keys.Slice(EncryptionKeys, AesPortable.ScheduleSize));
        ref var start = ref MemoryMarshal.GetReference(keys);
        for (var i = 0; i <= Rounds; i++)
        {
            var key = Key(ref start, EncryptionKeys, Rounds - i);
            if (i is > 0 and < Rounds)
                key = TMachine.InverseMixColumns(key);
            key.StoreUnsafe(ref start, (nuint)(DecryptionKeys + (i * BlockSize)));
        }

        var hashKey = TMachine.Factor(TMachine.Polynomial(Encrypted(ref start, AuthenticationKeys, Vector128<byte>.Zero)));
        var power = hashKey;
        for (var i = Powers - 1; i >= 0; i--)
        {
            power.AsByte().StoreUnsafe(ref start, (nuint)(HashKeys + (i * BlockSize)));
            if (TMachine.MultipliesSums)
                Vector128.Create(power[0] ^ power[1]).AsByte().StoreUnsafe(ref start, (nuint)(HashKeys + SumsAfter + (i * BlockSize)));
            IAesMachine.Sum sum = default;
            TMachine.AddProduct(power, hashKey, ref sum);
            power = TMachine.Reduced(sum);
        }
    }

    public override void Encrypt(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> additionalData, Span<byte> data, Span<byte> tag)
    {
        ref var keys = ref MemoryMarshal.GetReference(_keys.Span);
        var ivWord = BinaryPrimitives.ReadUInt64LittleEndian(iv);
        var pad = Encrypted(ref keys, AuthenticationKeys, PadBlock(ivWord));
        var code = Folded(Hash(ref keys, additionalData, data), pad);
        var block = Encrypted(ref keys, EncryptionKeys, Vector128.Create(ivWord, code).AsByte());
        block.CopyTo(tag);
        ApplyCounter(ref keys, FirstCounter(block), data);
    }

    public override bool TryDecrypt(ReadOnlySpan<byte> tag, ReadOnlySpan<byte> additionalData, Span<byte> data)
    {
        ref var keys = ref MemoryMarshal.GetReference(_keys.Span);
        var block = Vector128.Create(tag);
        var ivAndCode = Decrypted(ref keys, block).AsUInt64();
        var pad = Encrypted(ref keys, AuthenticationKeys, PadBlock(ivAndCode[0]));
        ApplyCounter(ref keys, FirstCounter(block), data);
        var code = Folded(Hash(ref keys, additionalData, data), pad);
        return (code ^ ivAndCode[1]) == 0;
    }

    public override void Dispose() => _keys.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Key(ref byte keys, int schedule, int round) =>
        Vector128.LoadUnsafe(ref keys, (nuint)(schedule + (round * BlockSize)));

    private static Vector128<byte> Encrypted(ref byte keys, int schedule, Vector128<byte> block)
    {
        block = TMachine.Begin(block, Key(ref keys, schedule, 0));
        block = TMachine.Round(block, Key(ref keys, schedule, 0), Key(ref keys, schedule, 1));
        block = TMachine.Round(block, Key(ref keys, schedule, 1), Key(ref keys, schedule, 2));
        block = TMachine.Round(block, Key(ref keys, schedule, 2), Key(ref keys, schedule, 3));
        block = TMachine.Round(block, Key(ref keys, schedule, 3), Key(ref keys, schedule, 4));
        block = TMachine.Round(block, Key(ref keys, schedule, 4), Key(ref keys, schedule, 5));
        block = TMachine.Round(block, Key(ref keys, schedule, 5), Key(ref keys, schedule, 6));
        block = TMachine.Round(block, Key(ref keys, schedule, 6), Key(ref keys, schedule, 7));
        block = TMachine.Round(block, Key(ref keys, schedule, 7), Key(ref keys, schedule, 8));
        block = TMachine.Round(block, Key(ref keys, schedule, 8), Key(ref keys, schedule, 9));
        block = TMachine.Round(block, Key(ref keys, schedule, 9), Key(ref keys, schedule, 10));
        block = TMachine.Round(block, Key(ref keys, schedule, 10), Key(ref keys, schedule, 11));
        block = TMachine.Round(block, Key(ref keys, schedule, 11), Key(ref keys, schedule, 12));
        block = TMachine.Round(block, Key(ref keys, schedule, 12), Key(ref keys, schedule, 13));
        return TMachine.LastRound(block, Key(ref keys, schedule, 13), Key(ref keys, schedule, 14));
    }

    private static Vector128<byte> Decrypted(ref byte keys, Vector128<byte> block)
    {
        block = TMachine.Begin(block, Key(ref keys, DecryptionKeys, 0));
        for (var i = 1; i < Rounds; i++)
            block = TMachine.InverseRound(block, Key(ref keys, DecryptionKeys, i - 1), Key(ref keys, DecryptionKeys, i));
        return TMachine.InverseLastRound(block, Key(ref keys, DecryptionKeys, Rounds - 1), Key(ref keys, DecryptionKeys, Rounds));
    }

    /// <summary>The block whose encryption is added to the hash: the vector, zeros, a one.</summary>
    private static Vector128<byte> PadBlock(ulong iv) => Vector128.Create(iv, 1UL << 56).AsByte();

    /// <summary>GMAC folded to eight bytes.</summary>
    private static ulong Folded(Vector128<ulong> hash, Vector128<byte> pad)
    {
        var code = (TMachine.Block(hash) ^ pad).AsUInt64();
        return code[0] ^ code[1];
    }

    /// <summary>The counter that a tag gives, its last word as a number. It begins below 2^31, so it does not overflow.</summary>
    private static Vector128<uint> FirstCounter(Vector128<byte> tag)
    {
        var words = tag.AsUInt32();
        return words.WithElement(3, BinaryPrimitives.ReverseEndianness(words[3]) & 0x7fffffff);
    }

    /// <summary>AES-CTR.</summary>
    [SkipLocalsInit]
    [MethodImpl(Optimize.AtOnce)]
    private static void ApplyCounter(ref byte keys, Vector128<uint> counter, Span<byte> data)
    {
        // Eight counters, begun with the first round key. The next eight are written word by word while eight are encrypted, since the
        // ports for vectors have no time for it.
        Span<byte> counters = stackalloc byte[BatchSize];
        ref var begun = ref MemoryMarshal.GetReference(counters);
        var first = TMachine.Begin(counter.WithElement(3, 0u).AsByte(), Key(ref keys, EncryptionKeys, 0));
        uint number = counter[3], word = first.AsUInt32()[3];
        for (uint i = 0; i < CountersAtOnce; i++)
        {
            var last = BinaryPrimitives.ReverseEndianness(number + i) ^ word;
            first.AsUInt32().WithElement(3, last).AsByte().StoreUnsafe(ref begun, i * BlockSize);
        }
        ref var place = ref MemoryMarshal.GetReference(data);
        var length = data.Length;
        for (; length >= BatchSize; length -= BatchSize)
        {
            number += CountersAtOnce;
            EightBlocks(ref keys, ref begun, number, word, ref place);
            place = ref Unsafe.Add(ref place, BatchSize);
        }
        if (length > 0)
        {
            // The rest in a place where eight blocks have room.
            Span<byte> last = stackalloc byte[BatchSize];
            var rest = data[^length..];
            rest.CopyTo(last);
            EightBlocks(ref keys, ref begun, number, word, ref MemoryMarshal.GetReference(last));
            last[..length].CopyTo(rest);
            last.Clear();
        }
        counters.Clear();
    }

    /// <summary>XORs eight encrypted counters in, and writes the next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void EightBlocks(ref byte keys, ref byte begun, uint next, uint word, ref byte data)
    {
        Vector128<byte> b0 = Vector128.LoadUnsafe(ref begun), b1 = Vector128.LoadUnsafe(ref begun, BlockSize);
        Vector128<byte> b2 = Vector128.LoadUnsafe(ref begun, 2 * BlockSize), b3 = Vector128.LoadUnsafe(ref begun, 3 * BlockSize);
        Vector128<byte> b4 = Vector128.LoadUnsafe(ref begun, 4 * BlockSize), b5 = Vector128.LoadUnsafe(ref begun, 5 * BlockSize);
        Vector128<byte> b6 = Vector128.LoadUnsafe(ref begun, 6 * BlockSize), b7 = Vector128.LoadUnsafe(ref begun, 7 * BlockSize);

        // Written out: a loop's end would be mispredicted about once for eight blocks, which costs as much as a third of them.
        EightRounds(ref keys, 1, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
        SetCounter(ref begun, 0, next, word);
        EightRounds(ref keys, 2, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
        SetCounter(ref begun, 1, next, word);
        EightRounds(ref keys, 3, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
        SetCounter(ref begun, 2, next, word);
        EightRounds(ref keys, 4, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
        SetCounter(ref begun, 3, next, word);
        EightRounds(ref keys, 5, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
        SetCounter(ref begun, 4, next, word);
        EightRounds(ref keys, 6, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
        SetCounter(ref begun, 5, next, word);
        EightRounds(ref keys, 7, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
        SetCounter(ref begun, 6, next, word);
        EightRounds(ref keys, 8, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
        SetCounter(ref begun, 7, next, word);
        EightRounds(ref keys, 9, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
        EightRounds(ref keys, 10, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
        EightRounds(ref keys, 11, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
        EightRounds(ref keys, 12, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
        EightRounds(ref keys, 13, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
        Vector128<byte> keyBefore = Key(ref keys, EncryptionKeys, Rounds - 1), key = Key(ref keys, EncryptionKeys, Rounds);
        AddTo(ref data, 0, TMachine.LastRound(b0, keyBefore, key));
        AddTo(ref data, BlockSize, TMachine.LastRound(b1, keyBefore, key));
        AddTo(ref data, 2 * BlockSize, TMachine.LastRound(b2, keyBefore, key));
        AddTo(ref data, 3 * BlockSize, TMachine.LastRound(b3, keyBefore, key));
        AddTo(ref data, 4 * BlockSize, TMachine.LastRound(b4, keyBefore, key));
        AddTo(ref data, 5 * BlockSize, TMachine.LastRound(b5, keyBefore, key));
        AddTo(ref data, 6 * BlockSize, TMachine.LastRound(b6, keyBefore, key));
        AddTo(ref data, 7 * BlockSize, TMachine.LastRound(b7, keyBefore, key));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void EightRounds(
        ref byte keys,
        int round,
        ref Vector128<byte> b0,
        ref Vector128<byte> b1,
        ref Vector128<byte> b2,
        ref Vector128<byte> b3,
        ref Vector128<byte> b4,
        ref Vector128<byte> b5,
        ref Vector128<byte> b6,
        ref Vector128<byte> b7)
    {
        Vector128<byte> keyBefore = Key(ref keys, EncryptionKeys, round - 1), key = Key(ref keys, EncryptionKeys, round);
        b0 = TMachine.Round(b0, keyBefore, key);
        b1 = TMachine.Round(b1, keyBefore, key);
        b2 = TMachine.Round(b2, keyBefore, key);
        b3 = TMachine.Round(b3, keyBefore, key);
        b4 = TMachine.Round(b4, keyBefore, key);
        b5 = TMachine.Round(b5, keyBefore, key);
        b6 = TMachine.Round(b6, keyBefore, key);
        b7 = TMachine.Round(b7, keyBefore, key);
    }

    /// <summary>Writes a counter's last word; <paramref name="word"/> is what the first round key makes of zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SetCounter(ref byte begun, int index, uint first, uint word) =>
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref begun, (index * BlockSize) + 12), BinaryPrimitives.ReverseEndianness(first + (uint)index) ^ word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo(ref byte data, nint offset, Vector128<byte> stream)
    {
        ref var place = ref Unsafe.Add(ref data, offset);
        (Vector128.LoadUnsafe(ref place) ^ stream).StoreUnsafe(ref place);
    }

    /// <summary>
    /// GHASH (NIST SP 800-38D, section 6.4) of the additional data, the data, each filled up to whole blocks, and the length of both.
    /// </summary>
    [MethodImpl(Optimize.AtOnce)]
    private static Vector128<ulong> Hash(ref byte keys, ReadOnlySpan<byte> additionalData, ReadOnlySpan<byte> data)
    {
        // The additional data counts with its filling.
        var length = (((ulong)additionalData.Length + BlockSize - 1) & ~(ulong)(BlockSize - 1)) + (ulong)data.Length;

        // What is carried into a group: its first block's predecessor, yet to be multiplied by the key, or a sum to be added
        // to the first block.
        Vector128<ulong> carried = default;
        for (; additionalData.Length > BlockSize; additionalData = additionalData[BlockSize..])
        {
            IAesMachine.Sum sum = default;
            AddProduct(ref keys, carried ^ TMachine.Polynomial(Vector128.Create(additionalData)), 1, ref sum);
            carried = TMachine.Reduced(sum);
        }
        var extra = 0;
        if (additionalData.Length > 0)
        {
            carried ^= LastBlock(additionalData);
            extra = 1;
        }
        while (true)
        {
            IAesMachine.Sum sum = default;
            var blocks = Math.Min(data.Length / BlockSize, GroupBlocks);
            var rest = data[(blocks * BlockSize)..];
            var isLast = rest.Length < BlockSize;

            // What comes after the last group's blocks: perhaps a partial block, and the length.
            var after = !isLast ? 0 : rest.Length == 0 ? 1 : 2;
            if (blocks + extra > 0)
            {
                AddProduct(ref keys, carried, blocks + after + extra, ref sum);
                carried = default;
            }
            AddProducts(ref keys, ref MemoryMarshal.GetReference(data), blocks, blocks + after, ref sum);
            if (!isLast)
            {
                carried = TMachine.Reduced(sum);
                extra = 0;
                data = rest;
                continue;
            }
            if (rest.Length > 0)
            {
                var block = data.Length < BlockSize
                    ? LastBlock(rest)
                    : LastBlock(ref Unsafe.Add(ref MemoryMarshal.GetReference(rest), rest.Length - BlockSize), rest.Length);
                AddProduct(ref keys, carried ^ block, 2, ref sum);
                carried = default;
            }
            AddProduct(ref keys, carried ^ TMachine.Polynomial(Vector128.Create(BinaryPrimitives.ReverseEndianness(length * 8), 0).AsByte()), 1, ref sum);
            return TMachine.Reduced(sum);
        }
    }

    /// <summary>Adds the products of blocks with the hash key's powers from the one given down.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddProducts(ref byte keys, ref byte blocks, int count, int power, ref IAesMachine.Sum sum)
    {
        ref var factors = ref Unsafe.Add(ref keys, HashKeys + ((Powers - power) * BlockSize));
        for (var i = TMachine.AddProductsWide(ref blocks, ref factors, SumsAfter, count, ref sum); i < count; i++)
        {
            var block = TMachine.Polynomial(Vector128.LoadUnsafe(ref blocks, (nuint)(i * BlockSize)));
            TMachine.AddProduct(block, Vector128.LoadUnsafe(ref factors, (nuint)(i * BlockSize)).AsUInt64(), ref sum);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddProduct(ref byte keys, Vector128<ulong> block, int power, ref IAesMachine.Sum sum) =>
        TMachine.AddProduct(block, Key(ref keys, HashKeys, Powers - power).AsUInt64(), ref sum);

    /// <summary>The last bytes of sixteen, with zeros behind them.</summary>
    private static Vector128<ulong> LastBlock(ref byte sixteen, int length) =>
        TMachine.Polynomial(Vector128.Shuffle(Vector128.LoadUnsafe(ref sixteen), Indices + Vector128.Create((byte)(BlockSize - length))));

    private static Vector128<ulong> LastBlock(ReadOnlySpan<byte> rest)
    {
        Span<byte> block = stackalloc byte[BlockSize];
        block.Clear();
        rest.CopyTo(block);
        return TMachine.Polynomial(Vector128.Create((ReadOnlySpan<byte>)block));
    }
}
#endif
