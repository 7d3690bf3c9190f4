using System.Runtime.InteropServices;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Supervision;

/// <summary>A setsockopt call for a multicast group, or for an option that the service applies. Same options as in <c>native/intercept/groups.c</c>.</summary>
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

    // IPPROTO_IP options.
    private const int TrafficV4 = 1; // IP_TOS
    private const int HopLimitV4 = 2; // IP_TTL
    private const int OutgoingV4 = 32; // IP_MULTICAST_IF
    private const int GroupHopLimitV4 = 33; // IP_MULTICAST_TTL
    private const int GroupLoopV4 = 34; // IP_MULTICAST_LOOP
    private const int JoinV4 = 35; // IP_ADD_MEMBERSHIP
    private const int LeaveV4 = 36; // IP_DROP_MEMBERSHIP
    private const int UnblockV4 = 37; // IP_UNBLOCK_SOURCE
    private const int BlockV4 = 38; // IP_BLOCK_SOURCE
    private const int JoinSourceV4 = 39; // IP_ADD_SOURCE_MEMBERSHIP
    private const int LeaveSourceV4 = 40; // IP_DROP_SOURCE_MEMBERSHIP

    // IPPROTO_IPV6 options.
    private const int HopLimitV6 = 16; // IPV6_UNICAST_HOPS
    private const int OutgoingV6 = 17; // IPV6_MULTICAST_IF
    private const int GroupHopLimitV6 = 18; // IPV6_MULTICAST_HOPS
    private const int GroupLoopV6 = 19; // IPV6_MULTICAST_LOOP
    private const int JoinV6 = 20; // IPV6_ADD_MEMBERSHIP
    private const int LeaveV6 = 21; // IPV6_DROP_MEMBERSHIP
    private const int TrafficV6 = 67; // IPV6_TCLASS

    // Options of both levels.
    private const int Join = 42; // MCAST_JOIN_GROUP
    private const int Block = 43; // MCAST_BLOCK_SOURCE
    private const int Unblock = 44; // MCAST_UNBLOCK_SOURCE
    private const int Leave = 45; // MCAST_LEAVE_GROUP
    private const int JoinSource = 46; // MCAST_JOIN_SOURCE_GROUP
    private const int LeaveSource = 47; // MCAST_LEAVE_SOURCE_GROUP

    // struct ip_mreq, ip_mreqn, ip_mreq_source and ipv6_mreq; group_req and group_source_req have the interface first, then sockaddr_storage addresses.
    private const int RequestBytesV4 = 8;
    private const int LongRequestBytesV4 = 12;
    private const int RequestBytesV6 = 20;
    private const int NameOffset = 8;
    private const int RequestBytes = NameOffset + SocketName.MaxBytes;
    private const int SourceRequestBytes = RequestBytes + SocketName.MaxBytes;

    /// <summary>The options that do; which level each belongs to is for <see cref="TryRead"/> to see.</summary>
    public static int[] Options { get; } =
    [
        TrafficV4, HopLimitV4, OutgoingV4, GroupHopLimitV4, GroupLoopV4, JoinV4, LeaveV4, UnblockV4, BlockV4, JoinSourceV4, LeaveSourceV4, HopLimitV6, OutgoingV6,
        GroupHopLimitV6, GroupLoopV6, JoinV6, LeaveV6, TrafficV6, Join, Block, Unblock, Leave, JoinSource, LeaveSource,
    ];

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
        option = (level, number) switch
        {
            (_, Join or Leave) when value.Length >= RequestBytes => OfNames(number, value),
            (_, Block or Unblock or JoinSource or LeaveSource) when value.Length >= SourceRequestBytes => OfNames(number, value),
            (LevelV4, JoinV4 or LeaveV4) when value.Length >= RequestBytesV4 => new GroupOption(
                InterceptOperation.Group, FlagsOf(number), AddressV4(value), default, AddressV4(value[4..]), value.Length >= LongRequestBytesV4 ? Number(value[8..]) : 0),
            (LevelV4, UnblockV4 or BlockV4 or JoinSourceV4 or LeaveSourceV4) when value.Length >= LongRequestBytesV4 => new GroupOption(
                InterceptOperation.Group, FlagsOf(number), AddressV4(value), AddressV4(value[8..]), AddressV4(value[4..]), 0),
            (LevelV6, JoinV6 or LeaveV6) when value.Length >= RequestBytesV6 => new GroupOption(
                InterceptOperation.Group, FlagsOf(number), InetAddress.FromBytes(value[..16]), default, default, Number(value[16..])),
            (LevelV4, OutgoingV4) when value.Length >= sizeof(int) => new GroupOption(
                InterceptOperation.Options, InterceptFlags.Outgoing, default, default, AddressV4(value.Length >= RequestBytesV4 ? value[4..] : value),
                value.Length >= LongRequestBytesV4 ? Number(value[8..]) : 0),
            (LevelV6, OutgoingV6) when value.Length >= sizeof(int) => new GroupOption(
                InterceptOperation.Options, InterceptFlags.Outgoing, default, default, default, Number(value)),
            (LevelV4, TrafficV4 or HopLimitV4 or GroupHopLimitV4 or GroupLoopV4) or (LevelV6, HopLimitV6 or GroupHopLimitV6 or GroupLoopV6 or TrafficV6) =>
                new GroupOption(InterceptOperation.Options, InterceptFlags.None, default, default, default, 0),
            _ => default,
        };
        return option.Operation != 0;
    }

    private static GroupOption OfNames(int number, ReadOnlySpan<byte> value)
    {
        var source = default(InetEndpoint);
        return SocketName.TryRead(value.Slice(NameOffset, SocketName.MaxBytes), out var group)
            && (number is Join or Leave || SocketName.TryRead(value.Slice(RequestBytes, SocketName.MaxBytes), out source))
            ? new GroupOption(InterceptOperation.Group, FlagsOf(number), group.Address, source.Address, default, Number(value)) : default;
    }

    private static InterceptFlags FlagsOf(int number) => number switch
    {
        JoinV4 or JoinV6 or Join => InterceptFlags.Join,
        JoinSourceV4 or JoinSource => InterceptFlags.Join | InterceptFlags.Source,
        LeaveSourceV4 or LeaveSource => InterceptFlags.Source,
        BlockV4 or Block => InterceptFlags.Join | InterceptFlags.Block,
        UnblockV4 or Unblock => InterceptFlags.Block,
        _ => InterceptFlags.None,
    };

    private static InetAddress AddressV4(ReadOnlySpan<byte> value) => InetAddress.FromBytes(value[..4]);

    private static uint Number(ReadOnlySpan<byte> value) => MemoryMarshal.Read<uint>(value);
}
