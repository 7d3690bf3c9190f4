using System.Buffers.Binary;
using Lanyard.NetStack;
using Lanyard.Primitives;

namespace Lanyard;

/// <summary>
/// Remembers from which Ethernet address a TCP connection was opened, until it is accepted or has come about: an IP address can be claimed by any
/// member, an Ethernet address only by the node that it belongs to. Under the gate.
/// </summary>
/// <remarks>Bounded: where more are under way than there is room for, the oldest are forgotten, and their connections' callers are
/// unknown.</remarks>
internal sealed class CallerTable
{
    private const int Capacity = 4_096;
    private const byte ProtocolTcp = 6;
    private const int IPv4HeaderBytes = 20;
    private const int IPv6HeaderBytes = 40;
    private const int FragmentOffsetMask = 0x1fff;
    private const int TcpFlagsOffset = 13;
    private const byte SynFlag = 0x02;

    private readonly Dictionary<Call, MacAddress> _calls = [];
    private readonly Queue<Call> _order = new();

    /// <summary>Looks at a frame. The first SYN of a connection counts: later ones do not change whose it is.</summary>
    public void Note(MacAddress source, ushort etherType, ReadOnlySpan<byte> packet)
    {
        InetAddress remote;
        InetAddress local;
        ReadOnlySpan<byte> tcp;
        if (etherType == NetworkHost.EtherTypeIPv4 && packet.Length > IPv4HeaderBytes && packet[9] == ProtocolTcp)
        {
            // A later fragment has data where the flags would be.
            var headerBytes = (packet[0] & 0x0f) * 4;
            if (headerBytes < IPv4HeaderBytes || (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & FragmentOffsetMask) != 0
                || packet.Length <= headerBytes + TcpFlagsOffset || !OpensConnection(tcp = packet[headerBytes..]))
                return;
            remote = InetAddress.FromBytes(packet.Slice(12, 4));
            local = InetAddress.FromBytes(packet.Slice(16, 4));
        }
        else if (etherType == NetworkHost.EtherTypeIPv6 && packet.Length > IPv6HeaderBytes + TcpFlagsOffset && packet[6] == ProtocolTcp)
        {
            if (!OpensConnection(tcp = packet[IPv6HeaderBytes..]))
                return;
            remote = InetAddress.FromBytes(packet.Slice(8, 16));
            local = InetAddress.FromBytes(packet.Slice(24, 16));
        }
        else
        {
            return;
        }

        var call = new Call(
            new InetEndpoint(remote, BinaryPrimitives.ReadUInt16BigEndian(tcp)),
            new InetEndpoint(local, BinaryPrimitives.ReadUInt16BigEndian(tcp[2..])));
        if (!_calls.TryAdd(call, source))
            return;
        _order.Enqueue(call);
        if (_order.Count > Capacity)
            _calls.Remove(_order.Dequeue());
    }

    /// <summary>Whose SYN opened a connection that is accepted now, or has come about. Forgets it.</summary>
    public bool TryTake(InetEndpoint remote, InetEndpoint local, out MacAddress mac) => _calls.Remove(new Call(remote, local), out mac);

    private static bool OpensConnection(ReadOnlySpan<byte> tcp) => (tcp[TcpFlagsOffset] & SynFlag) != 0;

    private readonly record struct Call(InetEndpoint Remote, InetEndpoint Local);
}
