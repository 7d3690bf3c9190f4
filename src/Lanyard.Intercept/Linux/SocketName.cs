using System.Buffers.Binary;
using Lanyard.Intercept.Hub;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Linux;

/// <summary>Socket addresses in the form of system calls: <c>struct sockaddr_in</c> and <c>struct sockaddr_in6</c>.</summary>
internal static class SocketName
{
    /// <summary>The maximum length of any socket address (<c>struct sockaddr_storage</c>).</summary>
    public const int MaxBytes = 128;

    private const int V4Bytes = 16;
    private const int V6Bytes = 28;

    // The scope may be missing.
    private const int MinV6Bytes = 24;

    /// <summary>Reads a socket address. Returns false unless it is of IPv4 or IPv6. An IPv4-mapped IPv6 address becomes an IPv4 address.</summary>
    public static bool TryRead(ReadOnlySpan<byte> name, out InetEndpoint endpoint)
    {
        endpoint = default;
        if (name.Length < sizeof(ushort))
            return false;
        switch (BitConverter.ToUInt16(name))
        {
            case Libc.DomainV4 when name.Length >= V4Bytes:
                endpoint = new InetEndpoint(InetAddress.FromBytes(name.Slice(4, 4)), BinaryPrimitives.ReadUInt16BigEndian(name[2..]));
                return true;
            case Libc.DomainV6 when name.Length >= MinV6Bytes:
                var address = InetAddress.FromBytes(name.Slice(8, 16));
                if (address.V6High == 0 && address.V6Low >> 32 == 0xffff)
                    address = InetAddress.FromV4((uint)address.V6Low);
                endpoint = new InetEndpoint(address, BinaryPrimitives.ReadUInt16BigEndian(name[2..]));
                return true;
            default:
                return false;
        }
    }

    /// <summary>Writes a socket address of a domain. Returns its length.</summary>
    public static int Write(InetEndpoint endpoint, int domain, Span<byte> name)
    {
        var length = domain == Libc.DomainV4 ? V4Bytes : V6Bytes;
        name[..length].Clear();
        BitConverter.TryWriteBytes(name, (ushort)domain);
        BinaryPrimitives.WriteUInt16BigEndian(name[2..], endpoint.Port);
        if (domain == Libc.DomainV4)
        {
            if (endpoint.Address.IsV4)
                endpoint.Address.Write(name[4..]);
        }
        else if (endpoint.Address.IsV6)
        {
            endpoint.Address.Write(name[8..]);
        }
        else if (endpoint.Address.IsV4 && !endpoint.Address.IsUnspecified)
        {
            name.Slice(18, 2).Fill(0xff);
            endpoint.Address.Write(name[20..]);
        }

        return length;
    }

    /// <summary>Returns whether an address is a loopback address, but not an alias address.</summary>
    public static bool IsLoopback(InetEndpoint endpoint) => endpoint.Address.IsLoopback && !IsNear(endpoint) && !IsFar(endpoint);

    /// <summary>Returns whether an address is an alias of a program's own end.</summary>
    public static bool IsNear(InetEndpoint endpoint) => LoopbackAliases.IsNear(endpoint.Address);

    /// <summary>Returns whether an address is an alias of a peer.</summary>
    public static bool IsFar(InetEndpoint endpoint) => LoopbackAliases.IsFar(endpoint.Address);

    /// <summary>Returns whether a socket is bound or connected to a loopback alias address.</summary>
    public static bool IsVirtual(SocketDescriptor socket) =>
        (socket.TryGetNear(out var near) && IsNear(near)) || (socket.TryGetFar(out var far) && IsFar(far));
}
