namespace Lanyard.Wire.Verbs;

/// <summary>Reports to a node that observes the network: <see cref="Verb.RemoteTrace"/>. No answer.</summary>
/// <remarks>Layout: dictionaries, each ended by a zero byte. Dictionaries: <c>foreach (var dictionary in message)</c>.</remarks>
public readonly ref struct RemoteTraceMessage
{
    private readonly ReadOnlySpan<byte> _items;

    private RemoteTraceMessage(ReadOnlySpan<byte> items) => _items = items;

    /// <summary>Reads the payload of a packet. Returns false if the last dictionary is not terminated.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out RemoteTraceMessage message)
    {
        message = new RemoteTraceMessage(payload);
        return payload.IsEmpty || payload[^1] == 0;
    }

    /// <summary>Appends one dictionary to the payload of a packet, which may contain several.</summary>
    public static void Write(ref ByteWriter writer, scoped ReadOnlySpan<byte> dictionary)
    {
        writer.WriteBytes(dictionary);
        writer.WriteByte(0);
    }

    /// <summary>The dictionaries, without the zero bytes.</summary>
    public Enumerator GetEnumerator() => new(_items);

    /// <summary>Enumerates the dictionaries.</summary>
    public ref struct Enumerator
    {
        private ReadOnlySpan<byte> _rest;

        internal Enumerator(ReadOnlySpan<byte> items) => _rest = items;

        /// <summary>The current dictionary.</summary>
        public ReadOnlySpan<byte> Current { get; private set; }

        /// <summary>Advances to the next dictionary.</summary>
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
