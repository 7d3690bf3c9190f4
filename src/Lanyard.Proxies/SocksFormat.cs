using System.Buffers.Binary;
using System.Text;
using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>The result of parsing a message.</summary>
internal enum ParseStep
{
    /// <summary>The message is complete.</summary>
    Done,

    /// <summary>The message is valid so far, but incomplete.</summary>
    NeedMore,

    /// <summary>The message is invalid.</summary>
    Malformed,
}

/// <summary>The commands of SOCKS5 (RFC 1928 section 4).</summary>
internal enum SocksCommand : byte
{
    Connect = 1,
    Bind = 2,
    UdpAssociate = 3,
}

/// <summary>The replies of SOCKS5 (RFC 1928 section 6).</summary>
internal enum SocksReply : byte
{
    Succeeded = 0,
    GeneralFailure = 1,
    NotAllowed = 2,
    NetworkUnreachable = 3,
    HostUnreachable = 4,
    ConnectionRefused = 5,
    TimeToLiveExpired = 6,
    CommandNotSupported = 7,
    AddressTypeNotSupported = 8,
}

/// <summary>The messages of SOCKS5 (RFC 1928) and of its user/password authentication (RFC 1929).</summary>
internal static class SocksFormat
{
    public const byte Version = 5;
    public const byte AuthenticationVersion = 1;
    public const byte MethodNone = 0;
    public const byte MethodPassword = 2;
    public const byte NoMethod = 0xff;

    /// <summary>The maximum length of a reply and of a datagram header that this class writes: with an IPv6 address.</summary>
    public const int MaxReplyBytes = 22;

    private const byte TypeIPv4 = 1;
    private const byte TypeName = 3;
    private const byte TypeIPv6 = 4;

    /// <summary>Parses the authentication methods that a client offers.</summary>
    public static ParseStep TryParseGreeting(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> methods, out int length)
    {
        methods = default;
        length = 0;
        if (bytes.Length > 0 && bytes[0] != Version || bytes.Length > 1 && bytes[1] == 0)
            return ParseStep.Malformed;
        if (bytes.Length < 2 || bytes.Length < 2 + bytes[1])
            return ParseStep.NeedMore;
        length = 2 + bytes[1];
        methods = bytes[2..length];
        return ParseStep.Done;
    }

    /// <summary>Parses a user and password.</summary>
    public static ParseStep TryParseCredentials(
        ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> user, out ReadOnlySpan<byte> password, out int length)
    {
        user = password = default;
        length = 0;
        if (bytes.Length > 0 && bytes[0] != AuthenticationVersion)
            return ParseStep.Malformed;
        if (bytes.Length < 2 || bytes.Length < 3 + bytes[1])
            return ParseStep.NeedMore;
        var passwordAt = 3 + bytes[1];
        if (bytes.Length < passwordAt + bytes[passwordAt - 1])
            return ParseStep.NeedMore;
        length = passwordAt + bytes[passwordAt - 1];
        user = bytes[2..(passwordAt - 1)];
        password = bytes[passwordAt..length];
        return ParseStep.Done;
    }

    /// <summary>Parses a request.</summary>
    /// <param name="bytes">The bytes received so far.</param>
    /// <param name="command">The command, which may be unknown.</param>
    /// <param name="destination">The destination; empty if the address type is unknown.</param>
    /// <param name="length">The length of the request in bytes.</param>
    public static ParseStep TryParseRequest(ReadOnlySpan<byte> bytes, out SocksCommand command, out ProxyDestination? destination, out int length)
    {
        command = bytes.Length > 1 ? (SocksCommand)bytes[1] : default;
        destination = null;
        length = 0;
        if (bytes.Length > 0 && bytes[0] != Version || bytes.Length > 2 && bytes[2] != 0)
            return ParseStep.Malformed;
        if (bytes.Length < 4)
            return ParseStep.NeedMore;
        if (bytes[3] is not (TypeIPv4 or TypeName or TypeIPv6))
        {
            // The end of the request is unknown, and the session ends here anyway.
            length = bytes.Length;
            return ParseStep.Done;
        }

        var step = TryParseAddress(bytes[3..], out var found, out length);
        length += 3;
        if (step == ParseStep.Done)
            destination = found;
        return step;
    }

    /// <summary>Parses the header of a datagram (RFC 1928 section 7).</summary>
    /// <param name="bytes">The datagram.</param>
    /// <param name="fragment">The fragment number; 0 for a complete datagram.</param>
    /// <param name="destination">The destination.</param>
    /// <param name="length">The length of the header: the offset of the payload.</param>
    public static bool TryParseDatagram(ReadOnlySpan<byte> bytes, out byte fragment, out ProxyDestination destination, out int length)
    {
        fragment = 0;
        destination = default;
        length = 0;
        if (bytes.Length < 4 || bytes[0] != 0 || bytes[1] != 0)
            return false;
        fragment = bytes[2];
        if (TryParseAddress(bytes[3..], out destination, out length) != ParseStep.Done)
            return false;
        length += 3;
        return true;
    }

    /// <summary>Writes a reply.</summary>
    /// <param name="bytes">The buffer, at least <see cref="MaxReplyBytes"/>.</param>
    /// <param name="reply">The reply code.</param>
    /// <param name="bound">The bound address; none is written as 0.0.0.0 and port 0.</param>
    public static int WriteReply(Span<byte> bytes, SocksReply reply, InetEndpoint bound)
    {
        bytes[0] = Version;
        bytes[1] = (byte)reply;
        bytes[2] = 0;
        return 3 + WriteAddress(bytes[3..], bound);
    }

    /// <summary>Writes the header of a datagram.</summary>
    /// <param name="bytes">The buffer, at least <see cref="MaxReplyBytes"/>.</param>
    /// <param name="source">The sender.</param>
    public static int WriteDatagram(Span<byte> bytes, InetEndpoint source)
    {
        bytes[..3].Clear();
        return 3 + WriteAddress(bytes[3..], source);
    }

    private static int WriteAddress(Span<byte> bytes, InetEndpoint endpoint)
    {
        var address = endpoint.IsNone ? InetAddress.FromV4(0) : endpoint.Address;
        bytes[0] = address.IsV4 ? TypeIPv4 : TypeIPv6;
        var length = 1 + address.Write(bytes[1..]);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[length..], endpoint.Port);
        return length + 2;
    }

    // Type, address and port.
    private static ParseStep TryParseAddress(ReadOnlySpan<byte> bytes, out ProxyDestination destination, out int length)
    {
        destination = default;
        length = 0;
        if (bytes.Length < 2)
            return ParseStep.NeedMore;
        int end;
        switch (bytes[0])
        {
            case TypeIPv4:
                end = 1 + 4;
                break;
            case TypeIPv6:
                end = 1 + 16;
                break;
            case TypeName when bytes[1] > 0:
                end = 2 + bytes[1];
                break;
            default:
                return ParseStep.Malformed;
        }

        if (bytes.Length < end + 2)
            return ParseStep.NeedMore;
        var port = BinaryPrimitives.ReadUInt16BigEndian(bytes[end..]);
        if (bytes[0] == TypeName)
        {
            var name = bytes[2..end];
            foreach (var letter in name)
            {
                if (letter is <= 0x20 or >= 0x7f)
                    return ParseStep.Malformed;
            }

            destination = new ProxyDestination(Encoding.ASCII.GetString(name), default, port);
        }
        else
        {
            destination = new ProxyDestination("", InetAddress.FromBytes(bytes[1..end]), port);
        }

        length = end + 2;
        return ParseStep.Done;
    }
}
