using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Lanyard.Intercept.Linux;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Supervision;

/// <summary>The sender and the destination of a datagram of a virtual network.</summary>
/// <param name="Sender">The sender.</param>
/// <param name="Local">The destination address or group; none if only the sender is known.</param>
/// <param name="Own">This node's address.</param>
/// <param name="Index">The index of the interface that represents the network.</param>
internal readonly record struct DatagramOrigin(InetEndpoint Sender, InetEndpoint Local = default, InetAddress Own = default, uint Index = 0);

/// <summary>
/// Control messages of datagrams that contain addresses and interfaces (<c>cmsg(3)</c>, <c>IP_PKTINFO</c>, <c>IPV6_PKTINFO</c>, <c>IP_ORIGDSTADDR</c>). Counterpart
/// of <c>native/intercept/control.c</c> for supervised programs.
/// </summary>
internal static class PacketInformation
{
    // struct cmsghdr: length, level, type.
    private const int HeaderBytes = 16;
    private const int LevelV4 = 0; // IPPROTO_IP
    private const int LevelV6 = 41; // IPPROTO_IPV6
    private const int InformationV4 = 8; // IP_PKTINFO
    private const int InformationV6 = 50; // IPV6_PKTINFO
    private const int OriginalDestination = 20; // IP_ORIGDSTADDR

    // struct in_pktinfo: index, source address, destination; struct in6_pktinfo: destination, index.
    private const int BytesV4 = 12;
    private const int BytesV6 = 20;
    private const int NameBytesV4 = 16;

    /// <summary>Reads the source address from a datagram's control messages. Returns false if they contain none.</summary>
    public static bool TryReadSource(ReadOnlySpan<byte> control, out InetAddress source)
    {
        source = default;
        for (var at = 0; TryNext(control, ref at, out var message);)
        {
            if (IsV4(message))
            {
                source = InetAddress.FromBytes(message.Slice(HeaderBytes + 4, 4));
                return true;
            }

            if (IsV6(message))
            {
                source = Plain(InetAddress.FromBytes(message.Slice(HeaderBytes, 16)));
                return true;
            }
        }

        return false;
    }

    /// <summary>Removes the messages that <see cref="TryReadSource"/> reads. Returns the remaining length.</summary>
    public static int RemoveSource(Span<byte> control)
    {
        var kept = 0;
        for (var at = 0; TryNext(control, ref at, out var message);)
        {
            if (IsV4(message) || IsV6(message))
                continue;
            control[(at - Aligned(message.Length))..Math.Min(at, control.Length)].CopyTo(control[kept..]);
            kept += Aligned(message.Length);
        }

        return Math.Min(kept, control.Length);
    }

    /// <summary>Writes the destination on the virtual network into the control messages of a datagram.</summary>
    public static void WriteDestination(Span<byte> control, DatagramOrigin origin)
    {
        if (origin.Local.IsNone)
            return;
        Span<byte> name = stackalloc byte[SocketName.MaxBytes];
        SocketName.Write(origin.Local, Libc.DomainV6, name);
        for (var at = 0; TryNext(control, ref at, out var found);)
        {
            var message = control.Slice(at - Aligned(found.Length), found.Length);
            if (IsV4(message))
            {
                message.Slice(HeaderBytes, BytesV4).Clear();
                MemoryMarshal.Write(message[HeaderBytes..], origin.Index);
                if (origin.Own.IsV4)
                    origin.Own.Write(message[(HeaderBytes + 4)..]);
                if (origin.Local.Address.IsV4)
                    origin.Local.Address.Write(message[(HeaderBytes + 8)..]);
            }
            else if (IsV6(message))
            {
                name.Slice(8, 16).CopyTo(message[HeaderBytes..]);
                MemoryMarshal.Write(message[(HeaderBytes + 16)..], origin.Index);
            }
            else if (Is(message, LevelV4, OriginalDestination, NameBytesV4))
            {
                SocketName.Write(origin.Local, Libc.DomainV4, message[HeaderBytes..]);
            }
        }
    }

    private static bool IsV4(ReadOnlySpan<byte> message) => Is(message, LevelV4, InformationV4, BytesV4);

    private static bool IsV6(ReadOnlySpan<byte> message) => Is(message, LevelV6, InformationV6, BytesV6);

    private static bool Is(ReadOnlySpan<byte> message, int level, int type, int bytes) => message.Length >= HeaderBytes + bytes
        && BinaryPrimitives.ReadInt32LittleEndian(message[8..]) == level && BinaryPrimitives.ReadInt32LittleEndian(message[12..]) == type;

    private static InetAddress Plain(InetAddress address) =>
        address.V6High == 0 && address.V6Low >> 32 == 0xffff ? InetAddress.FromV4((uint)address.V6Low) : address;

    private static int Aligned(int length) => (length + sizeof(long) - 1) & ~(sizeof(long) - 1);

    // Reads the message at a position and advances to the next. Returns false at the end or before an invalid message.
    private static bool TryNext(ReadOnlySpan<byte> control, ref int at, out ReadOnlySpan<byte> message)
    {
        message = default;
        if (control.Length - at < HeaderBytes)
            return false;
        var length = BinaryPrimitives.ReadUInt64LittleEndian(control[at..]);
        if (length < HeaderBytes || length > (ulong)(control.Length - at))
            return false;
        message = control.Slice(at, (int)length);
        at += Aligned((int)length);
        return true;
    }
}
