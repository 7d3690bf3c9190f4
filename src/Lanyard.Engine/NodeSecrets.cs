using System.Buffers.Binary;
using System.Security.Cryptography;
using Lanyard.Engine.Packets;
using Lanyard.Wire.Crypto;

namespace Lanyard.Engine;

/// <summary>
/// The keys derived from a node's random seed. The generator of jitter has a separate seed: its output is visible on the wire and reveals its state, which must not
/// reveal the other keys.
/// </summary>
internal readonly struct NodeSecrets
{
    private const int MinSeedBytes = 32;

    /// <summary>Derives the keys.</summary>
    /// <param name="seed">At least 32 bytes.</param>
    /// <exception cref="ArgumentException"><paramref name="seed"/> is shorter.</exception>
    public NodeSecrets(ReadOnlySpan<byte> seed)
    {
        if (seed.Length < MinSeedBytes)
            throw new ArgumentException($"The random seed has at least {MinSeedBytes} bytes.", nameof(seed));
        Span<byte> digest = stackalloc byte[Sha2.Size512];
        Sha2.Hash512("lanyard-engine"u8, seed, digest);
        GeneratorSeed = digest[..NodeRandom.SeedBytes].ToArray();
        PacketIdKey = (BinaryPrimitives.ReadUInt64LittleEndian(digest[32..]), BinaryPrimitives.ReadUInt64LittleEndian(digest[40..]));
        FirstPacket = BinaryPrimitives.ReadUInt64LittleEndian(digest[48..]);
        TableKey = BinaryPrimitives.ReadUInt64LittleEndian(digest[56..]);
        CryptographicOperations.ZeroMemory(digest);
    }

    /// <summary>The seed of <see cref="NodeRandom"/>.</summary>
    public byte[] GeneratorSeed { get; }

    /// <summary>The key of <see cref="PacketIds"/>.</summary>
    public (ulong High, ulong Low) PacketIdKey { get; }

    /// <summary>The first value of the packet counter.</summary>
    public ulong FirstPacket { get; }

    /// <summary>The key of the hashes that choose slots in tables of fixed size, so that nobody can aim at a slot.</summary>
    public ulong TableKey { get; }
}
