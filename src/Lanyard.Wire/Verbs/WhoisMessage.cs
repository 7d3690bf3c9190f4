namespace Lanyard.Wire.Verbs;

/// <summary>A list of node addresses, read in place.</summary>
public readonly ref struct NodeAddressList
{
    private readonly ReadOnlySpan<byte> _items;

    internal NodeAddressList(ReadOnlySpan<byte> items) => _items = items;

    /// <summary>The number of addresses.</summary>
    public int Count => _items.Length / NodeAddress.Size;

    /// <summary>Returns an address.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="index"/> is not less than <see cref="Count"/>.</exception>
    public NodeAddress this[int index] => NodeAddress.Read(_items.Slice(index * NodeAddress.Size, NodeAddress.Size));

    internal static void Write(ref ByteWriter writer, scoped ReadOnlySpan<NodeAddress> addresses)
    {
        foreach (var address in addresses)
            writer.WriteNodeAddress(address);
    }
}

/// <summary>Requests the identities of nodes: <see cref="Verb.Whois"/>.</summary>
/// <remarks>Layout: 5 bytes address, as many as fit.</remarks>
public readonly ref struct WhoisMessage
{
    /// <summary>The addresses of the nodes.</summary>
    public NodeAddressList Addresses { get; private init; }

    /// <summary>The bytes after the last complete address.</summary>
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

/// <summary>The answer to WHOIS: the known identities, which may be fewer than requested.</summary>
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
/// A list of serialized identities, each as a span for <see cref="Identity.TryRead"/>: <c>foreach (var identity in list)</c>. Only
/// their lengths are checked.
/// </summary>
public readonly ref struct IdentityList
{
    private const int AddressAndTypeBytes = NodeAddress.Size + 1;
    private readonly ReadOnlySpan<byte> _items;

    internal IdentityList(ReadOnlySpan<byte> items) => _items = items;

    /// <summary>Returns an enumerator of the identities.</summary>
    public Enumerator GetEnumerator() => new(_items);

    // 5 bytes address, 1 type (0), 64 public keys, 1 length of secret keys and that number of bytes, which are never sent.
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

    /// <summary>Enumerates the identities.</summary>
    public ref struct Enumerator
    {
        private ByteReader _reader;

        internal Enumerator(ReadOnlySpan<byte> items) => _reader = new ByteReader(items);

        /// <summary>The current identity, serialized.</summary>
        public ReadOnlySpan<byte> Current { get; private set; }

        /// <summary>Advances to the next identity.</summary>
        public bool MoveNext()
        {
            if (_reader.Remaining == 0)
                return false;
            Current = ReadOne(ref _reader);
            return !_reader.Failed;
        }
    }
}
