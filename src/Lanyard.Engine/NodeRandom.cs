using System.Buffers.Binary;

namespace Lanyard.Engine;

/// <summary>
/// The node's generator (xoshiro256**): for jitter and choices. Nothing secret is made from it.
/// </summary>
internal sealed class NodeRandom
{
    /// <summary>The length of the seed in bytes.</summary>
    public const int SeedBytes = 32;

    private ulong _a;
    private ulong _b;
    private ulong _c;
    private ulong _d;

    public NodeRandom(ReadOnlySpan<byte> seed)
    {
        _a = BinaryPrimitives.ReadUInt64LittleEndian(seed);
        _b = BinaryPrimitives.ReadUInt64LittleEndian(seed[8..]);
        _c = BinaryPrimitives.ReadUInt64LittleEndian(seed[16..]);
        _d = BinaryPrimitives.ReadUInt64LittleEndian(seed[24..]) | 1;
    }

    public ulong Next()
    {
        var result = RotateLeft(_b * 5, 7) * 9;
        var t = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= t;
        _d = RotateLeft(_d, 45);
        return result;
    }

    public void Fill(Span<byte> bytes)
    {
        while (bytes.Length >= sizeof(ulong))
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, Next());
            bytes = bytes[sizeof(ulong)..];
        }

        for (var rest = Next(); !bytes.IsEmpty; rest >>= 8)
        {
            bytes[0] = (byte)rest;
            bytes = bytes[1..];
        }
    }

    private static ulong RotateLeft(ulong value, int bits) => (value << bits) | (value >> (64 - bits));
}
