using Lanyard.Primitives;

namespace Lanyard.Wire.Verbs;

/// <summary>The purpose of a pushed path.</summary>
[Flags]
public enum DirectPathFlags : byte
{
    /// <summary>The sender may be reachable at the endpoint.</summary>
    None = 0,

    /// <summary>The sender is no longer reachable at the endpoint.</summary>
    Forget = 0x01,

    /// <summary>The sender is a cluster and prefers the endpoint to other paths.</summary>
    ClusterRedirect = 0x02,
}

/// <summary>An endpoint at which the sender may be reachable.</summary>
/// <param name="Endpoint">The endpoint; the default value for an address of an unknown kind.</param>
/// <param name="Flags">The purpose.</param>
public readonly record struct DirectPath(InetEndpoint Endpoint, DirectPathFlags Flags = DirectPathFlags.None);

/// <summary>Announces the sender's endpoints: <see cref="Verb.PushDirectPaths"/>. No answer.</summary>
/// <remarks>
/// Layout: 2 bytes count; for each 1 byte flags, 2 length of extension, extension, 1 type (4 or 6), 1 length, address and 2 bytes port.
/// Paths: <c>foreach (var path in message)</c>.
/// </remarks>
public readonly ref struct PushDirectPathsMessage
{
    private const byte TypeV4 = 4;
    private const byte TypeV6 = 6;
    private readonly ReadOnlySpan<byte> _items;

    private PushDirectPathsMessage(ReadOnlySpan<byte> items, int count, bool isPlain, ReadOnlySpan<byte> trailing)
    {
        _items = items;
        Count = count;
        IsPlain = isPlain;
        Trailing = trailing;
    }

    /// <summary>The number of paths.</summary>
    public int Count { get; }

    /// <summary>Whether all paths are IPv4 or IPv6 endpoints without extensions, so that the whole message is known.</summary>
    public bool IsPlain { get; }

    /// <summary>Bytes after the known fields, from a future version. Not written.</summary>
    public ReadOnlySpan<byte> Trailing { get; }

    /// <summary>Reads the payload of a packet.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out PushDirectPathsMessage message)
    {
        message = default;
        var reader = new ByteReader(payload);
        int count = reader.ReadUInt16();
        var isPlain = true;
        for (var i = 0; i < count && !reader.Failed; i++)
        {
            ReadOne(ref reader, out var isKnown);
            isPlain &= isKnown;
        }

        if (reader.Failed)
            return false;
        message = new PushDirectPathsMessage(reader.Since(sizeof(ushort)), count, isPlain, reader.ReadRest());
        return true;
    }

    /// <summary>Writes the payload of a packet.</summary>
    public static void Write(ref ByteWriter writer, scoped ReadOnlySpan<DirectPath> paths)
    {
        if (paths.Length > ushort.MaxValue)
            writer.Fail();
        writer.WriteUInt16((ushort)paths.Length);
        foreach (var path in paths)
        {
            var address = path.Endpoint.Address;
            writer.WriteByte((byte)path.Flags);
            writer.WriteUInt16(0);
            writer.WriteByte(address.IsV4 ? TypeV4 : TypeV6);
            writer.WriteByte((byte)(address.Length + sizeof(ushort)));
            var room = writer.Reserve(address.Length);
            if (!writer.Failed)
                address.Write(room);
            writer.WriteUInt16(path.Endpoint.Port);
        }
    }

    /// <summary>Returns an enumerator of the paths.</summary>
    public Enumerator GetEnumerator() => new(_items);

    private static DirectPath ReadOne(scoped ref ByteReader reader, out bool isKnown)
    {
        var flags = (DirectPathFlags)reader.ReadByte();
        int extension = reader.ReadUInt16();
        reader.Skip(extension);
        var type = reader.ReadByte();
        var body = reader.ReadBytes(reader.ReadByte());
        var addressLength = type switch { TypeV4 => 4, TypeV6 => 16, _ => 0 };
        isKnown = extension == 0 && addressLength > 0 && body.Length == addressLength + sizeof(ushort);
        if (addressLength == 0 || body.Length < addressLength + sizeof(ushort))
            return new DirectPath(default, flags);
        var endpoint = new ByteReader(body);
        return new DirectPath(new InetEndpoint(InetAddress.FromBytes(endpoint.ReadBytes(addressLength)), endpoint.ReadUInt16()), flags);
    }

    /// <summary>Enumerates the paths.</summary>
    public ref struct Enumerator
    {
        private ByteReader _reader;

        internal Enumerator(ReadOnlySpan<byte> items) => _reader = new ByteReader(items);

        /// <summary>The current path.</summary>
        public DirectPath Current { get; private set; }

        /// <summary>Advances to the next path.</summary>
        public bool MoveNext()
        {
            if (_reader.Remaining == 0)
                return false;
            Current = ReadOne(ref _reader, out _);
            return !_reader.Failed;
        }
    }
}
