using System.Buffers.Binary;
using Lanyard.NetStack;
using Lanyard.NetStack.Tests;
using Lanyard.Primitives;

namespace Lanyard.Fuzz;

/// <summary>
/// A host that receives frames of a neighbor and calls of an application while time passes. The neighbor follows the host's sequence numbers, so that its
/// segments are close to the window.
/// </summary>
internal static class HostStory
{
    private const int MaxSteps = 96;

    internal static readonly byte[] Protocols =
    [
        IpProtocol.Tcp, IpProtocol.Udp, IpProtocol.Icmp, IpProtocol.IcmpV6, IpProtocol.Igmp, IpProtocol.Fragment, IpProtocol.HopByHop, IpProtocol.Routing,
        IpProtocol.DestinationOptions, IpProtocol.NoNext, 50,
    ];

    internal static readonly InetAddress Group4 = InetAddress.Parse("239.1.2.3");
    internal static readonly InetAddress Group6 = InetAddress.Parse("ff15::1234");
    internal static readonly InetAddress LinkLocalA = InetAddress.Parse("fe80::a");
    internal static readonly MacAddress OtherMac = new(0x02_00_00_00_00_0c);
    internal static readonly InetAddress LinkLocalB = InetAddress.Parse("fe80::b");

    /// <summary>An IPv4 address whose claims by the neighbor a guarded host drops as forged.</summary>
    public static InetAddress Certified4 { get; } = InetAddress.Parse("10.1.0.66");

    /// <summary>The UDP port whose reassembled datagrams a guarded host drops.</summary>
    public const byte RefusedPort = 66;

    /// <summary>Limits that a story can reach.</summary>
    public static HostLimits Limits { get; } = new()
    {
        BufferBytes = 1 << 20, TcpConnections = 12, TcpTimeWait = 4, Neighbors = 8, PendingPacketsPerNeighbor = 4, PendingPackets = 8, ReassemblyDatagrams = 4,
        ReassemblyBytes = 64 << 10, MulticastGroups = 8, FrameSockets = 4, PathMtus = 4, RepliesPerSecond = 50, LoopbackPackets = 16,
    };

    /// <summary>Returns the index of a protocol in the story's table.</summary>
    public static byte IndexOf(byte protocol) => (byte)Protocols.IndexOf(protocol);

    /// <summary>Returns the IPv6 address for a choice.</summary>
    public static InetAddress Choose6(byte choice, bool isSource) => (choice % 8) switch
    {
        < 3 => isSource ? Pair.B6 : Pair.A6,
        3 => isSource ? LinkLocalB : LinkLocalA,
        4 => isSource ? Pair.A6 : Group6,
        5 => isSource ? InetAddress.AnyV6 : Ipv6Addresses.AllNodes,
        6 => isSource ? LinkLocalB : Ipv6Addresses.SolicitedNode(Pair.A6),
        _ => InetAddress.FromV6((ulong)choice << 56, choice),
    };

    /// <summary>Lives through an input.</summary>
    public static void Run(ReadOnlySpan<byte> input, bool isTcp)
    {
        var story = new FuzzInput(input);
        var host = new StoryHost(story.Byte());
        if (isTcp)
            host.Open(ref story);
        for (var i = 0; i < MaxSteps && !story.IsEmpty; i++)
            host.Step(ref story, isTcp);
        host.End();
    }

    /// <summary>Creates the host under test with the options that the flags choose.</summary>
    public static RawPeer MakePeer(byte flags) => new(options => options with
    {
        // With room for handshakes, a flood of them is answered with cookies.
        Limits = (flags & 2) != 0 ? Limits with { TcpConnections = 300 } : Limits,
        Mtu = (flags & 16) != 0 ? 9_000 : 2_800,
        NeighborAuthority = (flags & HostStoryWriter.Guarded) != 0 ? new Authority() : null,
        ReassemblyFilter = (flags & HostStoryWriter.Guarded) != 0 ? new PortFilter() : null,
        GivesUpContestedAddresses = (flags & 32) != 0,
        ReportGroups = (flags & 64) != 0 ? GroupReporting.WhenAsked : GroupReporting.Always,
        Tcp = new TcpOptions
        {
            Congestion = (CongestionAlgorithm)(flags >> 3 & 1), Pacing = (flags & 128) != 0, Ecn = (EcnMode)(flags >> 5 & 1), NegotiateUserTimeout = true,
            KeepAliveIdle = TimeSpan.FromSeconds(2), UserTimeout = TimeSpan.FromSeconds(flags & 64),
        },
    }, resolve: (flags & 4) != 0);

    // The neighbor owns B4 and B6. Claims of the host's addresses and of Certified4 are forged.
    private sealed class Authority : INeighborAuthority
    {
        public int Version => 1;

        public AddressClaim Judge(InetAddress address, MacAddress claimant) =>
            address == Pair.B4 || address == Pair.B6 ? AddressClaim.Valid
            : address == Certified4 || address == LinkLocalA || address == LinkLocalB || address == Pair.A6 ? AddressClaim.Forged
            : AddressClaim.Unknown;
    }

    private sealed class PortFilter : IReassemblyFilter
    {
        public bool Permits(MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> packet)
        {
            var header = etherType == NetworkHost.EtherTypeIPv4 ? Ipv4Packet.HeaderBytes : Ipv6Packet.HeaderBytes;
            return packet.Length < header + 4 || BinaryPrimitives.ReadUInt16BigEndian(packet[(header + 2)..]) != RefusedPort;
        }
    }
}
