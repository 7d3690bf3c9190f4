using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Protocol;

/// <summary>What a program's side asks for. The other half of this file is <c>native/intercept/protocol.h</c>, which says what each means.</summary>
internal enum InterceptOperation : ushort
{
    Connect = 1,
    Outcome = 2,
    Bind = 3,
    Listen = 4,
    Names = 5,
    Send = 6,
    Group = 7,
    Resolve = 8,
    Options = 9,
    Disconnect = 10,
    Interfaces = 11,
}

[Flags]
internal enum InterceptFlags : ushort
{
    None = 0,
    Join = 1,
    Echo = 2,
    Connect = 4,
    Groups = 8,
    Shared = 16,
    Source = 32,
    Block = 64,
    Outgoing = 128,
    Outside = 256,
    V4 = 512,
}

internal enum InterceptSocketType : uint
{
    Stream = 1,
    Datagram = 2,
}

/// <summary>An endpoint as it is told; family 0 is none.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct InterceptEndpoint
{
    public byte Family;
    public byte Padding;
    public ushort Port;
    public uint Scope;
    public AddressBytes Address;

    /// <summary>The bytes of an address in network byte order; of an IPv4 one the first four.</summary>
    [InlineArray(16)]
    public struct AddressBytes
    {
        private byte _first;
    }

    public static InterceptEndpoint Of(InetEndpoint endpoint)
    {
        var told = new InterceptEndpoint { Family = endpoint.Address.Family switch { InetFamily.IPv4 => 4, InetFamily.IPv6 => 6, _ => 0 }, Port = endpoint.Port };
        endpoint.Address.Write(told.Address);
        return told;
    }

    public readonly bool TryRead(out InetEndpoint endpoint)
    {
        ReadOnlySpan<byte> bytes = Address;
        endpoint = Family switch
        {
            4 => new InetEndpoint(InetAddress.FromBytes(bytes[..4]), Port),
            6 => new InetEndpoint(InetAddress.FromBytes(bytes), Port),
            _ => default,
        };
        return Family is 0 or 4 or 6;
    }
}

/// <summary>An address of this node and the interface of its network, 52 bytes: <c>struct lanyard_interface</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct InterceptInterface
{
    public const int NameBytes = 16;

    public InterceptEndpoint Address;
    public NameText Name;
    public uint Mtu;
    public MacBytes Mac;
    public ushort Padding;

    /// <summary>The Ethernet (MAC) address of an interface.</summary>
    [InlineArray(6)]
    public struct MacBytes
    {
        private byte _first;
    }

    /// <summary>An ASCII name, padded with zeros.</summary>
    [InlineArray(NameBytes)]
    public struct NameText
    {
        private byte _first;
    }
}

/// <summary>
/// A request, 96 bytes. The descriptor of its socket accompanies the message (<c>SCM_RIGHTS</c>). A <see cref="InterceptOperation.Resolve"/> request has no socket;
/// a host name follows it.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct InterceptRequest
{
    public const uint ExpectedMagic = 0x3449594c;
    public const int NameLimit = 255;

    public uint Magic;
    public InterceptOperation Operation;
    public InterceptFlags Flags;
    public ulong Network;
    public int Backlog;
    public uint Padding;
    public InterceptEndpoint VirtualEndpoint;
    public InterceptEndpoint FarEndpoint;
    public InterceptEndpoint OwnEndpoint;
}

/// <summary>A reply, 104 bytes. Endpoints or interfaces may follow.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct InterceptReply
{
    public uint Magic;
    public int Error;
    public InterceptVerdict Verdict;
    public ushort Count;
    public uint Flags;
    public InterceptEndpoint First;
    public InterceptEndpoint Second;
    public InterceptEndpoint Own;
    public Token SendToken;

    public const int TokenBytes = 16;

    /// <summary>What datagrams of a socket on an address of the system are to carry; else zeros.</summary>
    [InlineArray(TokenBytes)]
    public struct Token
    {
        private byte _first;
    }

    /// <summary>The maximum number of endpoints or interfaces that follow a reply.</summary>
    public const int ItemLimit = 32;

    /// <summary>Not a virtual network's: the system's business.</summary>
    public static InterceptReply Host => new() { Magic = InterceptRequest.ExpectedMagic };

    public static InterceptReply Failed(int error) => new() { Magic = InterceptRequest.ExpectedMagic, Error = error, Verdict = InterceptVerdict.Virtual };

    public static InterceptReply Of(InetEndpoint first, InetEndpoint second = default) => new()
    {
        Magic = InterceptRequest.ExpectedMagic,
        Verdict = InterceptVerdict.Virtual,
        First = InterceptEndpoint.Of(first),
        Second = InterceptEndpoint.Of(second),
    };
}

internal enum InterceptVerdict : ushort
{
    Host = 0,
    Virtual = 1,
}
