using System.Net;
using System.Net.Sockets;
using Lanyard.Engine;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard.Tests;

/// <summary>Ethernet frames from the application, and the addresses that members learn from them.</summary>
public sealed class FrameSocketTests
{
    private const ushort Type = 0x88b5;

    [Fact]
    public async Task Frames_go_from_member_to_member_and_to_groups()
    {
        await using var pair = await Pair.StartAsync();
        using var near = pair.A.OpenFrames(Type);
        using var far = pair.B.OpenFrames(Type);
        var buffer = new byte[100];
        var receiving = far.ReceiveAsync(buffer, TestLan.Guard);
        near.Send(pair.B.Mac, Type, "hello"u8);
        var frame = await receiving;
        Assert.Equal(new LanyardFrame(5, false, pair.A.Mac, pair.B.Mac, Type), frame);
        Assert.Equal("hello"u8.ToArray(), buffer[..5]);

        var group = new MacAddress(0x0180_c200_0021);
        Assert.True(far.JoinGroup(group));
        Assert.Contains(new LanyardMulticastGroup(group, null), pair.B.GetMulticastGroups());
        Assert.True(far.LeaveGroup(group));

        near.Send(pair.B.Mac, Type, new byte[60]);
        frame = await far.ReceiveAsync(buffer.AsMemory(0, 10), TestLan.Guard);
        Assert.Equal((10, true, 0L), (frame.Length, frame.IsTruncated, far.Dropped));
        Assert.Throws<ArgumentException>(() => near.Send(pair.B.Mac, Type, default));
        Assert.Throws<ArgumentException>(() => near.Send(pair.B.Mac, Type, new byte[3_000]));
        Assert.Throws<ArgumentOutOfRangeException>(() => near.Send(pair.B.Mac, 46, "x"u8));

        receiving = far.ReceiveAsync(buffer, TestLan.Guard);
        far.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => receiving.AsTask());
        receiving = near.ReceiveAsync(buffer, TestLan.Guard);
        await pair.A.Node.LeaveAsync(pair.A.Id, TestLan.Guard);
        await Assert.ThrowsAsync<LanyardNetworkException>(() => receiving.AsTask());
    }

    [Fact]
    public async Task A_member_that_claims_another_s_address_is_noticed_and_the_address_defended()
    {
        await using var pair = await Pair.StartAsync();
        var noticed = new TaskCompletionSource<(IPAddress, MacAddress, bool)>(TaskCreationOptions.RunContinuationsAsynchronously);
        pair.A.AddressConflict += (_, args) => noticed.TrySetResult((args.Address, args.Claimant, args.IsLost));
        using var frames = pair.B.OpenFrames(NetworkHost.EtherTypeArp);
        // An ARP reply: Ethernet and IPv4, B's Ethernet address and A's IP address, to A.
        var claim = new byte[28];
        new byte[] { 0, 1, 8, 0, 6, 4, 0, 2 }.CopyTo(claim, 0);
        pair.B.Mac.Write(claim.AsSpan(8));
        Pair.Address(pair.A).Write(claim.AsSpan(14));
        pair.A.Mac.Write(claim.AsSpan(18));
        Pair.Address(pair.A).Write(claim.AsSpan(24));
        frames.Send(pair.A.Mac, NetworkHost.EtherTypeArp, claim);
        Assert.Equal((Pair.Address(pair.A).ToIPAddress(), pair.B.Mac, false), await noticed.Task.WaitAsync(TestLan.Guard));
        Assert.Equal(1, pair.A.Counters[HostCounter.AddressesDefended]);
        Assert.NotNull(pair.A.IPv4Address);
    }

    [Fact]
    public async Task An_address_that_another_has_is_given_up_and_the_app_is_told()
    {
        await using var pair = await Pair.StartAsync();
        var noticed = new TaskCompletionSource<(IPAddress, MacAddress, bool)>(TaskCreationOptions.RunContinuationsAsynchronously);
        pair.A.AddressConflict += (_, args) => noticed.TrySetResult((args.Address, args.Claimant, args.IsLost));
        var address = InetAddress.Parse("fd77::1");
        var port = pair.A.Port;
        using (new GateHold(port.Runtime))
        {
            Assert.True(port.Host.AddAddress(port.Runtime.NowMicroseconds, new InetPrefix(address, 64)));
            port.Virtual.Receive(new EthernetFrame(pair.B.Mac, port.Engine.Mac, NetworkHost.EtherTypeIPv6, Advertisement(address, Pair.Address(pair.B))));
        }

        Assert.Equal((address.ToIPAddress(), pair.B.Mac, true), await noticed.Task.WaitAsync(TestLan.Guard));
        Assert.DoesNotContain(pair.A.Addresses, prefix => prefix.Address == address);
        Assert.Equal(3, pair.A.Addresses.Count);
    }

    // A neighbor advertisement, from a link-local address to the target itself.
    private static byte[] Advertisement(InetAddress target, InetAddress from)
    {
        var packet = new byte[40 + 24];
        (packet[0], packet[5], packet[6], packet[7]) = (0x60, 24, 58, 255);
        InetAddress.FromV6(0xfe80_0000_0000_0000, from.V4).Write(packet.AsSpan(8));
        target.Write(packet.AsSpan(24));
        (packet[40], packet[44]) = (136, 0x20);
        target.Write(packet.AsSpan(48));
        // The pseudo-header's addresses, length and type, and the message.
        var sum = 24 + 58;
        for (var at = 8; at < packet.Length; at += 2)
            sum += (packet[at] << 8) | packet[at + 1];
        sum = (sum & 0xffff) + (sum >> 16);
        sum = ~((sum & 0xffff) + (sum >> 16));
        (packet[42], packet[43]) = ((byte)(sum >> 8), (byte)sum);
        return packet;
    }
}
