using System.Buffers.Binary;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using Lanyard.Wire.Crypto;
using X86Aes = System.Runtime.Intrinsics.X86.Aes;

namespace Lanyard.Wire.Tests.Crypto;

public sealed class AesGmacSivTests
{
    private static readonly byte[] Key0 = TestData.RandomBytes(10, 32);
    private static readonly byte[] Key1 = TestData.RandomBytes(11, 32);

    [Fact]
    public void A_message_is_encrypted_as_the_definition_says_with_the_frameworks_GCM_and_AES()
    {
        using var cipher = new AesGmacSiv(Key0, Key1);
        for (var length = 0; length < 700; length += length < 130 ? 1 : 19)
        {
            byte[] plain = TestData.RandomBytes(length, length), iv = TestData.RandomBytes(length + 5000, 8), additional = TestData.RandomBytes(length + 9000, length % 41);
            byte[] data = plain.ToArray(), tag = new byte[16];
            var (expectedData, expectedTag) = Expected(iv, additional, plain);
            cipher.Encrypt(iv, additional, data, tag);
            Assert.Equal(expectedTag, tag);
            Assert.Equal(expectedData, data);
            Assert.True(cipher.TryDecrypt(tag, additional, data));
            Assert.Equal(plain, data);
        }
    }

    [Fact]
    public void A_changed_tag_message_or_addition_is_refused()
    {
        using var cipher = new AesGmacSiv(Key0, Key1);
        byte[] additional = TestData.RandomBytes(1, 11), data = TestData.RandomBytes(2, 100), tag = new byte[16];
        cipher.Encrypt(new byte[8], additional, data, tag);
        for (var i = 0; i < tag.Length + additional.Length + data.Length; i++)
        {
            byte[] changedTag = tag.ToArray(), changedAdditional = additional.ToArray(), changedData = data.ToArray();
            if (i < tag.Length)
                changedTag[i] ^= 0x40;
            else if (i < tag.Length + additional.Length)
                changedAdditional[i - tag.Length] ^= 1;
            else
                changedData[i - tag.Length - additional.Length] ^= 0x80;
            Assert.False(cipher.TryDecrypt(changedTag, changedAdditional, changedData));
            Assert.Equal(new byte[data.Length], changedData);
        }
        Assert.False(cipher.TryDecrypt(tag, additional.AsSpan(1), data.ToArray()));
        Assert.False(cipher.TryDecrypt(tag, additional, data.AsSpan(1).ToArray()));
        Assert.True(cipher.TryDecrypt(tag, additional, data));
    }

    [Fact]
    public void The_tag_may_be_written_over_the_initialization_vector()
    {
        using var cipher = new AesGmacSiv(Key0, Key1);
        byte[] iv = TestData.RandomBytes(3, 8), data = TestData.RandomBytes(4, 50), tag = new byte[16], again = TestData.RandomBytes(4, 50);
        cipher.Encrypt(iv, default, data, tag);
        var shared = new byte[16];
        iv.CopyTo(shared, 0);
        cipher.Encrypt(shared.AsSpan(0, 8), default, again, shared);
        Assert.Equal(tag, shared);
        Assert.Equal(data, again);
    }

    [Fact]
    public void The_keys_come_from_the_agreed_key_by_their_labels()
    {
        var agreed = TestData.RandomBytes(5, 48);
        byte[] key0 = new byte[48], key1 = new byte[48], data = new byte[20], tag = new byte[16], expectedData = new byte[20], expectedTag = new byte[16];
        KeyDerivation.Derive(agreed, (byte)'0', 0, 0, key0);
        KeyDerivation.Derive(agreed, (byte)'1', 0, 0, key1);
        using var direct = new AesGmacSiv(key0.AsSpan(0, 32), key1.AsSpan(0, 32));
        using var derived = AesGmacSiv.FromAgreedKey(agreed);
        direct.Encrypt(new byte[8], default, expectedData, expectedTag);
        derived.Encrypt(new byte[8], default, data, tag);
        Assert.Equal(expectedTag, tag);
        Assert.Equal(expectedData, data);
    }

    [Fact]
    public void A_disposed_cipher_does_nothing()
    {
        var cipher = new AesGmacSiv(Key0, Key1);
        cipher.Dispose();
        Assert.Throws<ObjectDisposedException>(() => cipher.Encrypt(new byte[8], default, new byte[1], new byte[16]));
        Assert.Throws<ObjectDisposedException>(() => cipher.TryDecrypt(new byte[16], default, new byte[1]));
    }

    [Fact]
    public void Another_length_of_key_vector_or_tag_is_refused()
    {
        using var cipher = new AesGmacSiv(Key0, Key1);
        Assert.Throws<ArgumentException>(() => new AesGmacSiv(new byte[31], Key1));
        Assert.Throws<ArgumentException>(() => new AesGmacSiv(Key0, new byte[16]));
        Assert.Throws<ArgumentException>(() => cipher.Encrypt(new byte[12], default, default, new byte[16]));
        Assert.Throws<ArgumentException>(() => cipher.Encrypt(new byte[8], default, default, new byte[8]));
        Assert.Throws<ArgumentException>(() => cipher.TryDecrypt(new byte[15], default, default));
        Assert.Throws<ArgumentException>(() => AesGmacSiv.FromAgreedKey(new byte[32]));
    }

    [Fact]
    public void The_portable_block_cipher_is_the_frameworks()
    {
        using var aes = Aes.Create();
        byte[] schedule = new byte[AesPortable.ScheduleSize], blocks = new byte[64];
        var sliced = new ulong[AesPortable.SlicedKeyWords];
        for (var i = 0; i < 200; i++)
        {
            aes.Key = TestData.RandomBytes(i, 32);
            AesPortable.ExpandKey(aes.Key, schedule);
            AesPortable.SliceKeys(schedule, sliced);
            var plain = TestData.RandomBytes(i + 300, 64);
            plain.CopyTo(blocks, 0);
            AesPortable.Encrypt(sliced, blocks);
            Assert.Equal(aes.EncryptEcb(plain, PaddingMode.None), blocks);
            AesPortable.Decrypt(sliced, blocks);
            Assert.Equal(plain, blocks);
        }
    }

    [Fact]
    public void X86_instructions_give_the_same_result_as_the_portable_cipher() =>
        AssertSameAsPortable<AesX86, GhashX86>("This processor has no AES-NI and PCLMULQDQ.");

    [Fact]
    public void Wide_x86_instructions_give_the_same_result_as_the_portable_cipher() =>
        AssertSameAsPortable<AesX86, GhashX86Wide>("This processor has no vectors of 512 bits with VPCLMULQDQ and GFNI.");

    [Fact]
    public void Arm_instructions_give_the_same_result_as_the_portable_cipher() =>
        AssertSameAsPortable<AesArm, GhashArm>("This processor has no Arm cryptography extension.");

    [Fact]
    public void Rounds_that_begin_with_the_key_give_the_same_result_as_the_portable_cipher() =>
        AssertSameAsPortable<KeyFirst, Narrow>("This processor has no AES-NI and PCLMULQDQ, of which the steps of Arm are composed here.");

    private static void AssertSameAsPortable<TAes, TGhash>(string reasonToSkip)
        where TAes : struct, IAesMachine
        where TGhash : struct, IGhashMachine
    {
        if (!TAes.IsSupported || !TGhash.IsSupported)
            Assert.Skip(reasonToSkip);
        using var hardware = new AesGmacSivHardware<TAes, TGhash>(Key0, Key1);
        using var portable = new AesGmacSivPortable(Key0, Key1);
        byte[] tag = new byte[16], expectedTag = new byte[16];
        for (var length = 0; length <= 4096; length += 1 + (length / 60))
        {
            byte[] plain = TestData.RandomBytes(length, length), iv = TestData.RandomBytes(length + 1, 8);
            var additional = TestData.RandomBytes(length + 2, length % 3 == 0 ? 11 : length % 50);
            byte[] data = plain.ToArray(), expected = plain.ToArray();
            hardware.Encrypt(iv, additional, data, tag);
            portable.Encrypt(iv, additional, expected, expectedTag);
            Assert.Equal(expectedTag, tag);
            Assert.True(data.AsSpan().SequenceEqual(expected));
            Assert.True(hardware.TryDecrypt(tag, additional, data));
            Assert.True(data.AsSpan().SequenceEqual(plain));
            Assert.True(portable.TryDecrypt(tag, additional, expected));
            Assert.True(expected.AsSpan().SequenceEqual(plain));
            tag[length % 16] ^= 1;
            Assert.False(hardware.TryDecrypt(tag, additional, data));
        }
        // A tag is the first counter, too: none is right here, but what its counters decrypt to can be compared.
        foreach (var counter in new uint[] { 0, 1, 0xf8, 0xf9, 0xff, 0xfffc, 0xfffffd, 0x7ffffffa, 0xfffffffa })
        {
            byte[] data = TestData.RandomBytes(7, 1000), expected = data.ToArray();
            BinaryPrimitives.WriteUInt32BigEndian(tag.AsSpan(12), counter);
            Assert.False(hardware.TryDecrypt(tag, default, data));
            Assert.False(portable.TryDecrypt(tag, default, expected));
            Assert.True(data.AsSpan().SequenceEqual(expected));
        }
    }

    private static (byte[] Data, byte[] Tag) Expected(byte[] iv, byte[] additional, byte[] plain)
    {
        byte[] mac = new byte[16], nonce = [.. iv, 0, 0, 0, 0], joined = [.. additional, .. new byte[-additional.Length & 15], .. plain];
        using (var gcm = new AesGcm(Key0, 16))
            gcm.Encrypt(nonce, Array.Empty<byte>(), Array.Empty<byte>(), mac, joined);
        using var aes = Aes.Create();
        aes.Key = Key1;
        byte[] folded = [.. iv, .. Enumerable.Range(0, 8).Select(i => (byte)(mac[i] ^ mac[i + 8]))];
        var tag = aes.EncryptEcb(folded, PaddingMode.None);
        var counter = tag.ToArray();
        counter[12] &= 0x7f;
        var data = plain.ToArray();
        for (var i = 0; i < data.Length; i += 16)
        {
            var stream = aes.EncryptEcb(counter, PaddingMode.None);
            for (var j = 0; j < 16 && i + j < data.Length; j++)
                data[i + j] ^= stream[j];
            for (var j = 15; j >= 12 && ++counter[j] == 0; j--)
            {
            }
        }
        return (data, tag);
    }

    /// <summary>
    /// The steps that Arm processors have, each composed of x86 instructions as the Arm manual describes it.
    /// </summary>
    private readonly struct KeyFirst : IAesMachine
    {
        public static bool IsSupported => AesX86.IsSupported;

        public static Vector128<byte> Begin(Vector128<byte> block, Vector128<byte> key) => block;

        public static Vector128<byte> Round(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key) =>
            MixColumns(Aese(block, keyBefore));

        public static Vector128<byte> RoundPlus(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> added) =>
            MixColumns(Aese(block, keyBefore)) ^ added;

        public static Vector128<byte> LastRound(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key) => Aese(block, keyBefore) ^ key;

        public static Vector128<byte> InverseRound(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key) =>
            InverseMixColumns(Aesd(block, keyBefore));

        public static Vector128<byte> InverseLastRound(Vector128<byte> block, Vector128<byte> keyBefore, Vector128<byte> key) =>
            Aesd(block, keyBefore) ^ key;

        public static Vector128<byte> InverseMixColumns(Vector128<byte> key) => X86Aes.InverseMixColumns(key);

        public static IAesMachine.FourBlocks WithFirstColumns(Vector128<byte> block, Vector128<byte> columns) => AesX86.WithFirstColumns(block, columns);

        private static Vector128<byte> Aese(Vector128<byte> block, Vector128<byte> key) => X86Aes.EncryptLast(block ^ key, Vector128<byte>.Zero);

        private static Vector128<byte> Aesd(Vector128<byte> block, Vector128<byte> key) => X86Aes.DecryptLast(block ^ key, Vector128<byte>.Zero);

        private static Vector128<byte> MixColumns(Vector128<byte> block) =>
            X86Aes.Encrypt(X86Aes.DecryptLast(block, Vector128<byte>.Zero), Vector128<byte>.Zero);
    }

    /// <summary>Products one after the other.</summary>
    private readonly struct Narrow : IReversedGhashMachine<Narrow>
    {
        public static bool IsSupported => GhashX86.IsSupported;

        public static Vector128<ulong> MultiplyLow(Vector128<ulong> a, Vector128<ulong> b) => GhashX86.MultiplyLow(a, b);

        public static void AddProduct(Vector128<ulong> a, Vector128<ulong> b, ref IGhashMachine.Sum sum) => GhashX86.AddProduct(a, b, ref sum);

        public static int AddProductsWide(ref byte blocks, ref byte factors, nuint sums, int count, ref IGhashMachine.Sum sum) => 0;
    }
}
