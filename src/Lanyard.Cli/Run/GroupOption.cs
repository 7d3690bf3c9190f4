using Lanyard.Primitives;
using Lanyard.Service.Intercept;

namespace Lanyard.Cli.Run;

/// <summary>A call of setsockopt that joins or leaves a multicast group.</summary>
/// <param name="Group">The group.</param>
/// <param name="IsJoining">Whether it is joined.</param>
internal readonly record struct GroupOption(InetAddress Group, bool IsJoining)
{
    public const int LevelV4 = 0; // IPPROTO_IP
    public const int LevelV6 = 41; // IPPROTO_IPV6
    private const int JoinV4 = 35; // IP_ADD_MEMBERSHIP
    private const int LeaveV4 = 36; // IP_DROP_MEMBERSHIP
    private const int JoinV6 = 20; // IPV6_ADD_MEMBERSHIP
    private const int LeaveV6 = 21; // IPV6_DROP_MEMBERSHIP
    private const int Join = 42; // MCAST_JOIN_GROUP
    private const int Leave = 45; // MCAST_LEAVE_GROUP

    // struct ip_mreq (ip_mreqn is longer), ipv6_mreq, group_req; the group is at the beginning, of the last one as a sockaddr_storage behind the interface.
    private const int RequestBytesV4 = 8;
    private const int RequestBytesV6 = 20;
    private const int RequestBytes = 136;
    private const int NameOffset = 8;

    /// <summary>The options that do; which level each belongs to is for <see cref="TryRead"/> to see.</summary>
    public static int[] Options { get; } = [JoinV4, LeaveV4, JoinV6, LeaveV6, Join, Leave];

    /// <summary>What a call of setsockopt joins or leaves; false where it is another option, or does not have the length.</summary>
    public static bool TryRead(SupervisedCall call, out GroupOption group)
    {
        var (level, option, value, length) = ((int)call.Arguments[1], (int)call.Arguments[2], call.Arguments[3], (int)call.Arguments[4]);
        group = default;
        if (option is Join or Leave)
        {
            if (length < RequestBytes || !call.TryReadName(value + NameOffset, SocketName.MaxBytes, out var name))
                return false;
            group = new GroupOption(name.Address, option == Join);
            return true;
        }

        var bytes = (level, option) switch
        {
            (LevelV4, JoinV4 or LeaveV4) => RequestBytesV4,
            (LevelV6, JoinV6 or LeaveV6) => RequestBytesV6,
            _ => int.MaxValue,
        };
        Span<byte> address = stackalloc byte[level == LevelV4 ? 4 : 16];
        if (length < bytes || !call.TryRead(value, address))
            return false;
        group = new GroupOption(InetAddress.FromBytes(address), option is JoinV4 or JoinV6);
        return true;
    }
}
