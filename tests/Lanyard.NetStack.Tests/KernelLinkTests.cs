using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>The Linux kernel as a neighbor: what it says of groups and of contested addresses. As root only; elsewhere skipped.</summary>
[SupportedOSPlatform("linux")]
public class KernelLinkTests
{
    [Theory]
    [InlineData("239.1.2.3")]
    [InlineData("ff15::1234")]
    public async Task The_host_reports_groups_as_the_kernel_does(string text)
    {
        using var peer = Make();
        var group = InetAddress.Parse(text);
        FrameSocket? frames;
        lock (peer.Lock)
            Assert.Equal(NetError.None, peer.Host.OpenFrames(group.IsV4 ? NetworkHost.EtherTypeIPv4 : NetworkHost.EtherTypeIPv6, null, out frames));
        using var heard = new ManualResetEventSlim();
        var kernel = peer.InKernel(() =>
        {
            using var socket = new Socket(group.IsV4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
            // Again and again, until it is reported alone: at first the kernel has other groups to tell of in the same report.
            for (var i = 0; i < 10 && !heard.IsSet; i++)
            {
                Change(socket, text, isJoin: true);
                heard.Wait(TimeSpan.FromSeconds(2));
                Change(socket, text, isJoin: false);
            }

            return true;
        });
        var theirs = await ReportOf(peer, frames!, group);
        heard.Set();
        Assert.True(await kernel);

        // The host's own, with the kernel's address in place of its own: every other byte is the same.
        // Over IPv6 that is nobody's as long as its link-local one is being checked.
        var source = group.IsV4 ? new InetPrefix(Pair.B4, 24) : new InetPrefix(InetAddress.FromBytes(theirs.AsSpan(8, 16)), 64);
        var own = new RawPeer(options => options with { Addresses = source.Address.IsUnspecified ? [] : [source] });
        own.Host.OpenUdp(default, null, out var socket);
        Assert.True(socket!.JoinGroup(own.Now, group));
        Assert.Equal(Convert.ToHexString(theirs), Convert.ToHexString(own.Frames.Dequeue().Packet));
    }

    [Fact]
    public void An_address_that_the_kernel_has_is_given_up()
    {
        using var peer = Make();
        // The kernel's end of the link may have been brought up a moment ago, and not hear the one question yet.
        var isLost = false;
        for (var i = 0; i < 10 && !isLost; i++)
        {
            lock (peer.Lock)
            {
                peer.Host.RemoveAddress(peer.Now, Pair.B6);
                Assert.True(peer.Host.AddAddress(peer.Now, new InetPrefix(Pair.B6, 64)));
            }

            isLost = peer.WaitFor(() => peer.Host.Counters[HostCounter.AddressesLost] == 1, milliseconds: 2_000);
        }

        Assert.True(isLost);
        lock (peer.Lock)
            Assert.DoesNotContain(peer.Host.Addresses, address => address.Address == Pair.B6);
    }

    [Fact]
    public async Task The_kernel_gives_an_address_up_that_the_host_has()
    {
        using var peer = Make();
        var addresses = await peer.InKernel(() =>
        {
            Ip("addr", "add", $"{Pair.A6}/64", "dev", "tap0");
            var shown = "";
            for (var waited = Stopwatch.StartNew(); waited.Elapsed < TimeSpan.FromSeconds(20) && !shown.Contains("dadfailed", StringComparison.Ordinal);)
                shown = Ip("-6", "addr", "show", "dev", "tap0");
            return shown;
        });
        Assert.Contains($"{Pair.A6}/64 scope global dadfailed", addresses, StringComparison.Ordinal);
    }

    private static KernelPeer Make()
    {
        if (KernelPeer.WhyNot is { } reason)
            Assert.Skip(reason);
        return new KernelPeer();
    }

    // The kernel's report of one group alone, of joining it.
    private static async Task<byte[]> ReportOf(KernelPeer peer, FrameSocket frames, InetAddress group)
    {
        var needle = new byte[4 + group.Length];
        needle[0] = (byte)GroupRecordType.ToExclude;
        group.Write(needle.AsSpan(4));
        byte[]? report = null;
        var buffer = new byte[3_000];
        Assert.True(await Task.Run(() => peer.WaitFor(() =>
        {
            while (report is null && frames.TryReceive(buffer, out var info))
            {
                var packet = buffer.AsSpan(0, info.Length);
                if (packet.EndsWith(needle) && packet[^(needle.Length + 1)] == 1)
                    report = packet.ToArray();
            }

            return report is not null;
        })));
        return report!;
    }

    private static void Change(Socket socket, string group, bool isJoin)
    {
        var option = isJoin ? SocketOptionName.AddMembership : SocketOptionName.DropMembership;
        if (socket.AddressFamily == AddressFamily.InterNetwork)
            socket.SetSocketOption(SocketOptionLevel.IP, option, new MulticastOption(IPAddress.Parse(group), Pair.B4.ToIPAddress()));
        else
            socket.SetSocketOption(SocketOptionLevel.IPv6, option, new IPv6MulticastOption(IPAddress.Parse(group), TapIndex()));
    }

    private static int TapIndex() => int.Parse(Ip("-o", "link", "show", "tap0").Split(':')[0], System.Globalization.CultureInfo.InvariantCulture);

    private static string Ip(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output;
    }
}
