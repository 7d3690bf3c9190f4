namespace Lanyard.Wire.Packets;

/// <summary>What a UDP datagram is, by its length and marks alone.</summary>
public enum DatagramKind : byte
{
    /// <summary>A packet or the head of one: <see cref="PacketView"/> reads it.</summary>
    Packet,

    /// <summary>A later part of a packet: <see cref="FragmentView"/> reads it.</summary>
    Fragment,

    /// <summary>A LAN announcement as nodes before 1.0.4 sent it: 13 bytes, the last five of them the sender's address.</summary>
    Beacon,

    /// <summary>Up to 16 bytes of no meaning, sent to open a NAT or a firewall.</summary>
    HolePunch,

    /// <summary>Nothing that the protocol knows: too short for a packet, too long for one, or a fragment with impossible numbers.</summary>
    Invalid,
}

/// <summary>Sorts datagrams.</summary>
public static class Datagram
{
    private const int BeaconBytes = 13;

    /// <summary>What the datagram is.</summary>
    public static DatagramKind Classify(ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length == BeaconBytes)
            return DatagramKind.Beacon;
        if (datagram.Length <= PacketFormat.FragmentHeaderBytes)
            return DatagramKind.HolePunch;
        if (datagram[PacketFormat.FragmentIndicatorOffset] == PacketFormat.FragmentIndicator)
            return FragmentView.TryParse(datagram, out _) ? DatagramKind.Fragment : DatagramKind.Invalid;
        return PacketView.TryParse(datagram, out _) ? DatagramKind.Packet : DatagramKind.Invalid;
    }

    /// <summary>The sender's address in a <see cref="DatagramKind.Beacon"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The datagram is shorter than a beacon.</exception>
    public static NodeAddress BeaconSender(ReadOnlySpan<byte> beacon) => NodeAddress.Read(beacon[(BeaconBytes - NodeAddress.Size)..]);
}
