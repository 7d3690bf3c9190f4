using System.Net;
using System.Net.Sockets;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>Between endpoints and the system's own form of them, whose layout (port at 2, IPv4 at 4, IPv6 at 8) systems share.</summary>
internal static class EndpointAddress
{
    public const int PortOffset = 2;
    public const int V4Offset = 4;
    public const int V6Offset = 8;

    public static SocketAddress ToSocketAddress(in InetEndpoint endpoint) => endpoint.ToIPEndPoint().Serialize();

    /// <summary>Reads what the system said a datagram's source is; none where it is neither IPv4 nor IPv6.</summary>
    public static InetEndpoint Read(SocketAddress address)
    {
        var port = (ushort)((address[PortOffset] << 8) | address[PortOffset + 1]);
        if (address.Family == AddressFamily.InterNetwork)
        {
            var v4 = 0u;
            for (var i = 0; i < 4; i++)
                v4 = (v4 << 8) | address[V4Offset + i];
            return new InetEndpoint(InetAddress.FromV4(v4), port);
        }

        if (address.Family != AddressFamily.InterNetworkV6)
            return default;
        return new InetEndpoint(InetAddress.FromV6(ReadUInt64(address, V6Offset), ReadUInt64(address, V6Offset + 8)), port);
    }

    private static ulong ReadUInt64(SocketAddress address, int offset)
    {
        var value = 0UL;
        for (var i = 0; i < 8; i++)
            value = (value << 8) | address[offset + i];
        return value;
    }
}

#if !NET
/// <summary>An endpoint that keeps the system's form, so that older frameworks' calls, which ask for it each time, make none.</summary>
internal sealed class PreparedEndPoint : EndPoint
{
    private SocketAddress _address;

    public PreparedEndPoint(SocketAddress address) => _address = address;

    public override AddressFamily AddressFamily => _address.Family;

    public SocketAddress Address => _address;

    public override SocketAddress Serialize() => _address;

    public override EndPoint Create(SocketAddress socketAddress)
    {
        _address = socketAddress;
        return this;
    }
}
#endif
