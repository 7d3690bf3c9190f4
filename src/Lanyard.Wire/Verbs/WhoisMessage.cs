namespace Lanyard.Wire.Verbs;

/// <summary>Node addresses one after the other, read in place.</summary>
public readonly ref struct NodeAddressList
{
    private readonly ReadOnlySpan<byte> _items;

    internal NodeAddressList(ReadOnlySpan<byte> items) => _items = items;

    /// <summary>How many there are.</summary>
    public int Count => _items.Length / NodeAddress.Size;

    /// <summary>One of them.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="index"/> is not less than <see cref="Count"/>.</exception>
    public NodeAddress this[int index] => NodeAddress.Read(_items.Slice(index * NodeAddress.Size, NodeAddress.Size));

    internal static void Write(ref ByteWriter writer, scoped ReadOnlySpan<NodeAddress> addresses)
    {
        foreach (var address in addresses)
            writer.WriteNodeAddress(address);
    }
}

/// <summary>Asks for the identities of nodes: <see cref="Verb.Whois"/>.</summary>
/// <remarks>Layout: 5 bytes address, as many as fit.</remarks>
public readonly ref struct WhoisMessage
{
    /// <summary>Whose identities are wanted.</summary>
    public NodeAddressList Addresses { get; private init; }

    /// <summary>Bytes behind the last whole address.</summary>
    public ReadOnlySpan<byte> Trailing { get; private init; }

    /// <summary>Reads the payload of a packet: at least one address.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out WhoisMessage message)
    {
        var length = payload.Length - (payload.Length % NodeAddress.Size);
        message = new WhoisMessage { Addresses = new NodeAddressList(payload[..length]), Trailing = payload[length..] };
        return length > 0;
    }

    /// <summary>Writes the payload of a packet.</summary>
    public static void Write(ref ByteWriter writer, scoped ReadOnlySpan<NodeAddress> addresses) => NodeAddressList.Write(ref writer, addresses);
}

/// <summary>The answer to WHOIS: the identities that are known, which may be fewer than were asked for.</summary>
/// <remarks>Layout: identities one after the other, as <see cref="Identity.Write"/> writes them.</remarks>
public readonly ref struct OkWhoisMessage
{
    /// <summary>The identities.</summary>
    public IdentityList Identities { get; private init; }

    /// <summary>Reads the payload of an OK: at least one identity.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out OkWhoisMessage message)
    {
        message = default;
        var reader = new ByteReader(payload);
        do
        {
            IdentityList.ReadOne(ref reader);
        }
        while (reader.Remaining > 0);
        if (reader.Failed)
            return false;
        message = new OkWhoisMessage { Identities = new IdentityList(payload) };
        return true;
    }
}

/// <summary>
/// Serialized identities one after the other, each as a span for <see cref="Identity.TryRead"/>: <c>foreach (var identity in list)</c>. Nothing
/// but their lengths is looked at.
/// </summary>
public readonly ref struct IdentityList
{
    private const int AddressAndTypeBytes = NodeAddress.Size + 1;
    private readonly ReadOnlySpan<byte> _items;

    internal IdentityList(ReadOnlySpan<byte> items) => _items = items;

    /// <summary>The identities.</summary>
    public Enumerator GetEnumerator() => new(_items);

    // 5 bytes address, 1 type (0), 64 public keys, 1 length of private keys and so many bytes, which never travel.
    internal static ReadOnlySpan<byte> ReadOne(scoped ref ByteReader reader)
    {
        var start = reader.Position;
        var head = reader.ReadBytes(AddressAndTypeBytes);
        if (!head.IsEmpty && head[^1] != 0)
            reader.Fail();
        reader.Skip(Identity.PublicKeySize);
        reader.Skip(reader.ReadByte());
        return reader.Since(start);
    }

    /// <summary>Walks over the identities.</summary>
    public ref struct Enumerator
    {
        private ByteReader _reader;

        internal Enumerator(ReadOnlySpan<byte> items) => _reader = new ByteReader(items);

        /// <summary>The identity, serialized.</summary>
        public ReadOnlySpan<byte> Current { get; private set; }

        /// <summary>Goes to the next identity.</summary>
        public bool MoveNext()
        {
            if (_reader.Remaining == 0)
                return false;
            Current = ReadOne(ref _reader);
            return !_reader.Failed;
        }
    }
}
