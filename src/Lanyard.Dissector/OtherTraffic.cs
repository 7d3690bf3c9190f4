using System.Buffers.Binary;
using Lanyard.Wire.Packets;

namespace Lanyard.Dissector;

/// <summary>Names traffic of other protocols on the same ports.</summary>
internal static class OtherTraffic
{
    private const int SsdpPort = 1900;
    private const int NatPmpPort = 5351;
    private const int NatPmpClientPort = 5350;
    private const int MdnsPort = 5353;
    private const int DnsPort = 53;
    private const int DnsHeaderBytes = 12;
    private const int NatPmpVersion = 0;
    private const int NatPmpMaxBytes = 16;
    private const int PcpVersion = 2;
    private const int StunHeaderBytes = 20;
    private const uint StunCookie = 0x2112a442;

    /// <summary>Returns the name of a datagram's protocol; null for a packet of this protocol or a part of one.</summary>
    public static string? NameOf(CapturedDatagram datagram)
    {
        var payload = datagram.Payload.Span;
        if (UsesPort(datagram, SsdpPort)
            && (payload.StartsWith("M-SEARCH "u8) || payload.StartsWith("NOTIFY "u8) || payload.StartsWith("HTTP/1.1 "u8)))
            return "SSDP (UPnP discovery)";
        if (UsesPort(datagram, NatPmpPort) || UsesPort(datagram, NatPmpClientPort))
        {
            switch (payload.Length > 0 ? payload[0] : -1)
            {
                case NatPmpVersion when payload.Length <= NatPmpMaxBytes:
                    return "NAT-PMP (port mapping)";
                case PcpVersion when payload.Length % 4 == 0:
                    return "PCP (port mapping)";
                default:
                    break;
            }
        }

        // Nodes may also use port 53.
        if ((UsesPort(datagram, MdnsPort) || UsesPort(datagram, DnsPort)) && payload.Length >= DnsHeaderBytes && IsDns(payload))
            return UsesPort(datagram, MdnsPort) ? "mDNS" : "DNS";
        if (payload.Length >= StunHeaderBytes && BinaryPrimitives.ReadUInt32BigEndian(payload[4..]) == StunCookie && payload[0] < 4)
            return "STUN";
        return Datagram.Classify(payload) switch
        {
            DatagramKind.Packet or DatagramKind.Fragment => null,
            DatagramKind.Beacon => $"a LAN beacon of {Datagram.BeaconSender(payload)} (nodes before 1.0.4)",
            DatagramKind.HolePunch when payload.IsEmpty => "an empty datagram",
            DatagramKind.HolePunch => $"hole punching ({payload.Length} bytes)",
            _ => $"not the protocol ({payload.Length} bytes)",
        };
    }

    // The counts of questions and answers are small, and unused fields are zero.
    private static bool IsDns(ReadOnlySpan<byte> payload) =>
        BinaryPrimitives.ReadUInt16BigEndian(payload[4..]) + BinaryPrimitives.ReadUInt16BigEndian(payload[6..]) is > 0 and < 64
        && (payload[3] & 0x40) == 0;

    private static bool UsesPort(CapturedDatagram datagram, int port) => datagram.From.Port == port || datagram.To.Port == port;
}
