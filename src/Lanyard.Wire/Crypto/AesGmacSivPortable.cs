using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Lanyard.Wire.Crypto;

/// <summary>AES-GMAC-SIV with <see cref="AesPortable"/> and <see cref="GhashPortable"/>.</summary>
internal sealed class AesGmacSivPortable : AesGmacSivCore
{
    private const int BlockSize = AesPortable.BlockSize;
    private const int Batch = AesPortable.BlocksAtOnce * BlockSize;

    // Sliced round keys of the first key, those of the second, the hash key.
    private readonly SecretBytes _keys = new((2 * AesPortable.SlicedKeyWords * sizeof(ulong)) + BlockSize);

    public AesGmacSivPortable(ReadOnlySpan<byte> authenticationKey, ReadOnlySpan<byte> encryptionKey)
    {
        Span<byte> schedule = stackalloc byte[AesPortable.ScheduleSize];
        AesPortable.ExpandKey(authenticationKey, schedule);
        AesPortable.SliceKeys(schedule, AuthenticationKeys);
        AesPortable.ExpandKey(encryptionKey, schedule);
        AesPortable.SliceKeys(schedule, EncryptionKeys);
        schedule.Clear();

        Span<byte> blocks = stackalloc byte[Batch];
        blocks.Clear();
        AesPortable.Encrypt(AuthenticationKeys, blocks);
        blocks[..BlockSize].CopyTo(HashKey);
        blocks.Clear();
    }

    private Span<ulong> AuthenticationKeys => MemoryMarshal.Cast<byte, ulong>(_keys.Span)[..AesPortable.SlicedKeyWords];

    private Span<ulong> EncryptionKeys =>
        MemoryMarshal.Cast<byte, ulong>(_keys.Span).Slice(AesPortable.SlicedKeyWords, AesPortable.SlicedKeyWords);

    private Span<byte> HashKey => _keys.Span[^BlockSize..];

    public override void Encrypt(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> additionalData, Span<byte> data, Span<byte> tag)
    {
        Span<byte> blocks = stackalloc byte[Batch];
        blocks.Clear();
        iv.CopyTo(blocks);
        Authenticate(iv, additionalData, data, blocks[8..16]);
        AesPortable.Encrypt(EncryptionKeys, blocks);
        blocks[..BlockSize].CopyTo(tag);
        ApplyCounter(tag, data);
    }

    public override bool TryDecrypt(ReadOnlySpan<byte> tag, ReadOnlySpan<byte> additionalData, Span<byte> data)
    {
        Span<byte> blocks = stackalloc byte[Batch];
        Span<byte> expected = stackalloc byte[8];
        blocks.Clear();
        tag.CopyTo(blocks);
        AesPortable.Decrypt(EncryptionKeys, blocks);
        ApplyCounter(tag, data);
        Authenticate(blocks[..8], additionalData, data, expected);
        return CryptographicOperations.FixedTimeEquals(expected, blocks[8..16]);
    }

    public override void Dispose() => _keys.Dispose();

    /// <summary>GMAC folded to eight bytes.</summary>
    private void Authenticate(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> additionalData, ReadOnlySpan<byte> data, Span<byte> code)
    {
        var hash = new GhashPortable(HashKey);
        hash.Update(additionalData);
        hash.Update(data);

        // The length of the additional data includes its padding.
        var length = (((ulong)additionalData.Length + BlockSize - 1) & ~(ulong)(BlockSize - 1)) + (ulong)data.Length;
        hash.Update(length * 8, 0);

        Span<byte> blocks = stackalloc byte[Batch];
        Span<byte> sum = stackalloc byte[BlockSize];
        blocks.Clear();
        iv.CopyTo(blocks);
        blocks[BlockSize - 1] = 1;
        AesPortable.Encrypt(AuthenticationKeys, blocks);
        hash.Write(sum);
        for (var i = 0; i < 8; i++)
            code[i] = (byte)(sum[i] ^ sum[i + 8] ^ blocks[i] ^ blocks[i + 8]);
    }

    /// <summary>AES-CTR, starting at the counter in the tag.</summary>
    private void ApplyCounter(ReadOnlySpan<byte> tag, Span<byte> data)
    {
        Span<byte> blocks = stackalloc byte[Batch];
        var counter = BinaryPrimitives.ReadUInt32BigEndian(tag[12..]) & 0x7fffffff;
        while (data.Length > 0)
        {
            for (var i = 0; i < Batch; i += BlockSize)
            {
                tag[..12].CopyTo(blocks[i..]);
                BinaryPrimitives.WriteUInt32BigEndian(blocks[(i + 12)..], counter++);
            }
            AesPortable.Encrypt(EncryptionKeys, blocks);
            var length = Math.Min(Batch, data.Length);
            for (var i = 0; i < length; i++)
                data[i] ^= blocks[i];
            data = data[length..];
        }
        blocks.Clear();
    }
}
