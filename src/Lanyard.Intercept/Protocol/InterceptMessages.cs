using Lanyard.Primitives;

namespace Lanyard.Intercept.Protocol;

/// <summary>The type of a program's socket.</summary>
internal enum InterceptSocketType : uint
{
    Stream = 1,
    Datagram = 2,
}

/// <summary>An endpoint in a message; family 0 for none. The fields of this and the other messages are those of <c>native/intercept/protocol.h</c>.</summary>
internal partial struct InterceptEndpoint
{
    public static InterceptEndpoint Of(InetEndpoint endpoint)
    {
        var told = new InterceptEndpoint { Family = endpoint.Address.Family switch { InetFamily.IPv4 => 4, InetFamily.IPv6 => 6, _ => 0 }, Port = endpoint.Port };
        endpoint.Address.Write(told.Address);
        return told;
    }

    /// <summary>Reads the endpoint. An IPv4-mapped IPv6 address becomes an IPv4 address. Returns false for an unknown family.</summary>
    public readonly bool TryRead(out InetEndpoint endpoint)
    {
        ReadOnlySpan<byte> bytes = Address;
        endpoint = Family switch
        {
            4 => new InetEndpoint(InetAddress.FromBytes(bytes[..4]), Port),
            6 => new InetEndpoint(InetAddress.FromBytes(bytes).Unmapped, Port),
            _ => default,
        };
        return Family is 0 or 4 or 6;
    }
}

/// <summary>A reply. Endpoints or interfaces may follow.</summary>
internal partial struct InterceptReply
{
    /// <summary>A reply that leaves the call to the system.</summary>
    public static InterceptReply Host => new() { Magic = InterceptProtocol.Magic };

    public static InterceptReply Failed(int error) => new() { Magic = InterceptProtocol.Magic, Error = error, Verdict = InterceptVerdict.Virtual };

    public static InterceptReply Of(InetEndpoint first, InetEndpoint second = default) => new()
    {
        Magic = InterceptProtocol.Magic,
        Verdict = InterceptVerdict.Virtual,
        First = InterceptEndpoint.Of(first),
        Second = InterceptEndpoint.Of(second),
    };
}
