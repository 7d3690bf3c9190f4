using System.Diagnostics.CodeAnalysis;
using Lanyard.Primitives;

namespace Lanyard.Wire;

/// <summary>The kinds of <see cref="World"/>.</summary>
public enum WorldType : byte
{
    /// <summary>The roots that all nodes know from the start.</summary>
    Planet = 1,

    /// <summary>More roots, which a node may choose.</summary>
    Moon = 127,
}

/// <summary>A root of a <see cref="World"/>.</summary>
/// <param name="Identity">The node.</param>
/// <param name="Endpoints">The node's endpoints: at most <see cref="World.MaxEndpoints"/>.</param>
public sealed record WorldRoot(Identity Identity, EquatableArray<InetEndpoint> Endpoints);

/// <summary>
/// A signed set of roots, with the key that must sign the next edition. A node stores one world in its <c>planet</c> file and others
/// in <c>moons.d</c>; nodes send each other newer editions in reply to HELLO.
/// </summary>
public sealed record World
{
    /// <summary>The maximum number of roots of a world.</summary>
    public const int MaxRoots = 4;

    /// <summary>The maximum number of endpoints of a root.</summary>
    public const int MaxEndpoints = 32;

    /// <summary>The maximum length of a serialized world in bytes.</summary>
    public const int MaxLength = 1 + 8 + 8 + WorldKey.PublicKeySize + WorldKey.SignatureSize + 1
        + (MaxRoots * (Identity.BinarySize + 1 + (MaxEndpoints * 19))) + 2;

    private const ulong SigningMarkBefore = 0x7f7f_7f7f_7f7f_7f7f;
    private const ulong SigningMarkAfter = 0xf7f7_f7f7_f7f7_f7f7;

    /// <summary>The kind.</summary>
    public required WorldType Type { get; init; }

    /// <summary>The world's number: for a moon, the address of its first root; for a planet, a number of its own.</summary>
    public required ulong Id { get; init; }

    /// <summary>The edition: the time of its creation, in milliseconds since 1970.</summary>
    public required long Timestamp { get; init; }

    /// <summary>The public keys, 64 bytes, that must sign the next edition.</summary>
    public required EquatableArray<byte> UpdateKey { get; init; }

    /// <summary>The signature: 96 bytes. Zeros in an unsigned planet file, which a node accepts as its first planet.</summary>
    public required EquatableArray<byte> Signature { get; init; }

    /// <summary>The roots: at most <see cref="MaxRoots"/>.</summary>
    public required EquatableArray<WorldRoot> Roots { get; init; }

    /// <summary>Creates and signs a world.</summary>
    /// <param name="type">The kind.</param>
    /// <param name="id">The world's number.</param>
    /// <param name="timestamp">The edition, in milliseconds since 1970: greater than the previous edition.</param>
    /// <param name="updateKey">The public keys, 64 bytes, that must sign the next edition.</param>
    /// <param name="roots">The roots.</param>
    /// <param name="signer">The keys to sign with: the update key of the previous edition.</param>
    /// <exception cref="ArgumentException">The update key is not 64 bytes long, or there are too many roots or endpoints.</exception>
    public static World Create(
        WorldType type, ulong id, long timestamp, ReadOnlySpan<byte> updateKey, EquatableArray<WorldRoot> roots, WorldKey signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        if (updateKey.Length != WorldKey.PublicKeySize)
            throw new ArgumentException($"The update key must be {WorldKey.PublicKeySize} bytes long.", nameof(updateKey));
        var world = new World
        {
            Type = type,
            Id = id,
            Timestamp = timestamp,
            UpdateKey = EquatableArray.Create(updateKey),
            Signature = default,
            Roots = roots,
        };
        var writer = new ByteWriter(new byte[MaxLength + 16]);
        if (!world.TryWriteSigned(ref writer))
            throw new ArgumentException($"A world has at most {MaxRoots} roots, and a root at most {MaxEndpoints} endpoints.", nameof(roots));
        return world with { Signature = EquatableArray.Create<byte>(signer.Sign(writer.Written)) };
    }

    /// <summary>Reads a world; the signature is not checked. Endpoints that are not IP endpoints are ignored.</summary>
    public static bool TryRead(ref ByteReader reader, [NotNullWhen(true)] out World? world)
    {
        world = null;
        var type = (WorldType)reader.ReadByte();
        if (type is not (WorldType.Planet or WorldType.Moon))
            reader.Fail();
        var id = reader.ReadUInt64();
        var timestamp = reader.ReadInt64();
        var updateKey = reader.ReadBytes(WorldKey.PublicKeySize);
        var signature = reader.ReadBytes(WorldKey.SignatureSize);
        var roots = ReadRoots(ref reader);
        // A moon may contain a dictionary; none has been defined.
        if (type == WorldType.Moon)
            reader.Skip(reader.ReadUInt16());
        if (reader.Failed)
            return false;
        world = new World
        {
            Type = type,
            Id = id,
            Timestamp = timestamp,
            UpdateKey = EquatableArray.Create(updateKey),
            Signature = EquatableArray.Create(signature),
            Roots = roots,
        };
        return true;
    }

    /// <summary>Reads a world that takes up all of <paramref name="source"/>, as in a file.</summary>
    public static bool TryParse(ReadOnlySpan<byte> source, [NotNullWhen(true)] out World? world)
    {
        var reader = new ByteReader(source);
        return TryRead(ref reader, out world) && reader.IsAtEnd;
    }

    /// <summary>Writes the form of files and packets. Fails if the world has more roots or endpoints than allowed.</summary>
    public void Write(ref ByteWriter writer)
    {
        WriteHead(ref writer);
        if (Signature.Count != WorldKey.SignatureSize)
            writer.Fail();
        writer.WriteBytes(Signature);
        WriteTail(ref writer);
    }

    /// <summary>Returns the form of files and packets.</summary>
    /// <exception cref="InvalidOperationException">The world is not signed, or has more roots or endpoints than allowed.</exception>
    public byte[] ToArray()
    {
        var writer = new ByteWriter(new byte[MaxLength]);
        Write(ref writer);
        return writer.Failed
            ? throw new InvalidOperationException($"A world must be signed, with at most {MaxRoots} roots and at most {MaxEndpoints} endpoints for each root.")
            : writer.Written.ToArray();
    }

    /// <summary>Whether the world is signed with the secret key of <paramref name="publicKey"/>, 64 bytes.</summary>
    public bool IsSignedBy(ReadOnlySpan<byte> publicKey)
    {
        var writer = new ByteWriter(new byte[MaxLength + 16]);
        return TryWriteSigned(ref writer) && WorldKey.Verify(publicKey, writer.Written, Signature);
    }

    /// <summary>
    /// Whether <paramref name="update"/> is a newer edition of this world, signed with this edition's update key.
    /// </summary>
    public bool ShouldBeReplacedBy(World update)
    {
        ArgumentNullException.ThrowIfNull(update);
        return update.Id == Id && update.Type == Type && update.Timestamp > Timestamp && update.IsSignedBy(UpdateKey);
    }

    private static EquatableArray<WorldRoot> ReadRoots(ref ByteReader reader)
    {
        var count = reader.ReadByte();
        if (count > MaxRoots)
            reader.Fail();
        var roots = new List<WorldRoot>(MaxRoots);
        while (!reader.Failed && roots.Count < count)
        {
            var identity = reader.ReadIdentity();
            var endpointCount = reader.ReadByte();
            if (identity is null || endpointCount > MaxEndpoints)
            {
                reader.Fail();
                break;
            }

            var endpoints = new List<InetEndpoint>();
            for (var i = 0; i < endpointCount && !reader.Failed; i++)
            {
                if (reader.ReadEndpoint() is { IsNone: false } endpoint)
                    endpoints.Add(endpoint);
            }

            roots.Add(new WorldRoot(identity, endpoints.ToEquatableArray()));
        }

        return roots.ToEquatableArray();
    }

    private bool TryWriteSigned(ref ByteWriter writer)
    {
        writer.WriteUInt64(SigningMarkBefore);
        WriteHead(ref writer);
        WriteTail(ref writer);
        writer.WriteUInt64(SigningMarkAfter);
        return !writer.Failed;
    }

    private void WriteHead(ref ByteWriter writer)
    {
        writer.WriteByte((byte)Type);
        writer.WriteUInt64(Id);
        writer.WriteInt64(Timestamp);
        writer.WriteBytes(UpdateKey);
    }

    private void WriteTail(ref ByteWriter writer)
    {
        if (Roots.Count > MaxRoots)
            writer.Fail();
        writer.WriteByte((byte)Roots.Count);
        foreach (ref readonly var root in Roots)
        {
            if (root.Endpoints.Count > MaxEndpoints)
                writer.Fail();
            writer.WriteIdentity(root.Identity);
            writer.WriteByte((byte)root.Endpoints.Count);
            foreach (ref readonly var endpoint in root.Endpoints)
                writer.WriteEndpoint(endpoint);
        }

        if (Type == WorldType.Moon)
            writer.WriteUInt16(0);
    }
}
