using Lanyard.Dissector;

namespace Lanyard.Wire.Tests.Packets;

public sealed class RecordedPacketTests
{
    public static TheoryData<string, string> Recordings => Recording.All;

    [Theory]
    [MemberData(nameof(Recordings))]
    public void Every_recorded_packet_is_authentic_under_the_nodes_keys(string recording, string node)
    {
        var packets = Recording.Read(recording, node).Where(entry => entry.Other is null).ToList();

        Assert.NotEmpty(packets);
        Assert.All(packets, packet => Assert.Equal(PacketState.Authentic, packet.State));
    }
}
