using System.Runtime.InteropServices;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Supervision;

/// <summary>A setsockopt call for a multicast group, or for an option that the service applies. Counterpart of <c>native/intercept/groups.c</c>.</summary>
/// <param name="Operation">The request to the service: <see cref="InterceptOperation.Group"/> or <see cref="InterceptOperation.Options"/>.</param>
/// <param name="Flags">The flags of the request.</param>
/// <param name="Group">The group.</param>
/// <param name="Source">The source in the group; none for all sources.</param>
/// <param name="Own">The address of this node that selects the interface; none for any.</param>
/// <param name="Index">The interface index; 0 for any.</param>
internal readonly record struct GroupOption(InterceptOperation Operation, InterceptFlags Flags, InetAddress Group, InetAddress Source, InetAddress Own, uint Index)
{
    public const int LevelV4 = 0; // IPPROTO_IP
    public const int LevelV6 = 41; // IPPROTO_IPV6

    // struct ip_mreq, ip_mreqn, ip_mreq_source and ipv6_mreq; group_req and group_source_req have the interface first, then sockaddr_storage addresses.
    private const int RequestBytesV4 = 8;
    private const int LongRequestBytesV4 = 12;
    private const int RequestBytesV6 = 20;
    private const int NameOffset = 8;
    private const int RequestBytes = NameOffset + SocketName.MaxBytes;
    private const int SourceRequestBytes = RequestBytes + SocketName.MaxBytes;

    /// <summary>The numbers of the handled options, of both levels.</summary>
    public static int[] Options { get; } = [.. InterceptTables.DatagramOptions.Select(row => row.Option).Distinct()];

    /// <summary>Whether the option is an option of the socket itself, which the service reads.</summary>
    public bool IsSetting => Operation == InterceptOperation.Options && Flags == InterceptFlags.None;

    /// <summary>Reads a setsockopt call. Returns false for another option or an invalid length.</summary>
    public static bool TryRead(SupervisedCall call, out GroupOption option)
    {
        var (level, number, address, length) = ((int)call.Arguments[1], (int)call.Arguments[2], call.Arguments[3], (int)call.Arguments[4]);
        option = default;
        Span<byte> value = stackalloc byte[SourceRequestBytes];
        value = value[..Math.Clamp(length, 0, SourceRequestBytes)];
        return level is LevelV4 or LevelV6 && call.TryRead(address, value) && TryParse(level, number, value, out option);
    }

    /// <summary>Reads the value of an option. Returns false for another option or an invalid length.</summary>
    internal static bool TryParse(int level, int number, ReadOnlySpan<byte> value, out GroupOption option)
    {
        var (_, _, form, flags) = InterceptTables.DatagramOptions.FirstOrDefault(row => row.Level == level && row.Option == number);
        option = form switch
        {
            DatagramOptionForm.Setting => new GroupOption(InterceptOperation.Options, flags, default, default, default, 0),
            DatagramOptionForm.Group when value.Length >= RequestBytes => OfNames(flags, value, hasSource: false),
            DatagramOptionForm.Source when value.Length >= SourceRequestBytes => OfNames(flags, value, hasSource: true),
            DatagramOptionForm.GroupV4 when value.Length >= RequestBytesV4 => new GroupOption(
                InterceptOperation.Group, flags, AddressV4(value), default, AddressV4(value[4..]), value.Length >= LongRequestBytesV4 ? Number(value[8..]) : 0),
            DatagramOptionForm.SourceV4 when value.Length >= LongRequestBytesV4 => new GroupOption(
                InterceptOperation.Group, flags, AddressV4(value), AddressV4(value[8..]), AddressV4(value[4..]), 0),
            DatagramOptionForm.GroupV6 when value.Length >= RequestBytesV6 => new GroupOption(
                InterceptOperation.Group, flags, InetAddress.FromBytes(value[..16]), default, default, Number(value[16..])),
            DatagramOptionForm.OutgoingV4 when value.Length >= sizeof(int) => new GroupOption(
                InterceptOperation.Options, flags, default, default, AddressV4(value.Length >= RequestBytesV4 ? value[4..] : value),
                value.Length >= LongRequestBytesV4 ? Number(value[8..]) : 0),
            DatagramOptionForm.OutgoingV6 when value.Length >= sizeof(int) => new GroupOption(
                InterceptOperation.Options, flags, default, default, default, Number(value)),
            _ => default,
        };
        return option.Operation != 0;
    }

    private static GroupOption OfNames(InterceptFlags flags, ReadOnlySpan<byte> value, bool hasSource)
    {
        var source = default(InetEndpoint);
        return SocketName.TryRead(value.Slice(NameOffset, SocketName.MaxBytes), out var group)
            && (!hasSource || SocketName.TryRead(value.Slice(RequestBytes, SocketName.MaxBytes), out source))
            ? new GroupOption(InterceptOperation.Group, flags, group.Address, source.Address, default, Number(value)) : default;
    }

    private static InetAddress AddressV4(ReadOnlySpan<byte> value) => InetAddress.FromBytes(value[..4]);

    private static uint Number(ReadOnlySpan<byte> value) => MemoryMarshal.Read<uint>(value);
}
