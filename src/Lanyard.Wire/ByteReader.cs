using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.Wire;

/// <summary>
/// Reads big-endian fields from bytes that may be hostile. A read past the end, or an invalid field, sets <see cref="Failed"/>. Every later read returns a
/// default value and does not advance. So a parser reads its fields one after another and checks for failure once, at the end.
/// </summary>
public ref struct ByteReader
{
    private readonly ReadOnlySpan<byte> _source;
    private int _position;
    private bool _failed;

    /// <summary>Creates a reader at the first byte of <paramref name="source"/>.</summary>
    public ByteReader(ReadOnlySpan<byte> source) => _source = source;

    /// <summary>Whether a read went past the end or found a malformed field.</summary>
    public readonly bool Failed => _failed;

    /// <summary>The number of bytes read.</summary>
    public readonly int Position => _position;

    /// <summary>The number of remaining bytes; 0 once the reader has failed.</summary>
    public readonly int Remaining => _failed ? 0 : _source.Length - _position;

    /// <summary>Whether the reader has not failed and no bytes remain.</summary>
    public readonly bool IsAtEnd => !_failed && _position == _source.Length;

    /// <summary>
    /// Returns the bytes from <paramref name="start"/> to the position, such as the bytes that a signature covers. Empty after a failure.
    /// </summary>
    /// <param name="start">An earlier <see cref="Position"/>.</param>
    public readonly ReadOnlySpan<byte> Since(int start) => _failed ? default : _source[start.._position];

    /// <summary>Marks the input as malformed.</summary>
    public void Fail() => _failed = true;

    /// <summary>Reads <paramref name="count"/> bytes in place; empty if fewer remain.</summary>
    public ReadOnlySpan<byte> ReadBytes(int count)
    {
        if (_failed || (uint)count > (uint)(_source.Length - _position))
        {
            _failed = true;
            return default;
        }

        var bytes = _source.Slice(_position, count);
        _position += count;
        return bytes;
    }

    /// <summary>Reads all remaining bytes.</summary>
    public ReadOnlySpan<byte> ReadRest() => ReadBytes(Remaining);

    /// <summary>Skips <paramref name="count"/> bytes.</summary>
    public void Skip(int count) => ReadBytes(count);

    /// <summary>Reads one byte.</summary>
    public byte ReadByte()
    {
        if (_failed || _position >= _source.Length)
        {
            _failed = true;
            return 0;
        }

        return _source[_position++];
    }

    /// <summary>Reads a 16-bit number.</summary>
    public ushort ReadUInt16() => ReadBytes(2) is { Length: 2 } bytes ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : (ushort)0;

    /// <summary>Reads a 32-bit number.</summary>
    public uint ReadUInt32() => ReadBytes(4) is { Length: 4 } bytes ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : 0;

    /// <summary>Reads a 64-bit number.</summary>
    public ulong ReadUInt64() => ReadBytes(8) is { Length: 8 } bytes ? BinaryPrimitives.ReadUInt64BigEndian(bytes) : 0;

    /// <summary>Reads a signed 64-bit number, such as a time in milliseconds.</summary>
    public long ReadInt64() => (long)ReadUInt64();

    /// <summary>Reads a node address: 5 bytes.</summary>
    public NodeAddress ReadNodeAddress() => ReadBytes(NodeAddress.Size) is { Length: NodeAddress.Size } bytes ? NodeAddress.Read(bytes) : default;

    /// <summary>Reads a network ID: 8 bytes.</summary>
    public NetworkId ReadNetworkId() => new(ReadUInt64());

    /// <summary>Reads an Ethernet address: 6 bytes.</summary>
    public MacAddress ReadMacAddress() => ReadBytes(MacAddress.Size) is { Length: MacAddress.Size } bytes ? MacAddress.Read(bytes) : default;

    /// <summary>
    /// Reads an identity in its binary form; null if it is malformed. Does not check that the address belongs to the keys.
    /// </summary>
    public Identity? ReadIdentity()
    {
        if (_failed || !Identity.TryRead(_source[_position..], out var identity, out var length))
        {
            _failed = true;
            return null;
        }

        _position += length;
        return identity;
    }

    /// <summary>
    /// Reads an address with a port, in the form of HELLO and many other verbs: a type byte, then for IPv4 (4) and IPv6 (6) the address and a
    /// 16-bit port. Type 0 means none. Types 1 and 2 (six bytes) and 3 (a 16-bit length and that number of bytes) are reserved for other kinds
    /// of addresses; they are skipped and mean none too. Any other type is malformed.
    /// </summary>
    public InetEndpoint ReadEndpoint()
    {
        switch (ReadByte())
        {
            case 0:
                break;
            case 1:
            case 2:
                Skip(6);
                break;
            case 3:
                Skip(ReadUInt16());
                break;
            case 4:
                return ReadEndpoint(4);
            case 6:
                return ReadEndpoint(16);
            default:
                Fail();
                break;
        }

        return default;
    }

    /// <summary>
    /// Reads an address with a prefix length: the form of <see cref="ReadEndpoint()"/> with the prefix length in place of the port.
    /// A prefix longer than the address is malformed.
    /// </summary>
    public InetPrefix ReadPrefix()
    {
        var endpoint = ReadEndpoint();
        if (endpoint.IsNone)
            return default;
        if (endpoint.Port <= endpoint.Address.Bits)
            return new InetPrefix(endpoint.Address, (byte)endpoint.Port);
        Fail();
        return default;
    }

    private InetEndpoint ReadEndpoint(int addressLength)
    {
        var address = ReadBytes(addressLength);
        var port = ReadUInt16();
        return _failed ? default : new InetEndpoint(InetAddress.FromBytes(address), port);
    }
}
