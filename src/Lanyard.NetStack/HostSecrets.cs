using System.Buffers.Binary;

namespace Lanyard.NetStack;

/// <summary>
/// Derives numbers that strangers cannot predict from the host's secret: a keyed function (SipHash-2-4) for numbers that depend on addresses, and the
/// same function in counter mode for random numbers.
/// </summary>
internal sealed class HostSecrets
{
    private readonly ulong _key0;
    private readonly ulong _key1;
    private ulong _counter;

    public HostSecrets(ReadOnlySpan<byte> secret)
    {
        if (secret.Length != 16)
            throw new ArgumentException("The secret is 16 bytes long.", nameof(secret));
        _key0 = BinaryPrimitives.ReadUInt64LittleEndian(secret);
        _key1 = BinaryPrimitives.ReadUInt64LittleEndian(secret[8..]);
    }

    /// <summary>The purpose of a number. Results for different purposes are unrelated.</summary>
    public enum Purpose : ulong
    {
        Counter = 1,
        InitialSequence,
        EphemeralPort,
        TimestampOffset,
        TableHash,
        Identification,
        SynCookie,
        CookieLimit,
    }

    /// <summary>Returns the next random number.</summary>
    public ulong Next()
    {
        _counter++;
        return Hash(Purpose.Counter, _counter);
    }

    /// <summary>Returns a random number from 0 to <paramref name="limit"/> - 1.</summary>
    public uint Next(uint limit) => (uint)(((Next() >> 32) * limit) >> 32);

    /// <summary>Returns the keyed function of up to five words.</summary>
    public ulong Hash(Purpose purpose, ulong a, ulong b = 0, ulong c = 0, ulong d = 0, ulong e = 0)
    {
        var v0 = _key0 ^ 0x736f6d6570736575;
        var v1 = _key1 ^ 0x646f72616e646f6d;
        var v2 = _key0 ^ 0x6c7967656e657261;
        var v3 = _key1 ^ 0x7465646279746573;
        Compress(ref v0, ref v1, ref v2, ref v3, (ulong)purpose);
        Compress(ref v0, ref v1, ref v2, ref v3, a);
        Compress(ref v0, ref v1, ref v2, ref v3, b);
        Compress(ref v0, ref v1, ref v2, ref v3, c);
        Compress(ref v0, ref v1, ref v2, ref v3, d);
        Compress(ref v0, ref v1, ref v2, ref v3, e);
        Compress(ref v0, ref v1, ref v2, ref v3, 48UL << 56);
        v2 ^= 0xff;
        Round(ref v0, ref v1, ref v2, ref v3);
        Round(ref v0, ref v1, ref v2, ref v3);
        Round(ref v0, ref v1, ref v2, ref v3);
        Round(ref v0, ref v1, ref v2, ref v3);
        return v0 ^ v1 ^ v2 ^ v3;
    }

    private static void Compress(ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3, ulong word)
    {
        v3 ^= word;
        Round(ref v0, ref v1, ref v2, ref v3);
        Round(ref v0, ref v1, ref v2, ref v3);
        v0 ^= word;
    }

    private static void Round(ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3)
    {
        v0 += v1;
        v1 = Rotate(v1, 13) ^ v0;
        v0 = Rotate(v0, 32);
        v2 += v3;
        v3 = Rotate(v3, 16) ^ v2;
        v0 += v3;
        v3 = Rotate(v3, 21) ^ v0;
        v2 += v1;
        v1 = Rotate(v1, 17) ^ v2;
        v2 = Rotate(v2, 32);
    }

    private static ulong Rotate(ulong value, int bits) => (value << bits) | (value >> (64 - bits));
}
