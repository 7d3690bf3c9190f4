using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.Wire;

/// <summary>
/// Writes big-endian fields into a span of fixed length. A field that does not fit sets <see cref="Failed"/>, and later writes have no
/// effect. So a writer writes its fields one after another and checks for failure once, at the end.
/// </summary>
public ref struct ByteWriter
{
    private readonly Span<byte> _destination;
    private int _position;
    private bool _failed;

    /// <summary>Creates a writer at the first byte of <paramref name="destination"/>.</summary>
    public ByteWriter(Span<byte> destination) => _destination = destination;

    /// <summary>Whether a field did not fit.</summary>
    public readonly bool Failed => _failed;

    /// <summary>The number of bytes written.</summary>
    public readonly int Position => _position;

    /// <summary>The number of bytes that still fit; 0 once the writer has failed.</summary>
    public readonly int Remaining => _failed ? 0 : _destination.Length - _position;

    /// <summary>The bytes written so far.</summary>
    public readonly Span<byte> Written => _destination[.._position];

    /// <summary>Marks the output as incomplete, because the format cannot represent a value.</summary>
    public void Fail() => _failed = true;

    /// <summary>Reserves <paramref name="count"/> bytes and returns them, with undefined content; empty if they do not fit.</summary>
    public Span<byte> Reserve(int count)
    {
        if (_failed || (uint)count > (uint)(_destination.Length - _position))
        {
            _failed = true;
            return default;
        }

        var room = _destination.Slice(_position, count);
        _position += count;
        return room;
    }

    /// <summary>Writes <paramref name="count"/> zero bytes.</summary>
    public void WriteZeros(int count) => Reserve(count).Clear();

    /// <summary>Writes bytes unchanged.</summary>
    public void WriteBytes(scoped ReadOnlySpan<byte> bytes)
    {
        var room = Reserve(bytes.Length);
        if (room.Length == bytes.Length)
            bytes.CopyTo(room);
    }

    /// <summary>Writes one byte.</summary>
    public void WriteByte(byte value)
    {
        var room = Reserve(1);
        if (!room.IsEmpty)
            room[0] = value;
    }

    /// <summary>Writes a 16-bit number.</summary>
    public void WriteUInt16(ushort value)
    {
        var room = Reserve(2);
        if (!room.IsEmpty)
            BinaryPrimitives.WriteUInt16BigEndian(room, value);
    }

    /// <summary>Writes a 32-bit number.</summary>
    public void WriteUInt32(uint value)
    {
        var room = Reserve(4);
        if (!room.IsEmpty)
            BinaryPrimitives.WriteUInt32BigEndian(room, value);
    }

    /// <summary>Writes a 64-bit number.</summary>
    public void WriteUInt64(ulong value)
    {
        var room = Reserve(8);
        if (!room.IsEmpty)
            BinaryPrimitives.WriteUInt64BigEndian(room, value);
    }

    /// <summary>Writes a signed 64-bit number, such as a time in milliseconds.</summary>
    public void WriteInt64(long value) => WriteUInt64((ulong)value);

    /// <summary>Overwrites two bytes that were written before, for a length that is known only afterwards.</summary>
    /// <param name="position">An earlier <see cref="Position"/> with at least two bytes after it.</param>
    /// <param name="value">The number.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="position"/> is not followed by two written bytes.</exception>
    public readonly void PatchUInt16(int position, ushort value)
    {
        if (!_failed)
            BinaryPrimitives.WriteUInt16BigEndian(Written[position..], value);
    }

    /// <summary>Writes a node address: 5 bytes.</summary>
    public void WriteNodeAddress(NodeAddress address)
    {
        var room = Reserve(NodeAddress.Size);
        if (!room.IsEmpty)
            address.Write(room);
    }

    /// <summary>Writes a network ID: 8 bytes.</summary>
    public void WriteNetworkId(NetworkId id) => WriteUInt64(id.Value);

    /// <summary>Writes an Ethernet address: 6 bytes.</summary>
    public void WriteMacAddress(MacAddress address)
    {
        var room = Reserve(MacAddress.Size);
        if (!room.IsEmpty)
            address.Write(room);
    }

    /// <summary>Writes an identity in its binary form, without its secret keys.</summary>
    public void WriteIdentity(Identity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        var room = Reserve(Identity.BinarySize);
        if (!room.IsEmpty)
            identity.Write(room);
    }

    /// <summary>
    /// Writes an address with a port in the form that <see cref="ByteReader.ReadEndpoint()"/> reads; the default value is one zero byte.
    /// </summary>
    public void WriteEndpoint(InetEndpoint endpoint)
    {
        WriteByte((byte)endpoint.Address.Family);
        if (endpoint.IsNone)
            return;
        var room = Reserve(endpoint.Address.Length);
        if (!room.IsEmpty)
            endpoint.Address.Write(room);
        WriteUInt16(endpoint.Port);
    }

    /// <summary>Writes an address with a prefix length in the form that <see cref="ByteReader.ReadPrefix"/> reads.</summary>
    public void WritePrefix(InetPrefix prefix) => WriteEndpoint(new InetEndpoint(prefix.Address, prefix.Bits));
}
