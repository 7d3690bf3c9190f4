namespace Lanyard.NetStack;

/// <summary>ICMP types and codes (RFC 792, RFC 1122 section 3.2.2).</summary>
internal static class IcmpType
{
    public const byte EchoReply = 0;
    public const byte DestinationUnreachable = 3;
    public const byte Echo = 8;
    public const byte TimeExceeded = 11;
    public const byte ParameterProblem = 12;

    public const byte CodeNetwork = 0;
    public const byte CodeHost = 1;
    public const byte CodeProtocol = 2;
    public const byte CodePort = 3;
    public const byte CodeFragmentationNeeded = 4;
    public const byte CodeReassembly = 1;
}

/// <summary>ICMPv6 types and codes (RFC 4443).</summary>
internal static class IcmpV6Type
{
    public const byte DestinationUnreachable = 1;
    public const byte PacketTooBig = 2;
    public const byte TimeExceeded = 3;
    public const byte ParameterProblem = 4;
    public const byte Echo = 128;
    public const byte EchoReply = 129;

    /// <summary>The first type that is not an error.</summary>
    public const byte FirstInformational = 128;

    public const byte CodeNoRoute = 0;
    public const byte CodeProhibited = 1;
    public const byte CodeAddress = 3;
    public const byte CodePort = 4;
    public const byte CodeReassembly = 1;
    public const byte CodeUnknownHeader = 1;
}

/// <summary>An ICMP error about a packet of this host.</summary>
/// <param name="Error">The error; <see cref="NetError.MessageTooLong"/> if the packet was too big.</param>
/// <param name="IsHard">Whether the error is permanent, so that a retry is useless (RFC 1122 section 4.2.3.9).</param>
/// <param name="Mtu">The MTU of the path in bytes, if the packet was too big; otherwise 0.</param>
/// <param name="From">The address that sent the error.</param>
internal readonly record struct IcmpError(NetError Error, bool IsHard, int Mtu, Lanyard.Primitives.InetAddress From);
