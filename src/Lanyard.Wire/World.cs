using System.Diagnostics.CodeAnalysis;
using Lanyard.Primitives;

namespace Lanyard.Wire;

/// <summary>Kinds of <see cref="World"/>.</summary>
public enum WorldType : byte
{
    /// <summary>The set of roots that all nodes know from the start.</summary>
    Planet = 1,

    /// <summary>A set of further roots that a node may choose.</summary>
    Moon = 127,
}

/// <summary>A root of a <see cref="World"/>.</summary>
/// <param name="Identity">The node.</param>
/// <param name="Endpoints">Where it is to be reached: at most <see cref="World.MaxEndpoints"/>.</param>
public sealed record WorldRoot(Identity Identity, EquatableArray<InetEndpoint> Endpoints);

/// <summary>
/// A set of roots, signed, with the key that the next edition of it must be signed with. Nodes keep one as their <c>planet</c> file and others
/// in <c>moons.d</c>, and give each other newer editions in HELLO.
/// </summary>
public sealed record World
{
    /// <summary>How many roots a world has at most.</summary>
    public const int MaxRoots = 4;

    /// <summary>How many endpoints a root has at most.</summary>
    public const int MaxEndpoints = 32;

    /// <summary>The greatest length of a serialized world in bytes.</summary>
    public const int MaxLength = 1 + 8 + 8 + WorldKey.PublicKeySize + WorldKey.SignatureSize + 1
        + (MaxRoots * (Identity.BinarySize + 1 + (MaxEndpoints * 19))) + 2;

    private const ulong SigningMarkBefore = 0x7f7f_7f7f_7f7f_7f7f;
    private const ulong SigningMarkAfter = 0xf7f7_f7f7_f7f7_f7f7;

    /// <summary>The kind.</summary>
    public required WorldType Type { get; init; }

    /// <summary>The world's number: of a moon, the address of the root that began it; of a planet, a number of its own.</summary>
    public required ulong Id { get; init; }

    /// <summary>The edition: when it was made, in milliseconds since 1970.</summary>
    public required long Timestamp { get; init; }

    /// <summary>The public keys, 64 bytes, that the next edition must be signed with.</summary>
    public required EquatableArray<byte> UpdateKey { get; init; }

    /// <summary>The signature: 96 bytes. Zeros in a planet file that a node is given to start with, which it takes unsigned.</summary>
    public required EquatableArray<byte> Signature { get; init; }

    /// <summary>The roots: at most <see cref="MaxRoots"/>.</summary>
    public required EquatableArray<WorldRoot> Roots { get; init; }

    /// <summary>Makes a world and signs it.</summary>
    /// <param name="type">The kind.</param>
    /// <param name="id">The world's number.</param>
    /// <param name="timestamp">The edition, in milliseconds since 1970: greater than that of the one before.</param>
    /// <param name="updateKey">The public keys, 64 bytes, that the next edition must be signed with.</param>
    /// <param name="roots">The roots.</param>
    /// <param name="signer">The keys to sign with: those that the edition before asks for.</param>
    /// <exception cref="ArgumentException">The update key has not 64 bytes, or there are too many roots or endpoints.</exception>
    public static World Create(
        WorldType type, ulong id, long timestamp, ReadOnlySpan<byte> updateKey, EquatableArray<WorldRoot> roots, WorldKey signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        if (updateKey.Length != WorldKey.PublicKeySize)
            throw new ArgumentException($"The update key is {WorldKey.PublicKeySize} bytes long.", nameof(updateKey));
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
            throw new ArgumentException($"A world has at most {MaxRoots} roots and a root at most {MaxEndpoints} endpoints.", nameof(roots));
        return world with { Signature = EquatableArray.Create<byte>(signer.Sign(writer.Written)) };
    }

    /// <summary>Reads a world; the signature is not checked. Endpoints that are no IP endpoints are left out.</summary>
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
        // A moon may have a dictionary attached; none has been defined.
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

    /// <summary>Reads a world that is all of <paramref name="source"/>, as in a file.</summary>
    public static bool TryParse(ReadOnlySpan<byte> source, [NotNullWhen(true)] out World? world)
    {
        var reader = new ByteReader(source);
        return TryRead(ref reader, out world) && reader.IsAtEnd;
    }

    /// <summary>Writes the form that files and packets have. Fails where the world has more roots or endpoints than allowed.</summary>
    public void Write(ref ByteWriter writer)
    {
        WriteHead(ref writer);
        if (Signature.Count != WorldKey.SignatureSize)
            writer.Fail();
        writer.WriteBytes(Signature);
        WriteTail(ref writer);
    }

    /// <summary>The form that files and packets have.</summary>
    /// <exception cref="InvalidOperationException">The world is not signed, or has more roots or endpoints than allowed.</exception>
    public byte[] ToArray()
    {
        var writer = new ByteWriter(new byte[MaxLength]);
        Write(ref writer);
        return writer.Failed
            ? throw new InvalidOperationException($"A world is signed, has at most {MaxRoots} roots and a root at most {MaxEndpoints} endpoints.")
            : writer.Written.ToArray();
    }

    /// <summary>Whether this was signed with the secret of <paramref name="publicKey"/>, 64 bytes.</summary>
    public bool IsSignedBy(ReadOnlySpan<byte> publicKey)
    {
        var writer = new ByteWriter(new byte[MaxLength + 16]);
        return TryWriteSigned(ref writer) && WorldKey.Verify(publicKey, writer.Written, Signature);
    }

    /// <summary>
    /// Whether <paramref name="update"/> is a newer edition of this world, signed with the key that this edition asks for.
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
