using System.Buffers.Binary;
using Lanyard.Wire.Packets;

namespace Lanyard.Cli.Dissect;

/// <summary>Names what passes the same ports as the protocol and is not it.</summary>
internal static class OtherTraffic
{
    private const int SsdpPort = 1900;
    private const int NatPmpPort = 5351;
    private const int NatPmpClientPort = 5350;
    private const int MdnsPort = 5353;
    private const int DnsPort = 53;
    private const int StunHeaderBytes = 20;
    private const uint StunCookie = 0x2112a442;

    /// <summary>What a datagram is, or null where it is a packet of the protocol or a part of one.</summary>
    public static string? NameOf(CapturedDatagram datagram)
    {
        var payload = datagram.Payload.Span;
        if (UsesPort(datagram, SsdpPort) && (payload.StartsWith("M-SEARCH "u8) || payload.StartsWith("NOTIFY "u8) || payload.StartsWith("HTTP/1.1 "u8)))
            return "SSDP (UPnP discovery)";
        if (UsesPort(datagram, NatPmpPort) || UsesPort(datagram, NatPmpClientPort))
            return payload.Length > 0 && payload[0] == 2 ? "PCP (port mapping)" : "NAT-PMP (port mapping)";
        if (UsesPort(datagram, MdnsPort))
            return "mDNS";
        if (UsesPort(datagram, DnsPort))
            return "DNS";
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

    private static bool UsesPort(CapturedDatagram datagram, int port) => datagram.From.Port == port || datagram.To.Port == port;
}
