using System.Net;
using Lanyard.Intercept.Protocol;
using Lanyard.Intercept.Supervision;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Tests;

/// <summary>Addresses in a program's memory: control messages and socket options.</summary>
public sealed class PacketInformationTests
{
    // struct cmsghdr and struct in_pktinfo: 28 bytes, padded to 32.
    private static readonly byte[] s_information = [28, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 7, 0, 0, 0, 10, 1, 2, 3, 10, 1, 2, 4, 0, 0, 0, 0];

    // An IP_TTL control message.
    private static readonly byte[] s_other = [20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0];

    [Fact]
    public void Only_the_own_address_is_read_and_removed()
    {
        byte[] control = [.. s_other, .. s_information, .. s_other];
        Assert.True(PacketInformation.TryReadSource(control, out var source));
        Assert.Equal(InetAddress.Parse("10.1.2.3"), source);
        Assert.Equal(2 * s_other.Length, PacketInformation.RemoveSource(control));
        Assert.Equal((byte[])[.. s_other, .. s_other], control[..(2 * s_other.Length)]);
        Assert.False(PacketInformation.TryReadSource(s_other, out _));
    }

    [Fact]
    public void A_datagram_reports_its_destination()
    {
        byte[] control = [.. s_other, .. s_information];
        PacketInformation.WriteDestination(control, new DatagramOrigin(default, InetEndpoint.Parse("239.1.1.1:5"), InetAddress.Parse("10.77.0.2"), 0x100007));
        Assert.Equal((byte[])[7, 0, 16, 0, 10, 77, 0, 2, 239, 1, 1, 1], control[(s_other.Length + 16)..(s_other.Length + 28)]);
        Assert.Equal(s_other, control[..s_other.Length]);
    }

    [Fact]
    public void Random_program_memory_is_read_without_failure()
    {
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var control = new byte[random.Next(80)];
            random.NextBytes(control);
            if (control.Length >= 16)
                (control[1], control[2], control[3], control[4], control[5], control[6], control[7]) = (0, 0, 0, 0, 0, 0, 0);
            _ = PacketInformation.TryReadSource(control, out _);
            PacketInformation.WriteDestination(control, new DatagramOrigin(default, InetEndpoint.Parse("[fd00::1]:5"), InetAddress.Parse("fd00::1"), 1));
            Assert.InRange(PacketInformation.RemoveSource(control), 0, control.Length);
            _ = GroupOption.TryParse(random.Next(2) == 0 ? 0 : 41, random.Next(70), control, out _);
        }
    }

    [Theory]
    [InlineData(0, 35, "efff0001" + "0a4d0002", "Group", "Join", "239.255.0.1", "", "10.77.0.2", 0)] // IP_ADD_MEMBERSHIP
    [InlineData(0, 36, "efff0001" + "00000000" + "07001000", "Group", "None", "239.255.0.1", "", "0.0.0.0", 0x100007)] // IP_DROP_MEMBERSHIP
    [InlineData(0, 39, "e8010203" + "00000000" + "0a4d0003", "Group", "Join, Source", "232.1.2.3", "10.77.0.3", "0.0.0.0", 0)] // IP_ADD_SOURCE_MEMBERSHIP
    [InlineData(0, 38, "e8010203" + "00000000" + "0a4d0003", "Group", "Join, Block", "232.1.2.3", "10.77.0.3", "0.0.0.0", 0)] // IP_BLOCK_SOURCE
    [InlineData(41, 20, "ff150000000000000000000000000007" + "07001000", "Group", "Join", "ff15::7", "", "", 0x100007)] // IPV6_JOIN_GROUP
    [InlineData(0, 32, "0a4d0002", "Options", "Outgoing", "", "", "10.77.0.2", 0)] // IP_MULTICAST_IF
    [InlineData(41, 17, "07001000", "Options", "Outgoing", "", "", "", 0x100007)] // IPV6_MULTICAST_IF
    [InlineData(0, 34, "00", "Options", "None", "", "", "", 0)] // IP_MULTICAST_LOOP
    public void Options_about_groups_are_read(int level, int option, string value, string operation, string flags, string group, string source, string own, uint index)
    {
        Assert.True(GroupOption.TryParse(level, option, Convert.FromHexString(value), out var read));
        static InetAddress Address(string text) => text.Length == 0 ? default : InetAddress.FromIPAddress(IPAddress.Parse(text));
        Assert.Equal(
            new GroupOption(Enum.Parse<InterceptOperation>(operation), Enum.Parse<InterceptFlags>(flags), Address(group), Address(source), Address(own), index), read);
        Assert.False(GroupOption.TryParse(level, 200, Convert.FromHexString(value), out _));
    }
}
