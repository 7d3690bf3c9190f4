using System.Buffers.Binary;
using System.Text;
using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>How far the reading of a message got.</summary>
internal enum ParseStep
{
    /// <summary>It is complete.</summary>
    Done,

    /// <summary>So far it is right, but some is missing.</summary>
    NeedMore,

    /// <summary>It is none, whatever follows.</summary>
    Malformed,
}

/// <summary>What a client wants of SOCKS5 (RFC 1928 section 4).</summary>
internal enum SocksCommand : byte
{
    Connect = 1,
    Bind = 2,
    UdpAssociate = 3,
}

/// <summary>How SOCKS5 answers (RFC 1928 section 6).</summary>
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

/// <summary>The messages of SOCKS5 (RFC 1928) and its user and password (RFC 1929).</summary>
internal static class SocksFormat
{
    public const byte Version = 5;
    public const byte AuthenticationVersion = 1;
    public const byte MethodNone = 0;
    public const byte MethodPassword = 2;
    public const byte NoMethod = 0xff;

    /// <summary>The longest reply, and the longest head of a datagram that is written here: with an IPv6 address.</summary>
    public const int MaxReplyBytes = 22;

    private const byte TypeIPv4 = 1;
    private const byte TypeName = 3;
    private const byte TypeIPv6 = 4;

    /// <summary>Reads which methods of authentication a client knows.</summary>
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

    /// <summary>Reads a user and password.</summary>
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

    /// <summary>Reads a request.</summary>
    /// <param name="bytes">What came so far.</param>
    /// <param name="command">What is wanted; may be none that is known.</param>
    /// <param name="destination">Where; nowhere if the type of address is none that is known.</param>
    /// <param name="length">How long it is.</param>
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
            // Where it ends cannot be known, and nothing follows that matters.
            length = bytes.Length;
            return ParseStep.Done;
        }

        var step = TryParseAddress(bytes[3..], out var found, out length);
        length += 3;
        if (step == ParseStep.Done)
            destination = found;
        return step;
    }

    /// <summary>Reads the head of a datagram (RFC 1928 section 7).</summary>
    /// <param name="bytes">The datagram.</param>
    /// <param name="fragment">Which fragment it is; 0 where it is whole.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="length">Where the payload begins.</param>
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
    /// <param name="bytes">Takes <see cref="MaxReplyBytes"/>.</param>
    /// <param name="reply">What it says.</param>
    /// <param name="bound">The address that goes with it; none is written as 0.0.0.0 and port 0.</param>
    public static int WriteReply(Span<byte> bytes, SocksReply reply, InetEndpoint bound)
    {
        bytes[0] = Version;
        bytes[1] = (byte)reply;
        bytes[2] = 0;
        return 3 + WriteAddress(bytes[3..], bound);
    }

    /// <summary>Writes the head of a datagram.</summary>
    /// <param name="bytes">Takes <see cref="MaxReplyBytes"/>.</param>
    /// <param name="source">Who sent it.</param>
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
