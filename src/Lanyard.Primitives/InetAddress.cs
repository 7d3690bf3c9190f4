using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Lanyard.Primitives;

/// <summary>The address family of an <see cref="InetAddress"/>.</summary>
public enum InetFamily : byte
{
    /// <summary>No address.</summary>
    None = 0,

    /// <summary>IPv4: 4 bytes.</summary>
    IPv4 = 4,

    /// <summary>IPv6: 16 bytes.</summary>
    IPv6 = 6,
}

/// <summary>
/// An IPv4 or IPv6 address as a value of three words: it costs no allocation to pass, compare or hash. <see langword="default"/> is "no address".
/// </summary>
public readonly struct InetAddress : IEquatable<InetAddress>, IComparable<InetAddress>
{
    // IPv4 is kept in the low 32 bits of _low; IPv6 as two big-endian halves.
    private readonly ulong _high;
    private readonly ulong _low;

    private InetAddress(InetFamily family, ulong high, ulong low)
    {
        Family = family;
        _high = high;
        _low = low;
    }

    /// <summary>The family; <see cref="InetFamily.None"/> for the default value.</summary>
    public InetFamily Family { get; }

    /// <summary>0.0.0.0</summary>
    public static InetAddress AnyV4 => FromV4(0);

    /// <summary>::</summary>
    public static InetAddress AnyV6 => FromV6(0, 0);

    /// <summary>255.255.255.255</summary>
    public static InetAddress BroadcastV4 => FromV4(0xffffffff);

    /// <summary>Whether this is an IPv4 address.</summary>
    public bool IsV4 => Family == InetFamily.IPv4;

    /// <summary>Whether this is an IPv6 address.</summary>
    public bool IsV6 => Family == InetFamily.IPv6;

    /// <summary>Whether this is 0.0.0.0 or ::.</summary>
    public bool IsUnspecified => Family != InetFamily.None && (_high | _low) == 0;

    /// <summary>Whether this is 127.0.0.0/8 or ::1.</summary>
    public bool IsLoopback => IsV4 ? _low >> 24 == 127 : IsV6 && _high == 0 && _low == 1;

    /// <summary>Whether this is 224.0.0.0/4 or ff00::/8.</summary>
    public bool IsMulticast => IsV4 ? _low >> 28 == 0xe : IsV6 && _high >> 56 == 0xff;

    /// <summary>Whether this is 169.254.0.0/16 or fe80::/10.</summary>
    public bool IsLinkLocal => IsV4 ? _low >> 16 == 0xa9fe : IsV6 && _high >> 54 == 0xfe80 >> 6;

    /// <summary>The length in bytes: 0, 4 or 16.</summary>
    public int Length => IsV4 ? 4 : IsV6 ? 16 : 0;

    /// <summary>The length in bits: 0, 32 or 128.</summary>
    public int Bits => Length * 8;

    /// <summary>The IPv4 address as a number in host order; 0 for other families.</summary>
    public uint V4 => IsV4 ? (uint)_low : 0;

    /// <summary>The first eight bytes of an IPv6 address as a number; 0 for other families.</summary>
    public ulong V6High => _high;

    /// <summary>The last eight bytes of an IPv6 address as a number; 0 for other families.</summary>
    public ulong V6Low => IsV6 ? _low : 0;

    /// <summary>An IPv4 address from a number in host order: 0x7f000001 is 127.0.0.1.</summary>
    public static InetAddress FromV4(uint address) => new(InetFamily.IPv4, 0, address);

    /// <summary>An IPv6 address from its first and last eight bytes as numbers.</summary>
    public static InetAddress FromV6(ulong high, ulong low) => new(InetFamily.IPv6, high, low);

    /// <summary>An address from 4 or 16 bytes in network order.</summary>
    /// <exception cref="ArgumentException"><paramref name="bytes"/> is neither 4 nor 16 bytes long.</exception>
    public static InetAddress FromBytes(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        4 => FromV4(BinaryPrimitives.ReadUInt32BigEndian(bytes)),
        16 => FromV6(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..])),
        _ => throw new ArgumentException("An IP address is 4 or 16 bytes long.", nameof(bytes)),
    };

    /// <summary>From the framework's type. An IPv4-mapped IPv6 address becomes the IPv4 address; a scope is dropped.</summary>
    public static InetAddress FromIPAddress(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        return FromBytes(bytes[..length]);
    }

    /// <summary>The IPv4 address of an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2); this address where it is none.</summary>
    public InetAddress Unmapped => IsV6 && V6High == 0 && V6Low >> 32 == 0xffff ? FromV4((uint)V6Low) : this;

    /// <summary>To the framework's type.</summary>
    /// <exception cref="InvalidOperationException">This is the default value, which is no address.</exception>
    public IPAddress ToIPAddress()
    {
        if (Family == InetFamily.None)
            throw new InvalidOperationException("The default InetAddress is no address.");
        Span<byte> bytes = stackalloc byte[16];
        return new IPAddress(bytes[..Write(bytes)]);
    }

    /// <summary>Writes the 0, 4 or 16 bytes in network order and returns how many.</summary>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is too short.</exception>
    public int Write(Span<byte> destination)
    {
        if (destination.Length < Length)
            throw new ArgumentException($"The address needs {Length} bytes.", nameof(destination));
        if (IsV4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)_low);
        }
        else if (IsV6)
        {
            BinaryPrimitives.WriteUInt64BigEndian(destination, _high);
            BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _low);
        }

        return Length;
    }

    /// <summary>
    /// The prefix that one party is taken to hold where strangers are limited by their source: the first 24 bits of an IPv4 address, 48 of an IPv6 address.
    /// </summary>
    public InetAddress SourcePrefix => Mask(IsV4 ? 24 : 48);

    /// <summary>The address with all bits after the first <paramref name="bits"/> cleared.</summary>
    public InetAddress Mask(int bits)
    {
        bits = Math.Clamp(bits, 0, Bits);
        if (IsV4)
            return FromV4((uint)_low & PrefixMask32(bits));
        return IsV6 ? FromV6(_high & PrefixMask64(Math.Min(bits, 64)), _low & PrefixMask64(Math.Max(bits - 64, 0))) : this;
    }

    /// <summary>The address with all bits after the first <paramref name="bits"/> set: of an IPv4 network, its broadcast address.</summary>
    public InetAddress LastOf(int bits)
    {
        bits = Math.Clamp(bits, 0, Bits);
        if (IsV4)
            return FromV4((uint)_low | ~PrefixMask32(bits));
        return IsV6 ? FromV6(_high | ~PrefixMask64(Math.Min(bits, 64)), _low | ~PrefixMask64(Math.Max(bits - 64, 0))) : this;
    }

    /// <summary>Returns the number of leading bits that two addresses share; 0 for different families.</summary>
    public int CommonPrefixLength(InetAddress other)
    {
        if (Family != other.Family)
            return 0;
        for (var bits = Bits; bits > 0; bits--)
        {
            if (Mask(bits) == other.Mask(bits))
                return bits;
        }

        return 0;
    }

    /// <summary>Parses the usual text forms of IPv4 and IPv6 addresses, without port, prefix length or scope.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out InetAddress address)
    {
        address = default;
        if (text is null || text.Contains('%', StringComparison.Ordinal) || text.Contains('[', StringComparison.Ordinal)
            || !IPAddress.TryParse(text, out var parsed))
            return false;
        // The framework takes "1" and "0x7f.1" for IPv4 addresses; four decimal parts are what people mean.
        if (parsed.AddressFamily == AddressFamily.InterNetwork && parsed.ToString() != text)
            return false;
        Span<byte> bytes = stackalloc byte[16];
        parsed.TryWriteBytes(bytes, out var length);
        address = FromBytes(bytes[..length]);
        return true;
    }

    /// <summary>As <see cref="TryParse"/>, throwing where the text is not an address.</summary>
    /// <exception cref="FormatException">The text is not an IP address.</exception>
    public static InetAddress Parse(string text) =>
        TryParse(text, out var address) ? address : throw new FormatException($"'{text}' is not an IP address.");

    /// <inheritdoc/>
    public bool Equals(InetAddress other) => Family == other.Family && _high == other._high && _low == other._low;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is InetAddress other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine((byte)Family, _high, _low);

    /// <summary>Orders by family, then numerically.</summary>
    public int CompareTo(InetAddress other)
    {
        var order = Family.CompareTo(other.Family);
        if (order == 0)
            order = _high.CompareTo(other._high);
        return order == 0 ? _low.CompareTo(other._low) : order;
    }

    /// <summary>The usual text form (RFC 5952 for IPv6); empty for the default value.</summary>
    public override string ToString() => Family == InetFamily.None ? "" : ToIPAddress().ToString();

    /// <summary>Whether the addresses are the same.</summary>
    public static bool operator ==(InetAddress left, InetAddress right) => left.Equals(right);

    /// <summary>Whether the addresses differ.</summary>
    public static bool operator !=(InetAddress left, InetAddress right) => !left.Equals(right);

    private static uint PrefixMask32(int bits) => bits == 0 ? 0 : uint.MaxValue << (32 - bits);

    private static ulong PrefixMask64(int bits) => bits == 0 ? 0 : ulong.MaxValue << (64 - bits);
}
