namespace Lanyard.Wire.Verbs;

/// <summary>A world and its edition, as in the list of worlds in HELLO.</summary>
/// <param name="Type">The type of world.</param>
/// <param name="Id">The world's ID.</param>
/// <param name="Timestamp">The world's timestamp; 0 for a moon that the sender requests.</param>
public readonly record struct WorldStamp(WorldType Type, ulong Id, long Timestamp)
{
    internal const int PlanetBytes = 16;
    internal const int MoonBytes = 17;

    internal static WorldStamp ReadPlanet(scoped ref ByteReader reader) => new(WorldType.Planet, reader.ReadUInt64(), reader.ReadInt64());
}

/// <summary>The moons that a node has or requests: the encrypted end of a HELLO.</summary>
/// <remarks>Layout: 2 bytes count; for each 1 byte type, 8 ID, 8 timestamp.</remarks>
public readonly ref struct MoonStampList
{
    private readonly ReadOnlySpan<byte> _items;

    private MoonStampList(ReadOnlySpan<byte> items, ReadOnlySpan<byte> trailing)
    {
        _items = items;
        Trailing = trailing;
    }

    /// <summary>The number of moons.</summary>
    public int Count => _items.Length / WorldStamp.MoonBytes;

    /// <summary>Bytes after the known fields, from a future version.</summary>
    public ReadOnlySpan<byte> Trailing { get; }

    /// <summary>Returns a moon of the list.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="index"/> is not less than <see cref="Count"/>.</exception>
    public WorldStamp this[int index]
    {
        get
        {
            var reader = new ByteReader(_items.Slice(index * WorldStamp.MoonBytes, WorldStamp.MoonBytes));
            return new WorldStamp((WorldType)reader.ReadByte(), reader.ReadUInt64(), reader.ReadInt64());
        }
    }

    /// <summary>Reads the end of a HELLO, decrypted. An empty end is an empty list.</summary>
    public static bool TryParse(ReadOnlySpan<byte> tail, out MoonStampList list)
    {
        list = default;
        if (tail.IsEmpty)
            return true;
        var reader = new ByteReader(tail);
        var items = reader.ReadBytes(reader.ReadUInt16() * WorldStamp.MoonBytes);
        var trailing = reader.ReadRest();
        if (reader.Failed)
            return false;
        list = new MoonStampList(items, trailing);
        return true;
    }

    /// <summary>Writes the end of a HELLO, to be encrypted.</summary>
    public static void Write(ref ByteWriter writer, scoped ReadOnlySpan<WorldStamp> moons)
    {
        if (moons.Length > ushort.MaxValue)
            writer.Fail();
        writer.WriteUInt16((ushort)moons.Length);
        foreach (var moon in moons)
        {
            writer.WriteByte((byte)moon.Type);
            writer.WriteUInt64(moon.Id);
            writer.WriteInt64(moon.Timestamp);
        }
    }
}
