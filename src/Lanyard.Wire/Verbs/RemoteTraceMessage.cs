namespace Lanyard.Wire.Verbs;

/// <summary>Reports for an observer that a network names: <see cref="Verb.RemoteTrace"/>. No answer.</summary>
/// <remarks>Layout: dictionaries, each ended by a zero byte. Dictionaries: <c>foreach (var dictionary in message)</c>.</remarks>
public readonly ref struct RemoteTraceMessage
{
    private readonly ReadOnlySpan<byte> _items;

    private RemoteTraceMessage(ReadOnlySpan<byte> items) => _items = items;

    /// <summary>Reads the payload of a packet; false where the last dictionary has no end.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out RemoteTraceMessage message)
    {
        message = new RemoteTraceMessage(payload);
        return payload.IsEmpty || payload[^1] == 0;
    }

    /// <summary>Writes one dictionary to the payload of a packet; there may be several.</summary>
    public static void Write(ref ByteWriter writer, scoped ReadOnlySpan<byte> dictionary)
    {
        writer.WriteBytes(dictionary);
        writer.WriteByte(0);
    }

    /// <summary>The dictionaries, without the zero bytes.</summary>
    public Enumerator GetEnumerator() => new(_items);

    /// <summary>Walks over the dictionaries.</summary>
    public ref struct Enumerator
    {
        private ReadOnlySpan<byte> _rest;

        internal Enumerator(ReadOnlySpan<byte> items) => _rest = items;

        /// <summary>The dictionary.</summary>
        public ReadOnlySpan<byte> Current { get; private set; }

        /// <summary>Goes to the next dictionary.</summary>
        public bool MoveNext()
        {
            var end = _rest.IndexOf((byte)0);
            if (end < 0)
                return false;
            Current = _rest[..end];
            _rest = _rest[(end + 1)..];
            return true;
        }
    }
}
