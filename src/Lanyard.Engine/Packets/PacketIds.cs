#if NET
using System.Runtime.Intrinsics;

#endif
namespace Lanyard.Engine.Packets;

/// <summary>
/// Generates packet IDs that are unique and unpredictable: a counter encrypted with a 64-bit block cipher (Speck64/128, Beaulieu et al., 2013). The ID is also the
/// packet's nonce, so uniqueness comes first, and a permutation guarantees it.
/// </summary>
internal sealed class PacketIds
{
    private const int Rounds = 27;

    /// <summary>The number of IDs that are drawn at a time.</summary>
    internal const int Batch = 8;

    private readonly uint[] _roundKeys = new uint[Rounds];
    private readonly ulong[] _ready = new ulong[Batch];
    private ulong _counter;
    private int _taken = Batch;

    /// <param name="key">128 bits of secret key.</param>
    /// <param name="first">The first value of the counter.</param>
    public PacketIds((ulong High, ulong Low) key, ulong first)
    {
        _counter = first;
        Span<uint> schedule = [(uint)(key.Low >> 32), (uint)key.High, (uint)(key.High >> 32)];
        var k = (uint)key.Low;
        for (var i = 0; i < Rounds; i++)
        {
            _roundKeys[i] = k;
            ref var l = ref schedule[i % 3];
            l = (k + RotateRight(l, 8)) ^ (uint)i;
            k = RotateLeft(k, 3) ^ l;
        }
    }

    /// <summary>The next ID.</summary>
    public ulong Next()
    {
        if (_taken == Batch)
            Refill();
        return _ready[_taken++];
    }

    /// <summary>Encrypts as many blocks as <see cref="Batch"/> in place, one word at a time.</summary>
    internal static void EncryptPortable(ReadOnlySpan<uint> roundKeys, Span<uint> x, Span<uint> y)
    {
        foreach (var key in roundKeys)
        {
            for (var i = 0; i < Batch; i++)
            {
                x[i] = (RotateRight(x[i], 8) + y[i]) ^ key;
                y[i] = RotateLeft(y[i], 3) ^ x[i];
            }
        }
    }

#if NET
    /// <summary>The same with one vector of 256 bits for each half of the blocks.</summary>
    internal static void EncryptVector(ReadOnlySpan<uint> roundKeys, Span<uint> x, Span<uint> y)
    {
        var (high, low) = (Vector256.Create<uint>(x), Vector256.Create<uint>(y));
        foreach (var key in roundKeys)
        {
            high = (((high >>> 8) | (high << 24)) + low) ^ Vector256.Create(key);
            low = ((low << 3) | (low >>> 29)) ^ high;
        }

        high.CopyTo(x);
        low.CopyTo(y);
    }
#endif

    private void Refill()
    {
        Span<uint> x = stackalloc uint[Batch];
        Span<uint> y = stackalloc uint[Batch];
        for (var i = 0; i < Batch; i++)
        {
            var block = _counter++;
            x[i] = (uint)(block >> 32);
            y[i] = (uint)block;
        }

#if NET
        if (Vector256.IsHardwareAccelerated)
            EncryptVector(_roundKeys, x, y);
        else
            EncryptPortable(_roundKeys, x, y);
#else
        EncryptPortable(_roundKeys, x, y);
#endif
        for (var i = 0; i < Batch; i++)
            _ready[i] = ((ulong)x[i] << 32) | y[i];
        _taken = 0;
    }

    private static uint RotateLeft(uint value, int bits) => (value << bits) | (value >> (32 - bits));

    private static uint RotateRight(uint value, int bits) => (value >> bits) | (value << (32 - bits));
}
