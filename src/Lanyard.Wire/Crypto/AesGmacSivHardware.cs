#if NET
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// AES-GMAC-SIV with a processor's own instructions. Encrypts eight counters at a time. The hash multiplies a group of blocks by
/// precomputed powers of its key, adds the products, and reduces once.
/// </summary>
/// <typeparam name="TAes">The instructions for AES.</typeparam>
/// <typeparam name="TGhash">The instructions for the hash.</typeparam>
internal sealed class AesGmacSivHardware<TAes, TGhash> : AesGmacSivCore
    where TAes : struct, IAesMachine
    where TGhash : struct, IGhashMachine
{
    private const int BlockSize = AesPortable.BlockSize;
    private const int Rounds = AesPortable.Rounds;
    private const int CountersAtOnce = 8;
    private const int BatchSize = CountersAtOnce * BlockSize;

    // A packet with a maximum-size frame is one group. The additional data may precede a group; a partial block and the lengths follow the last group.
    private const int GroupBlocks = 176;
    private const int Powers = GroupBlocks + 3;

    // The contents of the single allocation: round keys of the first key, of the second key, those of the second key for decryption, the hash key's
    // powers from the highest down, and, on some processors, the sums of their halves.
    private const int AuthenticationKeys = 0;
    private const int EncryptionKeys = AesPortable.ScheduleSize;
    private const int DecryptionKeys = 2 * AesPortable.ScheduleSize;
    private const int HashKeys = 3 * AesPortable.ScheduleSize;

    // The first factor of a full group then begins at a cache line, and no vector of four crosses the end of one.
    private const int CacheLine = 64;

    private const int SumsAfter = Powers * BlockSize;

    private readonly SecretBytes _keys = new(HashKeys + (TGhash.MultipliesSums ? 2 * SumsAfter : SumsAfter), CacheLine);

    /// <summary>For shuffles: an offset that moves every index out of range, which yields zero.</summary>
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
                key = TAes.InverseMixColumns(key);
            key.StoreUnsafe(ref start, (nuint)(DecryptionKeys + (i * BlockSize)));
        }

        var hashKey = TGhash.Factor(TGhash.Polynomial(Encrypted(ref start, AuthenticationKeys, Vector128<byte>.Zero)));
        var power = hashKey;
        for (var i = Powers - 1; i >= 0; i--)
        {
            power.AsByte().StoreUnsafe(ref start, (nuint)(HashKeys + (i * BlockSize)));
            if (TGhash.MultipliesSums)
                Vector128.Create(power[0] ^ power[1]).AsByte().StoreUnsafe(ref start, (nuint)(HashKeys + SumsAfter + (i * BlockSize)));
            IGhashMachine.Sum sum = default;
            TGhash.AddProduct(power, hashKey, ref sum);
            power = TGhash.Reduced(sum);
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
        block = TAes.Begin(block, Key(ref keys, schedule, 0));
        block = TAes.Round(block, Key(ref keys, schedule, 0), Key(ref keys, schedule, 1));
        block = TAes.Round(block, Key(ref keys, schedule, 1), Key(ref keys, schedule, 2));
        block = TAes.Round(block, Key(ref keys, schedule, 2), Key(ref keys, schedule, 3));
        block = TAes.Round(block, Key(ref keys, schedule, 3), Key(ref keys, schedule, 4));
        block = TAes.Round(block, Key(ref keys, schedule, 4), Key(ref keys, schedule, 5));
        block = TAes.Round(block, Key(ref keys, schedule, 5), Key(ref keys, schedule, 6));
        block = TAes.Round(block, Key(ref keys, schedule, 6), Key(ref keys, schedule, 7));
        block = TAes.Round(block, Key(ref keys, schedule, 7), Key(ref keys, schedule, 8));
        block = TAes.Round(block, Key(ref keys, schedule, 8), Key(ref keys, schedule, 9));
        block = TAes.Round(block, Key(ref keys, schedule, 9), Key(ref keys, schedule, 10));
        block = TAes.Round(block, Key(ref keys, schedule, 10), Key(ref keys, schedule, 11));
        block = TAes.Round(block, Key(ref keys, schedule, 11), Key(ref keys, schedule, 12));
        block = TAes.Round(block, Key(ref keys, schedule, 12), Key(ref keys, schedule, 13));
        return TAes.LastRound(block, Key(ref keys, schedule, 13), Key(ref keys, schedule, 14));
    }

    private static Vector128<byte> Decrypted(ref byte keys, Vector128<byte> block)
    {
        block = TAes.Begin(block, Key(ref keys, DecryptionKeys, 0));
        for (var i = 1; i < Rounds; i++)
            block = TAes.InverseRound(block, Key(ref keys, DecryptionKeys, i - 1), Key(ref keys, DecryptionKeys, i));
        return TAes.InverseLastRound(block, Key(ref keys, DecryptionKeys, Rounds - 1), Key(ref keys, DecryptionKeys, Rounds));
    }

    /// <summary>The block whose encryption is added to the hash: the initialization vector, zeros, and a one.</summary>
    private static Vector128<byte> PadBlock(ulong iv) => Vector128.Create(iv, 1UL << 56).AsByte();

    /// <summary>GMAC folded to eight bytes.</summary>
    private static ulong Folded(Vector128<ulong> hash, Vector128<byte> pad)
    {
        var code = (TGhash.Block(hash) ^ pad).AsUInt64();
        return code[0] ^ code[1];
    }

    /// <summary>The counter in a tag, with its last word as a number. It starts below 2^31, so it does not overflow.</summary>
    private static Vector128<uint> FirstCounter(Vector128<byte> tag)
    {
        var words = tag.AsUInt32();
        return words.WithElement(3, BinaryPrimitives.ReverseEndianness(words[3]) & 0x7fffffff);
    }

    /// <summary>AES-CTR. The first counter stays in memory, because the loop uses all registers of the processor.</summary>
    [SkipLocalsInit]
    [MethodImpl(Optimize.AtOnce)]
    private static void ApplyCounter(ref byte keys, in Vector128<uint> counter, Span<byte> data)
    {
        // While counters differ only in their last byte, blocks differ after the first round only in one column. One round computes four such columns
        // at once, from four last bytes (each where the adjacent column comes from) and zeros, whose part is replaced by the true one.
        var lastKey = Vector128.Create(Key(ref keys, EncryptionKeys, 0).AsUInt32()[3] & 0xff000000).AsByte();
        var untilCarry = 256 - (int)(counter[3] & 0xff);
        var first = FirstRound(ref keys, counter, counter[3] & ~0xffU);
        var exchange = ExchangeFor(first, lastKey);
        var lastBytes = Vector128.Create(counter[3] << 24);
        var upperColumns = FourColumns(lastBytes + Vector128.Create(5U << 24, 6U << 24, 7U << 24, 4U << 24), lastKey, exchange);
        lastBytes += Vector128.Create(1U << 24, 2U << 24, 3U << 24, 0);
        var lowerColumns = FourColumns(lastBytes, lastKey, exchange);

        Span<byte> rest = stackalloc byte[BatchSize];
        ref var place = ref MemoryMarshal.GetReference(data);
        var length = data.Length;
        while (length > 0)
        {
            var (b0, b1, b2, b3) = TAes.WithFirstColumns(first, lowerColumns);
            var (b4, b5, b6, b7) = TAes.WithFirstColumns(first, upperColumns);
            untilCarry -= CountersAtOnce;
            if (untilCarry <= 0)
            {
                var number = counter[3] + (uint)(data.Length - length) / BlockSize;
                (b0, b1) = (FirstRound(ref keys, counter, number), FirstRound(ref keys, counter, number + 1));
                (b2, b3) = (FirstRound(ref keys, counter, number + 2), FirstRound(ref keys, counter, number + 3));
                (b4, b5) = (FirstRound(ref keys, counter, number + 4), FirstRound(ref keys, counter, number + 5));
                (b6, b7) = (FirstRound(ref keys, counter, number + 6), FirstRound(ref keys, counter, number + 7));
                first = FirstRound(ref keys, counter, (number + CountersAtOnce) & ~0xffU);
                exchange = ExchangeFor(first, lastKey);
                untilCarry += 256;
            }

            // Unrolled: the end of a loop would be mispredicted about once for eight blocks, which costs as much as a third of them.
            EightRounds(ref keys, 2, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
            EightRounds(ref keys, 3, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
            EightRounds(ref keys, 4, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
            EightRounds(ref keys, 5, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
            // Start the next eight here; otherwise they would wait for their columns.
            lastBytes += Vector128.Create((uint)CountersAtOnce << 24);
            lowerColumns = FourColumns(lastBytes, lastKey, exchange);
            upperColumns = FourColumns(lastBytes + Vector128.Create(4U << 24), lastKey, exchange);
            EightRounds(ref keys, 6, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
            EightRounds(ref keys, 7, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
            EightRounds(ref keys, 8, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
            EightRounds(ref keys, 9, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
            EightRounds(ref keys, 10, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
            EightRounds(ref keys, 11, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
            EightRounds(ref keys, 12, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
            EightRounds(ref keys, 13, ref b0, ref b1, ref b2, ref b3, ref b4, ref b5, ref b6, ref b7);
            Vector128<byte> keyBefore = Key(ref keys, EncryptionKeys, Rounds - 1), key = Key(ref keys, EncryptionKeys, Rounds);
            (b0, b1) = (TAes.LastRound(b0, keyBefore, key), TAes.LastRound(b1, keyBefore, key));
            (b2, b3) = (TAes.LastRound(b2, keyBefore, key), TAes.LastRound(b3, keyBefore, key));
            (b4, b5) = (TAes.LastRound(b4, keyBefore, key), TAes.LastRound(b5, keyBefore, key));
            (b6, b7) = (TAes.LastRound(b6, keyBefore, key), TAes.LastRound(b7, keyBefore, key));
            if (length < BatchSize)
            {
                ref var stream = ref MemoryMarshal.GetReference(rest);
                b0.StoreUnsafe(ref stream);
                b1.StoreUnsafe(ref stream, BlockSize);
                b2.StoreUnsafe(ref stream, 2 * BlockSize);
                b3.StoreUnsafe(ref stream, 3 * BlockSize);
                b4.StoreUnsafe(ref stream, 4 * BlockSize);
                b5.StoreUnsafe(ref stream, 5 * BlockSize);
                b6.StoreUnsafe(ref stream, 6 * BlockSize);
                b7.StoreUnsafe(ref stream, 7 * BlockSize);
                break;
            }
            AddTo(ref place, 0, b0);
            AddTo(ref place, BlockSize, b1);
            AddTo(ref place, 2 * BlockSize, b2);
            AddTo(ref place, 3 * BlockSize, b3);
            AddTo(ref place, 4 * BlockSize, b4);
            AddTo(ref place, 5 * BlockSize, b5);
            AddTo(ref place, 6 * BlockSize, b6);
            AddTo(ref place, 7 * BlockSize, b7);
            place = ref Unsafe.Add(ref place, BatchSize);
            length -= BatchSize;
        }
        if (length > 0)
        {
            ByteMath.Xor(data[^length..], rest);
            rest.Clear();
        }
    }

    /// <summary>A counter after the first round, with another number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> FirstRound(ref byte keys, Vector128<uint> counter, uint number)
    {
        Vector128<byte> keyBefore = Key(ref keys, EncryptionKeys, 0), key = Key(ref keys, EncryptionKeys, 1);
        return TAes.Round(TAes.Begin(counter.WithElement(3, BinaryPrimitives.ReverseEndianness(number)).AsByte(), keyBefore), keyBefore, key);
    }

    /// <summary>The first column of a block after its first round, without the contribution of its last byte, zero; four times.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> ExchangeFor(Vector128<byte> first, Vector128<byte> lastKey) =>
        FourColumns(default, lastKey, Vector128.Create(first.AsUInt32()[0]).AsByte());

    /// <summary>The result of the first round for four last bytes, with zeros elsewhere, plus an addend.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> FourColumns(Vector128<uint> lastBytes, Vector128<byte> lastKey, Vector128<byte> added) =>
        TAes.RoundPlus(TAes.Begin(lastBytes.AsByte(), lastKey), lastKey, added);

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
        b0 = TAes.Round(b0, keyBefore, key);
        b1 = TAes.Round(b1, keyBefore, key);
        b2 = TAes.Round(b2, keyBefore, key);
        b3 = TAes.Round(b3, keyBefore, key);
        b4 = TAes.Round(b4, keyBefore, key);
        b5 = TAes.Round(b5, keyBefore, key);
        b6 = TAes.Round(b6, keyBefore, key);
        b7 = TAes.Round(b7, keyBefore, key);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo(ref byte data, nuint offset, Vector128<byte> stream) =>
        (Vector128.LoadUnsafe(ref data, offset) ^ stream).StoreUnsafe(ref data, offset);

    /// <summary>
    /// GHASH (NIST SP 800-38D, section 6.4) of the additional data and the data, each padded to whole blocks, and of their lengths.
    /// </summary>
    [MethodImpl(Optimize.AtOnce)]
    private static Vector128<ulong> Hash(ref byte keys, ReadOnlySpan<byte> additionalData, ReadOnlySpan<byte> data)
    {
        // The length of the additional data includes its padding.
        var length = (((ulong)additionalData.Length + BlockSize - 1) & ~(ulong)(BlockSize - 1)) + (ulong)data.Length;

        // The value carried into a group: the predecessor of its first block, which is still to be multiplied by the key, or a sum to be added
        // to the first block.
        Vector128<ulong> carried = default;
        for (; additionalData.Length > BlockSize; additionalData = additionalData[BlockSize..])
        {
            IGhashMachine.Sum sum = default;
            AddProduct(ref keys, carried ^ TGhash.Polynomial(Vector128.Create(additionalData)), 1, ref sum);
            carried = TGhash.Reduced(sum);
        }
        var extra = 0;
        if (additionalData.Length > 0)
        {
            carried ^= LastBlock(additionalData);
            extra = 1;
        }
        while (true)
        {
            IGhashMachine.Sum sum = default;
            var blocks = Math.Min(data.Length / BlockSize, GroupBlocks);
            var rest = data[(blocks * BlockSize)..];
            var isLast = rest.Length < BlockSize;

            // The blocks after the last group: perhaps a partial block, and the length.
            var after = !isLast ? 0 : rest.Length == 0 ? 1 : 2;
            if (blocks + extra > 0)
            {
                AddProduct(ref keys, carried, blocks + after + extra, ref sum);
                carried = default;
            }
            AddProducts(ref keys, ref MemoryMarshal.GetReference(data), blocks, blocks + after, ref sum);
            if (!isLast)
            {
                carried = TGhash.Reduced(sum);
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
            AddProduct(ref keys, carried ^ TGhash.Polynomial(Vector128.Create(BinaryPrimitives.ReverseEndianness(length * 8), 0).AsByte()), 1, ref sum);
            return TGhash.Reduced(sum);
        }
    }

    /// <summary>Adds the products of blocks with the hash key's powers, from the given power downward.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddProducts(ref byte keys, ref byte blocks, int count, int power, ref IGhashMachine.Sum sum)
    {
        ref var factors = ref Unsafe.Add(ref keys, HashKeys + ((Powers - power) * BlockSize));
        for (var i = TGhash.AddProductsWide(ref blocks, ref factors, SumsAfter, count, ref sum); i < count; i++)
        {
            var block = TGhash.Polynomial(Vector128.LoadUnsafe(ref blocks, (nuint)(i * BlockSize)));
            TGhash.AddProduct(block, Vector128.LoadUnsafe(ref factors, (nuint)(i * BlockSize)).AsUInt64(), ref sum);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddProduct(ref byte keys, Vector128<ulong> block, int power, ref IGhashMachine.Sum sum) =>
        TGhash.AddProduct(block, Key(ref keys, HashKeys, Powers - power).AsUInt64(), ref sum);

    /// <summary>The last bytes, fewer than sixteen, padded with zeros.</summary>
    private static Vector128<ulong> LastBlock(ref byte sixteen, int length) =>
        TGhash.Polynomial(Vector128.Shuffle(Vector128.LoadUnsafe(ref sixteen), Indices + Vector128.Create((byte)(BlockSize - length))));

    private static Vector128<ulong> LastBlock(ReadOnlySpan<byte> rest)
    {
        Span<byte> block = stackalloc byte[BlockSize];
        block.Clear();
        rest.CopyTo(block);
        return TGhash.Polynomial(Vector128.Create((ReadOnlySpan<byte>)block));
    }
}
#endif
